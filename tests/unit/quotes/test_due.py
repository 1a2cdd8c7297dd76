import datetime as dt

import pytest

from tasks.core.errors import InvalidInputError
from tasks.core.exchange import check_traded_session, latest_due_session
from tasks.core.quotes.files import QuotesPeriod, explain_absence, is_due

FRIDAY, SUNDAY = dt.date(2025, 8, 1), dt.date(2025, 8, 3)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "session"),
    [
        pytest.param("2025-08-01T20:59:59", "2025-07-31", id="a-minute-too-early"),
        pytest.param("2025-08-01T21:00:00", "2025-08-01", id="nine-in-the-evening"),
        pytest.param("2025-08-03T22:00:00", "2025-08-01", id="sunday-evening"),
        pytest.param("2025-08-04T08:00:00", "2025-08-01", id="monday-morning"),
        pytest.param("2024-11-20T23:00:00", "2024-11-19", id="a-holiday"),
    ],
)
def test_the_latest_session_is_due_from_nine_in_the_evening(now: str, session: str) -> None:
    assert str(latest_due_session(at(now))) == session


def test_a_session_that_has_begun_may_be_asked_for() -> None:
    assert check_traded_session(FRIDAY, FRIDAY) == FRIDAY


@pytest.mark.parametrize(
    ("day", "today", "said"),
    [
        (
            dt.date(2025, 8, 4),
            SUNDAY,
            "2025-08-04 has no quotes yet: .* latest session is 2025-08-01",
        ),
        (dt.date(2025, 8, 4), FRIDAY, "latest session is 2025-08-01"),
        (
            dt.date(2025, 8, 2),
            SUNDAY,
            r"2025-08-02 \(Saturday\) is no session .*-01 and 2025-08-04",
        ),
    ],
)
def test_a_day_without_quotes_is_refused(day: dt.date, today: dt.date, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        check_traded_session(day, today)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (QuotesPeriod.day(FRIDAY), False),
        (QuotesPeriod.day(dt.date(2025, 7, 31)), True),
        (QuotesPeriod.month(2025, 8), False),
        (QuotesPeriod.month(2025, 7), True),
        (QuotesPeriod.year(2025), True),
        (QuotesPeriod.year(2026), False),
    ],
)
def test_a_file_is_due_once_its_first_session_is(period: QuotesPeriod, expected: bool) -> None:
    assert is_due(period, at("2025-08-01T12:00")) is expected


def test_an_absence_is_explained_by_calendar_and_clock() -> None:
    day = QuotesPeriod.day(FRIDAY)
    early, late = (explain_absence(day, at(f"2025-08-01T{time}")) for time in ("12:00", "21:00"))
    assert "not published yet: they are due on that day at 21:00" in early
    assert "2025-08-01 12:00" in early
    assert "2025-08-01 was a session, so its quotes should be there" in late


@pytest.mark.parametrize("day", ["1986-01-01", "1989-12-25", "1992-06-14", "1999-12-31"])
def test_before_2000_any_day_may_have_traded(day: str) -> None:
    assert check_traded_session(dt.date.fromisoformat(day), FRIDAY) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(
    ("day", "said"), [("1985-12-30", "starts in 1986"), ("2000-01-01", "is no session of B3")]
)
def test_before_the_data_and_from_2000_on_the_calendar_says(day: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        check_traded_session(dt.date.fromisoformat(day), FRIDAY)
