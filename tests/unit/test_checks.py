import pytest

from tasks.core.checks import Check, compare, none_of, require
from tasks.core.errors import BadDataError

PASSED = compare("sum", 1, 1)
FAILED = compare("sum", 1, 2)


def test_equal_values_pass_and_both_are_told() -> None:
    assert Check("sum", "1", "1", has_passed=True) == PASSED
    assert Check("sum", "1", "2", has_passed=False) == FAILED


def test_no_offender_passes() -> None:
    assert none_of("unique", "no ticker twice", []) == Check(
        "unique", "no ticker twice", "none", True
    )


@pytest.mark.parametrize(
    ("count", "found"),
    [
        (1, "0"),
        (5, "0, 1, 2, 3, 4"),
        (6, "0, 1, 2, 3, 4 and 1 more"),
        (99, "0, 1, 2, 3, 4 and 94 more"),
    ],
)
def test_some_offenders_are_named_and_the_rest_counted(count: int, found: str) -> None:
    check = none_of("unique", "no ticker twice", range(count))
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
