"""The arithmetic of the reconciliation; the numbers are those of the golden tables, by hand."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tasks.core.reconciliation.expected import (
    Verdict,
    cut,
    imply_price,
    judge_index,
    summarize,
    tabulate,
    unit_price,
)
from tasks.core.reconciliation.tables import RAW_RECONCILIATION
from tests.standin.golden import read_golden

DAY = dt.date(2025, 8, 1)
KINDS = RAW_RECONCILIATION.types() | {"trading_date": "date"}
RAW = read_golden(RAW_RECONCILIATION.name, KINDS)


def rows_of(index_code: str, day: dt.date = DAY) -> list[dict[str, Any]]:
    return [row for row in RAW if (row["index_code"], row["trading_date"]) == (index_code, day)]


def test_a_level_is_cut_and_not_rounded() -> None:
    found = judge_index(DAY, rows_of("AAAA"))
    assert found.computed_level == Decimal("2892.85")  # 20250 / 7 = 2892.857...
    assert (found.verdict, found.reason, found.difference) == ("equal", None, Decimal("0.00"))


@pytest.mark.parametrize(
    ("points", "expected"),
    [("2892.859999", "2892.85"), ("1350", "1350.00"), ("0.009", "0.00"), ("0.01", "0.01")],
)
def test_what_is_beyond_two_decimals_is_left_out(points: str, expected: str) -> None:
    assert str(cut(Fraction(points))) == expected


@pytest.mark.parametrize(
    ("index_code", "day", "reason"),
    [
        ("AAAA", dt.date(2025, 8, 4), "no level"),
        ("CCCC", DAY, "1 of 2 constituents without a close"),
        ("DDDD", DAY, "no portfolio"),
        ("EEEE", dt.date(2025, 7, 31), "no quotes"),
        ("FFFF", DAY, "no divisor"),
    ],
)
def test_what_is_missing_is_the_reason(index_code: str, day: dt.date, reason: str) -> None:
    found = judge_index(day, rows_of(index_code, day))
    assert (found.verdict, found.reason, found.difference) == ("incomplete", reason, None)


@pytest.mark.parametrize(
    ("index_code", "ticker", "price", "tolerance"),
    [
        ("AAAA", "XXXA3", "10.100062", "0.0003393278"),
        ("AAAA", "XXXB4", "20.399876", "0.0006793444"),
        ("CCCC", "XXXD3", "20", "0.040375"),
    ],
)
def test_a_weight_implies_a_price_with_what_its_decimals_leave(
    index_code: str, ticker: str, price: str, tolerance: str
) -> None:
    (row,) = [row for row in rows_of(index_code) if row["ticker"] == ticker]
    implied = imply_price(row)
    assert implied
    assert (implied.price, implied.tolerance) == (Fraction(price), Fraction(tolerance))


@pytest.mark.parametrize("name", ["previous_level", "index_divisor", "theoretical_quantity"])
def test_without_level_divisor_or_quantity_nothing_is_implied(name: str) -> None:
    assert imply_price(rows_of("AAAA")[0] | {name: None}) is None


def test_a_price_is_for_one_piece() -> None:
    assert unit_price(Decimal("12.34"), Decimal(1000)) == Fraction("0.01234")
    assert unit_price(Decimal("1.00"), Decimal(3)) == Fraction("0.33333333")
    assert unit_price(Decimal("1.00"), None) is unit_price(None, Decimal(1)) is None


def differing(number: int) -> Verdict:
    level = Decimal("1234.50")
    day = DAY + dt.timedelta(number)
    gap = Decimal("-0.01")
    return Verdict("IBOV", day, 84, 84, level, level - gap, gap, "differs", None)


EQUAL = Verdict("SMLL", DAY, 1, 1, Decimal(1), Decimal(1), Decimal(0), "equal", None)
OPEN = Verdict("IDIV", DAY, 1, 0, None, None, None, "incomplete", "no quotes")


def test_what_came_of_all_is_said_in_a_line() -> None:
    assert summarize([EQUAL]) == "1 of 1 level equal"
    assert summarize([EQUAL, OPEN, differing(0)]) == (
        "1 of 3 levels equal; 1 differ: IBOV 2025-08-01 by -0.01; 1 incomplete"
    )
    many = summarize([differing(number) for number in range(5)])
    assert many.endswith("IBOV 2025-08-03 by -0.01 and 2 more")


def test_what_is_not_equal_is_tabulated_what_differs_first() -> None:
    assert tabulate([EQUAL, OPEN, differing(0)]) == [
        {
            "verdict": "differs",
            "index": "IBOV",
            "session": "2025-08-01",
            "computed": "1,234.50",
            "published": "1,234.51",
            "difference": "-0.01",
            "reason": "",
        },
        {
            "verdict": "incomplete",
            "index": "IDIV",
            "session": "2025-08-01",
            "computed": "",
            "published": "",
            "difference": "",
            "reason": "no quotes",
        },
    ]
