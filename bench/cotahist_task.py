"""One thing to measure, in a process of its own.

`python -m bench.cotahist_task TASK ZIP PERIOD REPEATS`, where the task is `drain`, `convert1` or
`convert3` (on one thread or three).

Prints the best times and the process's peak memory as JSON.
"""

import json
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

_DRAIN_BYTES = 1024**2


def drain(path: Path, _: Path) -> None:
    """Unpack the text and let it go: the least that any reader has to do."""
    with zipfile.ZipFile(path) as archive, archive.open(archive.infolist()[0]) as text:
        while text.read(_DRAIN_BYTES):
            pass


def _convert(threads: int, period_text: str) -> Callable[[Path, Path], None]:
    # Imported here, so that draining is not charged with the memory of libraries.
    from infra.local.b3.cotahist_files import parse_period
    from tasks.core.quotes.convert import convert_quotes

    period = parse_period(period_text)

    def convert(path: Path, scratch: Path) -> None:
        convert_quotes(path, scratch / "quotes", period, threads=threads)

    return convert


def main(task: str, path: Path, period: str, repeats: int) -> None:
    """Do a task some times and print its best times in seconds and the peak memory in bytes."""
    run = drain if task == "drain" else _convert(int(task.removeprefix("convert")), period)
    best = best_cpu = float("inf")
    for _ in range(repeats):
        scratch = Path(tempfile.mkdtemp(dir=path.parent))
        try:
            start, start_cpu = time.perf_counter(), time.process_time()
            run(path, scratch)
            best = min(best, time.perf_counter() - start)
            best_cpu = min(best_cpu, time.process_time() - start_cpu)
        finally:
            shutil.rmtree(scratch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": best, "cpu_seconds": best_cpu, "peak_bytes": peak}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
