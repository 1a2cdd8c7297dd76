"""Checks as data: each says its name, what it expected and what it found."""

from collections.abc import Iterable
from dataclasses import dataclass

from tasks.core.errors import BadDataError


@dataclass(frozen=True)
class Check:
    """The verdict of one check.

    Attributes:
        name: What was checked, in snake case.
        expected: What had to be, in words or figures.
        found: What was, in the same form.
        has_passed: The verdict.
        remark: What is odd and no failure, to be told; most often nothing.
    """

    name: str
    expected: str
    found: str
    has_passed: bool
    remark: str = ""


def compare(name: str, expected: object, found: object) -> Check:
    """Return a check that passes when both are equal."""
    return Check(name, str(expected), str(found), expected == found)


def none_of(name: str, expected: str, offenders: Iterable[object]) -> Check:
    """Return a check that passes when there are no offenders; otherwise it names some."""
    found = [str(offender) for offender in offenders]
    shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    return Check(name, expected, shown or "none", not found)


def require(checks: Iterable[Check], subject: str, consequence: str) -> None:
    """Go on only if every check has passed.

    Args:
        checks: The verdicts.
        subject: What was checked, e.g. `IBOV 2025-08-01`.
        consequence: What follows and what to do, a sentence.

    Raises:
        BadDataError: A check failed; the message lists each with expected and found.
    """
    failed = [check for check in checks if not check.has_passed]
    if failed:
        lines = [f"  {c.name}: expected {c.expected}; found {c.found}" for c in failed]
        count = f"{len(failed)} check{'s' if len(failed) > 1 else ''}"
        raise BadDataError(f"{subject} failed {count}. {consequence}\n" + "\n".join(lines))
