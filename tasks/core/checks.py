"""Checks as data: each says its name, what it expected and what it found."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tasks.core.errors import BadDataError

_MOST_NAMED = 5


@dataclass(frozen=True)
class Check:
    """The verdict of one check.

    Attributes:
        name: What was checked, in snake case.
        expected: What had to be, in words or figures.
        found: What was, with how much was looked at; where it failed, the first few differences.
        has_passed: The verdict.
        remark: What is odd and no failure, to be told; most often nothing.
    """

    name: str
    expected: str
    found: str
    has_passed: bool
    remark: str = ""


def compare(name: str, expected: object, found: object, of_what: str = "") -> Check:
    """Return a check that passes when both are equal.

    Args:
        name: What was checked, in snake case.
        expected: What had to be.
        found: What was.
        of_what: What it was counted or summed up in, e.g. `in 84 rows`.
    """
    said = f"{show_value(found)} {of_what}".rstrip()
    return Check(name, show_value(expected), said, expected == found)


def none_of(name: str, expected: str, offenders: Iterable[object], sound: str) -> Check:
    """Return a check that passes when there are no offenders; otherwise it names some.

    Args:
        name: What was checked, in snake case.
        expected: What had to be.
        offenders: What is not so.
        sound: What was found where there are none, with how much was looked at: `84 of 84 rows
            equal`.
    """
    found = [str(offender) for offender in offenders]
    more = f" and {len(found) - _MOST_NAMED:,} more" if len(found) > _MOST_NAMED else ""
    return Check(name, expected, ", ".join(found[:_MOST_NAMED]) + more or sound, not found)


def show_value(value: object) -> str:
    """Return a value in words; the digits of numbers are grouped, and none is lost."""
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


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
