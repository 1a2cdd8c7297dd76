"""The exchange: its addresses, sessions, clock, and the hours at which its data is due.

The sessions come from the rules of exchange_calendars (BVMF), which are built without a network,
put right by `tasks.core.past_sessions`; they start where B3's quote files start. B3 publishes a
session's quotes on its evening, at about 20:30; at 21:00 they are expected.
"""

import datetime as dt
import functools
from bisect import bisect_left, bisect_right
from zoneinfo import ZoneInfo

from tasks.core.errors import InvalidInputError
from tasks.core.past_sessions import CLOSED, FIRST_SURE_YEAR, TRADED

FIRST_YEAR = 1986
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
QUOTES_DUE_AT = dt.time(21, 0)
INDEX_URL = "https://sistemaswebb3-listados.b3.com.br"
"""B3's site of indices."""
QUOTES_URL = "https://bvmf.bmfbovespa.com.br/InstDados/SerHist"
"""B3's folder of quote files."""


@functools.cache
def _sessions(last_year: int) -> list[dt.date]:
    # Imported here: it takes half a second, which a command that only prints help need not wait.
    import exchange_calendars

    # From a month before, so that the first days of the data have neighbours.
    rules = exchange_calendars.get_calendar(
        "BVMF", start=f"{FIRST_YEAR - 1}-12-01", end=f"{last_year}-12-31"
    )
    return sorted({each.date() for each in rules.sessions} - CLOSED | TRADED)


def _sessions_around(day: dt.date) -> list[dt.date]:
    if day.year < FIRST_YEAR:
        raise InvalidInputError(
            f"B3's data starts in {FIRST_YEAR}; found {day}. Ask for a later session."
        )
    return _sessions(day.year + 10 - day.year % 10)  # one list serves a decade


def is_session(day: dt.date) -> bool:
    """Return whether the exchange trades on `day`, as far as is known without its files.

    Raises:
        InvalidInputError: The day lies before the calendar's start.
    """
    sessions = _sessions_around(day)
    return sessions[bisect_left(sessions, day)] == day


def previous_session(day: dt.date) -> dt.date:
    """Return the last session before `day`."""
    sessions = _sessions_around(day)
    return sessions[bisect_left(sessions, day) - 1]


def next_session(day: dt.date) -> dt.date:
    """Return the first session after `day`."""
    sessions = _sessions_around(day + dt.timedelta(days=1))
    return sessions[bisect_right(sessions, day)]


def check_requested_session(day: dt.date, today: dt.date) -> dt.date:
    """Return `day` if a run can be asked for it.

    Args:
        day: The session asked for.
        today: The day it is in São Paulo. B3 shows no session later than the next one.

    Raises:
        InvalidInputError: No session, or past the next one; the message names the nearest.
    """
    latest = next_session(today)
    if day > latest:
        raise InvalidInputError(
            f"{day} lies past the next session. On {today} the nearest sessions are "
            f"{previous_session(latest)} and {latest}."
        )
    return _check_session(day)


def explains_as_swapped(day: dt.date, swapped: dt.date | None, today: dt.date) -> bool:
    """Return whether `day` is far from `today` while its swapped reading is what B3 shows now.

    B3 shows the current session or the next one, so of a date and its swapped reading only the
    right one is near the day of the request.
    """
    return not may_be_shown(day, today) and swapped is not None and may_be_shown(swapped, today)


def sessions_between(start: dt.date, end: dt.date) -> list[dt.date]:
    """Return the sessions from `start` to `end`, both included, in order."""
    if start > end:
        return []
    _sessions_around(start)  # which tells what lies before the data
    sessions = _sessions_around(end)
    return sessions[bisect_left(sessions, start) : bisect_right(sessions, end)]


def day_in_sao_paulo(at: dt.datetime) -> dt.date:
    """Return the day it is where the exchange is.

    Args:
        at: The time, with a zone.
    """
    return at.astimezone(SAO_PAULO).date()


def last_sessions(day: dt.date, count: int) -> list[dt.date]:
    """Return the last sessions up to `day`, itself included where it is one, in order."""
    sessions = [day if is_session(day) else previous_session(day)]
    while len(sessions) < count:
        sessions.append(previous_session(sessions[-1]))
    return sessions[::-1]


def may_be_shown(day: dt.date, today: dt.date) -> bool:
    """Return whether B3 may show the portfolios of a session: the current one, or the next."""
    return day in {previous_session(today), today, next_session(today)}


def month_of(trading_date: dt.date) -> str:
    """Return the month of a session as `YYYY-MM`, the unit of refinement."""
    return f"{trading_date:%Y-%m}"


def latest_due_session(now: dt.datetime) -> dt.date:
    """Return the latest session whose quotes should be published.

    Args:
        now: The date and time in São Paulo.
    """
    today = now.date()
    if is_session(today) and now.time() >= QUOTES_DUE_AT:
        return today
    return previous_session(today)


def check_traded_session(day: dt.date, today: dt.date) -> dt.date:
    """Return `day` if it is a session that has begun: it has quotes, or will have this evening.

    Of a year before 2000 any day will do: B3's files know better than the calendar.

    Raises:
        InvalidInputError: No session, or a later one; the message names the nearest.
    """
    if day > today:
        latest = today if is_session(today) else previous_session(today)
        raise InvalidInputError(
            f"{day} has no quotes yet: on {today} the latest session is {latest}. Quotes of a "
            f"session are published on its evening."
        )
    if FIRST_YEAR <= day.year < FIRST_SURE_YEAR:
        return day
    return _check_session(day)


def _check_session(day: dt.date) -> dt.date:
    if not is_session(day):
        raise InvalidInputError(
            f"{day} ({day:%A}) is no session of B3. The nearest sessions are "
            f"{previous_session(day)} and {next_session(day)}."
        )
    return day
