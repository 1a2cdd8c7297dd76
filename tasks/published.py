"""What readers see of several months, as their latest commits say."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from prefect import task

from tasks.core.commit import PUBLISHED, Commit
from tasks.core.errors import CommitError
from tasks.core.findings import REPAIR
from tasks.core.plan import Subject, digest_statements
from tasks.objects import list_folders, parse_table, read_object
from tasks.retries import OVER_AWS, tried_again
from tasks.shelf import read_latest

Sessions = dict[dt.date, set[str]]
"""`{session: the names of its raw objects}`."""


@dataclass(frozen=True)
class PublishedMonth:
    """What readers see of a month.

    Attributes:
        commit: What sends them there.
        tables: `{refined table: its rows}`, as `pyarrow.Table`.
    """

    commit: Commit
    tables: Mapping[str, Any]


@tried_again
def list_published_months(subject: Subject) -> list[str]:
    """Return the months of which readers see something, in order. It only reads: one listing."""
    return sorted(list_folders(subject.bucket, f"{PUBLISHED}{subject.dataset.name}/"))


@tried_again
def read_published(
    subject: Subject, month: str, columns: Mapping[str, Sequence[str]]
) -> PublishedMonth | None:
    """Return what readers see of a month, all tables of one commit; None where it is nothing.

    Safe to repeat: it only reads. Where a file goes while it reads, it looks for a newer commit.

    Args:
        subject: What it is a month of.
        month: The month.
        columns: `{refined table: which of its columns}`.

    Raises:
        CommitError: A commit cannot be read, is missing, or names files that are gone.
        UnreadableRawError: A file cannot be read, or lacks a column.
    """
    seen, client = 0, boto3.client("s3")
    while (commit := read_latest(subject, month).commit) and commit.number > seen:
        seen, tables = commit.number, {}
        for name, wanted in columns.items():
            output = commit.tables.get(name)  # one of before there was such a table has none
            keys = output.objects if output else ()
            rows = _read_files(subject.bucket, keys, wanted, client)
            if rows is None:
                break
            tables[name] = rows
        else:
            return PublishedMonth(commit, tables)
    if seen:
        raise CommitError(
            f"Expected the files of commit {seen} of {subject} {month}, found that some are gone. "
            f"Mend it: {REPAIR}"
        )
    return None


def _read_files(
    bucket: str, keys: Collection[str], columns: Sequence[str], client: Any
) -> Any | None:
    """Return the rows of files, as `pyarrow.Table`; None where one of them is gone."""
    import pyarrow as pa  # here: it takes its time, which steps that read nothing need not wait

    parts = []
    for key in sorted(keys):
        body = read_object(bucket, key, client)
        if body is None:
            return None
        parts.append(parse_table(bucket, key, body, columns))
    nothing = pa.table({name: pa.array([], pa.null()) for name in columns})
    return pa.concat_tables(parts) if parts else nothing


@task(name="find-stale-months", task_run_name="find stale months of {subject}", **OVER_AWS)
def find_stale_months(subject: Subject) -> list[str]:
    """Return the months that readers see as other statements than today's made them, in order.

    Safe to repeat: it only reads.

    Raises:
        CommitError: A commit cannot be read, or is missing.
    """
    current = digest_statements(subject.dataset)
    months = list_folders(subject.bucket, f"{PUBLISHED}{subject.dataset.name}/")
    commits = {month: read_latest(subject, month).commit for month in sorted(months)}
    return [month for month, commit in commits.items() if commit and commit.statements != current]


@tried_again
def find_published(subject: Subject, months: Collection[str]) -> dict[str, Sessions]:
    """Return of each raw table, by its name, the raw objects that readers see of some months.

    Safe to repeat: it only reads, one commit a month.

    Raises:
        CommitError: A commit cannot be read, or is missing.
    """
    found: dict[str, Sessions] = {table.name: {} for table in subject.dataset.raw_tables}
    for month in sorted(months):
        commit = read_latest(subject, month).commit
        for each in commit.inputs if commit else ():
            raw = subject.dataset.raw_table_of(each.key)
            names = found[raw.name].setdefault(raw.session_of(each.key), set())
            names.add(raw.name_of(each.key))
    return found
