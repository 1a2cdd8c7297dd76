"""A year of quotes at its real size, from B3's ZIP to what readers see: `make bench`.

The command itself, `python -m flows.backfill --dataset quotes`, brings the year into an empty local
cloud, in a process of its own. When its steps began and ended is what Prefect's server says of the
flow run's tasks.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from bench.cotahist import YEAR, Bar, make_files
from bench.running import (
    ROOT,
    Sample,
    covered_seconds,
    local_cloud,
    read_glue_seconds,
    read_task_runs,
    run_flow,
)
from infra.local.prefect_server import prefect_server

# What each of the flow's tasks is part of; the rest is `other`.
STEPS = {
    "download-quotes": "fetch",
    "land-zip": "land",
    "convert-quotes": "read",
    "write-raw": "write raw",
    "look-at-month": "look and plan",
    "find-attempts": "look and plan",
    "start-glue-run": "Spark",
    "wait-for-glue-run": "Spark",
    "audit-month": "audit",
    "register-partitions": "publish",
    "publish-month": "publish",
}
OTHER, BETWEEN, SPARK_ALONE = "other tasks", "between tasks", "Spark, as Glue says"
SECONDS_BAR, MEMORY_BAR = 62, 400


class Year(NamedTuple):
    """What one run took.

    Attributes:
        seconds: On the clock, from the command's start to its end.
        cpu_seconds: Of the flow's process alone: Spark is another one.
        peak_bytes: The most memory that the flow's process ever held.
        steps: `{step: seconds}`.
        memory: `{step: the most that a sample found while it ran}`, in bytes.
        others: Names of the tasks that no step is known of.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    steps: dict[str, float]
    memory: dict[str, int]
    others: set[str]


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve the files of a folder until the block ends; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def measure(quotes_url: str) -> Year:
    """Bring the year into an empty lake.

    Raises:
        RuntimeError: The command failed; the message is the end of what it said.
    """
    span = ["--start", str(YEAR.first_date), "--end", str(YEAR.last_date)]
    arguments = ["--dataset", "quotes", *span]
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        with local_cloud(state) as cloud, prefect_server(state) as prefect:
            env = {**os.environ, **cloud, **prefect, "B3_QUOTES_URL": quotes_url}
            samples: list[Sample] = []
            started = time.perf_counter()
            usage = run_flow("flows.backfill", arguments, env, state / "flow.log", samples)
            seconds = time.perf_counter() - started
            tasks = read_task_runs(prefect["PREFECT_API_URL"])
            spark = sum(read_glue_seconds(cloud))
    steps: dict[str, float] = defaultdict(float)
    memory: dict[str, int] = defaultdict(int)
    for task in tasks:
        step = STEPS.get(task.name, OTHER)
        steps[step] += (task.ended_at - task.started_at).total_seconds()
        held = (s.held_bytes for s in samples if task.started_at <= s.at <= task.ended_at)
        memory[step] = max([memory[step], *held])
    steps[BETWEEN] = seconds - covered_seconds(tasks)
    steps[SPARK_ALONE] = spark
    return Year(
        seconds,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024,
        steps,
        memory,
        {task.name for task in tasks if task.name not in STEPS},
    )


def describe(years: Sequence[Year]) -> Iterator[str]:
    """Yield the table: seconds and memory of each step, in minimum, median and maximum."""
    yield f"{'':22}{'seconds':>24}{'memory of the flow, MB':>28}"
    yield f"{'':22}" + f"{'min':>8}{'med':>8}{'max':>8}" * 2
    for step in [*dict.fromkeys(STEPS.values()), SPARK_ALONE, OTHER, BETWEEN]:
        taken = _spread([year.steps.get(step, 0.0) for year in years], ".1f")
        is_sampled = any(year.memory.get(step) for year in years)
        held = _spread([year.memory.get(step, 0) / 1e6 for year in years], ".0f")
        yield f"{step:<22}{taken}{held if is_sampled else ''}"
    yield (
        f"{'in all':<22}{_spread([year.seconds for year in years], '.1f')}"
        f"{_spread([year.peak_bytes / 1e6 for year in years], '.0f')}"
    )
    yield f"{'processors, the flow':<22}{_spread([year.cpu_seconds for year in years], '.1f')}"
    names = sorted(set().union(*(year.others for year in years)))
    yield f"{OTHER}: {', '.join(names) or 'none'}"


def _spread(values: Sequence[float], form: str) -> str:
    figures = (min(values), statistics.median(values), max(values))
    return "".join(f"{figure:>8{form}}" for figure in figures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.year", description=__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--runs", type=int, default=1, help="how often (default: 1)")
    options = parser.parse_args(arguments)
    cache = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    make_files(cache)
    load = os.getloadavg()[0]
    print(
        f"{YEAR.file_name} to published; {platform.platform()}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}"
    )
    with serve(cache) as url:
        years = [measure(url) for _ in range(options.runs)]
    print(*describe(years), sep="\n")
    seconds = statistics.median(year.seconds for year in years)
    peak = max(year.peak_bytes for year in years) / 1e6
    bars = [
        Bar("the year, in all", seconds, "s", "≤", SECONDS_BAR),
        Bar("peak memory of the flow's process", peak, "MB", "≤", MEMORY_BAR),
    ]
    print(*bars, sep="\n")
    return 0 if all(bar.holds for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
