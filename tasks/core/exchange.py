"""The exchange's sessions, from the rules of exchange_calendars (BVMF).

The calendar is built by rule and needs no network; it starts where B3's quote files start.
"""

import datetime as dt
import functools
from typing import Any

from tasks.core.errors import InvalidInputError

FIRST_YEAR = 1986


@functools.cache
def _calendar(last_year: int) -> Any:
    # Imported here: it takes half a second, which a command that only prints help need not wait.
    import exchange_calendars

    # From a month before, so that the first days of the data have neighbours.
    return exchange_calendars.get_calendar(
        "BVMF", start=f"{FIRST_YEAR - 1}-12-01", end=f"{last_year}-12-31"
    )


def _calendar_around(day: dt.date) -> Any:
    if day.year < FIRST_YEAR:
        raise InvalidInputError(
            f"B3's data starts in {FIRST_YEAR}; found {day}. Ask for a later session."
        )
    return _calendar(day.year + 10 - day.year % 10)  # one calendar serves a decade


def is_session(day: dt.date) -> bool:
    """Return whether the exchange trades on `day`.

    Raises:
        InvalidInputError: The day lies before the calendar's start.
    """
    return bool(_calendar_around(day).is_session(day.isoformat()))


def previous_session(day: dt.date) -> dt.date:
    """Return the last session before `day`."""
    eve = day - dt.timedelta(days=1)
    session: dt.date = (
        _calendar_around(day).date_to_session(eve.isoformat(), direction="previous").date()
    )
    return session


def next_session(day: dt.date) -> dt.date:
    """Return the first session after `day`."""
    morrow = day + dt.timedelta(days=1)
    session: dt.date = (
        _calendar_around(morrow).date_to_session(morrow.isoformat(), direction="next").date()
    )
    return session


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
    if not is_session(day):
        raise InvalidInputError(
            f"{day} ({day:%A}) is no session of B3. The nearest sessions are "
            f"{previous_session(day)} and {next_session(day)}."
        )
    return day


def explains_as_swapped(day: dt.date, swapped: dt.date | None, today: dt.date) -> bool:
    """Return whether `day` is far from `today` while its swapped reading is what B3 shows now.

    B3 shows the current session or the next one, so of a date and its swapped reading only the
    right one is near the day of the request.
    """
    shown_now = {previous_session(today), today, next_session(today)}
    return day not in shown_now and swapped in shown_now
