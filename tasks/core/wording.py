"""Counts and spans in words, for lines, tables and pages."""

from collections.abc import Iterable


def count(number: int, what: str, many: str = "") -> str:
    """Return how many of something, e.g. `84 rows`.

    Args:
        number: How many.
        what: What, where it is one.
        many: What, where it is more; by default with an s.
    """
    return f"{number:,} {what if number == 1 else many or f'{what}s'}"


def every(number: int, what: str, many: str = "") -> str:
    """Return that all of something are meant, e.g. `84 of 84 rows`; arguments as of `count`."""
    return f"{number:,} of {count(number, what, many)}"


def name_span(values: Iterable[str]) -> str:
    """Return the first and the last of what has an order, e.g. `2025-01 to 2025-12`."""
    first, *rest = sorted(set(values))
    return f"{first} to {rest[-1]}" if rest else first
