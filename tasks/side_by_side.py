"""Some calls at a time, in threads of their own, with the answers in order."""

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

READS_AT_ONCE = 8  # of S3's objects: 40 indices have 900 in a month
_SLICE_SECONDS = 0.5


def side_by_side(
    function: Callable[[Item], Answer], items: Iterable[Item], at_once: int, ahead: int = 0
) -> Iterator[Answer]:
    """Call a function with each item, and yield what it returns, in the order of the items.

    Threads know the run that they belong to, and bear the name of the one that they work for.

    Args:
        function: What to call; it must not mind the company.
        items: With what.
        at_once: How many calls at a time.
        ahead: How many more answers may wait for one that takes long; memory holds them all.

    Raises:
        Exception: What the first of them raises; calls that have not begun are not made.
    """
    name = f"{threading.current_thread().name}/"
    with ThreadPoolExecutor(at_once, thread_name_prefix=name) as pool:
        begun: deque[Future[Answer]] = deque()
        try:
            for item in items:
                if len(begun) == at_once + ahead:
                    yield _result_of(begun.popleft())
                begun.append(pool.submit(contextvars.copy_context().run, function, item))
            while begun:
                yield _result_of(begun.popleft())
        finally:
            for each in begun:
                each.cancel()


def _result_of(future: "Future[Answer]") -> Answer:
    while not future.done():
        wait([future], _SLICE_SECONDS)  # in slices: a signal is handled between two of them
    return future.result()
