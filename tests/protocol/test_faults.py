"""Every flow survives one failure of every kind of call to AWS that it makes, all in one run.

Each flow runs as a function over the stand-in and B3's replay; the failures are those of
`wire.Kind`. What a run asks of AWS stands here: a call of a new kind must be tried as well.
"""

import datetime as dt
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest

from infra.local.b3.replay import Replay, start
from tasks import report
from tests.protocol.lake import Lake
from tests.protocol.runs import flows_of, save_portfolio, settings
from tests.protocol.stage import Stage
from tests.protocol.wire import KINDS, SPECIAL, Fault, Kind
from tests.standin.glue import BUCKET, DATABASE

SESSION = dt.date(2025, 8, 4)
INDEX = "IDIV"
READS = ["s3:ListObjectsV2", "s3:GetObject"]
WRITES_RAW = [*READS, "s3:PutObject", "glue:GetTable", "glue:BatchCreatePartition"]
PUBLISHES = [
    *WRITES_RAW,
    "glue:GetJobRuns",
    "glue:StartJobRun",
    "glue:GetJobRun",
    "glue:GetPartition",
    "glue:CreatePartition",
]
SWEEPS = [*READS, "glue:GetJobRuns", "glue:GetPartition", "glue:GetPartitions"]
CALLS = {
    "portfolio": PUBLISHES,
    "quotes": PUBLISHES,
    "levels": ["s3:ListObjectsV2", *WRITES_RAW[2:]],
    "levels again": WRITES_RAW,
    "import": PUBLISHES,
    "backfill": PUBLISHES,
    "revision": [*PUBLISHES[:-1], "glue:UpdatePartition"],
    "report": [*READS, "s3:HeadObject", "s3:PutObject"],
    "marking": [*SWEEPS, "s3:PutObject"],
    "removing": [*SWEEPS, "s3:DeleteObjects"],
}
PORTFOLIO_TABLES = ["portfolio_daily", "portfolio_daily_summary", "portfolio_monthly"]
QUOTES_TABLES = ["quotes_daily", "quotes_monthly"]
FILLS = {
    "portfolio": PORTFOLIO_TABLES,
    "quotes": QUOTES_TABLES,
    "levels": ["index_levels"],
    "levels again": ["index_levels"],
    "import": PORTFOLIO_TABLES,
    "backfill": QUOTES_TABLES,
    "revision": PORTFOLIO_TABLES,
    "report": PORTFOLIO_TABLES,
    "marking": PORTFOLIO_TABLES,
    "removing": PORTFOLIO_TABLES,
}
BEFORE = {
    "levels again": ["levels"],
    "revision": ["portfolio"],
    "report": ["portfolio"],
    "marking": ["portfolio", "revision"],
    "removing": ["portfolio", "revision", "marking"],
}


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with start(session=SESSION) as running:
        yield running


@pytest.fixture
def run(
    stage: Stage, lake: Lake, replay: Replay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], Any]:
    """Runs a flow by name; what must have been before it is run first."""
    for name, value in settings(replay.url).items():
        monkeypatch.setenv(name, value)
    for name in ("create_progress_artifact", "update_progress_artifact"):
        monkeypatch.setattr(report, name, lambda *_, **__: None)
    saved = tmp_path / "saved.csv"
    save_portfolio(saved, INDEX, SESSION)
    flows = flows_of(INDEX, SESSION, saved)
    flows |= {"levels again": flows["levels"]}
    flows |= dict.fromkeys(("marking", "removing"), flows["vacuum"])
    numbers = itertools.count()

    def run_flow(name: str) -> Any:
        if name in ("marking", "removing"):
            lake.passes(days=3)
        return stage.actor(f"{name}-{next(numbers)}", flows[name]).ends()

    return run_flow


def rows_of(table: str) -> Counter[str]:
    """What readers of a table see, but for when it was read from its source."""
    glue: Any = boto3.client("glue")
    found: Counter[str] = Counter()
    for partition in glue.get_partitions(DatabaseName=DATABASE, TableName=table)["Partitions"]:
        prefix = partition["StorageDescriptor"]["Location"].removeprefix(f"s3://{BUCKET}/")
        for body in Lake.bodies(prefix, ".parquet"):
            rows = pq.read_table(io.BytesIO(body)).to_pylist()
            found.update(str(row | {"extracted_at": None}) for row in rows)
    return found


@pytest.fixture(scope="module")
def without_faults() -> dict[str, dict[str, Counter[str]]]:
    """What readers see after each flow that met no failure, as the tests find out."""
    return {}


def failures_of(flow: str, turn: int) -> list[tuple[str, Kind]]:
    """Return each of a flow's kinds of call, with the failure whose turn it is."""
    return [
        (action, KINDS[(number + turn) % len(KINDS)]) for number, action in enumerate(CALLS[flow])
    ]


CASES = [
    pytest.param(flow, failures_of(flow, turn), id=f"{flow}-{turn}".replace(" ", "-"))
    for flow in CALLS
    for turn in range(len(KINDS))
] + [
    pytest.param(flow, [(action, kind)], id=f"{flow}-{action}-{kind}")
    for flow in ("portfolio", "revision", "removing")
    for action, kind in SPECIAL
    if action in set(CALLS[flow]) - (set() if flow == "portfolio" else set(PUBLISHES))
]


def begin(flow: str, run: Callable[[str], Any]) -> None:
    for before in BEFORE.get(flow, []):
        run(before)


@pytest.mark.parametrize("flow", CALLS)
def test_what_a_run_asks_of_aws_is_known(
    stage: Stage, run: Callable[[str], Any], flow: str
) -> None:
    begin(flow, run)
    stage.wire.seen.clear()
    assert run(flow).is_completed()
    assert set(stage.wire.seen) == set(CALLS[flow])


@pytest.mark.parametrize("flow", CALLS)
def test_each_kind_of_call_meets_each_kind_of_failure(flow: str) -> None:
    met = [pair for turn in range(len(KINDS)) for pair in failures_of(flow, turn)]
    assert sorted(met) == sorted(itertools.product(CALLS[flow], KINDS))


@pytest.mark.parametrize(("flow", "failures"), CASES)
def test_failures_of_calls_are_survived(
    stage: Stage,
    lake: Lake,
    run: Callable[[str], Any],
    without_faults: dict[str, dict[str, Counter[str]]],
    flow: str,
    failures: list[tuple[str, Kind]],
) -> None:
    begin(flow, run)
    starts = stage.glue_starts
    faults = [Fault(action, kind) for action, kind in failures]
    stage.wire.faults += faults
    assert run(flow).is_completed()
    assert not [fault for fault in faults if fault.times]
    assert stage.glue_starts - starts == CALLS[flow].count("glue:StartJobRun")
    seen = {table: rows_of(table) for table in FILLS[flow]}
    assert all(seen.values())
    assert seen == without_faults.setdefault(flow, seen)
    if flow in ("marking", "removing"):
        attempts = {key.split("attempt=")[1][:32] for key in lake.keys("refined/")}
        assert len(attempts) == (1 if flow == "removing" else 2)
