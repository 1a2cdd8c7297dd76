"""What refreshing one session costs with a long history stored, against a short one.

Two lakes on the local cloud, of 20 and of 2,500 sessions: the portfolio flow refines, audits and
publishes the latest session's month in each. Run by `make bench`.
"""

import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bench.lake import fill_raw, last_sessions
from infra.local.prefect_server import prefect_server
from infra.local.setup import LAKE_BUCKET
from infra.local.up import local_cloud

INDEX = "IBOV"
LATEST = dt.date(2025, 8, 28)  # the twentieth session of its month
COUNTS = (20, 2500)
ROUNDS = 3
BAR = 1.5


class Cost(NamedTuple):
    """What one refresh costs: time, calls to AWS, and objects read or written among them."""

    seconds: float
    calls: int
    objects: int


def refresh(environment: dict[str, str], state: Path) -> Cost:
    """Refresh the latest session.

    Looks at the Glue run are not counted: there are as many as it takes time.
    """
    trail = state / "trail.jsonl"
    before = len(trail.read_text().splitlines())
    started = time.perf_counter()
    command = [sys.executable, "-m", "flows.portfolio", "--trading-date", str(LATEST), "--force"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    lines = trail.read_text().splitlines()[before:]
    actions = Counter(json.loads(line)["action"] for line in lines)
    del actions["glue:GetJobRun"]
    objects = actions["s3:GetObject"] + actions["s3:PutObject"]
    return Cost(seconds, actions.total(), objects)


def measure(count: int) -> Cost:
    """Return the cost of a refresh with so many sessions stored: the least of some rounds."""
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        fill_raw(state / "lake" / LAKE_BUCKET, [INDEX], last_sessions(LATEST, count))
        with local_cloud(state) as cloud, prefect_server(state) as prefect:
            environment = {**os.environ, **cloud.env, **prefect}
            runs = [refresh(environment, state) for _ in range(ROUNDS)]
    best = min(runs)
    print(
        f"  {count:>5} sessions stored: {best.seconds:.1f} s, {best.calls} AWS calls, "
        f"{best.objects} objects read or written"
    )
    return best


def main() -> int:
    """Measure both and print the ratio; return 1 when it misses its bar."""
    print(f"Refreshing one session; {platform.platform()}, Python {platform.python_version()}")
    short, long = (measure(count) for count in COUNTS)
    ratio = long.seconds / short.seconds
    is_met = ratio <= BAR and long.objects == short.objects
    mark = "ok" if is_met else "MISSED"
    print(
        f"long history / short: {ratio:.2f} (bar {BAR}), objects {long.objects} / {short.objects}: "
        f"{mark}"
    )
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
