"""What views are made over: the commits that readers see, or saw, and the files that are there."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import boto3

from tasks.core.commit import PUBLISHED, Commit, commit_key, number_commits, read_commit
from tasks.core.dataset import Dataset, Table
from tasks.core.errors import CommitError
from tasks.core.plan import digest_statements, plan_key
from tasks.core.views import (
    Columns,
    Part,
    Shown,
    choose_number,
    group_files,
    is_readable,
    is_whole_among,
    read_plan_columns,
)
from tasks.objects import LEAST_PARQUET_BYTES, list_at, read_object
from tasks.retries import tried_again
from tasks.side_by_side import READS_AT_ONCE, side_by_side

Numbers = Mapping[int, dt.datetime]
"""`{number: since when the commit is there}` of a month."""


@dataclass(frozen=True)
class Gone:
    """A month whose files are not all there.

    Attributes:
        shown: What readers see of it, or saw.
        earliest: The first commit after it whose files are all there; None where there is none.
    """

    shown: Shown
    earliest: Shown | None


@dataclass(frozen=True)
class Raw:
    """What lies in raw of a table.

    Attributes:
        keys: The files of rows, in order.
        others: What else lies there.
    """

    keys: tuple[str, ...]
    others: tuple[str, ...]


def find_shown(
    bucket: str, dataset: Dataset, as_of: dt.datetime | None
) -> tuple[list[Shown], list[Gone]]:
    """Return what each month of a dataset shows, or showed at a moment; it only reads.

    Args:
        bucket: The lake's bucket.
        dataset: The dataset.
        as_of: The moment; None for now.

    Returns:
        Of each month one, in order; and of those whose files are gone what can be shown.

    Raises:
        CommitError: A commit is gone or cannot be read.
    """
    months = _list_commits(bucket, dataset)
    chosen = {month: choose_number(numbers, as_of) for month, numbers in months.items()}
    wanted = [(month, number) for month, number in chosen.items() if number is not None]
    commits = _read_commits(bucket, dataset, wanted)
    sizes: dict[str, int] = {}
    for table in dataset.refined_tables if commits else ():
        sizes |= _list_sizes(bucket, table.prefix)
    shown, gone = [], []
    for commit in commits:
        numbers = months[commit.month]
        is_gone = not is_whole_among(commit, dataset, sizes)
        shown.append(Shown(commit, numbers[commit.number], is_gone))
        if is_gone:
            earliest = _find_earliest(bucket, dataset, commit, numbers, sizes)
            gone.append(Gone(shown[-1], earliest))
    return shown, gone


def find_parts(
    bucket: str, base: str, dataset: Dataset, commits: Iterable[Commit]
) -> dict[str, tuple[Part, ...]]:
    """Return `{refined table: its files}`, by the columns that they were made with.

    Args:
        bucket: The lake's bucket.
        base: What a file's address begins with, before its key.
        dataset: The dataset.
        commits: What is shown of it.

    Raises:
        CommitError: What says how an older month was made is gone or cannot be read.
    """
    today = {table.name: tuple(table.types().items()) for table in dataset.refined_tables}
    statements = digest_statements(dataset)
    older: dict[str, dict[str, Columns]] = {}
    files: dict[str, list[tuple[Columns, str]]] = {name: [] for name in today}
    for commit in commits:
        columns = today
        if commit.statements != statements:
            if commit.run_id not in older:
                older[commit.run_id] = _read_columns(bucket, commit.run_id)
            columns = older[commit.run_id]
        for name in today.keys() & commit.tables.keys():
            if name not in columns:
                raise CommitError(
                    f"Expected the columns of {name} in {plan_key(commit.run_id)}, which commit "
                    f"{commit.number} of {dataset.name} {commit.month} was made by; found none. "
                    f"Restore the object from the bucket's versions."
                )
            of_it = columns[name]
            files[name] += [(of_it, f"{base}{key}") for key in commit.tables[name].objects]
    return {name: group_files(of_table) for name, of_table in files.items()}


def find_raw(bucket: str, table: Table) -> Raw:
    """Return what lies in raw of a table now; it only reads."""
    found = _list_sizes(bucket, table.prefix)
    keys = tuple(
        key
        for key, size in found.items()
        if is_readable(table, key) and size >= LEAST_PARQUET_BYTES
    )
    return Raw(keys, tuple(key for key in found if key not in set(keys)))


def _find_earliest(
    bucket: str, dataset: Dataset, gone: Commit, numbers: Numbers, sizes: Mapping[str, int]
) -> Shown | None:
    for number in sorted(each for each in numbers if each > gone.number):
        (commit,) = _read_commits(bucket, dataset, [(gone.month, number)])
        if is_whole_among(commit, dataset, sizes):
            return Shown(commit, numbers[number], is_gone=False)
    return None


@tried_again
def _list_commits(bucket: str, dataset: Dataset) -> dict[str, dict[int, dt.datetime]]:
    prefix = f"{PUBLISHED}{dataset.name}/"
    found, _ = list_at(bucket, prefix)
    months: dict[str, dict[str, dt.datetime]] = defaultdict(dict)
    for each in found:
        months[each.key.removeprefix(prefix).partition("/")[0]][each.key] = each.modified_at
    return {
        month: dict(zip(number_commits(keys), _date_commits(keys), strict=True))
        for month, keys in sorted(months.items())
    }


def _date_commits(modified_at: Mapping[str, dt.datetime]) -> list[dt.datetime]:
    """Return since when each commit of a month is there, in order.

    A commit is there no later than the ones after it: what was restored has a later date.

    Args:
        modified_at: `{key: when S3 got it}`.
    """
    dates = [modified_at[key] for key in sorted(modified_at)]
    return [min(dates[place:]) for place in range(len(dates))]


@tried_again
def _read_commits(bucket: str, dataset: Dataset, wanted: Iterable[tuple[str, int]]) -> list[Commit]:
    keys = [commit_key(dataset, month, number) for month, number in wanted]
    client = boto3.client("s3")
    bodies = side_by_side(lambda key: read_object(bucket, key, client), keys, READS_AT_ONCE)
    return [read_commit(body or b"", key) for key, body in zip(keys, bodies, strict=True)]


@tried_again
def _read_columns(bucket: str, run_id: str) -> dict[str, Columns]:
    key = plan_key(run_id)
    return read_plan_columns(read_object(bucket, key) or b"", key)


@tried_again
def _list_sizes(bucket: str, prefix: str) -> dict[str, int]:
    found, _ = list_at(bucket, prefix)
    return {each.key: each.size for each in found}
