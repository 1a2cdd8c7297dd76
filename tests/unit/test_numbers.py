import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.core.errors import BadDataError
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.numbers import (
    LANGUAGE,
    MOST_DIGITS,
    parse_date,
    parse_decimal,
    parse_integer,
    swap_day_and_month,
)
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tests.portfolios import ENGLISH, write_date, write_number

LARGEST = 10**MOST_DIGITS - 1
decimals = st.integers(-LARGEST, LARGEST)


@pytest.mark.parametrize(
    ("text", "scale", "value"),
    [
        pytest.param("2,663", 3, "2.663", id="pt-br-weight"),
        pytest.param("0,000", 3, "0.000", id="zero-keeps-its-scale"),
        pytest.param("100,000", 3, "100.000", id="total"),
        pytest.param("16.036.751,16744128", 8, "16036751.16744128", id="pt-br-divisor"),
        pytest.param("-1,500", 3, "-1.500", id="negative-is-read-and-left-to-the-checks"),
    ],
)
def test_reads_b3s_numbers(text: str, scale: int, value: str) -> None:
    assert str(parse_decimal(text, scale)) == value


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        pytest.param("2.663", 3, id="en-us-weight-in-pt-br"),
        pytest.param("1,243,177", 0, id="en-us-quantity-in-pt-br"),
        pytest.param("2,66", 3, id="too-few-decimals"),
        pytest.param("2,6630", 3, id="too-many-decimals"),
        pytest.param("2", 3, id="no-decimals"),
        pytest.param("1000,000", 3, id="no-group-mark"),
        pytest.param("1.00,000", 3, id="short-group"),
        pytest.param("2,663%", 3, id="percent-sign"),
        pytest.param(" 2,663", 3, id="blank"),
        pytest.param("", 3, id="empty"),
        pytest.param("-", 3, id="dash"),
        pytest.param("NaN", 3, id="not-a-number"),
        pytest.param("1e3", 0, id="exponent"),
        pytest.param("٢,663", 3, id="digits-of-another-script"),
        pytest.param("2,663\n", 3, id="line-end"),
    ],
)
def test_refuses_any_other_form(text: str, scale: int) -> None:
    with pytest.raises(BadDataError, match=LANGUAGE) as error:
        parse_decimal(text, scale)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        pytest.param("1.000.000.000.000.000", 0, id="quantity"),
        pytest.param("9.223.372.036.854.775.808", 0, id="over-64-bits"),
        pytest.param("-1.000.000.000.000.000", 0, id="below-zero"),
        pytest.param("1.000.000.000.000.000,000", 3, id="weight"),
        pytest.param("123.456.789.012.345.678.901.234.567.890.123.456,12345678", 8, id="divisor"),
        pytest.param("000.000.000.000.000.001,00", 2, id="noughts-in-front"),
    ],
)
def test_refuses_a_number_that_is_longer_than_what_is_kept(text: str, scale: int) -> None:
    with pytest.raises(BadDataError, match="expected a number of at most 15 whole digits") as error:
        parse_decimal(text, scale)
    assert text in str(error.value)


@pytest.mark.parametrize("text", ["x" * 1_000_000, "1" + ".000" * 1_000_000])
@pytest.mark.parametrize("parse", [parse_integer, parse_date])
def test_a_text_of_any_length_is_refused_in_few_words(
    parse: Callable[[str], object], text: str
) -> None:
    with pytest.raises(BadDataError, match="characters") as error:
        parse(text)
    assert len(str(error.value)) < 200


def test_every_number_that_is_read_fits_its_column() -> None:
    types = RAW_PORTFOLIO.types() | INDEX_LEVELS.types()
    for name in ("header_reductor", "level"):
        precision, scale = map(int, re.findall(r"\d+", types[name]))
        assert precision - scale >= MOST_DIGITS, name
    for name in ("theorical_qty", "header_theorical_qty"):
        assert types[name] == "bigint"
    assert 9_000 * LARGEST < 2**63  # as many constituents as no index has


@given(units=decimals, scale=st.sampled_from([0, 3, 8]))
def test_a_number_survives_writing_and_reading(units: int, scale: int) -> None:
    number = Decimal(units).scaleb(-scale)
    read = parse_decimal(write_number(number.quantize(Decimal(1).scaleb(-scale))), scale)
    assert read == number
    assert read.as_tuple().exponent == -scale


@given(units=decimals, scale=st.sampled_from([3, 8]))
def test_a_fraction_of_another_language_is_refused(units: int, scale: int) -> None:
    text = write_number(Decimal(units).scaleb(-scale), ENGLISH)
    with pytest.raises(BadDataError):
        parse_decimal(text, scale)


@given(number=decimals)
def test_a_grouped_quantity_of_another_language_is_refused(number: int) -> None:
    assume(abs(number) >= 1000)
    text = write_number(number)
    assert parse_integer(text) == number
    with pytest.raises(BadDataError):
        parse_integer(write_number(number, ENGLISH))


@given(date=st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)))
def test_a_date_survives_writing_and_reading(date: dt.date) -> None:
    assert parse_date(write_date(date)) == date


@given(date=st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)))
def test_a_day_past_the_twelfth_is_refused_in_another_language(date: dt.date) -> None:
    assume(date.day > 12)
    with pytest.raises(BadDataError, match="DD/MM/YY"):
        parse_date(write_date(date, ENGLISH))


@pytest.mark.parametrize(
    "text",
    ["31/02/25", "00/01/25", "1/8/25", "01/08/2025", "2025-08-01", "01-08-25", "", "01/08/25 "],
)
def test_refuses_what_is_no_date(text: str) -> None:
    with pytest.raises(BadDataError, match=r"expected a pt-br date DD/MM/YY, found"):
        parse_date(text)


def test_day_and_month_can_be_swapped_where_that_names_a_day() -> None:
    assert swap_day_and_month(dt.date(2025, 4, 7)) == dt.date(2025, 7, 4)
    assert swap_day_and_month(dt.date(2025, 4, 13)) is None
