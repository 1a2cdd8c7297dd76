"""What readers see: the commits of a month, and the partitions that follow the latest one.

The only place that knows what a commit is made of in S3 and in the Glue Data Catalog.
"""

import datetime as dt
from dataclasses import dataclass

from prefect import get_run_logger
from prefect.assets import add_asset_metadata, materialize

from tasks.assets import asset_of
from tasks.catalog import find_location, find_parameters, point_partition
from tasks.core.attempt import Outcome
from tasks.core.commit import (
    Commit,
    commit_key,
    commits_prefix,
    locations_of,
    number_commits,
    read_commit,
    write_commit,
)
from tasks.core.dataset import Table
from tasks.core.errors import CommitError
from tasks.core.month import Look, make_commit
from tasks.core.plan import Subject
from tasks.objects import list_at, put_if_absent, read_object
from tasks.retries import OVER_AWS
from tasks.runs import are_whole, find_time_of, is_marked

_COMMIT = "b3_commit"  # the parameter of a partition that names the commit it follows


@dataclass(frozen=True)
class Latest:
    """What readers see of a month, or are about to.

    Attributes:
        commit: The commit with the highest number; None where there is none.
        at: When that was, by S3's clock.
    """

    commit: Commit | None
    at: dt.datetime

    @property
    def number(self) -> int:
        """Its number; 0 where there is none."""
        return self.commit.number if self.commit else 0


def read_latest(subject: Subject, month: str) -> Latest:
    """Read the highest commit of a month.

    Raises:
        CommitError: It cannot be read, or a number is missing.
    """
    found, at = list_at(subject.bucket, commits_prefix(subject.dataset, month))
    numbers = number_commits(each.key for each in found)
    return Latest(read_number(subject, month, numbers[-1]) if numbers else None, at)


def read_number(subject: Subject, month: str, number: int) -> Commit:
    """Read one commit of a month.

    Raises:
        CommitError: It is not there, or cannot be read.
    """
    key = commit_key(subject.dataset, month, number)
    return read_commit(read_object(subject.bucket, key) or b"", key)


def is_there(subject: Subject, commit: Commit) -> bool:
    """Return whether exactly the objects that a commit names lie where it says."""
    return are_whole(subject, commit.run_id, commit.attempt, commit.month, commit.tables)


def read_as_of(subject: Subject, month: str, number: int) -> Commit:
    """Read a commit whose files can still be read.

    Raises:
        CommitError: A file of it is gone; the message names the earliest that can be shown.
    """
    commit = read_number(subject, month, number)
    if is_there(subject, commit):
        return commit
    latest = read_latest(subject, month).number
    later = (read_number(subject, month, each) for each in range(number + 1, latest + 1))
    earliest = next((each.number for each in later if is_there(subject, each)), None)
    raise CommitError(
        f"Expected the files of commit {number} of {subject} {month}, found that some are gone: "
        f"what is older than the vacuum's grace is removed. The earliest that can be shown is "
        f"{earliest or 'none'}."
    )


def follow(subject: Subject, month: str) -> None:
    """Have the partitions of a month point to where its highest commit says.

    It takes no commit, so that nobody can bring an old one back; safe to repeat.
    """
    used = 0
    while (latest := read_latest(subject, month)).number != used:
        used = latest.number
        for table in subject.dataset.refined_tables:
            _follow_with(subject, month, table)


def _follow_with(subject: Subject, month: str, table: Table) -> None:
    while True:
        commit = read_latest(subject, month).commit
        if not commit or table.name not in commit.tables:
            return
        wanted = locations_of(commit, subject.dataset, subject.bucket)[table.name]
        found = find_location(subject.database, table.name, month)
        if found == wanted:
            return
        parameters = {
            _COMMIT: str(commit.number),
            "b3_run_id": commit.run_id,
            "b3_published_at": commit.published_at.isoformat(),
        }
        if point_partition(
            subject.database,
            table.name,
            month,
            wanted,
            is_there=found is not None,
            parameters=parameters,
        ):
            return


def follows(subject: Subject, commit: Commit) -> bool:
    """Return whether every partition of a month points to where a commit says."""
    return all(
        find_location(subject.database, table, commit.month) == location
        for table, location in locations_of(commit, subject.dataset, subject.bucket).items()
    )


def find_followed(subject: Subject, table: str, month: str) -> int:
    """Return the number of the commit that a partition says it follows; 0 where it says none."""
    said = find_parameters(subject.database, table, month).get(_COMMIT, "")
    return int(said) if said.isdecimal() else 0


def show_month(
    subject: Subject,
    look: Look,
    outcome: Outcome,
    *,
    flow_run: str,
    forced_since: dt.datetime | None,
) -> Commit | None:
    """Show readers a month: a step that makes the tables' assets; see `publish`."""
    assets = map(asset_of, subject.dataset.refined_tables)
    step = materialize(
        *assets,
        name="publish-month",
        task_run_name=f"publish {subject} {look.month}",
        **OVER_AWS,
    )(publish)
    return step(subject, look, outcome, flow_run=flow_run, forced_since=forced_since)


def publish(
    subject: Subject,
    look: Look,
    outcome: Outcome,
    *,
    flow_run: str,
    forced_since: dt.datetime | None,
) -> Commit | None:
    """Show readers a month, if nobody has published it since it was looked at.

    Safe to repeat: its own commit is told by reading it.

    Args:
        subject: What it is a month of.
        look: The look that the attempt was planned from; the commit takes the number after the one
            seen there.
        outcome: The attempt, audited.
        flow_run: Who publishes.
        forced_since: When a forced flow began, by S3's clock: what is older does not do for it.

    Returns:
        What readers see now: this commit, or another one that covers it. None: look again.
    """
    commit = make_commit(look, outcome, flow_run)
    bucket, logger = subject.bucket, get_run_logger()
    if not _may_be_shown(subject, commit):
        logger.warning("%s %s: files of the attempt have gone; again", subject, look.month)
        return None
    key = commit_key(subject.dataset, look.month, commit.number)
    if not put_if_absent(bucket, key, write_commit(commit, subject.dataset, bucket)):
        latest = read_latest(subject, look.month).commit
        if latest is None or not _does_for(subject, latest, commit, forced_since):
            return None
        logger.info("%s %s: another flow run has published it", subject, look.month)
        commit = latest
    if not _may_be_shown(subject, commit):
        logger.error(
            "%s %s: files of commit %d went away; again", subject, look.month, commit.number
        )
        return None
    follow(subject, look.month)
    for table, location in locations_of(commit, subject.dataset, bucket).items():
        add_asset_metadata(
            f"b3://{table}",
            {
                "month": look.month,
                "row_count": commit.tables[table].rows,
                "run_id": commit.run_id,
                "location": location,
            },
        )
    logger.info("%s %s: published, readers see commit %d", subject, look.month, commit.number)
    return commit


def _may_be_shown(subject: Subject, commit: Commit) -> bool:
    marked = is_marked(subject.bucket, commit.run_id, commit.attempt)
    return not marked and is_there(subject, commit)


def _is_own(found: Commit, wanted: Commit) -> bool:
    return (found.attempt, found.flow_run) == (wanted.attempt, wanted.flow_run)


def _does_for(
    subject: Subject, found: Commit, wanted: Commit, forced_since: dt.datetime | None
) -> bool:
    """Return whether another commit does in place of the one wanted."""
    if _is_own(found, wanted):
        return True
    if forced_since:
        made_at = find_time_of(subject.bucket, found.run_id, found.attempt)
        if made_at is None or made_at < forced_since:
            return False
    return found.digest == wanted.digest or found.covers(wanted.statements, wanted.inputs)
