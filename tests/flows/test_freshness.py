"""Was it had? At fixed clocks, with one thing or another missing."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from flows import freshness as module
from flows import indices
from flows.freshness import freshness
from flows.levels import index_levels
from flows.portfolio import daily_portfolio
from infra.local.b3.replay import Replay
from tasks.core.errors import IncompleteError, InvalidInputError
from tasks.core.exchange import SAO_PAULO
from tasks.core.freshness import Gap
from tasks.core.plan import Subject
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.objects import land_bytes, read_object
from tests.flows.conftest import BUCKET, Lake
from tests.portfolios import FRIDAY, THURSDAY

LISTED = ["AGFS", "IBOV", "IDIV", "SMLL"]  # AGFS has no portfolio, and no levels
SHOWN = {"IBOV", "IDIV", "SMLL"}
TENTH, ELEVENTH = dt.date(2025, 7, 21), dt.date(2025, 7, 18)  # counted back from Friday
Published = dict[str, dict[dt.date, set[str]]]


def at(day: dt.date, time: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(time), SAO_PAULO)


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    """What readers see, by raw table and session; commits are read in another test."""
    found: Published = defaultdict(dict)

    def find(subject: Subject, months: list[str]) -> Published:
        return {
            raw.name: {
                day: names
                for day, names in found[raw.name.removeprefix("raw_")].items()
                if f"{day:%Y-%m}" in months
            }
            for raw in subject.dataset.raw_tables
        }

    for each in (module, indices):
        monkeypatch.setattr(each, "find_published", find)
    return found


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Gap]:
    """The gaps that the dashboard was given."""
    gaps: list[Gap] = []
    monkeypatch.setattr(module, "report_gaps", lambda found, _said: gaps.extend(found))
    return gaps


@pytest.fixture
def had(lake: Lake, replay: Replay, set_clock: Callable[[dt.datetime], None]) -> None:
    """The first run of Friday, at which B3 listed its indices."""
    replay.list_only(LISTED)
    set_clock(at(FRIDAY, "08:30"))
    assert daily_portfolio(index_codes=["all"], return_state=True).is_completed()
    set_clock(at(FRIDAY, "09:15"))


def run(*datasets: str, **parameters: Any) -> Any:
    return freshness(datasets=datasets or ("portfolio",), return_state=True, **parameters)


def lines_of(state: Any) -> list[str]:
    error = state.result(raise_on_failure=False)
    assert isinstance(error, IncompleteError), error
    return str(error).splitlines()


def test_all_that_should_be_there_is(
    lake: Lake, had: None, published: Published, shown: list[Gap]
) -> None:
    published["portfolio"] = {FRIDAY: SHOWN}
    before = lake.etags()
    assert run().message == "up to date portfolio 2025-08-01 (3 indices)"
    assert (lake.etags(), shown) == (before, [])


def test_one_that_failed_is_named_with_what_to_do_and_until_when(
    lake: Lake, had: None, published: Published, shown: list[Gap]
) -> None:
    published["portfolio"] = {FRIDAY: SHOWN - {"SMLL"}, THURSDAY: SHOWN}
    for code in ("SMLL", "IDIV"):
        lake.delete(RAW_PORTFOLIO.object_key(str(FRIDAY), code))
    assert lines_of(run()) == [
        "1 missing; looked at portfolio 2025-08-01 (2 indices).",
        (
            "  SMLL portfolio 2025-08-01: B3 shows it: python -m flows.portfolio --index SMLL "
            "(until 2025-08-01 20:00 in São Paulo)"
        ),
    ]
    assert [(gap.dataset, gap.index_code) for gap in shown] == [("portfolio", "SMLL")]
    published["portfolio"][FRIDAY] = SHOWN
    assert run().is_completed()


def test_what_raw_holds_and_nobody_sees_needs_no_asking(had: None, published: Published) -> None:
    published["portfolio"] = {FRIDAY: {"IBOV", "IDIV"}}
    (_, line) = lines_of(run())
    assert "raw holds it: python -m flows.portfolio --trading-date 2025-08-01 --index SMLL" in line


@pytest.mark.parametrize(("last", "is_expected"), [(TENTH, True), (ELEVENTH, False)])
def test_an_index_is_expected_for_ten_sessions_whatever_the_list_says(
    had: None, published: Published, last: dt.date, is_expected: bool
) -> None:
    published["portfolio"] = {last: {"IEEX"}, FRIDAY: SHOWN}
    state = run()
    assert state.is_failed() == is_expected
    assert not is_expected or "IEEX portfolio 2025-08-01" in lines_of(state)[1]


def test_an_index_that_a_list_named_and_that_never_came_is_expected(
    lake: Lake, replay: Replay, published: Published, set_clock: Callable[[dt.datetime], None]
) -> None:
    replay.list_only(LISTED)
    replay.misbehave("wrong_weight", index="SMLL")
    set_clock(at(THURSDAY, "12:30"))
    daily_portfolio(index_codes=["all"], return_state=True)
    set_clock(at(FRIDAY, "09:15"))
    published["portfolio"] = {THURSDAY: {"IBOV", "IDIV"}, FRIDAY: {"IBOV", "IDIV"}}
    (_, line) = lines_of(run())
    assert line.startswith("  SMLL portfolio 2025-08-01")


def test_the_latest_answer_counts_of_one_without_a_portfolio(
    had: None,
    at_once: None,
    replay: Replay,
    published: Published,
    set_clock: Callable[[dt.datetime], None],
) -> None:
    published["portfolio"] = {FRIDAY: SHOWN}
    assert run().is_completed()
    replay.misbehave("not_json", index="AGFS")
    set_clock(at(FRIDAY, "12:30"))
    daily_portfolio(index_codes=["all"], return_state=True)
    set_clock(at(FRIDAY, "18:15"))
    (_, line) = lines_of(run())
    assert line.startswith("  AGFS portfolio 2025-08-01")


@pytest.mark.parametrize(
    ("now", "session"),
    [
        (at(FRIDAY, "08:59"), THURSDAY),
        (at(FRIDAY, "09:00"), FRIDAY),
        (at(dt.date(2025, 8, 2), "12:00"), FRIDAY),
        (at(dt.date(2025, 8, 4), "08:00"), FRIDAY),
    ],
)
def test_without_a_date_it_is_the_latest_session_that_is_due(
    lake: Lake, set_clock: Callable[[dt.datetime], None], now: dt.datetime, session: dt.date
) -> None:
    set_clock(now)
    assert f"looked at portfolio {session}" in lines_of(run())[0]


@pytest.mark.parametrize(
    ("now", "session", "said"),
    [
        ("19:59", FRIDAY, "B3 shows it: python -m flows.portfolio --index IBOV"),
        ("20:00", FRIDAY, "B3 shows it no more"),
        ("12:00", THURSDAY, "B3 shows it no more"),
        ("21:00", dt.date(2025, 8, 4), "B3 shows it: python"),
    ],
)
def test_what_can_be_done_depends_on_the_hour(
    lake: Lake,
    published: Published,
    set_clock: Callable[[dt.datetime], None],
    now: str,
    session: dt.date,
    said: str,
) -> None:
    set_clock(at(FRIDAY, now))
    published["portfolio"] = {dt.date(2025, 7, 30): {"IBOV"}}
    (_, line) = lines_of(run(trading_date=session))
    assert said in line
    assert ("import_portfolio FILE" in line) == ("no more" in said)


def test_of_an_empty_lake_everything_is_missing(
    lake: Lake, set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(at(FRIDAY, "09:15"))
    first, *lines = lines_of(run("portfolio", "quotes", "levels"))
    assert first == (
        "3 missing; looked at portfolio 2025-08-01 (0 indices), quotes 2025-07-31, "
        "levels 2025-07-31 (0 indices)."
    )
    assert "levels --year 2025 --index all" in lines[0]
    assert "any index portfolio 2025-08-01" in lines[1]
    assert "python -m flows.portfolio --index all" in lines[1]
    assert "quotes 2025-07-31: python -m flows.quotes --trading-date 2025-07-31" in lines[2]


def test_quotes_are_there_or_not(
    lake: Lake, published: Published, set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(at(FRIDAY, "07:45"))
    published["quotes"] = {dt.date(2025, 7, 30): {"quotes"}}
    assert len(lines_of(run("quotes"))) == 2
    published["quotes"][THURSDAY] = {"quotes"}
    assert run("quotes").message == "up to date quotes 2025-07-31"


def test_levels_of_each_index_are_there_or_not(
    had: None, replay: Replay, set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(dt.datetime(2026, 1, 1, 12, tzinfo=SAO_PAULO))  # the replay has all of 2025 by then
    assert index_levels(index_codes=["all"], year=2025, return_state=True).is_completed()
    set_clock(at(dt.date(2025, 12, 30), "22:00"))
    assert run("levels").message == "up to date levels 2025-12-30 (3 indices)"
    set_clock(at(dt.date(2026, 1, 5), "07:45"))
    first, *lines = lines_of(run("levels"))
    assert first == "4 missing; looked at levels 2026-01-02 (0 indices)."  # nobody has asked yet
    assert lines[1] == (
        "  IBOV levels 2026-01-02: python -m flows.levels --year 2026 --index IBOV "
        "(at any time: B3 keeps it)"
    )


@pytest.mark.parametrize(
    ("landed_on", "is_looked_at"),
    [
        (dt.date(2025, 7, 14), False),
        (dt.date(2025, 7, 15), True),  # the tenth session, counted back from the 28th
        (dt.date(2025, 7, 20), True),  # a Sunday
        (dt.date(2025, 7, 29), True),  # the next session
        (dt.date(2025, 7, 30), False),
    ],
)
def test_lists_from_the_tenth_session_to_the_next_one_say_what_is_expected(
    lake: Lake, had: None, published: Published, landed_on: dt.date, is_looked_at: bool
) -> None:
    (listed,) = lake.list_keys("landing/portfolio/received=2025-08-01/indices/")
    lake.put(listed.replace("2025-08-01", str(landed_on)), read_object(BUCKET, listed) or b"")
    for key in lake.list_keys("landing/portfolio/received=2025-08-01/"):
        lake.delete(key)
    day = dt.date(2025, 7, 28)
    published["portfolio"] = {day: {"IBOV"}}
    state = run(trading_date=day)
    assert state.is_failed() == is_looked_at
    assert not is_looked_at or "IDIV portfolio 2025-07-28" in lines_of(state)[2]


@pytest.mark.parametrize(
    "parameters", [{"datasets": []}, {"trading_date": dt.date(2025, 8, 2)}], ids=str
)
def test_wrong_parameters_end_the_run(lake: Lake, parameters: dict[str, Any]) -> None:
    state = freshness(**parameters, return_state=True)
    error = state.result(raise_on_failure=False)
    assert isinstance(error, InvalidInputError)
    said = "Expected at least one of portfolio, " if "datasets" in parameters else "2025-08-02 "
    assert str(error).startswith(said)


def test_a_theoretical_portfolio_that_readers_saw_lately_is_expected(
    had: None, published: Published, shown: list[Gap]
) -> None:
    published["portfolio"] = {FRIDAY: {"IBOV", "IDIV", "SMLL"}, THURSDAY: SHOWN}
    published["portfolio_theoretical"] = {THURSDAY: {"IBOV", "IDIV"}, FRIDAY: {"IDIV"}}
    (_, line) = lines_of(run())
    assert line.startswith("  IBOV theoretical portfolio 2025-08-01: B3 shows it: ")
    published["portfolio_theoretical"][FRIDAY].add("IBOV")
    assert run().is_completed()


def test_it_is_not_missing_beside_a_portfolio_of_the_day_that_is(
    lake: Lake, had: None, published: Published
) -> None:
    published["portfolio"] = {FRIDAY: {"IDIV", "SMLL"}, THURSDAY: SHOWN}
    published["portfolio_theoretical"] = {THURSDAY: {"IBOV"}}
    (_, line) = lines_of(run())
    assert line.startswith("  IBOV portfolio 2025-08-01: ")


@pytest.mark.parametrize(
    ("answer", "is_expected"),
    [(b'{"preview":[{"has":1}]}', True), (b'{"preview":[{"has":0}]}', False), (b"{}", False)],
)
def test_a_preview_that_b3_said_is_in_force_is_expected(
    lake: Lake, had: None, published: Published, answer: bytes, is_expected: bool
) -> None:
    published["portfolio"] = {FRIDAY: SHOWN}
    for day, body in ((THURSDAY, b'{"preview":[{"has":0}]}'), (FRIDAY, answer)):
        folder = RAW_PREVIEW.landing_folder(day, "IBOV-configurations")
        land_bytes(BUCKET, folder, body, "json", {})
    state = run()
    assert state.is_failed() == is_expected
    if is_expected:
        assert lines_of(state)[1].startswith("  IBOV preview 2025-08-01: B3 shows it: ")
    published["portfolio_preview"] = {FRIDAY: {"IBOV"}}
    assert run().is_completed()


def test_what_raw_holds_of_it_needs_no_asking(lake: Lake, had: None, published: Published) -> None:
    published["portfolio"] = {FRIDAY: SHOWN}
    published["portfolio_theoretical"] = {THURSDAY: {"IBOV"}}
    lake.put(RAW_THEORETICAL.object_key(str(FRIDAY), "IBOV"), b"rows")
    (_, line) = lines_of(run())
    assert "theoretical portfolio 2025-08-01: raw holds it: " in line
