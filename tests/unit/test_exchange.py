import datetime as dt
import re

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
    sessions_between,
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


SESSIONS_A_YEAR = """
1986 248  1987 240  1988 246  1989 245  1990 241  1991 247  1992 247  1993 246  1994 245
1995 245  1996 248  1997 249  1998 246  1999 246  2000 248  2001 246  2002 249  2003 250
2004 249  2005 249  2006 246  2007 245  2008 249  2009 246  2010 247  2011 249  2012 246
2013 248  2014 248  2015 246  2016 249  2017 246  2018 245  2019 248  2020 249  2021 247
2022 250  2023 248  2024 251  2025 250
"""


@pytest.mark.parametrize(
    ("year", "count"),
    [tuple(map(int, pair)) for pair in re.findall(r"(\d{4}) (\d{3})", SESSIONS_A_YEAR)],
)
def test_a_year_has_as_many_sessions_as_are_known_of_it(year: int, count: int) -> None:
    sessions = sessions_between(dt.date(year, 1, 1), dt.date(year, 12, 31))
    assert len(sessions) == count
    assert all(is_session(each) for each in sessions)
    assert sessions == sorted(set(sessions))


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        pytest.param("1999-04-01", False, id="maundy-thursday"),
        pytest.param("1990-03-15", False, id="closed-by-order"),
        pytest.param("1990-02-28", False, id="ash-wednesday-before-2000"),
        pytest.param("1986-04-26", True, id="a-saturday-that-traded"),
        pytest.param("1988-11-02", True, id="a-holiday-that-was-moved"),
        pytest.param("1988-10-31", False, id="the-monday-it-was-moved-to"),
        pytest.param("1989-01-16", False, id="known-of-1989"),
        pytest.param("2000-04-20", True, id="maundy-thursday-of-the-first-sure-year"),
    ],
)
def test_knows_where_the_rules_are_wrong_before_2000(date: str, expected: bool) -> None:
    assert is_session(day(date)) is expected
    assert (day(date) in sessions_between(day(date), day(date))) is expected


def test_a_span_holds_both_its_ends_and_nothing_where_it_ends_before_it_starts() -> None:
    found = sessions_between(day("1999-03-31"), day("1999-04-05"))
    assert [str(each) for each in found] == ["1999-03-31", "1999-04-05"]
    assert sessions_between(day("1999-04-05"), day("1999-03-31")) == []
    with pytest.raises(InvalidInputError, match="starts in 1986"):
        sessions_between(day("1985-12-31"), day("1986-01-10"))


@pytest.mark.parametrize(
    ("date", "before", "after"),
    [
        pytest.param("2025-08-01", "2025-07-31", "2025-08-04", id="over-a-weekend"),
        pytest.param("2025-03-03", "2025-02-28", "2025-03-05", id="over-carnival"),
        pytest.param("2024-12-31", "2024-12-30", "2025-01-02", id="over-new-year"),
        pytest.param("1999-04-01", "1999-03-31", "1999-04-05", id="over-a-maundy-thursday"),
        pytest.param("1986-04-25", "1986-04-24", "1986-04-26", id="before-a-saturday"),
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
