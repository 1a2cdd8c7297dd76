"""Days, months and years of quotes, and B3's names of their files."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from tasks.core.exchange import sessions_between
from tasks.core.quotes.files import NOTHING_LOADED, LoadedQuotes, QuotesPeriod
from tests.portfolios import FRIDAY, THURSDAY

CASES = [
    (QuotesPeriod.day(dt.date(2022, 2, 3)), "COTAHIST_D03022022", "2022-02-03", "02-03", "02-03"),
    (QuotesPeriod.month(2024, 2), "COTAHIST_M022024", "2024-02", "02-01", "02-29"),
    (QuotesPeriod.year(1986), "COTAHIST_A1986", "1986", "01-01", "12-31"),
]


@pytest.mark.parametrize(("period", "stem", "text", "first", "last"), CASES)
def test_period_has_bounds_and_names(
    period: QuotesPeriod, stem: str, text: str, first: str, last: str
) -> None:
    assert (period.file_stem, period.file_name) == (stem, f"{stem}.ZIP")
    assert str(period) == text
    first_date, last_date = (dt.date.fromisoformat(f"{text[:4]}-{end}") for end in (first, last))
    assert (period.first_date, period.last_date) == (first_date, last_date)
    assert first_date in period
    assert last_date in period
    assert first_date - dt.timedelta(1) not in period
    assert last_date + dt.timedelta(1) not in period


def test_periods_are_in_the_order_of_their_days() -> None:
    year, march = QuotesPeriod.year(2025), QuotesPeriod.month(2025, 3)
    day, later = QuotesPeriod.day(dt.date(2025, 3, 3)), QuotesPeriod.day(dt.date(2026, 1, 2))
    assert sorted([later, day, march, year]) == [year, march, day, later]


def test_a_note_survives_writing_and_reading() -> None:
    note = LoadedQuotes('"abc"', "f" * 64, (THURSDAY, FRIDAY), 490)
    for each in (note, NOTHING_LOADED, replace(note, asked_on=FRIDAY)):
        assert LoadedQuotes.from_note(json.loads(json.dumps(each.to_note()))) == each


def test_a_note_of_before_does_not_say_when_b3_was_asked() -> None:
    note = LoadedQuotes('"abc"', "f" * 64, (THURSDAY,), 490, asked_on=FRIDAY)
    written = note.to_note()
    del written["asked_on"]
    assert LoadedQuotes.from_note(written) == replace(note, asked_on=None)


YEAR = QuotesPeriod.year(1989)


@pytest.mark.parametrize(
    ("day", "is_over"), [("1989-12-31", False), ("1990-01-09", False), ("1990-01-10", True)]
)
def test_a_year_is_over_once_its_file_has_had_time_to_become_whole(day: str, is_over: bool) -> None:
    assert YEAR.is_over_by(dt.date.fromisoformat(day)) is is_over


def test_what_the_file_of_a_year_that_was_over_does_not_hold_was_closed() -> None:
    sessions = sessions_between(dt.date(1989, 1, 2), dt.date(1989, 3, 31))
    held = (*sessions[1:4], *sessions[5:-1])
    loaded = LoadedQuotes("", "f" * 64, held, 9, dt.date(2026, 11, 26))
    said = "a session by the calendar; COTAHIST_A1989.ZIP of 2026-11-26 holds none"
    assert loaded.closed_days(YEAR, sessions) == {sessions[4]: said}
    assert loaded.closed_days(YEAR, sessions[:4]) == {}
    assert loaded.closed_days(QuotesPeriod.month(1989, 1), sessions) == {}
    for asked_on in (None, dt.date(1990, 1, 9)):
        assert replace(loaded, asked_on=asked_on).closed_days(YEAR, sessions) == {}
    assert replace(loaded, trading_dates=()).closed_days(YEAR, sessions) == {}


@pytest.mark.parametrize(("count", "is_settled"), [(10, True), (11, False)])
def test_a_file_that_lacks_many_sessions_is_not_the_whole_year(
    count: int, is_settled: bool
) -> None:
    sessions = sessions_between(dt.date(1989, 1, 2), dt.date(1989, 12, 31))
    held = (*sessions[:20], *sessions[20 + count :])
    loaded = LoadedQuotes("", "f" * 64, held, 9, dt.date(2026, 11, 26))
    assert len(loaded.closed_days(YEAR, sessions)) == (count if is_settled else 0)
