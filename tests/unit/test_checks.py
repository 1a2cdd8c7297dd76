import datetime as dt
from decimal import Decimal

import pytest

from tasks.core.checks import Check, compare, none_of, require
from tasks.core.errors import BadDataError
from tasks.core.wording import count, every

PASSED = compare("sum", 1, 1)
FAILED = compare("sum", 1, 2)


def test_equal_values_pass_and_both_are_told() -> None:
    assert Check("sum", "1", "1", has_passed=True) == PASSED
    assert Check("sum", "1", "2", has_passed=False) == FAILED


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (8735932630, "8,735,932,630"),
        (Decimal("16036751.16744128"), "16,036,751.16744128"),
        (Decimal("0E-8"), "0.00000000"),
        (Decimal("-1234.50"), "-1,234.50"),
        (999, "999"),
        (None, "None"),
        (dt.date(2025, 8, 1), "2025-08-01"),
    ],
    ids=str,
)
def test_the_digits_of_numbers_are_grouped_and_none_is_lost(value: object, said: str) -> None:
    assert compare("sum", value, value) == Check("sum", said, said, has_passed=True)


def test_what_a_value_was_found_in_is_told_beside_it() -> None:
    check = compare("sum", 1000, 999, "in 84 rows")
    assert (check.expected, check.found) == ("1,000", "999 in 84 rows")


def test_no_offender_passes_and_what_was_looked_at_is_told() -> None:
    assert none_of("unique", "no ticker twice", [], "no ticker twice in 84 rows") == Check(
        "unique", "no ticker twice", "no ticker twice in 84 rows", has_passed=True
    )


@pytest.mark.parametrize(
    ("number", "counted", "meant"),
    [
        (0, "0 indices", "0 of 0 indices"),
        (1, "1 index", "1 of 1 index"),
        (2, "2 indices", "2 of 2 indices"),
        (80_000, "80,000 indices", "80,000 of 80,000 indices"),
    ],
)
def test_things_are_counted_in_words(number: int, counted: str, meant: str) -> None:
    assert count(number, "index", "indices") == counted
    assert every(number, "index", "indices") == meant
    assert count(number, "row") == counted.replace("index", "row").replace("indices", "rows")


@pytest.mark.parametrize(
    ("offenders", "found"),
    [
        (1, "0"),
        (5, "0, 1, 2, 3, 4"),
        (6, "0, 1, 2, 3, 4 and 1 more"),
        (99, "0, 1, 2, 3, 4 and 94 more"),
        (1099, "0, 1, 2, 3, 4 and 1,094 more"),
    ],
)
def test_some_offenders_are_named_and_the_rest_counted(offenders: int, found: str) -> None:
    check = none_of("unique", "no ticker twice", range(offenders), "84 rows")
    assert check.found == found
    assert not check.has_passed


def test_goes_on_when_every_check_has_passed() -> None:
    require([PASSED, PASSED], "IBOV", "Nothing was published.")
    require([], "IBOV", "Nothing was published.")


def test_one_failure_stops_and_is_told_with_expected_and_found() -> None:
    with pytest.raises(BadDataError) as error:
        require([PASSED, FAILED], "IBOV 2025-08-01", "Nothing was published.")
    assert str(error.value) == (
        "IBOV 2025-08-01 failed 1 check. Nothing was published.\n  sum: expected 1; found 2"
    )


def test_every_failure_is_told() -> None:
    with pytest.raises(BadDataError, match="failed 2 checks") as error:
        require([FAILED, PASSED, compare("count", 84, 83)], "IBOV", "Look at it.")
    assert "sum: expected 1; found 2" in str(error.value)
    assert "count: expected 84; found 83" in str(error.value)
