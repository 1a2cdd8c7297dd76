"""What raw lacks: sessions, their landing, their partitions. The judges are pure."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from tasks.core.dataset import Table
from tasks.core.exchange import month_of, sessions_between
from tasks.core.findings import Finding, tell
from tasks.core.inventory import SETTLED, Held
from tasks.core.landing import IsKept, Kept

_SESSION = "trading_date"
Named = tuple[dt.date, str]
"""A session, and the name of a raw object of it."""


def judge_raw_partitions(
    dataset: str,
    table: Table,
    bucket: str,
    held: Held,
    found: Mapping[str, str],
    now: dt.datetime,
) -> list[Finding]:
    """Find the partitions of a raw table that are not where its objects are.

    Args:
        dataset: The dataset's name.
        table: The table.
        bucket: The lake's bucket.
        held: What raw holds of it.
        found: `{value: where its partition points to}`.
        now: What time it is, by S3's clock.
    """
    settled = {value for value, at in held.partitions.items() if at < now - SETTLED}
    right = {value: f"s3://{bucket}/{table.folder(value)}" for value in held.partitions}
    parts = {
        "partition missing": settled - found.keys(),
        "partition elsewhere": {v for v in right.keys() & found.keys() if right[v] != found[v]},
        "partition of nothing": found.keys() - held.partitions.keys(),
    }
    return [
        Finding(
            kind,
            dataset,
            table.name,
            tell(sorted(values), "partition"),
            table="" if kind == "partition of nothing" else table.name,
            keys=() if kind == "partition of nothing" else tuple(sorted(values)),
        )
        for kind, values in parts.items()
        if values
    ]


def missing_sessions(held: Iterable[dt.date]) -> list[dt.date]:
    """Return the sessions by the calendar that lie between those held and are not among them.

    Months that nothing is held of end the range: they were never brought.
    """
    by_month: dict[int, list[dt.date]] = defaultdict(list)
    for day in held:
        by_month[day.year * 12 + day.month].append(day)
    missing: list[dt.date] = []
    first: dt.date | None = None
    for number in sorted(by_month):
        first = first or min(by_month[number])
        if number + 1 not in by_month:
            known = {day for month in by_month.values() for day in month}
            between = sessions_between(first, max(by_month[number]))
            missing += [day for day in between if day not in known]
            first = None
    return missing


def judge_sessions(
    dataset: str, table: Table, held: Held, closed: Collection[dt.date]
) -> list[Finding]:
    """Find the sessions that raw lacks of a name, between those that it holds.

    Args:
        dataset: The dataset's name.
        table: Its raw table.
        held: What raw holds of it.
        closed: Sessions by the calendar that were none.
    """
    findings = []
    for name, sessions in sorted(held.sessions.items()):
        by_month: dict[str, list[dt.date]] = defaultdict(list)
        for day in missing_sessions(sessions):
            if day not in closed and not _is_beside(day, held.fresh):
                by_month[month_of(day)].append(day)
        for month, days in by_month.items():
            findings.append(
                Finding(
                    "session missing",
                    dataset,
                    f"{table.name} {name} {month}",
                    tell(list(map(str, days)), "session"),
                    keys=tuple(dict.fromkeys(key_of(table, day, name) for day in days)),
                )
            )
    return findings


def key_of(table: Table, day: dt.date, name: str) -> str:
    """Return where raw keeps a session of a table that is laid out by session, or by year."""
    value = str(day) if table.partition_key.name == _SESSION else f"{day.year:04}"
    return table.object_key(value, name)


def _is_beside(day: dt.date, fresh: Collection[dt.date]) -> bool:
    """Return whether something was written just now of a day near by: a flow fills the gap."""
    return any(abs(day - each) <= dt.timedelta(days=10) for each in fresh)


def find_unkept(held: Held, kept: Kept, is_kept: IsKept) -> list[Named]:
    """Return the raw objects whose source landing does not keep, by the day of their writing."""
    return [
        (day, name)
        for name, sessions in sorted(held.sessions.items())
        for day in sorted(sessions)
        if not is_kept(kept, day, name, held.written_on[name].get(day, day))
    ]


def judge_landing(dataset: str, table: Table, unkept: Iterable[Named]) -> list[Finding]:
    """Find raw objects of which landing does not keep what they were read from, month by month."""
    by_month: dict[str, list[Named]] = defaultdict(list)
    for day, name in unkept:
        by_month[month_of(day)].append((day, name))
    return [
        Finding(
            "raw without landing",
            dataset,
            f"{table.name} {month}",
            tell([f"{name} {day}" for day, name in found], "session"),
            keys=tuple(dict.fromkeys(key_of(table, day, name) for day, name in found)),
        )
        for month, found in sorted(by_month.items())
    ]
