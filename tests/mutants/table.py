"""The table of what was noticed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

_BAR = 0.9


@dataclass
class Tally:
    """What came of an area's changes.

    Attributes:
        noticed: How many the tests noticed.
        survivors: Those that they did not, each in a line.
        equivalent: How many make no difference, as is known; they count for nothing.
    """

    noticed: int = 0
    survivors: list[str] = field(default_factory=list)
    equivalent: int = 0

    @property
    def changes(self) -> int:
        """How many changes count."""
        return self.noticed + len(self.survivors)

    @property
    def is_good(self) -> bool:
        """Whether nine of ten were noticed."""
        return self.noticed >= _BAR * self.changes


def render(tallies: dict[str, Tally], outdated: Sequence[str], seed: int) -> str:
    """Return the table, the survivors, and the entries of the list that fit nothing any more."""
    width = max(map(len, ["area", *tallies]))
    lines = [f"{'area':{width}}  changes  noticed  not noticed  no difference"]
    for name, tally in tallies.items():
        missed = len(tally.survivors)
        lines.append(
            f"{name:{width}}  {tally.changes:>7}  {tally.noticed:>7}  {missed:>11}  "
            f"{tally.equivalent:>13}{'' if tally.is_good else '  below nine of ten'}"
        )
    survivors = [f"  {each}" for tally in tallies.values() for each in tally.survivors]
    if survivors:
        lines += ["not noticed:", *survivors]
    if outdated:
        lines += ["in survivors.txt, and no change any more:", *(f"  {each}" for each in outdated)]
    return "\n".join([*lines, f"seed {seed}"])
