import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks import turns
from tasks.core.errors import BlockedError, RetryableError
from tasks.turns import MOST_AT_ONCE, Budget, Turns
from tests.conftest import PAUSE_SECONDS
from tests.tasks.glue_service import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that passes only by sleeping, with the pause as it is outside of tests."""
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    monkeypatch.setattr(turns, "PAUSE_SECONDS", PAUSE_SECONDS)
    return clock


def take(door: Turns, clock: Clock, seconds: float = 0.0) -> float:
    """Take a turn of so many seconds; return when it began."""
    with door.take():
        began_at = clock.monotonic()
        clock.slept.append(seconds)
    return began_at


def test_the_first_does_not_wait_and_between_two_starts_is_a_pause(clock: Clock) -> None:
    door = Turns()
    starts = [take(door, clock) for _ in range(3)]
    assert starts == [0.0, PAUSE_SECONDS, 2 * PAUSE_SECONDS]


def test_the_pause_is_between_starts_and_not_after_ends(clock: Clock) -> None:
    door = Turns()
    assert [take(door, clock, seconds) for seconds in (0.2, 7.0, 0.0)] == [0.0, PAUSE_SECONDS, 7.5]


def test_nobody_is_let_in_while_it_is_closed(clock: Clock) -> None:
    door = Turns()
    take(door, clock)
    door.close_for(30.0)
    assert take(door, clock) == 30.0
    assert take(door, clock) == 30.0 + PAUSE_SECONDS


def test_a_shorter_time_does_not_end_a_longer_one(clock: Clock) -> None:
    door = Turns()
    door.close_for(30.0)
    door.close_for(1.0)
    assert take(door, clock) == 30.0


def test_it_may_be_closed_before_who_waits_at_the_door(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    door, sleep = Turns(), clock.sleep
    take(door, clock)

    def sleep_while_it_is_closed(seconds: float) -> None:
        if not sum(clock.slept):
            door.close_for(30.0)
        sleep(seconds)

    monkeypatch.setattr(clock, "sleep", sleep_while_it_is_closed)
    assert take(door, clock) == 30.0
    assert take(door, clock) == 30.0 + PAUSE_SECONDS


def test_at_most_so_many_are_in_at_a_time() -> None:
    door, go_on, place = Turns(), threading.Event(), threading.Semaphore(0)
    inside: list[int] = []

    def stay(number: int) -> None:
        with door.take():
            inside.append(number)
            place.release()
            go_on.wait(20)

    with ThreadPoolExecutor(MOST_AT_ONCE + 1) as pool:
        done = [pool.submit(stay, number) for number in range(MOST_AT_ONCE + 1)]
        for _ in range(MOST_AT_ONCE):
            assert place.acquire(timeout=20)
        is_another_in = place.acquire(timeout=0.1)
        go_on.set()
        for each in done:
            each.result(20)
    assert not is_another_in
    assert sorted(inside) == list(range(MOST_AT_ONCE + 1))


def test_a_place_is_free_again_after_an_error(clock: Clock) -> None:
    door = Turns()
    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(RetryableError), door.take():
            raise RetryableError("no answer")
    assert take(door, clock) == (MOST_AT_ONCE + 1) * PAUSE_SECONDS


def test_a_budget_says_what_is_left_of_it(clock: Clock) -> None:
    budget = Budget.of(10.0)
    clock.sleep(4.0)
    assert budget.remaining_seconds() == 6.0
    assert budget.has(5.9)
    assert not budget.has(6.0)
    clock.sleep(5.5)
    assert budget.remaining_seconds() == 0.5


@pytest.mark.parametrize("seconds", [10.0, 11.0])
def test_an_attempt_that_has_used_up_its_own_may_be_made_again(
    clock: Clock, seconds: float
) -> None:
    budget = Budget.of(10.0)
    clock.sleep(seconds)
    with pytest.raises(RetryableError, match="time budget") as raised:
        budget.remaining_seconds()
    assert type(raised.value) is RetryableError


def test_nothing_follows_when_the_whole_is_used_up(clock: Clock) -> None:
    budget = Budget.of_all(10.0)
    clock.sleep(10.0)
    with pytest.raises(BlockedError, match="time budget"):
        budget.remaining_seconds()


@pytest.mark.parametrize(
    ("whole", "left", "is_blocked"),
    [
        pytest.param(100.0, 30.0, False, id="shorter-than-the-whole"),
        pytest.param(20.0, 20.0, True, id="longer"),
        pytest.param(30.0, 30.0, True, id="as-long"),
    ],
)
def test_the_budget_of_an_attempt_ends_with_the_whole_at_the_latest(
    clock: Clock, whole: float, left: float, is_blocked: bool
) -> None:
    attempt = Budget.of_all(whole).part(30.0)
    assert attempt.remaining_seconds() == left
    clock.sleep(left)
    with pytest.raises(RetryableError) as raised:
        attempt.remaining_seconds()
    assert isinstance(raised.value, BlockedError) is is_blocked
