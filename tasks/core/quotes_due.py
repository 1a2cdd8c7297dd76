"""When B3's quotes files are due, by the calendar and the clock in São Paulo.

B3 publishes a session's quotes on its evening, at about 20:30; at 21:00 they are expected.
"""

import datetime as dt

from tasks.core.errors import InvalidInputError
from tasks.core.exchange import is_session, next_session, previous_session
from tasks.core.quotes.files import QuotesPeriod

DUE_AT = dt.time(21, 0)


def latest_due_session(now: dt.datetime) -> dt.date:
    """Return the latest session whose quotes should be published.

    Args:
        now: The date and time in São Paulo.
    """
    today = now.date()
    if is_session(today) and now.time() >= DUE_AT:
        return today
    return previous_session(today)


def check_traded_session(day: dt.date, today: dt.date) -> dt.date:
    """Return `day` if it is a session that has begun: it has quotes, or will have this evening.

    Raises:
        InvalidInputError: No session, or a later one; the message names the nearest.
    """
    if day > today:
        latest = today if is_session(today) else previous_session(today)
        raise InvalidInputError(
            f"{day} has no quotes yet: on {today} the latest session is {latest}. Quotes of a "
            f"session are published on its evening."
        )
    if not is_session(day):
        raise InvalidInputError(
            f"{day} ({day:%A}) is no session of B3. The nearest sessions are "
            f"{previous_session(day)} and {next_session(day)}."
        )
    return day


def is_due(period: QuotesPeriod, now: dt.datetime) -> bool:
    """Return whether a period's file should be there: its first session has been published."""
    return _first_session(period) <= latest_due_session(now)


def explain_absence(period: QuotesPeriod, now: dt.datetime) -> str:
    """Say what to make of a file that is not there.

    Args:
        period: What was asked for.
        now: The date and time in São Paulo.
    """
    first = _first_session(period)
    if is_due(period, now):
        return (
            f"By the calendar {first} was a session, so its quotes should be there: B3 keeps the "
            f"files of single days and months for some time only, or its site has changed "
            f"(B3_QUOTES_URL)."
        )
    return (
        f"Quotes of {first} are not published yet: they are due on that day at "
        f"{DUE_AT:%H:%M} in São Paulo, where it is {now:%Y-%m-%d %H:%M}. Run again then."
    )


def _first_session(period: QuotesPeriod) -> dt.date:
    return next_session(period.first_date - dt.timedelta(days=1))
