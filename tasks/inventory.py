"""What AWS holds of a dataset, listed once and judged month by month.

Memory holds the objects of one month of raw, and of all others the sessions alone.
"""

import datetime as dt
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from prefect import get_run_logger, task

from tasks.catalog import list_locations
from tasks.core.commit import PUBLISHED, locations_of
from tasks.core.dataset import Table
from tasks.core.errors import NotConfiguredError
from tasks.core.findings import Finding, sort_findings
from tasks.core.inventory import Held, MonthSeen, names_a_session
from tasks.core.landing import IsKept
from tasks.core.leftovers import LEFT_FOR, find_candidates, judge_left_over
from tasks.core.plan import RawObject, Subject, digest_month
from tasks.core.vacuum import StoredObject, Unit, find_units
from tasks.core.verify import (
    judge_month,
    judge_partitions,
    judge_statements,
    leave_to_flows,
)
from tasks.core.verify_raw import judge_raw_partitions
from tasks.core.wording import count
from tasks.inventory_commits import tell_lost_commits
from tasks.inventory_landing import check_landing, list_objects
from tasks.inventory_months import Commits, look_into
from tasks.objects import list_at
from tasks.retries import OVER_AWS, tried_again
from tasks.sweep import find_unneeded
from tasks.work_at_hand import Work, find_work


@dataclass
class Survey:
    """What was found of a dataset, and what raw holds of it.

    Attributes:
        findings: What is not as it should be.
        held: `{raw table: what raw holds of it}`.
        months: How many months readers see or raw holds.
        objects: How many raw objects there are.
    """

    findings: list[Finding] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=lambda: defaultdict(Held))
    months: int = 0
    objects: int = 0


@dataclass
class _Seen:
    """What stays in memory of every month."""

    locations: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    statements: dict[str, str] = field(default_factory=dict)
    published_at: dict[str, dt.datetime] = field(default_factory=dict)
    behind: dict[str, str] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)


@task(name="look-over", task_run_name="look over {subject}", **OVER_AWS)
def look_over(subject: Subject, is_kept: Mapping[str, IsKept]) -> Survey:
    """Look over all that AWS holds of a dataset. Safe to repeat: it only reads.

    Each prefix is listed once; of each month the latest commit is read, the ends of the files that
    it names, and of raw the ends of what that commit does not know.

    Args:
        subject: The dataset.
        is_kept: Of each raw table, by its name, how to tell that landing keeps what an object was
            read from; one that is not there is read from nothing in landing.
    """
    survey, seen, work = Survey(), _Seen(), find_work(subject)
    units = _list_units(subject)
    commits, now = _list_commits(subject)
    files = {unit.folder: unit for unit in units}
    for month in _walk(subject, survey, commits, files, work, now):
        survey.months += 1
        survey.findings += judge_month(subject.dataset, month)
        _remember(subject, month, seen)
        if month.month in commits.stored:
            seen.published_at[month.month] = commits.stored[month.month][-1].modified_at
    survey.findings = leave_to_flows(survey.findings, survey.held.values())
    survey.findings += judge_statements(subject.dataset, seen.statements, work.months)
    survey.findings += _judge_catalog(subject, survey, seen, now)
    survey.findings = tell_lost_commits(subject, survey.findings, commits.stored)
    survey.findings += work.judge(str(subject), seen.published_at, seen.behind, now)
    survey.findings += _judge_left(subject, units, seen, now)
    for table in subject.dataset.raw_tables:
        if table.name in is_kept:
            held = survey.held[table.name]
            survey.findings += check_landing(
                subject.bucket, str(subject), table, held, is_kept[table.name]
            )
    survey.findings = sort_findings(survey.findings)
    said = (count(survey.months, "month"), count(survey.objects, "raw object"))
    get_run_logger().info("%s: %s and %s looked over", subject, *said)
    return survey


def _list_units(subject: Subject) -> list[Unit]:
    tables = subject.dataset.refined_tables
    return find_units(
        each for table in tables for each in list_objects(subject.bucket, table.prefix)
    )


def _list_commits(subject: Subject) -> tuple[Commits, dt.datetime]:
    prefix = f"{PUBLISHED}{subject.dataset.name}/"
    found, now = list_at(subject.bucket, prefix)
    stored: dict[str, list[StoredObject]] = defaultdict(list)
    for each in found:
        stored[each.key.removeprefix(prefix).partition("/")[0]].append(each)
    return Commits(stored), now


def _walk(
    subject: Subject,
    survey: Survey,
    commits: Commits,
    files: Mapping[str, Unit],
    work: Work,
    now: dt.datetime,
) -> Iterator[MonthSeen]:
    """Yield month after month, in order, with its raw and its latest commit."""
    streams: list[Iterable[tuple[str, Any]]] = [
        _months_of_raw(subject, table, survey, now) for table in subject.dataset.raw_tables
    ]
    latest = commits.read(subject)
    merged = heapq.merge(*streams, latest, key=lambda part: part[0])
    for month, parts in groupby(merged, key=lambda part: part[0]):
        raw: list[StoredObject] = []
        found = None
        for _, part in parts:
            if isinstance(part, list):
                raw += part
            else:
                found = part
        yield look_into(subject, month, raw, found, files, now, is_at_work=month in work.months)


def _months_of_raw(
    subject: Subject, table: Table, survey: Survey, now: dt.datetime
) -> Iterator[tuple[str, list[StoredObject]]]:
    """Yield the objects of a raw table month by month; what names no session is a finding."""

    def those_of_sessions() -> Iterator[StoredObject]:
        for each in list_objects(subject.bucket, table.prefix):
            survey.objects += 1
            if names_a_session(table, each.key, now.date()):
                survey.held[table.name].add(table, each, now)
                yield each
            elif not is_marker(each.key):
                said = f"expected {table.object_key('YYYY-MM-DD', 'NAME')}"
                survey.findings.append(Finding("raw of no session", str(subject), each.key, said))

    months = groupby(those_of_sessions(), key=lambda each: table.value_of(each.key)[:7])
    for month, objects in months:
        yield month, list(objects)


def is_marker(key: str) -> bool:
    """Return whether a key marks a folder, or that something was written to its end."""
    return key.rpartition("/")[2].startswith(("_", ".")) or key.endswith(("/", "_$folder$"))


def _remember(subject: Subject, month: MonthSeen, seen: _Seen) -> None:
    if month.trouble:
        seen.unsure.add(month.month)
    inputs = tuple(RawObject(each.key, each.etag, each.size) for each in month.readable)
    digest = digest_month(subject.dataset, inputs)
    if inputs and not (month.commit and month.commit.digest == digest):
        seen.behind[month.month] = digest
    if month.commit:
        places = locations_of(month.commit, subject.dataset, subject.bucket)
        for table, location in places.items():
            seen.locations[table][month.month] = location
        seen.statements[month.month] = month.commit.statements


def _judge_catalog(
    subject: Subject, survey: Survey, seen: _Seen, now: dt.datetime
) -> list[Finding]:
    findings: list[Finding] = []
    dataset, name = subject.dataset, str(subject)
    for table in dataset.tables:
        found = find_partitions(subject.database, table, name, findings)
        if found is None:
            continue
        if table.is_refined:
            wanted = seen.locations[table.name]
            findings += judge_partitions(name, table, wanted, found, seen.unsure)
            seen.locations[f"partitions of {table.name}"] = found
        else:
            held = survey.held[table.name]
            findings += judge_raw_partitions(name, table, subject.bucket, held, found, now)
    return findings


@tried_again
def find_partitions(
    database: str, table: Table, dataset: str, findings: list[Finding]
) -> dict[str, str] | None:
    """Return where the partitions of a table point to; where it is missing, that is a finding."""
    try:
        return list_locations(database, table.name)
    except NotConfiguredError:
        where = f"{database}.{table.name}"
        findings.append(Finding("table missing", dataset, where, "none in the catalog"))
        return None


def _judge_left(
    subject: Subject, units: list[Unit], seen: _Seen, now: dt.datetime
) -> list[Finding]:
    prefix = f"s3://{subject.bucket}/"
    named = {
        location.removeprefix(prefix)
        for locations in seen.locations.values()
        for location in locations.values()
    }
    old = find_candidates(units, named, now)
    if not old:
        return []
    try:
        # The vacuum's own question, by what it keeps for flows and readers.
        return judge_left_over(str(subject), find_unneeded(subject, old, LEFT_FOR, ()))
    except NotConfiguredError:
        return []  # a table or the job is missing, which is a finding by itself
