"""What readers see of several months, as their latest commits say."""

import datetime as dt
from collections.abc import Collection

from prefect import task

from tasks.core.commit import PUBLISHED
from tasks.core.plan import Subject, digest_statements
from tasks.objects import list_folders
from tasks.retries import OVER_AWS, tried_again
from tasks.shelf import read_latest

Sessions = dict[dt.date, set[str]]
"""`{session: the names of its raw objects}`."""


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
