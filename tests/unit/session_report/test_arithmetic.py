from decimal import Decimal
from fractions import Fraction

import pytest

from tasks.core.session_report.arithmetic import change_pct, cut, round_half_up


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (Fraction(1, 8), "0.13"),
        (Fraction(-1, 8), "-0.13"),
        (Fraction(12, 100), "0.12"),
        (Fraction(124999, 1000000), "0.12"),
        (Fraction(0), "0.00"),
        (Fraction(-1, 1000), "0.00"),
    ],
)
def test_a_half_goes_away_from_zero(value: Fraction, rounded: str) -> None:
    assert str(round_half_up(value, 2)) == rounded


@pytest.mark.parametrize(
    ("value", "shown"),
    [(Fraction(999, 1000), "0.99"), (Fraction(1), "1.00"), (Fraction(2, 3), "0.66")],
)
def test_what_is_cut_is_not_rounded(value: Fraction, shown: str) -> None:
    assert str(cut(value, 2)) == shown


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("137344.63", "137522.03", "0.129"),
        ("200", "199", "-0.500"),
        ("100", "100", "0.000"),
        ("100", "0", "-100.000"),
    ],
)
def test_a_change_is_in_percent_of_what_was_before(before: str, after: str, change: str) -> None:
    assert str(change_pct(Decimal(before), Decimal(after))) == change


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("1", None), ("0", "1"), (None, None)])
def test_without_one_of_both_there_is_no_change(before: str | None, after: str | None) -> None:
    first, second = (None if each is None else Decimal(each) for each in (before, after))
    assert change_pct(first, second) is None
