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
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.b3.sessions import Portfolio, generate_portfolio
from infra.local.prefect_server import prefect_server
from infra.local.up import local_cloud
from tasks.core.exchange import previous_session
from tasks.core.portfolio.tables import RAW_PORTFOLIO

INDEX = "IBOV"
LATEST = dt.date(2025, 8, 28)  # the twentieth session of its month
COUNTS = (20, 2500)
ROUNDS = 3
BAR = 1.5
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("index_code", "cod", "asset", "type", "segment")),
        ("part", pa.decimal128(6, 3)),
        ("theorical_qty", pa.int64()),
        ("header_part", pa.decimal128(6, 3)),
        ("header_theorical_qty", pa.int64()),
        ("header_reductor", pa.decimal128(28, 8)),
        ("extracted_at", pa.timestamp("ns")),
    ]
)


def last_sessions(count: int) -> list[dt.date]:
    """Return the last sessions up to the latest one."""
    sessions = [LATEST]
    while len(sessions) < count:
        sessions.append(previous_session(sessions[-1]))
    return sessions


def raw_rows(portfolio: Portfolio) -> list[dict[str, Any]]:
    """Return a generated session as the rows of its raw object."""
    return [
        {
            "index_code": portfolio.index_code,
            "cod": row.ticker,
            "asset": row.asset_name,
            "type": f"{row.share_class:<3} {row.corporate_event or '':<3} "
            f"{row.listing_segment or ''}".rstrip(),
            "segment": row.sector,
            "part": row.weight_pct,
            "theorical_qty": row.theoretical_quantity,
            "header_part": portfolio.total_weight_pct,
            "header_theorical_qty": portfolio.total_theoretical_quantity,
            "header_reductor": portfolio.index_divisor,
            "extracted_at": dt.datetime(2025, 9, 1, 12),  # noqa: DTZ001 - raw keeps UTC so
        }
        for row in portfolio.constituents
    ]


def fill_raw(lake: Path, sessions: Sequence[dt.date]) -> None:
    """Write the raw object of each session."""
    for session in sessions:
        path = lake / RAW_PORTFOLIO.object_key(str(session), INDEX)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = raw_rows(generate_portfolio(INDEX, session))
        pq.write_table(
            pa.Table.from_pylist(rows, schema=_SCHEMA), path, use_deprecated_int96_timestamps=True
        )


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
        fill_raw(state / "lake" / "b3-lake", last_sessions(count))
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
