"""What readers see of several months, as their latest commits say."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from prefect import task

from tasks.core.commit import PUBLISHED
from tasks.core.dataset import Table
from tasks.core.plan import Subject, digest_statements
from tasks.objects import list_folders
from tasks.retries import OVER_AWS, tried_again
from tasks.shelf import read_latest


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
def find_published(
    subject: Subject, months: Collection[str], raw: Table
) -> dict[dt.date, set[str]]:
    """Return of each session of some months the names of the raw objects that readers see of it.

    Safe to repeat: it only reads, one commit a month.

    Args:
        subject: What they are months of.
        months: The months.
        raw: The raw table whose objects are meant.

    Raises:
        CommitError: A commit cannot be read, or is missing.
    """
    found = defaultdict(set)
    for month in sorted(months):
        commit = read_latest(subject, month).commit
        inputs = commit.inputs if commit else ()
        for each in (one for one in inputs if subject.dataset.raw_table_of(one.key) == raw):
            found[raw.session_of(each.key)].add(raw.name_of(each.key))
    return dict(found)
