"""Raw objects that are gone or cannot be read are made again, from B3 or from landing."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from prefect import flow

from flows.portfolio_mending import mend_session
from infra.local.b3.replay import Replay
from tasks.core.errors import SourceHasNoDataError
from tasks.core.portfolio.model import Portfolio, from_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.objects import land_bytes
from tests.flows.conftest import BUCKET, Lake
from tests.portfolios import FRIDAY, THURSDAY, answer, portfolio, to_bytes
from tests.unit.portfolio.test_reconcile import write_csv

KEY = RAW_PORTFOLIO.object_key(str(FRIDAY), "IBOV")
MONDAY = dt.date(2025, 8, 4)
LATER = portfolio(index_divisor=Decimal("1.00000000"))
SetClock = Callable[[dt.datetime], None]


def mend(lake: Lake, key: str = KEY) -> str:
    @flow
    def run() -> str:
        return mend_session(lake.settings, key)

    return run()


def stored(lake: Lake) -> Portfolio:
    return from_raw_rows(FRIDAY, lake.rows(KEY)).portfolio


def land(shown: Portfolio, received_on: dt.date = FRIDAY, kind: str = "json") -> None:
    folder = RAW_PORTFOLIO.landing_folder(received_on, shown.index_code)
    if kind == "csv":
        land_bytes(BUCKET, folder, write_csv(shown, with_sectors=True), "csv", {})
    else:
        land_bytes(BUCKET, folder, to_bytes(answer(shown)), "json", {})


@pytest.mark.parametrize("damage", [None, b"", b"PAR1 garbage PAR1"])
def test_a_session_that_b3_shows_is_fetched_again(
    lake: Lake, replay: Replay, damage: bytes | None
) -> None:
    if damage is not None:
        lake.put(KEY, damage)
    assert mend(lake) == "fetched again from B3"
    assert len(stored(lake).constituents) == 84
    assert len(replay.requests) == 1
    assert list(lake.partitions("raw_portfolio")) == ["2025-08-01"]
    assert len(lake.list_keys("landing/")) == 1


@pytest.mark.parametrize("today", [THURSDAY, FRIDAY, dt.date(2025, 8, 2), MONDAY], ids=str)
def test_b3_is_asked_about_the_sessions_around_today(
    lake: Lake, replay: Replay, set_clock: SetClock, today: dt.date
) -> None:
    set_clock(dt.datetime.combine(today, dt.time(15), dt.UTC))
    assert mend(lake) == "fetched again from B3"
    assert len(replay.requests) == 1


@pytest.mark.parametrize("today", [dt.date(2025, 7, 30), dt.date(2025, 8, 5)], ids=str)
def test_b3_is_not_asked_about_others(
    lake: Lake, replay: Replay, set_clock: SetClock, today: dt.date
) -> None:
    set_clock(dt.datetime.combine(today, dt.time(15), dt.UTC))
    with pytest.raises(SourceHasNoDataError, match=f"s3://b3-lake/{KEY} .*B3 shows it no more"):
        mend(lake)
    assert replay.requests == []


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_an_older_session_is_made_again_from_landing(
    lake: Lake, set_clock: SetClock, kind: str
) -> None:
    set_clock(dt.datetime(2025, 8, 11, 15, tzinfo=dt.UTC))
    lake.put(KEY, b"")
    land(LATER, kind=kind)
    land(portfolio(index_code="IBXX"))
    said = mend(lake)
    assert said.startswith("made again from what landing received at 20")
    assert stored(lake) == LATER
    assert list(lake.partitions("raw_portfolio")) == ["2025-08-01"]


@pytest.mark.parametrize("fault", ["http_404", "wrong_weight"])
def test_landing_is_read_where_b3_does_not_answer_as_it_should(
    lake: Lake, replay: Replay, fault: str
) -> None:
    land(LATER)
    replay.misbehave(fault)
    assert mend(lake).startswith("made again from what landing received")
    assert stored(lake) == LATER


def test_landing_is_read_where_b3_shows_another_session(lake: Lake, replay: Replay) -> None:
    land(LATER)
    replay.show(MONDAY)
    assert mend(lake).startswith("made again from what landing received")
    assert stored(lake) == LATER


def test_what_neither_has_is_named_with_what_was_tried(lake: Lake, replay: Replay) -> None:
    replay.show(MONDAY)
    land(portfolio(trading_date=THURSDAY))
    with pytest.raises(SourceHasNoDataError) as raised:
        mend(lake)
    said = str(raised.value)
    assert said.startswith(f"s3://b3-lake/{KEY} is gone or cannot be read, and is not made again")
    assert "no complete set of its pages" in said
    assert "found 2025-08-04" in said
    assert lake.list_keys("raw/") == []


def test_what_b3_lists_without_a_portfolio_is_named_as_such(lake: Lake, replay: Replay) -> None:
    said = "B3 lists AGFS, and publishes no portfolio of it"
    with pytest.raises(SourceHasNoDataError, match=said):
        mend(lake, KEY.replace("IBOV", "AGFS"))
    assert lake.list_keys("raw/") == []


@pytest.mark.parametrize(
    "key",
    [
        "raw/portfolio/trading_date=2025-08-01/ibov.parquet",
        "raw/portfolio/trading_date=2025-08-01/a.b.parquet",
        "raw/portfolio/trading_date=2025-08-99/IBOV.parquet",
        "raw/portfolio/IBOV.parquet",
    ],
)
def test_an_object_that_is_no_session_of_an_index_is_named(
    lake: Lake, replay: Replay, key: str
) -> None:
    with pytest.raises(SourceHasNoDataError, match=f"s3://b3-lake/{key} "):
        mend(lake, key)
    assert replay.requests == []
