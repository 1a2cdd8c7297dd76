"""Have parsers read what is damaged, and count what comes of it."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fuzz.mutate import mutate
from tests.fuzz.parsers import Parser


@dataclass
class Count:
    """What came of damaged bytes.

    Attributes:
        read: How many were read all the same.
        refused: How many were refused, by the kind of error.
        foreign: What was raised that may not be: the bytes, and the error.
    """

    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    foreign: list[tuple[bytes, Exception]] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """How many there were."""
        return self.read + self.refused.total() + len(self.foreign)


def fuzz(parser: Parser, seed: str, rounds: Iterator[object]) -> Count:
    """Damage a parser's samples, once a round, and have it read them.

    Args:
        parser: The parser.
        seed: The same seed gives the same bytes in the same order.
        rounds: As many as there are of it.
    """
    chance, count = random.Random(seed), Count()
    for _ in rounds:
        body = mutate(chance, parser.samples)
        try:
            parser.read(body)
        except parser.refusals as error:
            count.refused[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001 - what is looked for
            count.foreign.append((body, error))
        else:
            count.read += 1
    return count


def until(seconds: float) -> Iterator[None]:
    """Yield for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
