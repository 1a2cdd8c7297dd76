"""A month as a verification sees it: its latest commit, and the ends of files."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

from tasks.core.attempt import is_data, is_whole
from tasks.core.commit import Commit, number_commits, read_commit
from tasks.core.errors import CommitError
from tasks.core.footer import read_ends, to_date
from tasks.core.inventory import Facts, MonthSeen
from tasks.core.plan import RawObject, Subject
from tasks.core.vacuum import StoredObject, Unit
from tasks.month import is_sound
from tasks.objects import has_footer, read_object
from tasks.side_by_side import READS_AT_ONCE, side_by_side

_DATES = ("trading_date", "first_trading_date", "last_trading_date")
_Said = tuple[int, dict[str, list[dt.date] | None]]
"""How many rows a file has, and the dates at the ends of its columns."""
Found = Commit | tuple[str, str]
"""The latest commit of a month, or kind and words of what is wrong with it."""


@dataclass(frozen=True)
class Commits:
    """The commits of all months as a listing shows them.

    Attributes:
        stored: `{month: its objects, in order}`.
    """

    stored: Mapping[str, Sequence[StoredObject]]

    def read(self, subject: Subject) -> Iterator[tuple[str, Found]]:
        """Yield of each month, in order, its latest commit, or what is wrong with it."""
        client = boto3.client("s3")

        def read_latest(month: str) -> Found:
            key = self.stored[month][-1].key
            try:
                number_commits(each.key for each in self.stored[month])
            except CommitError as error:
                return "commit missing", _first_sentence(error)
            try:
                return read_commit(read_object(subject.bucket, key, client) or b"", key)
            except CommitError as error:
                return "commit unreadable", _first_sentence(error)

        months = sorted(self.stored)
        yield from zip(months, side_by_side(read_latest, months, READS_AT_ONCE), strict=True)


def _first_sentence(error: CommitError) -> str:
    return str(error).partition(". ")[0]


def look_into(
    subject: Subject,
    month: str,
    raw: Sequence[StoredObject],
    found: Found | None,
    units: Mapping[str, Unit],
    now: dt.datetime,
    *,
    is_at_work: bool,
) -> MonthSeen:
    """Return what is seen of a month.

    Args:
        subject: What it is a month of.
        month: `YYYY-MM`.
        raw: What raw holds of it.
        found: Its latest commit, or what is wrong with it; None where it has none.
        units: `{folder: what lies there}` of all refined objects.
        now: What time it is, by S3's clock.
        is_at_work: Whether Glue is at work on it.
    """
    if isinstance(found, tuple):
        return MonthSeen(month, now, tuple(raw), trouble=found, is_at_work=is_at_work)
    there = {
        table.name: list(units[folder].objects) if folder in units else []
        for table in subject.dataset.refined_tables
        if found and table.name in found.tables
        for folder in [table.attempt_folder(found.run_id, found.attempt, month)]
    }
    files = {table: {each.key: each.size for each in objects} for table, objects in there.items()}
    whole = {
        table: [each for each in objects if is_data(each.key)]
        for table, objects in there.items()
        if found and is_whole(found.tables[table], files[table])
    }
    return MonthSeen(
        month=month,
        now=now,
        raw=tuple(raw),
        unreadable=_find_unreadable(subject, raw, found),
        commit=found,
        files=files,
        facts=_read_facts(subject.bucket, whole),
        is_at_work=is_at_work,
    )


def _find_unreadable(
    subject: Subject, raw: Sequence[StoredObject], commit: Commit | None
) -> tuple[str, ...]:
    """Return the keys of what cannot be read, of what the audit of a commit has not read."""
    audited = {(each.key, each.etag) for each in commit.inputs} if commit else set()
    new = [
        RawObject(each.key, each.etag, each.size)
        for each in raw
        if (each.key, each.etag) not in audited
    ]
    client = boto3.client("s3")
    sound = side_by_side(lambda each: is_sound(subject, each, {}, client), new, READS_AT_ONCE)
    return tuple(each.key for each, is_good in zip(new, sound, strict=True) if not is_good)


def _read_facts(bucket: str, tables: Mapping[str, Sequence[StoredObject]]) -> dict[str, Facts]:
    client = boto3.client("s3")
    files = [(table, each) for table, objects in tables.items() for each in objects]

    def read(file: tuple[str, StoredObject]) -> _Said | bool:
        """Return what the end of a file says; False where it has none, True where it has moved."""
        _, each = file
        found: list[_Said] = []
        raw = RawObject(each.key, each.etag, each.size)

        def take(metadata: Any, footer: bytes) -> bool:
            found.append(_read_end(metadata, footer))
            return True

        is_moved = has_footer(bucket, raw, take, {}, client)
        return found[0] if found else is_moved

    said = side_by_side(read, files, READS_AT_ONCE)
    read_of: dict[str, list[tuple[str, _Said | bool]]] = {table: [] for table in tables}
    for (table, each), end in zip(files, said, strict=True):
        read_of[table].append((each.key, end))
    return {
        table: _sum_up(parts)
        for table, parts in read_of.items()
        if all(end is not True for _, end in parts)  # moved meanwhile: another look
    }


def _read_end(metadata: Any, footer: bytes) -> _Said:
    columns = [name for name in _DATES if name in metadata.schema.names]
    return metadata.num_rows, {name: _read_days(footer, name) for name in columns}


def _read_days(footer: bytes, column: str) -> list[dt.date] | None:
    """Return the first and last dates of a column; None where a group does not say them."""
    ends = read_ends(footer, column)
    known = [to_date(end) for each in ends if each is not None for end in each]
    return known if len(known) == 2 * len(ends) else None


def _sum_up(parts: Sequence[tuple[str, _Said | bool]]) -> Facts:
    good = [end for _, end in parts if not isinstance(end, bool)]
    spans = {name: span for name in _DATES if (span := _span_of(name, good))}
    unreadable = tuple(key for key, end in parts if isinstance(end, bool))
    return Facts(sum(rows for rows, _ in good), spans, unreadable)


def _span_of(column: str, files: Sequence[_Said]) -> tuple[dt.date, dt.date] | None:
    """Return the first and the last date of a column, as far as all of its files say them."""
    said = [days.get(column) for _, days in files]
    known = [day for days in said if days is not None for day in days]
    return (min(known), max(known)) if known and None not in said else None
