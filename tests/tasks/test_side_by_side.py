import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from tasks.side_by_side import side_by_side

WHOSE: contextvars.ContextVar[str] = contextvars.ContextVar("WHOSE", default="nobody")
PATIENCE_SECONDS = 20.0


class Calls:
    """Calls that a test lets end, each by its number.

    Attributes:
        begun: Those that have begun, in order.
        most: How many were under way at a time at most.
    """

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.most = 0
        self._under_way = 0
        self._may_end: set[int] = set()
        self._changed = threading.Condition()

    def __call__(self, number: int) -> int:
        with self._changed:
            self.begun.append(number)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: number in self._may_end, PATIENCE_SECONDS)
            self._under_way -= 1
        return number * 10

    def end(self, *numbers: int) -> None:
        with self._changed:
            self._may_end.update(numbers)
            self._changed.notify_all()

    def have_begun(self, count: int) -> bool:
        """Whether so many begin, and no more for a moment."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.begun) >= count, PATIENCE_SECONDS)
            return not self._changed.wait_for(lambda: len(self.begun) > count, 0.05)


class Reader:
    """Takes answers in a thread of its own; `taken` are those that it has."""

    def __init__(self, answers: Iterator[int]) -> None:
        self.taken: list[int] = []
        self._thread = threading.Thread(target=self._read, args=(answers,), daemon=True)
        self._thread.start()

    def _read(self, answers: Iterator[int]) -> None:
        for each in answers:
            self.taken.append(each)

    def ends(self) -> list[int]:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        return self.taken


@pytest.fixture
def when_it_ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Have something done when no more calls are made, before those under way are awaited."""
    shutdown = ThreadPoolExecutor.shutdown

    def do(act: Callable[[], None]) -> None:
        def act_and_shut_down(pool: ThreadPoolExecutor, **how: bool) -> None:
            act()
            shutdown(pool, **how)

        monkeypatch.setattr(ThreadPoolExecutor, "shutdown", act_and_shut_down)

    return do


def test_answers_come_in_the_order_of_the_items_whatever_ends_first() -> None:
    calls = Calls()
    reader = Reader(side_by_side(calls, [1, 2, 3], 3))
    assert calls.have_begun(3)
    calls.end(3, 2)
    assert reader.taken == []
    calls.end(1)
    assert reader.ends() == [10, 20, 30]


def test_at_most_so_many_are_made_at_a_time() -> None:
    calls = Calls()
    reader = Reader(side_by_side(calls, range(6), 2, ahead=6))
    assert calls.have_begun(2)
    calls.end(*range(6))
    assert len(reader.ends()) == 6
    assert calls.most == 2


@pytest.mark.parametrize(("ahead", "begun"), [(0, 2), (1, 3), (9, 6)])
def test_only_so_many_answers_wait_for_one_that_takes_long(ahead: int, begun: int) -> None:
    calls = Calls()
    calls.end(*range(1, 6))
    reader = Reader(side_by_side(calls, range(6), 2, ahead))
    assert calls.have_begun(begun)
    calls.end(0)
    assert reader.ends() == [0, 10, 20, 30, 40, 50]


def test_items_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    answers = side_by_side(abs, items(), 2)
    assert taken == []
    assert next(answers) == 0
    assert len(taken) == 3
    assert list(answers) == list(range(1, 10))


def test_nothing_is_made_of_nothing() -> None:
    assert list(side_by_side(abs, [], 2)) == []


def test_the_first_error_is_raised_and_what_has_not_begun_is_not_made(
    when_it_ends: Callable[[Callable[[], None]], None],
) -> None:
    made: list[int] = []
    go_on = threading.Event()

    def call(number: int) -> int:
        made.append(number)
        if number:
            go_on.wait(PATIENCE_SECONDS)
        if number < 2:
            raise ValueError(number)
        return number

    answers = side_by_side(call, range(9), 1, ahead=9)
    when_it_ends(go_on.set)
    with pytest.raises(ValueError, match="0"):
        list(answers)
    assert made in ([0], [0, 1])  # the one that had begun ends


def test_answers_before_an_error_come() -> None:
    answers = side_by_side(lambda number: 12 // number, [3, 2, 0, 1], 2)
    assert [next(answers), next(answers)] == [4, 6]
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_what_has_not_begun_is_not_made_when_nobody_wants_more(
    when_it_ends: Callable[[Callable[[], None]], None],
) -> None:
    calls = Calls()
    calls.end(0)
    answers = side_by_side(calls, range(9), 1, ahead=3)
    assert next(answers) == 0
    assert calls.have_begun(2)
    when_it_ends(lambda: calls.end(1))
    answers.close()  # type: ignore[attr-defined]
    assert calls.begun == [0, 1]


def test_threads_know_whose_they_are_and_what_they_change_is_their_own() -> None:
    token = WHOSE.set("mine")
    try:
        assert list(side_by_side(lambda _: WHOSE.get(), range(3), 2)) == ["mine"] * 3
        list(side_by_side(WHOSE.set, ["theirs"], 1))
        assert WHOSE.get() == "mine"
    finally:
        WHOSE.reset(token)


def test_threads_bear_the_name_of_the_one_that_they_work_for() -> None:
    def work() -> None:
        barrier = threading.Barrier(2)

        def name(_: int) -> str:
            barrier.wait(PATIENCE_SECONDS)
            return threading.current_thread().name

        names.extend(side_by_side(name, range(2), 2))

    names: list[str] = []
    worker = threading.Thread(target=work, name="a-flow")
    worker.start()
    worker.join(PATIENCE_SECONDS)
    assert sorted(names) == ["a-flow/_0", "a-flow/_1"]


def test_a_signal_is_handled_while_an_answer_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slices: list[float] = []

    def wait_for(futures: Any, seconds: float) -> None:
        slices.append(seconds)
        wait(futures, seconds)

    monkeypatch.setattr("tasks.side_by_side.wait", wait_for)
    assert list(side_by_side(time.sleep, [0.01], 1)) == [None]
    assert slices
    assert max(slices) <= 1.0
