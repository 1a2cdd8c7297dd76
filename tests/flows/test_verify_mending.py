"""What a repair makes again beside what the daily runs do: years of levels, and lost landing."""

import datetime as dt
from collections.abc import Callable

import pytest
from prefect import flow

from flows.care import CARES
from flows.levels import index_levels
from flows.levels_mending import look_over_levels, mend_levels
from infra.local.b3.replay import Replay
from tasks.core.errors import SourceHasNoDataError
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tests.flows.conftest import Lake
from tests.portfolios import FRIDAY, THURSDAY

KEY = "raw/index_levels/year=2025/IBOV.parquet"
LATE = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)  # the whole of 2025 is over
NOW = dt.datetime(2025, 8, 1, 12, tzinfo=dt.UTC)
SetClock = Callable[[dt.datetime], None]


@pytest.fixture
def levels(lake: Lake, set_clock: SetClock) -> Lake:
    """A lake with the levels of a year."""
    set_clock(LATE)
    assert index_levels(year=2025, return_state=True).is_completed()
    return lake


def mend(lake: Lake, key: str = KEY) -> str:
    @flow
    def run() -> str:
        return mend_levels(lake.settings, key)

    return run()


def land(lake: Lake, key: str, dataset: str = "portfolio") -> str:
    @flow
    def run() -> str:
        return CARES[dataset].land(lake.settings, NOW, key)

    return run()


def test_levels_that_are_gone_are_fetched_again(levels: Lake) -> None:
    rows = levels.rows(KEY)
    levels.put(KEY, b"")
    assert mend(levels) == "fetched again from B3"
    assert [row["level"] for row in levels.rows(KEY)] == [row["level"] for row in rows]


def test_levels_are_read_from_landing_where_b3_does_not_have_them(
    levels: Lake, replay: Replay
) -> None:
    rows = levels.rows(KEY)
    levels.delete(KEY)
    levels.put("landing/index_levels/received=2026-01-02/IBOV-2025/0.json.gz", b"damaged")
    replay.misbehave("http_404")
    assert mend(levels) == "made again from landing"
    assert [row["level"] for row in levels.rows(KEY)] == [row["level"] for row in rows]


@pytest.mark.parametrize(
    "key", [KEY, "raw/index_levels/year=2025/i.parquet", "raw/index_levels/year=x/IBOV.parquet"]
)
def test_levels_that_neither_has_are_named(lake: Lake, replay: Replay, key: str) -> None:
    replay.misbehave("http_404")
    with pytest.raises(SourceHasNoDataError, match=f"s3://b3-lake/{key} is gone"):
        mend(lake, key)
    assert lake.list_keys("raw/") == []


def test_levels_that_are_as_they_should_be_have_no_finding(levels: Lake) -> None:
    @flow
    def run() -> list[str]:
        return [each.kind for each in look_over_levels(levels.settings, NOW).findings]

    assert run() == []
    levels.put("raw/index_levels/year=2025/notes.txt", b"")
    levels.put("raw/index_levels/year=2025/SMLL.parquet", b"")
    assert sorted(run()) == ["raw of no session", "raw unreadable"]


def test_landing_of_a_portfolio_comes_back_while_b3_shows_it(lake: Lake, replay: Replay) -> None:
    key = RAW_PORTFOLIO.object_key(str(FRIDAY), "IBOV")
    assert land(lake, key) == "fetched again from B3"
    assert len(lake.list_keys("landing/portfolio/")) == 1
    asked = len(replay.requests)
    past = RAW_PORTFOLIO.object_key(str(THURSDAY - dt.timedelta(days=7)), "IBOV")
    preview = "raw/portfolio_preview/trading_date=2025-08-01/IBOV.parquet"
    for other in (past, preview):
        with pytest.raises(SourceHasNoDataError, match="B3 shows it no more"):
            land(lake, other)
    assert len(replay.requests) == asked
