import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.core.errors import BadDataError
from tasks.core.numbers import (
    EN_US,
    PT_BR,
    Language,
    parse_date,
    parse_decimal,
    parse_integer,
    swap_day_and_month,
)
from tests.portfolios import write_date, write_number

languages = st.sampled_from([PT_BR, EN_US])
decimals = st.integers(-(10**15), 10**15)


def other(language: Language) -> Language:
    return EN_US if language is PT_BR else PT_BR


@pytest.mark.parametrize(
    ("text", "scale", "language", "value"),
    [
        pytest.param("2,663", 3, PT_BR, "2.663", id="pt-br-weight"),
        pytest.param("2.663", 3, EN_US, "2.663", id="en-us-weight"),
        pytest.param("0,000", 3, PT_BR, "0.000", id="zero-keeps-its-scale"),
        pytest.param("100,000", 3, PT_BR, "100.000", id="total"),
        pytest.param("16.036.751,16744128", 8, PT_BR, "16036751.16744128", id="pt-br-divisor"),
        pytest.param("16,036,751.16744128", 8, EN_US, "16036751.16744128", id="en-us-divisor"),
        pytest.param("-1,500", 3, PT_BR, "-1.500", id="negative-is-read-and-left-to-the-checks"),
    ],
)
def test_reads_b3s_numbers(text: str, scale: int, language: Language, value: str) -> None:
    assert str(parse_decimal(text, scale, language)) == value


@pytest.mark.parametrize(
    ("text", "scale", "language"),
    [
        pytest.param("2.663", 3, PT_BR, id="en-us-weight-in-pt-br"),
        pytest.param("2,663", 3, EN_US, id="pt-br-weight-in-en-us"),
        pytest.param("1,243,177", 0, PT_BR, id="en-us-quantity-in-pt-br"),
        pytest.param("2,66", 3, PT_BR, id="too-few-decimals"),
        pytest.param("2,6630", 3, PT_BR, id="too-many-decimals"),
        pytest.param("2", 3, PT_BR, id="no-decimals"),
        pytest.param("1000,000", 3, PT_BR, id="no-group-mark"),
        pytest.param("1.00,000", 3, PT_BR, id="short-group"),
        pytest.param("2,663%", 3, PT_BR, id="percent-sign"),
        pytest.param(" 2,663", 3, PT_BR, id="blank"),
        pytest.param("", 3, PT_BR, id="empty"),
        pytest.param("-", 3, PT_BR, id="dash"),
        pytest.param("NaN", 3, PT_BR, id="not-a-number"),
        pytest.param("1e3", 0, PT_BR, id="exponent"),
        pytest.param("٢,663", 3, PT_BR, id="digits-of-another-script"),
        pytest.param("2,663\n", 3, PT_BR, id="line-end"),
    ],
)
def test_refuses_any_other_form(text: str, scale: int, language: Language) -> None:
    with pytest.raises(BadDataError, match=language.code) as error:
        parse_decimal(text, scale, language)
    assert repr(text) in str(error.value)


@given(units=decimals, scale=st.sampled_from([0, 3, 8]), language=languages)
def test_a_number_survives_writing_and_reading(units: int, scale: int, language: Language) -> None:
    number = Decimal(units).scaleb(-scale)
    read = parse_decimal(
        write_number(number.quantize(Decimal(1).scaleb(-scale)), language), scale, language
    )
    assert read == number
    assert read.as_tuple().exponent == -scale


@given(units=decimals, scale=st.sampled_from([3, 8]), language=languages)
def test_a_fraction_of_the_other_language_is_refused(
    units: int, scale: int, language: Language
) -> None:
    text = write_number(Decimal(units).scaleb(-scale), other(language))
    with pytest.raises(BadDataError):
        parse_decimal(text, scale, language)


@given(number=st.integers(-(10**15), 10**15), language=languages)
def test_a_grouped_quantity_of_the_other_language_is_refused(
    number: int, language: Language
) -> None:
    assume(abs(number) >= 1000)
    text = write_number(number, language)
    assert parse_integer(text, language) == number
    with pytest.raises(BadDataError):
        parse_integer(text, other(language))


@given(date=st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)), language=languages)
def test_a_date_survives_writing_and_reading(date: dt.date, language: Language) -> None:
    assert parse_date(write_date(date, language), language) == date


@given(date=st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)), language=languages)
def test_a_day_past_the_twelfth_is_refused_in_the_other_language(
    date: dt.date, language: Language
) -> None:
    assume(date.day > 12)
    with pytest.raises(BadDataError, match=other(language).date_example):
        parse_date(write_date(date, language), other(language))


@pytest.mark.parametrize(
    "text",
    ["31/02/25", "00/01/25", "1/8/25", "01/08/2025", "2025-08-01", "01-08-25", "", "01/08/25 "],
)
def test_refuses_what_is_no_date(text: str) -> None:
    with pytest.raises(BadDataError, match=r"expected a pt-br date DD/MM/YY, found"):
        parse_date(text, PT_BR)


def test_the_same_digits_name_different_days_in_the_two_languages() -> None:
    assert parse_date("04/07/25", EN_US) == dt.date(2025, 4, 7)
    assert parse_date("04/07/25", PT_BR) == dt.date(2025, 7, 4)


def test_day_and_month_can_be_swapped_where_that_names_a_day() -> None:
    assert swap_day_and_month(dt.date(2025, 4, 7)) == dt.date(2025, 7, 4)
    assert swap_day_and_month(dt.date(2025, 4, 13)) is None
