"""Exact arithmetic of a report: fractions, rounded or cut once at the end."""

from decimal import Decimal
from fractions import Fraction


def change_pct(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    """Return a change in percent, three decimals, half up; None where a value is not known."""
    if not before or after is None:
        return None
    return round_half_up(100 * (Fraction(after) / Fraction(before) - 1), 3)


def round_half_up(value: Fraction, places: int) -> Decimal:
    """Return a number with some decimals; a half goes away from zero."""
    scaled = abs(value) * 10**places
    digits = int(scaled + Fraction(1, 2))
    return Decimal(digits if value >= 0 else -digits).scaleb(-places)


def cut(value: Fraction, places: int) -> Decimal:
    """Return a number that is not negative with some decimals, and what follows left out."""
    return Decimal(int(value * 10**places)).scaleb(-places)
