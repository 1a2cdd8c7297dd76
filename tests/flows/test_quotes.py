"""The quotes flow at fixed clocks, and which of B3's files a session comes from."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from prefect import flow

from flows import quotes, quotes_loading
from flows.quotes import daily_quotes
from infra.local.b3.replay import Replay
from tasks.core.errors import (
    InvalidInputError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.exchange import SAO_PAULO
from tasks.core.quotes.files import NOTHING_LOADED, QuotesPeriod
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES
from tests.flows.conftest import RUN_ID, Lake
from tests.portfolios import FRIDAY, THURSDAY

WEDNESDAY, MONDAY = dt.date(2025, 7, 30), dt.date(2025, 8, 4)
RUN = RUN_ID[:12]
SetClock = Callable[[str], None]


@pytest.fixture
def clock(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets what time it is in São Paulo; publishing is recorded."""
    monkeypatch.setattr(quotes, "publish_months", lake.publish_months)

    def set_to(time: str) -> None:
        now = dt.datetime.fromisoformat(time).replace(tzinfo=SAO_PAULO)
        monkeypatch.setattr(quotes, "now_in_sao_paulo", lambda: now)

    set_to("2025-08-01T12:00")
    return set_to


def run(**parameters: Any) -> Any:
    return daily_quotes(**parameters, return_state=True)


def key(day: dt.date) -> str:
    return RAW_QUOTES.object_key(str(day), QUOTES_OBJECT)


@pytest.mark.parametrize(
    ("now", "session"),
    [
        ("2025-07-31T20:59", WEDNESDAY),
        ("2025-07-31T21:00", THURSDAY),
        ("2025-07-31T23:59", THURSDAY),  # in London it is Friday
        ("2025-08-02T12:00", FRIDAY),
        ("2025-08-04T08:00", FRIDAY),
    ],
)
def test_without_a_date_it_is_the_latest_session_that_is_due(
    lake: Lake, clock: SetClock, now: str, session: dt.date
) -> None:
    clock(now)
    assert run().message == f"published quotes {session}, run {RUN}"
    assert lake.list_keys("raw/") == [key(session)]
    assert list(lake.partitions("raw_quotes")) == [str(session)]
    assert (lake.asked, lake.force) == ([[f"{session:%Y-%m}"]], False)


def test_a_session_that_is_named_is_brought_and_can_be_refined_again(
    lake: Lake, clock: SetClock
) -> None:
    assert (
        run(trading_date=WEDNESDAY, force=True).message == f"published quotes 2025-07-30, run {RUN}"
    )
    assert lake.list_keys("raw/") == [key(WEDNESDAY)]
    assert lake.force


def test_a_second_run_is_up_to_date_and_changes_nothing(lake: Lake, clock: SetClock) -> None:
    run()
    before = lake.etags()
    lake.is_up_to_date = True
    assert run().message == "up to date quotes 2025-07-31"
    assert lake.etags() == before


def test_refining_is_given_what_makes_raw_again(lake: Lake, clock: SetClock) -> None:
    run()
    before = lake.etags("raw/")
    lake.delete(key(THURSDAY))

    @flow
    def mend() -> str:
        return lake.mend(key(THURSDAY))

    assert mend().startswith("made again from landing/quotes/COTAHIST_D31072025.ZIP/")
    assert lake.etags("raw/") == before


def test_a_session_to_come_is_refused_before_anything_is_asked(
    lake: Lake, replay: Replay, clock: SetClock
) -> None:
    error = run(trading_date=dt.date(2025, 8, 5)).result(raise_on_failure=False)
    assert isinstance(error, InvalidInputError)
    assert (replay.requests, lake.list_keys()) == ([], [])


def load(lake: Lake, day: dt.date, now: str) -> None:
    @flow
    def run() -> None:
        at = dt.datetime.fromisoformat(now).replace(tzinfo=SAO_PAULO)
        quotes_loading.load_session(lake.settings, day, at)

    run()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What comes of each kind of file: an error, or no session; and which were asked for."""
    found: dict[str, Any] = {"asked": []}

    def load_quotes(_settings: Any, period: QuotesPeriod, *_: Any, **__: Any) -> Any:
        found["asked"].append(period.kind)
        error = found.get(period.kind)
        if error:
            raise error
        return NOTHING_LOADED

    monkeypatch.setattr(quotes_loading, "load_quotes", load_quotes)
    return found


@pytest.mark.parametrize(
    ("day", "month"),
    [
        (SourceHasNoDataError("no file of the day"), SourceHasNoDataError("none of the month")),
        (RetryableError("no answer"), SourceHasNoDataError("none of the month")),
        (None, RetryableError("no answer")),
    ],
)
def test_the_smallest_file_that_could_not_be_had_is_the_reason(
    lake: Lake, answers: dict[str, Any], day: Exception | None, month: Exception
) -> None:
    answers |= {"D": day, "M": month}
    with pytest.raises((SourceHasNoDataError, RetryableError)) as raised:
        load(lake, THURSDAY, "2025-08-01T12:00")
    assert raised.value is (day or month)
    assert answers["asked"] == ["D", "M", "A"]


def test_a_session_that_is_in_none_of_the_files_is_named(
    lake: Lake, answers: dict[str, Any]
) -> None:
    with pytest.raises(SourceHasNoDataError, match=r"^B3's files hold no quotes of 2025-07-31\.$"):
        load(lake, THURSDAY, "2025-08-01T12:00")


@pytest.mark.parametrize(("now", "asked"), [("20:59", ["D"]), ("21:00", ["D", "M", "A"])])
def test_larger_files_are_asked_for_only_of_a_day_that_is_due(
    lake: Lake, answers: dict[str, Any], now: str, asked: list[str]
) -> None:
    with pytest.raises(SourceHasNoDataError):
        load(lake, MONDAY, f"2025-08-04T{now}")
    assert answers["asked"] == asked
