"""What a backfill finds, and what it would do about it."""

import datetime as dt
from collections.abc import Collection

from tasks.catalog import register_partitions
from tasks.core.backfill import describe_cost
from tasks.core.exchange import month_of
from tasks.core.plan import Subject
from tasks.core.quotes.files import QuotesPeriod
from tasks.month import look_at_month
from tasks.store import list_raw


def find_held(subject: Subject, first: dt.date, last: dt.date, name: str | None) -> set[dt.date]:
    """Return the sessions that raw holds of the years of a range: one listing a year.

    Args:
        subject: Of what.
        first: The first day.
        last: The last day.
        name: Which object of a session counts; None for any.
    """
    raw = subject.dataset.raw
    years = map(str, range(first.year, last.year + 1))
    keys = [key for year in years for key in list_raw(subject.bucket, raw, year)]
    return {raw.session_of(key) for key in keys if name is None or name == raw.name_of(key)}


def register_held(subject: Subject, first: dt.date, last: dt.date) -> set[str]:
    """Let readers see what every raw table holds of a range, whichever run wrote it.

    Returns:
        The months that hold something.
    """
    months: set[str] = set()
    for table in subject.dataset.raw_tables:
        years = map(str, range(first.year, last.year + 1))
        values = {
            table.value_of(key) for year in years for key in list_raw(subject.bucket, table, year)
        }
        held = {day for day in map(_day_of, values) if day and first <= day <= last}
        if held:
            of_it = sorted(map(str, held))
            register_partitions(subject.database, table, subject.bucket, of_it)
        months |= set(map(month_of, held))
    return months


def _day_of(value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def add_traded(
    sessions: list[dt.date], held: Collection[dt.date], first: dt.date, last: dt.date
) -> list[dt.date]:
    """Return the sessions of a range with those that raw holds: they win over the calendar."""
    return sorted({*sessions, *(day for day in held if first <= day <= last)})


def describe_plan(
    subject: Subject,
    sessions: list[dt.date],
    held: set[dt.date],
    files: list[QuotesPeriod],
) -> str:
    """Say in one line what a run would do."""
    missing = set(sessions) - held
    to_fill = {month_of(day) for day in missing} if files else set()
    stored = {month_of(day) for day in set(sessions) & held} - to_fill
    looks = [look_at_month(subject, month, mends=False) for month in sorted(stored)]
    stale = to_fill | {look.month for look in looks if not look.is_up_to_date}
    names = ", ".join(period.file_name for period in files[:6])
    more = ", …" if len(files) > 6 else ""
    asked = f"ask B3 for {len(files)} file(s) ({names}{more}): {len(files)} request(s); "
    return (
        f"would {asked if files else ''}find {len(sessions) - len(missing)} of {len(sessions)} "
        f"sessions in raw, {len(missing)} missing; refine {len(stale)} month(s), "
        f"{describe_cost(len(stale), subject.dataset.refine_seconds_a_month)}; nothing was changed"
    )
