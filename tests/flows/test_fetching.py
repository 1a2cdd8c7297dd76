"""One index after another: which are asked for again, after how long, and what is given up."""

import threading
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from flows import fetching
from flows.fetching import WAITS_SECONDS, Fetched, fetch_each
from tasks import turns
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    NotAllowedError,
    NotPublishedError,
    RetryableError,
)
from tasks.refusals import in_our_words
from tasks.turns import MOST_AT_ONCE, Budget
from tests.tasks.glue_service import Clock

pytestmark = pytest.mark.usefixtures("no_run_logger")

CODES = ("IBOV", "IBXX", "IDIV", "IFIX", "SMLL", "UTIL")
BLOCKED = BlockedError("127.0.0.1 answered 403 Forbidden: Just a moment.")


def said(fetched: Fetched[Any]) -> dict[str, tuple[type[Exception], str]]:
    """Why there is no answer, by index."""
    return {code: (type(error), str(error)) for code, error in fetched.failures.items()}


def given_up(error: BlockedError) -> dict[str, tuple[type[Exception], str]]:
    """What is said where nothing more is asked: the reason is the first one's, for all."""
    first, *others = CODES
    short = (BlockedError, "B3 was not asked for it any more.")
    return {first: (BlockedError, str(error)), **dict.fromkeys(others, short)}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that passes only by waiting."""
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    monkeypatch.setattr(fetching, "time", SimpleNamespace(sleep=clock.sleep))
    return clock


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_AT_ONCE", 1)


class Source:
    """Answers with the code that it is asked for, in small letters.

    Attributes:
        asked: How often it was asked for each.
        failures: What it says instead, by index.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.failures: dict[str, Exception] = {}
        self._lock = threading.Lock()

    def __call__(self, code: str) -> str:
        with self._lock:
            self.asked[code] += 1
        if code in self.failures:
            raise self.failures[code]
        return code.lower()


@pytest.fixture
def source() -> Source:
    return Source()


def fetch(
    source: Callable[[str], str], seconds: float = 600.0, blocked_by: BlockedError | None = None
) -> Fetched[str]:
    return fetch_each(CODES, source, Budget.of_all(seconds), blocked_by)


def small(*codes: str) -> dict[str, str]:
    return {code: code.lower() for code in codes}


def test_each_index_is_asked_for_once_and_answers_come_in_order(
    source: Source, clock: Clock
) -> None:
    fetched = fetch(source)
    assert list(fetched.answers.items()) == list(small(*CODES).items())
    assert fetched.failures == {}
    assert source.asked == Counter(CODES)
    assert clock.slept == []


def test_nothing_is_asked_where_there_is_no_index(source: Source, clock: Clock) -> None:
    fetched = fetch_each([], source, Budget.of_all(600.0), BLOCKED)
    assert (fetched.answers, fetched.failures, clock.slept) == ({}, {}, [])


def test_no_more_are_asked_at_a_time_than_b3_is_to_be() -> None:
    under_way = most = 0
    lock = threading.Lock()
    full = threading.Barrier(MOST_AT_ONCE)

    def ask(code: str) -> str:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        full.wait(20)
        with lock:
            under_way -= 1
        return code.lower()

    assert fetch(ask).answers == small(*CODES)
    assert most == MOST_AT_ONCE


@pytest.mark.parametrize(
    "error", [BadDataError("no number"), NotPublishedError("none"), RetryableError("no answer")]
)
def test_one_that_fails_does_not_stop_the_others(
    source: Source, clock: Clock, error: B3PipelineError
) -> None:
    source.failures["IBXX"] = error
    fetched = fetch(source)
    assert fetched.answers == small(*(code for code in CODES if code != "IBXX"))
    assert fetched.failures == {"IBXX": error}
    assert source.asked == Counter(CODES)
    assert clock.slept == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject"),
            NotAllowedError,
        ),
        (EndpointConnectionError(endpoint_url="https://s3"), RetryableError),
    ],
)
def test_an_answer_that_aws_does_not_keep_is_the_failure_of_its_index(
    source: Source, error: Exception, kind: type[Exception]
) -> None:
    source.failures["IBXX"] = error
    fetched = fetch(source)
    assert fetched.answers == small(*(code for code in CODES if code != "IBXX"))
    failure = fetched.failures.pop("IBXX")
    assert type(failure) is kind
    assert str(failure) == f"What B3 answered for IBXX could not be kept: {in_our_words(error)}"
    assert fetched.failures == {}


@pytest.mark.parametrize("error", [RuntimeError("a mistake in the code"), KeyError("results")])
def test_any_other_error_ends_it(source: Source, error: Exception) -> None:
    source.failures["IBXX"] = error
    with pytest.raises(type(error)) as raised:
        fetch(source)
    assert raised.value is error


def test_whoever_turns_everybody_away_is_asked_for_nothing_more_until_later(
    one_at_a_time: None, clock: Clock
) -> None:
    asked: list[tuple[float, str]] = []

    def ask(code: str) -> str:
        asked.append((clock.monotonic(), code))
        if code == "IBXX" and not clock.slept:
            raise BLOCKED
        return code.lower()

    fetched = fetch(ask)
    assert fetched.answers == small(*CODES)
    assert fetched.failures == {}
    assert asked == [(0.0, "IBOV"), (0.0, "IBXX"), *((30.0, code) for code in CODES[1:])]


def test_what_is_under_way_beside_it_still_counts(clock: Clock) -> None:
    both = threading.Barrier(MOST_AT_ONCE)
    asked: list[str] = []

    def ask(code: str) -> str:
        asked.append(code)
        if code in ("IBOV", "IBXX") and not clock.slept:
            both.wait(20)
        if code == "IBOV" and not clock.slept:
            raise BLOCKED
        return code.lower()

    assert fetch(ask).answers == small(*CODES)
    assert Counter(asked)["IBXX"] == 1
    assert Counter(asked)["IBOV"] == 2


def test_only_what_is_missing_is_asked_for_again(one_at_a_time: None, clock: Clock) -> None:
    asked: list[str] = []

    def ask(code: str) -> str:
        asked.append(code)
        if code == "IBXX":
            raise BadDataError("no number")
        if code == "SMLL" and not clock.slept:
            raise BLOCKED
        return code.lower()

    fetched = fetch(ask)
    assert asked == [*CODES[:5], "SMLL", "UTIL"]
    assert fetched.answers == small(*(code for code in CODES if code != "IBXX"))
    assert list(fetched.failures) == ["IBXX"]
    assert clock.slept == [30.0]


def test_waits_become_longer_and_after_the_last_one_it_is_given_up(
    source: Source, clock: Clock
) -> None:
    source.failures = dict.fromkeys(CODES, BLOCKED)
    fetched = fetch(source)
    assert clock.slept == [30.0, 60.0, 120.0]
    assert fetched.answers == {}
    assert said(fetched) == given_up(BLOCKED)


def test_the_last_wait_may_be_the_right_one(clock: Clock) -> None:
    def ask(code: str) -> str:
        if len(clock.slept) < len(WAITS_SECONDS):
            raise BLOCKED
        return code.lower()

    fetched = fetch(ask)
    assert fetched.answers == small(*CODES)
    assert fetched.failures == {}


def test_what_came_before_it_is_given_up_is_kept(source: Source, clock: Clock) -> None:
    source.failures = {"UTIL": BLOCKED, "IBXX": BadDataError("no number")}
    fetched = fetch(source)
    assert fetched.answers == small("IBOV", "IDIV", "IFIX", "SMLL")
    assert fetched.failures == source.failures
    assert source.asked["UTIL"] == 1 + len(clock.slept) == 4


@pytest.mark.parametrize(
    ("seconds", "waits"), [(30.0, []), (31.0, [30.0]), (90.0, [30.0]), (91.0, [30.0, 60.0])]
)
def test_no_wait_is_begun_that_the_budget_has_no_room_for(
    source: Source, clock: Clock, seconds: float, waits: list[float]
) -> None:
    source.failures = dict.fromkeys(CODES, BLOCKED)
    fetched = fetch(source, seconds)
    assert clock.slept == waits
    assert said(fetched) == given_up(BLOCKED)


def test_what_has_turned_away_just_before_is_waited_out_first(source: Source, clock: Clock) -> None:
    def ask(code: str) -> str:
        assert clock.slept == [30.0]
        return source(code)

    fetched = fetch(ask, blocked_by=BlockedError("for the list"))
    assert fetched.answers == small(*CODES)
    assert fetched.failures == {}


def test_nothing_is_asked_where_there_is_no_time_to_wait_that_out(
    source: Source, clock: Clock
) -> None:
    before = BlockedError("for the list")
    fetched = fetch(source, 10.0, before)
    assert said(fetched) == given_up(before)
    assert source.asked.total() == 0
    assert clock.slept == []


def test_of_several_reasons_to_wait_the_latest_is_told(clock: Clock) -> None:
    def ask(code: str) -> str:
        raise BlockedError(f"after {sum(clock.slept):.0f} s")

    fetched = fetch(ask)
    assert said(fetched) == given_up(BlockedError("after 210 s"))
