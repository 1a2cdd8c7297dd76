"""How B3's site of indices is asked: for how long, few at a time, with a pause between."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tasks.core.errors import BlockedError, RetryableError

MOST_AT_ONCE = 2
PAUSE_SECONDS = 0.5  # between two requests: B3 publishes no limit, and challenges bursts


@dataclass(frozen=True)
class Budget:
    """How long an attempt, or a whole of attempts, may still take.

    Attributes:
        ends_at: When it ends, by this process's clock.
        is_whole: Whether no attempt may follow when it is used up.
    """

    ends_at: float
    is_whole: bool = False

    @classmethod
    def of(cls, seconds: float) -> "Budget":
        """Start a budget that lasts `seconds`."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def of_all(cls, seconds: float) -> "Budget":
        """Start a budget that no attempt may outlast."""
        return cls(time.monotonic() + seconds, is_whole=True)

    def part(self, seconds: float) -> "Budget":
        """Return the budget of one attempt, which ends with the whole at the latest."""
        attempt = Budget.of(seconds)
        return attempt if attempt.ends_at < self.ends_at else self

    def has(self, seconds: float) -> bool:
        """Return whether more than so much is left."""
        return self.ends_at - time.monotonic() > seconds

    def remaining_seconds(self) -> float:
        """Return what is left; an attempt that has used it up may be made again later.

        Raises:
            RetryableError: Nothing is left.
            BlockedError: Nothing is left of the whole.
        """
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise self.used_up()
        return left

    def used_up(self) -> RetryableError:
        """Return what to raise where nothing is left."""
        kind = BlockedError if self.is_whole else RetryableError
        return kind("B3 did not answer completely within the time budget.")


class Turns:
    """Lets a few in at a time, one after another."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._door = threading.Lock()
        self._opens_at = 0.0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn, and hold a place until the block ends."""
        with self._places:
            with self._door:
                while (seconds := self._opens_at - time.monotonic()) > 0:
                    time.sleep(seconds)  # in rounds: it may be closed meanwhile
                self._opens_at = max(self._opens_at, time.monotonic() + PAUSE_SECONDS)
            yield

    def close_for(self, seconds: float) -> None:
        """Let nobody in for some time."""
        self._opens_at = max(self._opens_at, time.monotonic() + seconds)


TURNS = Turns()
"""Those of this process, whichever flow or task asks."""
