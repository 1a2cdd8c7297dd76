import datetime as dt

import pytest

from tasks.core.errors import InvalidInputError
from tasks.core.exchange import (
    check_requested_session,
    day_in_sao_paulo,
    explains_as_swapped,
    is_session,
    last_sessions,
    may_be_shown,
    month_of,
    next_session,
    previous_session,
)

TODAY = dt.date(2025, 8, 1)  # a Friday and a session


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        pytest.param("2025-08-01", True, id="a-friday"),
        pytest.param("2025-08-02", False, id="a-saturday"),
        pytest.param("2025-08-03", False, id="a-sunday"),
        pytest.param("2025-03-05", True, id="ash-wednesday-opens-late"),
        pytest.param("2025-03-04", False, id="carnival-tuesday"),
        pytest.param("2025-04-18", False, id="good-friday"),
        pytest.param("2025-06-19", False, id="corpus-christi"),
        pytest.param("2024-12-25", False, id="christmas"),
        pytest.param("2024-12-31", False, id="last-day-of-the-year"),
        pytest.param("2023-11-20", True, id="20-november-before-2024"),
        pytest.param("2024-11-20", False, id="20-november-from-2024"),
        pytest.param("2021-01-25", False, id="25-january-before-2022"),
        pytest.param("2023-01-25", True, id="25-january-from-2022"),
        pytest.param("2021-07-09", False, id="9-july-before-2022"),
        pytest.param("2024-07-09", True, id="9-july-from-2022"),
        pytest.param("1986-01-01", False, id="first-day-of-the-data"),
        pytest.param("1986-01-02", True, id="first-session-of-the-data"),
    ],
)
def test_knows_the_exchanges_days(date: str, expected: bool) -> None:
    assert is_session(day(date)) is expected


@pytest.mark.parametrize(
    ("date", "before", "after"),
    [
        pytest.param("2025-08-01", "2025-07-31", "2025-08-04", id="over-a-weekend"),
        pytest.param("2025-03-03", "2025-02-28", "2025-03-05", id="over-carnival"),
        pytest.param("2024-12-31", "2024-12-30", "2025-01-02", id="over-new-year"),
        pytest.param("1986-01-02", "1985-12-30", "1986-01-03", id="at-the-start-of-the-data"),
    ],
)
def test_names_the_sessions_around_a_day(date: str, before: str, after: str) -> None:
    assert previous_session(day(date)) == day(before)
    assert next_session(day(date)) == day(after)


@pytest.mark.parametrize("date", ["2025-08-01", "2025-07-31", "2025-08-04", "1986-01-02"])
def test_a_session_up_to_the_next_one_can_be_asked_for(date: str) -> None:
    assert check_requested_session(day(date), TODAY) == day(date)


@pytest.mark.parametrize(
    ("date", "nearest"),
    [
        pytest.param("2025-07-26", ("Saturday", "2025-07-25", "2025-07-28"), id="weekend"),
        pytest.param("2024-12-25", ("Wednesday", "2024-12-23", "2024-12-26"), id="holiday"),
        pytest.param("1986-01-01", ("Wednesday", "1986-01-02"), id="before-the-first-session"),
        pytest.param("2025-08-05", ("2025-08-01", "2025-08-04"), id="past-the-next-session"),
        pytest.param("2025-12-25", ("2025-08-01", "2025-08-04"), id="a-holiday-to-come"),
        pytest.param("2199-08-05", ("2025-08-01", "2025-08-04"), id="past-the-century"),
        pytest.param("9999-12-31", ("2025-08-01", "2025-08-04"), id="past-every-calendar"),
    ],
)
def test_any_other_day_is_refused_with_the_nearest_sessions(
    date: str, nearest: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidInputError) as error:
        check_requested_session(day(date), TODAY)
    for expected in (date, *nearest):
        assert expected in str(error.value)


def test_a_day_before_the_data_starts_is_refused_with_the_year() -> None:
    with pytest.raises(InvalidInputError, match="starts in 1986; found 1985-12-30"):
        check_requested_session(day("1985-12-30"), TODAY)


@pytest.mark.parametrize(
    ("date", "swapped", "today", "expected"),
    [
        pytest.param("2025-01-08", "2025-08-01", "2025-08-01", True, id="today-swapped"),
        pytest.param("2025-04-08", "2025-08-04", "2025-08-02", True, id="next-session-swapped"),
        pytest.param("2025-08-01", "2025-01-08", "2025-08-01", False, id="today"),
        pytest.param("2025-07-31", None, "2025-08-01", False, id="no-other-reading"),
        pytest.param("2025-06-05", "2025-05-06", "2025-08-01", False, id="both-are-far"),
        pytest.param("2025-08-08", "2025-08-08", "2025-08-08", False, id="day-equals-month"),
    ],
)
def test_a_far_date_whose_swapped_reading_is_near_was_swapped(
    date: str, swapped: str | None, today: str, expected: bool
) -> None:
    other = day(swapped) if swapped else None
    assert explains_as_swapped(day(date), other, day(today)) is expected


@pytest.mark.parametrize(
    ("date", "count", "expected"),
    [
        pytest.param("2025-08-01", 1, ["2025-08-01"], id="a-session-itself"),
        pytest.param("2025-08-02", 1, ["2025-08-01"], id="a-saturday"),
        pytest.param(
            "2025-03-06", 3, ["2025-02-28", "2025-03-05", "2025-03-06"], id="over-carnival"
        ),
        pytest.param("2025-01-02", 2, ["2024-12-30", "2025-01-02"], id="over-new-year"),
    ],
)
def test_the_last_sessions_come_in_order(date: str, count: int, expected: list[str]) -> None:
    assert [str(each) for each in last_sessions(day(date), count)] == expected


@pytest.mark.parametrize(
    ("date", "today", "expected"),
    [
        ("2025-07-30", "2025-08-01", False),
        ("2025-07-31", "2025-08-01", True),
        ("2025-08-01", "2025-08-01", True),
        ("2025-08-04", "2025-08-01", True),
        ("2025-08-05", "2025-08-01", False),
        ("2025-08-01", "2025-08-03", True),
        ("2025-08-04", "2025-08-03", True),
        ("2025-07-31", "2025-08-03", False),
    ],
)
def test_b3_may_show_the_current_session_and_those_beside_it(
    date: str, today: str, expected: bool
) -> None:
    assert may_be_shown(day(date), day(today)) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2025-08-02T02:59:59+00:00", "2025-08-01"),
        ("2025-08-02T03:00:00+00:00", "2025-08-02"),
        ("2025-08-02T00:00:00-05:00", "2025-08-02"),
        ("2018-12-02T01:59:59+00:00", "2018-12-01"),
        ("2018-12-02T02:00:00+00:00", "2018-12-02"),
    ],
)
def test_the_day_is_the_one_where_the_exchange_is(at: str, expected: str) -> None:
    assert day_in_sao_paulo(dt.datetime.fromisoformat(at)) == day(expected)


def test_the_month_of_a_session_is_year_and_month() -> None:
    assert month_of(dt.date(2025, 8, 1)) == "2025-08"
