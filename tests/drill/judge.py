"""Whether what readers saw was right: the lake against the truth.

Pure. A state is what every table of a trial holds at once: `{table: rows}`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.drill.lake import TableRows


def count_lost(found: TableRows, truth: TableRows) -> int:
    """Rows of the truth that are not there."""
    return sum((rows - found.get(table, Counter())).total() for table, rows in truth.items())


def count_doubled(found: TableRows, truth: TableRows) -> int:
    """Rows that are there more often than in the truth, strangers included."""
    return sum((rows - truth.get(table, Counter())).total() for table, rows in found.items())


def is_half_shown(found: TableRows, states: Sequence[TableRows], *, at_once: bool) -> bool:
    """Return whether a reader saw what no state of the lake is.

    Args:
        found: What was seen.
        states: What the lake may show, in no order.
        at_once: Whether all tables must be of one state, as through views. Through Athena each
            table is whole, and tables of a month follow one another.
    """
    if at_once:
        return not any(_is_same(found, state) for state in states)
    return not all(
        any(rows == state.get(table, Counter()) for state in states)
        for table, rows in found.items()
    )


def _is_same(found: TableRows, state: TableRows) -> bool:
    tables = found.keys() | state.keys()
    return all(found.get(table, Counter()) == state.get(table, Counter()) for table in tables)


MOST_WASTED = 3  # two flows start Glue twice each at most, and one start was needed


@dataclass
class Tally:
    """What came of the trials of one kind of fault.

    Attributes:
        times: How many there were.
        survived: The flow ended well with the fault, and had done all of its work.
        healed: It failed and said why, and the next run brought everything.
        untyped: It failed by an error that is neither ours nor AWS's.
        lost: Rows that were missing at the end.
        doubled: Rows that were too many at the end.
        half_shown: Looks at which readers saw what was never right.
        wasted: Runs of Glue beyond those that the work takes.
        looks: How often readers looked.
        said: What was wrong, for a person to read.
    """

    times: int = 0
    survived: int = 0
    healed: int = 0
    untyped: int = 0
    lost: int = 0
    doubled: int = 0
    half_shown: int = 0
    wasted: int = 0
    looks: int = 0
    said: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether all survived or healed, with every row, few starts, and no reader misled."""
        bad = (self.untyped, self.lost, self.doubled, self.half_shown)
        is_wasteful = self.wasted > MOST_WASTED * self.times
        return not any(bad) and not is_wasteful and self.times == self.survived + self.healed

    def add(self, other: "Tally") -> None:
        """Count another one's trials in."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))
