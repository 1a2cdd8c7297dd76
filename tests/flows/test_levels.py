import datetime as dt
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from flows import levels as module
from flows.levels import index_levels
from infra.local.b3.levels import levels_of_year
from infra.local.b3.replay import Replay
from tasks.core.errors import BadDataError, IncompleteError, InvalidInputError
from tasks.core.exchange import SAO_PAULO
from tests.flows.conftest import Lake
from tests.portfolios import FRIDAY

KEY = "raw/index_levels/year=2025/IBOV.parquet"
LATE = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)  # the whole of 2025 is over


@pytest.fixture(autouse=True)
def late(lake: Lake, set_clock: Callable[[dt.datetime], None]) -> None:
    set_clock(LATE)


def run(**parameters: Any) -> Any:
    return index_levels(**parameters, return_state=True)


def served(index_code: str = "IBOV") -> list[tuple[object, ...]]:
    found = levels_of_year(index_code, 2025, dt.date(2025, 12, 31))
    return [(index_code, day, level) for day, level in found.items()]


def stored(lake: Lake, key: str = KEY) -> list[tuple[object, ...]]:
    return [(row["index_code"], row["trading_date"], row["level"]) for row in lake.rows(key)]


def test_a_year_goes_to_landing_to_raw_and_to_readers(lake: Lake) -> None:
    assert run(year=2025).message == f"published IBOV levels 2025, {len(served())} sessions"
    (landed,) = lake.list_keys("landing/")
    assert landed.startswith("landing/index_levels/received=2026-01-01/IBOV-2025/")
    assert lake.list_keys("raw/") == [KEY]
    assert stored(lake) == served()
    assert lake.partitions("index_levels") == {"2025": "s3://b3-lake/raw/index_levels/year=2025/"}


def test_without_a_year_it_is_that_of_the_latest_session_that_is_over(lake: Lake) -> None:
    assert "IBOV levels 2025" in str(run().message)


@pytest.mark.parametrize(
    ("now", "year"),
    [
        ("2026-01-02T20:59", 2025),  # the first session of the year is not over
        ("2026-01-02T21:00", 2026),
        ("2025-12-31T23:00", 2025),  # in London it is another year
    ],
)
def test_without_a_year_it_is_not_that_of_the_calendar(
    lake: Lake,
    set_clock: Callable[[dt.datetime], None],
    monkeypatch: pytest.MonkeyPatch,
    now: str,
    year: int,
) -> None:
    asked: list[int] = []

    def collect(_settings: Any, _wanted: Any, year: int, _budget: Any) -> Any:
        asked.append(year)
        return {"IBOV": ()}, {}, {}, []

    monkeypatch.setattr(module, "collect_levels", collect)
    set_clock(dt.datetime.fromisoformat(now).replace(tzinfo=SAO_PAULO))
    assert run().message == f"published IBOV levels {year}, 0 sessions"
    assert asked == [year]


def test_several_indices_are_counted_and_one_that_is_new_makes_it_news(lake: Lake) -> None:
    run(year=2025)
    codes = ["IBOV", "SMLL"]
    assert run(year=2025, index_codes=codes).message == "published levels of 2 indices in 2025"
    assert run(year=2025, index_codes=codes).message == "up to date levels of 2 indices in 2025"


def test_an_index_that_fails_stops_no_other_and_is_told(lake: Lake, replay: Replay) -> None:
    replay.misbehave("http_404", index="SMLL")
    error = run(year=2025, index_codes=["IBOV", "NONE", "SMLL"]).result(raise_on_failure=False)
    assert isinstance(error, IncompleteError)
    first, *lines = str(error).splitlines()
    sessions = len(served())
    assert first == f"2 of 3 indices failed; published IBOV levels 2025, {sessions} sessions:"
    assert sorted(line[:8] for line in lines) == ["  NONE: ", "  SMLL: "]
    assert lake.list_keys("raw/") == [KEY]


def test_where_none_comes_nothing_is_published(lake: Lake, replay: Replay) -> None:
    replay.misbehave("http_404")
    error = run(year=2025, index_codes=["IBOV", "SMLL"]).result(raise_on_failure=False)
    assert str(error).startswith("2 of 2 indices failed; nothing was published:")
    assert (lake.list_keys("raw/"), lake.partitions("index_levels")) == ([], {})


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        ("2026-01-01T12:00", ["IBOV", "SMLL"]),  # the last ten sessions are of this year
        ("2026-01-09T22:00", ["IBOV", "SMLL"]),  # some are
        ("2026-03-02T12:00", ["IBOV", "IDIV", "SMLL"]),  # none is: all that raw holds
    ],
)
def test_without_the_list_all_are_those_that_raw_holds_lately(
    lake: Lake,
    replay: Replay,
    set_clock: Callable[[dt.datetime], None],
    monkeypatch: pytest.MonkeyPatch,
    now: str,
    asked: list[str],
) -> None:
    run(year=2025, index_codes=["IBOV", "IDIV", "SMLL"])
    key = KEY.replace("IBOV", "IDIV")
    lake.put_rows(key, [row for row in lake.rows(key) if row["trading_date"].month < 12])
    replay.misbehave("http_404", index="list")
    set_clock(dt.datetime.fromisoformat(now).replace(tzinfo=SAO_PAULO))
    found: list[tuple[str, ...]] = []

    def collect(_settings: Any, wanted: Any, *_: Any) -> Any:
        found.append(wanted.codes)
        return {"IBOV": ()}, {}, {}, []

    monkeypatch.setattr(module, "collect_levels", collect)
    error = run(year=2025, index_codes=["all"]).result(raise_on_failure=False)
    assert "\n  B3's list of indices: only those were asked for" in str(error)
    assert found == [tuple(asked)]


def test_an_index_goes_beside_the_others_of_its_year(lake: Lake) -> None:
    run(year=2025)
    run(year=2025, index_codes=["SMLL"])
    other = "raw/index_levels/year=2025/SMLL.parquet"
    assert lake.list_keys("raw/") == [KEY, other]
    assert stored(lake, other) == served("SMLL")


def test_a_second_run_changes_nothing_but_registers_what_is_not_registered(lake: Lake) -> None:
    run(year=2025)
    before = lake.etags()
    boto3.client("glue").delete_partition(
        DatabaseName="b3", TableName="index_levels", PartitionValues=["2025"]
    )
    assert run(year=2025).message == f"up to date IBOV levels 2025, {len(served())} sessions"
    assert lake.etags() == before
    assert list(lake.partitions("index_levels")) == ["2025"]


@pytest.mark.parametrize("damage", [b"", b"PAR1 garbage PAR1"])
def test_raw_that_cannot_be_read_is_named_and_replaced(
    lake: Lake, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    lake.put(KEY, damage)
    assert str(run(year=2025).message).startswith("published IBOV levels 2025")
    assert stored(lake) == served()
    assert f"s3://b3-lake/{KEY}" in caplog.text


def test_a_bad_answer_is_kept_in_landing_alone(
    lake: Lake, set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(dt.datetime(2025, 8, 1, 23, tzinfo=dt.UTC))
    error = run(year=2025).result(raise_on_failure=False)
    assert isinstance(error, BadDataError)
    assert f"no level after {FRIDAY}" in str(error)
    assert [key.partition("/")[0] for key in lake.list_keys()] == ["landing"]


@pytest.mark.parametrize(
    "parameters",
    [{"year": 0}, {"year": 1985}, {"year": 2027}, {"year": 10**9}, {"index_codes": ["ib-v"]}],
    ids=str,
)
def test_wrong_parameters_from_the_dashboard_end_the_run_before_any_request(
    lake: Lake, replay: Replay, parameters: dict[str, Any]
) -> None:
    error = run(**parameters).result(raise_on_failure=False)
    assert isinstance(error, InvalidInputError)
    assert (replay.requests, lake.list_keys()) == ([], [])
