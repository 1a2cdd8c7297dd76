"""The vacuum's steps: mark what nobody needs, and delete what has borne its mark long enough."""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from prefect import get_run_logger, task

from tasks.catalog import list_locations
from tasks.core.attempt import attempt_key
from tasks.core.commit import PUBLISHED, Commit, commits_prefix, number_commits
from tasks.core.errors import B3PipelineError, CommitError, RemovalError
from tasks.core.plan import Subject, plan_key
from tasks.core.vacuum import Shown, StoredObject, Unit, find_units, why_kept
from tasks.glue import list_at_work
from tasks.objects import list_at, list_folders, put_object
from tasks.retries import OVER_AWS, ask_in_batches
from tasks.shelf import follow, follows, is_there, read_latest, read_number

MARK_FOR = dt.timedelta(hours=1)
_BATCH = 1000  # keys in one DeleteObjects


@dataclass(frozen=True)
class Sweep:
    """What a vacuum has found in a dataset.

    Attributes:
        unneeded: What nobody needs any more.
        ripe: The part of it that has borne its mark for long enough.
        problems: Months of which nothing is removed, with the reason.
    """

    unneeded: tuple[Unit, ...]
    ripe: tuple[Unit, ...]
    problems: Mapping[str, str]


@task(name="survey", task_run_name="survey {subject}", **OVER_AWS)
def survey(subject: Subject, grace: dt.timedelta, *, mends: bool) -> Sweep:
    """Find what nobody needs of a dataset. Safe to repeat.

    Args:
        subject: The dataset.
        grace: How long readers and flows may hold on to what they have found.
        mends: Make the partitions of all months follow their commits first.

    Raises:
        NotConfiguredError: Glue cannot be asked what it is at work on.
    """
    problems: dict[str, str] = {}
    for month in list_folders(subject.bucket, f"{PUBLISHED}{subject.dataset.name}/"):
        try:
            if mends:
                _have_follow(subject, month)
            _list_history(subject, month, grace)
        except B3PipelineError as error:
            problems[month] = str(error)
            get_run_logger().error("%s %s: %s", subject, month, error)
    units = _list_units(subject)
    unneeded = find_unneeded(subject, units, grace, problems)
    marked_at = _read_marks(subject.bucket, unneeded)
    _, now = list_at(subject.bucket, PUBLISHED)
    ripe = [each for each in unneeded if _is_ripe(marked_at.get(each.attempt), now)]
    return Sweep(tuple(unneeded), tuple(ripe), problems)


def _have_follow(subject: Subject, month: str) -> None:
    """Have the partitions of a month follow its latest commit, if its files are there."""
    latest = read_latest(subject, month).commit
    if latest is None or follows(subject, latest):
        return
    if not is_there(subject, latest):
        raise CommitError(
            f"Expected the files of commit {latest.number} of {subject} {month}, found that some "
            f"are gone and that partitions point elsewhere: they stay there. See what is wrong: "
            f"python -m flows.verify"
        )
    follow(subject, month)


@task(name="mark", task_run_name="mark attempts of {subject}", **OVER_AWS)
def mark(subject: Subject, units: Sequence[Unit]) -> int:
    """Mark attempts, so that no flow takes them; return how many are new. Safe to repeat."""
    marked_at = _read_marks(subject.bucket, units)
    attempts = {(each.run_id, each.attempt) for each in units if each.attempt not in marked_at}
    for run_id, attempt in sorted(attempts):
        body = json.dumps({"by": "vacuum"}).encode()
        put_object(subject.bucket, attempt_key(run_id, attempt, "removed"), body)
    return len(attempts)


@task(name="remove", task_run_name="remove attempts of {subject}", **OVER_AWS)
def remove(subject: Subject, units: Sequence[Unit], grace: dt.timedelta) -> list[Unit]:
    """Remove units, each batch asked for again right before; return what was removed.

    Safe to repeat: one that is gone already is no error.

    Raises:
        RemovalError: S3 refused one.
    """
    removed: list[Unit] = []
    for batch in _batches(units):
        folders = {each.folder for each in batch}
        now_there = [each for each in _list_units(subject) if each.folder in folders]
        still = find_unneeded(subject, now_there, grace, {})
        _delete(subject.bucket, [stored.key for each in still for stored in each.objects])
        removed += still
    return removed


def find_unneeded(
    subject: Subject, units: Iterable[Unit], grace: dt.timedelta, problems: Collection[str]
) -> list[Unit]:
    """Return the units that nobody needs, asked in this order: Glue, partitions, commits.

    A flow that goes on meanwhile is seen in one of them.
    """
    units = list(units)
    plans = {each.plan for each in list_at_work(subject.glue_job)}
    tables = [table.name for table in subject.dataset.refined_tables]
    locations = {table: list_locations(subject.database, table) for table in tables}
    shown: dict[str, Shown] = {}  # of the months whose commits can be read
    nows: list[dt.datetime] = []
    for month in {each.month for each in units}:
        points = {
            table: at[month].removeprefix(f"s3://{subject.bucket}/")
            for table, at in locations.items()
            if month in at
        }
        try:
            commits, now = _list_history(subject, month, grace)
            shown[month] = Shown(commits, points, follows=month not in problems)
            nows.append(now)
        except CommitError:
            continue
    prefix = f"s3://{subject.bucket}/"
    at_work = {each.run_id for each in units if f"{prefix}{plan_key(each.run_id)}" in plans}
    return [
        each
        for each in units
        if each.month in shown
        and not why_kept(each, shown[each.month], at_work=at_work, now=min(nows), grace=grace)
    ]


def _list_history(
    subject: Subject, month: str, grace: dt.timedelta
) -> tuple[list[tuple[Commit, dt.datetime]], dt.datetime]:
    """Return a month's commits that were the latest within the grace, and S3's time."""
    found, now = list_at(subject.bucket, commits_prefix(subject.dataset, month))
    numbers = number_commits(each.key for each in found)
    written_at = [each.modified_at for each in found]
    ends = [*written_at[1:], now]
    kept = [number for number in numbers if ends[number - 1] > now - grace]
    return [(read_number(subject, month, n), written_at[n - 1]) for n in kept], now


def _list_units(subject: Subject) -> list[Unit]:
    objects: list[StoredObject] = []
    for table in subject.dataset.refined_tables:
        objects += list_at(subject.bucket, table.prefix)[0]
    return find_units(objects)


def _read_marks(bucket: str, units: Iterable[Unit]) -> dict[str, dt.datetime]:
    """Return `{attempt: since when it bears the mark}`."""
    marks = {}
    for run_id, attempt in {(each.run_id, each.attempt) for each in units}:
        found, _ = list_at(bucket, attempt_key(run_id, attempt, "removed"))
        if found:
            marks[attempt] = found[0].modified_at
    return marks


def _is_ripe(marked_at: dt.datetime | None, now: dt.datetime) -> bool:
    return marked_at is not None and marked_at <= now - MARK_FOR


def _batches(units: Sequence[Unit]) -> Iterable[list[Unit]]:
    batch: list[Unit] = []
    for unit in units:
        if batch and sum(len(each.objects) for each in [*batch, unit]) > _BATCH:
            yield batch
            batch = []
        batch.append(unit)
    if batch:
        yield batch


def _delete(bucket: str, keys: Sequence[str]) -> None:
    client = boto3.client("s3")

    def delete(batch: list[str]) -> dict[int, tuple[str, str]]:
        objects: Any = {"Objects": [{"Key": key} for key in batch], "Quiet": True}
        answer = client.delete_objects(Bucket=bucket, Delete=objects)
        places = {key: at for at, key in enumerate(batch)}
        refused: dict[int, tuple[str, str]] = {}
        for error in answer.get("Errors", []):
            said = (str(error.get("Code")), str(error.get("Message")))
            at = places.get(error.get("Key", ""))
            # Of which one it is not said: any may be the one.
            refused |= dict.fromkeys(range(len(batch)) if at is None else [at], said)
        return refused

    ask_in_batches(
        keys,
        _BATCH,
        delete,
        lambda key, said: RemovalError(
            f"S3 did not remove s3://{bucket}/{key}: {said}. Run it again."
        ),
    )
