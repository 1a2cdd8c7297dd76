"""Waiting for a service to have done what it was asked for."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")
_BETWEEN_SECONDS = 2.0


def poll(look: Callable[[], T | None], seconds: float) -> T | None:
    """Look again and again; return what is found, or None where nothing is in time.

    Args:
        look: Returns what is waited for, or None.
        seconds: How long to wait.
    """
    deadline = monotonic() + seconds
    while (found := look()) is None and monotonic() < deadline:
        sleep(_BETWEEN_SECONDS)
    return found
