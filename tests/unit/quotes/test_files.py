"""Days, months and years of quotes, and B3's names of their files."""

import datetime as dt
import json

import pytest

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


def test_a_note_survives_writing_and_reading() -> None:
    note = LoadedQuotes('"abc"', "f" * 64, (THURSDAY, FRIDAY), 490)
    for each in (note, NOTHING_LOADED):
        assert LoadedQuotes.from_note(json.loads(json.dumps(each.to_note()))) == each
