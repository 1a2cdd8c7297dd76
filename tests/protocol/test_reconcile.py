"""The reconciliation, from raw of portfolios, quotes and levels to what readers see.

The flow runs as a function over the stand-in, on what the replay of B3 shows.
"""

import datetime as dt
import io
import itertools
import json
from collections.abc import Callable
from decimal import Decimal
from inspect import unwrap
from types import SimpleNamespace
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest

from bench.skipping import raw_rows
from flows.reconcile import check_span, reconcile
from flows.reconciling import mend_reconciliation
from flows.settings import Settings
from flows.verify import verify
from infra.local.b3.sessions import SESSIONS, index_level, published_portfolio
from tasks import report
from tasks.catalog import find_location
from tasks.core.dataset import Table
from tasks.core.errors import IncompleteError, InvalidInputError, SourceHasNoDataError
from tasks.core.exchange import SAO_PAULO, previous_session
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.outcome import LEVEL_DIFFERS
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes.tables import RAW_QUOTES
from tasks.core.reconciliation import RECONCILIATION
from tasks.core.reconciliation.tables import (
    CONSTITUENT_RECONCILIATION,
    INDEX_RECONCILIATION,
    RAW_RECONCILIATION,
)
from tests.portfolios import EXTRACTED_AT
from tests.protocol.lake import Lake
from tests.protocol.stage import Stage
from tests.reconciliations import quoted
from tests.standin.glue import BUCKET, DATABASE, JOB
from tests.standin.lake import raw_table

CODES = ("IBOV", "SMLL")
LAST = SESSIONS[-1]
DAYS = [previous_session(SESSIONS[0]), *SESSIONS]
Run = Callable[..., str]


class Raw:
    """What is written to raw before the flow runs."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def put(self, table: Table, value: str, name: str, rows: list[dict[str, Any]]) -> None:
        body = io.BytesIO()
        pq.write_table(raw_table(table, rows), body)
        self._lake.put(table.object_key(value, name), body.getvalue())

    def portfolio(self, code: str, day: dt.date, divisor_by: Decimal = Decimal(0)) -> None:
        portfolio = published_portfolio(code, day)
        assert portfolio
        rows = raw_rows(portfolio)
        for row in rows:
            row["header_reductor"] += divisor_by
        self.put(RAW_PORTFOLIO, str(day), code, rows)

    def quotes(self, day: dt.date, without: str = "", **closes: Decimal) -> None:
        rows = [
            dict.fromkeys(RAW_QUOTES.types())
            | {"codneg": ticker, "tpmerc": "010", "voltot": Decimal("1.00")}
            | {"preult": closes.get(ticker, close.price), "fatcot": close.factor}
            for ticker, close in quoted(day).items()
            if ticker != without
        ]
        self.put(RAW_QUOTES, str(day), "quotes", rows)

    def levels(self, code: str, **by: Decimal) -> None:
        rows = [
            {
                "index_code": code,
                "trading_date": day,
                "level": (index_level(code, day) or 0) + by.get(f"on_{day:%m_%d}", Decimal(0)),
                "extracted_at": EXTRACTED_AT,
            }
            for day in DAYS
        ]
        self.put(INDEX_LEVELS, "2025", code, rows)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the last run showed: its table and its event."""
    told: dict[str, Any] = {}
    monkeypatch.setattr(report, "runtime", SimpleNamespace(flow_run=SimpleNamespace(id="a-run")))
    monkeypatch.setattr(report, "emit_event", lambda **event: told.__setitem__("event", event))
    return told


@pytest.fixture
def run(stage: Stage, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Have the flow run on the morning after; return what it ends with."""
    # The stage has taken its place.
    monkeypatch.setattr(
        report,
        "create_table_artifact",
        lambda key, table, description: told.update({key: (table, description)}),
    )
    for name, value in (("LAKE_BUCKET", BUCKET), ("DATABASE", DATABASE), ("GLUE_JOB", JOB)):
        monkeypatch.setenv(f"B3_{name}", value)
    clock = dt.datetime(2025, 8, 5, 7, 30, tzinfo=SAO_PAULO)
    monkeypatch.setattr("flows.reconcile.now_in_sao_paulo", lambda: clock)
    numbers = itertools.count()

    def run(**parameters: Any) -> str:
        told.clear()
        act = lambda: unwrap(reconcile.fn)(**parameters)  # noqa: E731
        return str(stage.actor(f"morning-{next(numbers)}", act).ends().message)

    return run


@pytest.fixture
def raw(lake: Lake) -> Raw:
    """Raw with three sessions of two indices, and the quotes of the session before them."""
    raw = Raw(lake)
    for code in CODES:
        raw.levels(code)
        for day in SESSIONS:
            raw.portfolio(code, day)
    for day in DAYS:
        raw.quotes(day)
    return raw


def read(lake: Lake, table: Table) -> list[dict[str, Any]]:
    """What readers see of a table, of both months."""
    found = []
    for month in ("2025-07", "2025-08"):
        keys = lake.keys(f"published/{RECONCILIATION.name}/{month}/")
        commit = json.loads(lake.body(max(keys))) if keys else {"tables": {}}
        for each in commit["tables"].get(table.name, {"objects": []})["objects"]:
            found += lake.rows(each["key"])
    return found


def verdicts(lake: Lake) -> dict[tuple[str, dt.date], tuple[str, str | None]]:
    return {
        (row["index_code"], row["trading_date"]): (row["verdict"], row["reason"])
        for row in read(lake, INDEX_RECONCILIATION)
    }


def outside(lake: Lake) -> dict[tuple[str, dt.date, str], Decimal]:
    return {
        (row["index_code"], row["trading_date"], row["ticker"]): row["difference"]
        for row in read(lake, CONSTITUENT_RECONCILIATION)
        if row["verdict"] == "outside"
    }


def test_every_complete_session_is_equal_and_a_second_run_is_up_to_date(
    run: Run, raw: Raw, lake: Lake, told: dict[str, Any]
) -> None:
    said = run()
    assert said.startswith("published reconciliation all indices 2025-07-22 to 2025-08-04: ")
    # The level of the session before is there, and no portfolio.
    assert "6 of 8 levels equal; 2 incomplete, run" in said
    assert {key: each for key, each in verdicts(lake).items() if key[1] in SESSIONS} == {
        (code, day): ("equal", None) for code in CODES for day in SESSIONS
    }
    assert verdicts(lake)["IBOV", DAYS[0]] == ("incomplete", "no portfolio")
    assert "event" not in told
    before = lake.keys()

    assert run().startswith("up to date reconciliation all indices")
    assert lake.keys() == before


def test_a_session_with_a_level_and_no_portfolio_is_no_finding(
    run: Run, raw: Raw, lake: Lake, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    lake.passes(days=2)
    monkeypatch.setattr("flows.verify.LOOK_AGAIN_SECONDS", 0.0)
    act = lambda: unwrap(verify.fn)(datasets=["reconciliation"])  # noqa: E731
    said = str(stage.actor("night", act).ends().message)
    assert said.startswith("verified reconciliation: 2 months, ")


@pytest.mark.parametrize("planted", ["close", "divisor", "level"])
def test_a_planted_difference_is_found_and_told_and_the_run_completes(
    planted: str, run: Run, raw: Raw, lake: Lake, told: dict[str, Any]
) -> None:
    run()
    assert "event" not in told
    if planted == "close":
        price = quoted(LAST)["VALE3"].price
        raw.quotes(LAST, VALE3=price + Decimal("0.01"))
    elif planted == "divisor":
        raw.portfolio("IBOV", LAST, divisor_by=Decimal("100.00000001"))
    else:
        raw.levels("IBOV", on_08_04=Decimal("0.01"))

    said = run(index_codes=["IBOV"], start=SESSIONS[0], end=LAST)

    (row,) = [row for row in read(lake, INDEX_RECONCILIATION) if row["verdict"] == "differs"]
    assert (row["index_code"], row["trading_date"]) == ("IBOV", LAST)
    assert row["difference"] == row["computed_level"] - row["published_level"] != 0
    if planted == "level":
        assert row["difference"] == Decimal("-0.01")
    assert f"2 of 3 levels equal; 1 differ: IBOV 2025-08-04 by {row['difference']}" in said
    table, described = told["reconciliation"]
    assert [(each["verdict"], each["index"], each["session"]) for each in table] == [
        ("differs", "IBOV", "2025-08-04")
    ]
    assert told["event"]["event"] == LEVEL_DIFFERS
    assert told["event"]["payload"] == {"message": described.removesuffix(".")}
    assert told["event"]["resource"] == {"prefect.resource.id": "b3-pipeline.reconciliation.a-run"}


def test_what_is_missing_is_said_and_caught_up_with(
    run: Run, raw: Raw, lake: Lake, told: dict[str, Any]
) -> None:
    raw.quotes(LAST, without="VALE3")
    lake.delete([RAW_QUOTES.object_key(str(SESSIONS[1]), "quotes")])
    run(start=SESSIONS[0], end=LAST)
    assert verdicts(lake)["IBOV", LAST] == ("incomplete", "1 of 84 constituents without a close")
    assert verdicts(lake)["SMLL", SESSIONS[1]] == ("incomplete", "no quotes")
    assert "event" not in told

    for day in DAYS:
        raw.quotes(day)
    assert "6 of 6 levels equal, run" in run(start=SESSIONS[0], end=LAST)
    assert {each[0] for each in verdicts(lake).values()} == {"equal"}


def test_who_went_ex_is_seen_among_the_constituents_and_nowhere_else(
    run: Run, raw: Raw, lake: Lake
) -> None:
    ex = {
        (code, day, row.ticker)
        for code in CODES
        for day in SESSIONS
        for row in getattr(published_portfolio(code, day), "constituents", ())
        if row.corporate_event in {"ED", "EJ", "EDJ"}
    }
    run(start=SESSIONS[0], end=LAST)
    found = outside(lake)
    assert found
    assert found.keys() <= ex
    assert min(found.values()) > 0
    assert {each[0] for each in verdicts(lake).values()} == {"equal"}


def test_a_raw_object_that_cannot_be_read_is_made_again(run: Run, raw: Raw, lake: Lake) -> None:
    run(start=SESSIONS[0], end=LAST)
    key = RAW_RECONCILIATION.object_key(str(LAST), "IBOV")
    lake.put(key, b"PAR1 garbage PAR1")
    run(index_codes=["SMLL"], start=SESSIONS[0], end=LAST)
    assert len(lake.rows(key)) == 84


def test_what_cannot_be_read_is_named_and_takes_nothing_from_what_is_there(
    run: Run, raw: Raw, lake: Lake
) -> None:
    run(start=SESSIONS[0], end=LAST)
    before = verdicts(lake)
    quotes = RAW_QUOTES.object_key(str(SESSIONS[0]), "quotes")
    portfolio = RAW_PORTFOLIO.object_key(str(LAST), "SMLL")
    for key in (quotes, portfolio):
        lake.put(key, b"PAR1 garbage PAR1")
    with pytest.raises(IncompleteError, match="what failed:") as failed:
        run(start=SESSIONS[0], end=LAST)
    assert [key in str(failed.value) for key in (quotes, portfolio)] == [True, True]
    assert "python -m flows.verify --repair" in str(failed.value)
    assert verdicts(lake) == before


def test_levels_without_a_date_are_named_and_the_other_index_goes_on(
    run: Run, raw: Raw, lake: Lake
) -> None:
    key = INDEX_LEVELS.object_key("2025", "IBOV")
    raw.put(INDEX_LEVELS, "2025", "IBOV", [{**row, "trading_date": None} for row in lake.rows(key)])
    with pytest.raises(IncompleteError, match=f"{key}, found rows that are no levels"):
        run(start=SESSIONS[0], end=LAST)
    assert {code for code, _ in verdicts(lake)} == {"SMLL"}


def test_what_cannot_be_read_of_another_index_is_no_matter(run: Run, raw: Raw, lake: Lake) -> None:
    lake.put(RAW_PORTFOLIO.object_key(str(LAST), "SMLL"), b"PAR1 garbage PAR1")
    assert "3 of 3 levels equal" in run(index_codes=["IBOV"], start=SESSIONS[0], end=LAST)


def test_a_raw_object_that_nothing_gives_again_is_named(run: Run, raw: Raw, lake: Lake) -> None:
    for name in ("ZZZZ", "no-index"):
        lake.put(RAW_RECONCILIATION.object_key(str(LAST), name), b"")
    with pytest.raises(Exception, match=r"what failed:\n  2025-08") as failed:
        run(start=SESSIONS[0], end=LAST)
    assert "neither portfolio nor level" in str(failed.value)
    assert "it is no session of an index" in str(failed.value)


def test_a_session_that_is_made_again_is_registered_too(run: Run, raw: Raw, lake: Lake) -> None:
    run(start=SESSIONS[0], end=LAST)
    table, value = RAW_RECONCILIATION.name, str(LAST)
    was = find_location(DATABASE, table, value)
    lake.delete(lake.keys(RAW_RECONCILIATION.folder(value)))
    boto3.client("glue").delete_partition(
        DatabaseName=DATABASE, TableName=table, PartitionValues=[value]
    )
    assert find_location(DATABASE, table, value) is None
    key = RAW_RECONCILIATION.object_key(value, "IBOV")
    said = "made again from portfolio, quotes and levels"
    assert mend_reconciliation(Settings(), key) == said
    assert len(lake.rows(key)) == 84
    assert find_location(DATABASE, table, value) == was


def test_a_raw_object_whose_quotes_cannot_be_read_is_not_made_again_before_those(
    run: Run, raw: Raw, lake: Lake
) -> None:
    run(start=SESSIONS[0], end=LAST)
    key = RAW_RECONCILIATION.object_key(str(SESSIONS[0]), "IBOV")
    quotes = RAW_QUOTES.object_key(str(SESSIONS[0]), "quotes")
    for damaged in (key, quotes):
        lake.put(damaged, b"PAR1 garbage PAR1")
    mended = "python -m flows.verify --repair"
    with pytest.raises(SourceHasNoDataError, match=f"{quotes}.* Mend that first: {mended}"):
        mend_reconciliation(Settings(), key)


def test_without_anything_in_raw_it_says_what_to_bring_first(run: Run, lake: Lake) -> None:
    with pytest.raises(SourceHasNoDataError, match="bring them first, python -m flows"):
        run()


def test_a_span_may_be_a_day_and_reach_the_first_year(run: Run, raw: Raw) -> None:
    assert "2 of 2 levels equal" in run(start=LAST, end=LAST)
    assert check_span(dt.date(1986, 1, 2), LAST) is None  # type: ignore[func-returns-value]


def test_a_span_that_is_not_over_is_up_to_date(run: Run, lake: Lake) -> None:
    said = run(start=dt.date(2025, 8, 5), end=dt.date(2025, 8, 9))
    assert said == "up to date reconciliation: no session from 2025-08-05 to 2025-08-09"


@pytest.mark.parametrize(
    ("start", "end"),
    [(LAST, None), (None, LAST), (LAST, SESSIONS[0]), (dt.date(1985, 1, 2), LAST)],
)
def test_what_is_no_span_is_refused(
    run: Run, lake: Lake, start: dt.date | None, end: dt.date | None
) -> None:
    with pytest.raises(InvalidInputError, match="Expected a"):
        run(start=start, end=end)
