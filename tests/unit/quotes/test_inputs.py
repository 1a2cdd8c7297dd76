"""Small files with one oddity each, as they lie outside the project; made ones are elsewhere."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from tasks.core.errors import BadDataError
from tasks.core.exchange import sessions_between
from tasks.core.quotes.archive import read_sessions
from tasks.core.quotes.files import QuotesPeriod

READ = {
    "q1_same_key_twice_M101986.ZIP": (QuotesPeriod.month(1986, 10), 25),
    "q2_control_bytes_in_PRAZOT_M011987.ZIP": (QuotesPeriod.month(1987, 1), 22),
    "q2_sound_month_beside_it_M021987.ZIP": (QuotesPeriod.month(1987, 2), 20),
    "q3_saturday_M041986.ZIP": (QuotesPeriod.month(1986, 4), 22),
    "q4_moved_holiday_M111988.ZIP": (QuotesPeriod.month(1988, 11), 21),
    "q5_maundy_thursday_M041999.ZIP": (QuotesPeriod.month(1999, 4), 57),
}


def count(path: Path, period: QuotesPeriod) -> Counter[dt.date]:
    """How many records there are of each session."""
    counts: Counter[dt.date] = Counter()
    for day, batch in read_sessions(path, period):
        counts[day] += batch.num_rows
    return counts


@pytest.mark.parametrize("name", READ)
def test_a_month_with_an_oddity_is_read_and_has_the_sessions_of_the_calendar(
    inputs: Path, name: str
) -> None:
    period, record_count = READ[name]
    found = count(inputs / name, period)
    assert found.total() == record_count
    assert sorted(found) == sessions_between(period.first_date, period.last_date)


@pytest.mark.parametrize("name", ["q6_LF_A1986.zip", "q8_folder_entry.zip"])
def test_a_year_that_was_kept_in_another_form_is_read(inputs: Path, name: str) -> None:
    assert count(inputs / name, QuotesPeriod.year(1986)) == {dt.date(1986, 1, 2): 1}


def test_a_file_without_an_end_of_its_last_line_is_refused_by_its_end(inputs: Path) -> None:
    source = inputs / "q7_no_final_CRLF_A1986.zip"
    with pytest.raises(BadDataError, match="End of the file, after the trailer in line 3"):
        list(read_sessions(source, QuotesPeriod.year(1986)))
