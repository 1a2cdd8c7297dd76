"""What must hold of the levels of a year, before they are stored."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from tasks.core.checks import Check, none_of
from tasks.core.exchange import is_session, sessions_between
from tasks.core.levels.answer import IndexLevel
from tasks.core.past_sessions import FIRST_SURE_YEAR
from tasks.core.wording import count, every

_MOST_ODD_DAYS = 10  # of a year before 2000; more, and it is no year that the exchange has had


def check_levels(
    levels: Sequence[IndexLevel], stored: Iterable[IndexLevel], today: dt.date
) -> list[Check]:
    """Check the levels of one year.

    Sessions before the first level are not missed, because an index may begin within the year, nor
    those after the last one, which B3 has still to publish. Of a year before 2000 the calendar may
    be wrong: up to ten sessions more, and ten less, are told by checks that pass.

    Args:
        levels: At least one, in order.
        stored: What raw holds of the year.
        today: The day in São Paulo on which B3 answered.
    """
    dates = [each.trading_date for each in levels]
    held = {each.trading_date for each in stored}
    lost = held - set(dates)
    return [
        _check_calendar(
            "levels_are_of_sessions",
            "levels on sessions of the exchange alone",
            [day for day in dates if not is_session(day)],
            f"{every(len(dates), 'level')} on sessions",
        ),
        _check_calendar(
            "no_session_is_left_out",
            "a level on each session from the first level to the last",
            _sessions_without(dates),
            f"{count(len(set(dates)), 'session')}, none left out",
        ),
        none_of(
            "no_level_of_a_day_to_come",
            f"no level after {today}",
            [day for day in dates if day > today],
            f"{count(len(dates), 'level')}, the last of {max(dates)}",
        ),
        none_of(
            "levels_are_positive",
            "levels above zero",
            [f"{each.trading_date} {each.level}" for each in levels if each.level <= 0],
            f"{every(len(levels), 'level')} above zero",
        ),
        none_of(
            "no_stored_level_is_lost",
            "a level on each session that raw holds",
            sorted(lost),
            f"{every(len(held), 'session')} of raw",
        ),
    ]


def _check_calendar(name: str, expected: str, odd: Sequence[dt.date], sound: str) -> Check:
    """Check days against the calendar: before it is sure, B3 wins, and a few odd days are told."""
    check = none_of(name, expected, odd, sound)
    if check.has_passed or len(odd) > _MOST_ODD_DAYS or max(odd).year >= FIRST_SURE_YEAR:
        return check
    return replace(check, has_passed=True, remark=f"B3 is believed on {check.found}")


def _sessions_without(dates: Collection[dt.date]) -> list[dt.date]:
    return [day for day in sessions_between(min(dates), max(dates)) if day not in dates]
