"""What was found of one thing that a deployment needs."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """A row of the table that `deployments.verify` prints.

    Attributes:
        what: What was looked at.
        found: What was found, and what to do where it does not hold.
        holds: Whether it is as it should be; None where that could not be told.
    """

    what: str
    found: str
    holds: bool | None


_WORDS = {True: "holds", False: "DOES NOT HOLD", None: "not told"}


def as_table(verdicts: Iterable[Verdict]) -> str:
    """Return verdicts as a table of Markdown, which a terminal shows well enough."""
    rows = [
        ["what", "verdict", "found"],
        *([each.what, _WORDS[each.holds], each.found] for each in verdicts),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [
        f"| {row[0]:{widths[0]}} | {row[1]:{widths[1]}} | {row[2]} |"
        for row in ([" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows)
    ]
    return "\n".join(
        [lines[0], f"|{'-' * (widths[0] + 2)}|{'-' * (widths[1] + 2)}|---|", *lines[1:]]
    )
