"""The steps of a month before it is published: a look at it, and the audit of an attempt."""

from collections.abc import Collection, Iterator
from typing import Any

import boto3
from prefect import get_run_logger, task

from tasks.core.attempt import Outcome
from tasks.core.checks import Check, compare, none_of
from tasks.core.dataset import RawRows, Table, is_kept_as
from tasks.core.errors import UnreadableRawError
from tasks.core.footer import read_ends
from tasks.core.month import Look
from tasks.core.plan import RawObject, Subject
from tasks.core.wording import count, every
from tasks.objects import (
    has_footer,
    list_at,
    parse_table,
    read_exactly,
    read_table,
)
from tasks.retries import OVER_AWS
from tasks.shelf import follow, follows, is_there, read_latest
from tasks.side_by_side import READS_AT_ONCE, side_by_side


@task(name="look-at-month", task_run_name="look at {subject} {month}", **OVER_AWS)
def look_at_month(
    subject: Subject,
    month: str,
    left_out: Collection[str] = (),
    *,
    mends: bool = True,
    keeps: bool = False,
    before: Look | None = None,
) -> Look:
    """Look at a month, and have the partitions follow where they do not. Safe to repeat.

    Args:
        subject: What it is a month of.
        month: `YYYY-MM`.
        left_out: Keys of raw objects to do without.
        mends: Whether the partitions are made to follow; else nothing is changed.
        keeps: Whether small objects that are looked into are kept for the audit.
        before: An earlier look: what it found sound is not looked into again.

    Raises:
        CommitError: A commit cannot be read, or is missing.
    """
    latest = read_latest(subject, month)
    commit, inputs = latest.commit, _list_raw(subject, month)
    is_whole = commit is not None and is_there(subject, commit)
    if mends and commit and is_whole and not follows(subject, commit):
        follow(subject, month)
    audited = {(each.key, each.etag) for each in commit.inputs} if commit else set()
    known = before.sound if before else {}
    wanted = [each for each in inputs if each.key not in left_out]
    new = [each for each in wanted if (each.key, each.etag) not in audited and each not in known]
    kept = {each.key: body for each in wanted if (body := known.get(each))}
    client = boto3.client("s3")
    are_sound = side_by_side(lambda each: is_sound(subject, each, kept, client), new, READS_AT_ONCE)
    unreadable = [each.key for each, is_sound in zip(new, are_sound, strict=True) if not is_sound]
    look = Look(
        dataset=subject.dataset,
        month=month,
        commit=commit,
        is_whole=is_whole,
        inputs=tuple(wanted),
        unreadable=tuple(unreadable),
        at=latest.at,
        bodies=kept if keeps else {},
    )
    if before is None:
        said = f"as commit {latest.number} shows it" if look.is_up_to_date else "to be refined"
        there = count(len(wanted), "raw object")
        get_run_logger().info("%s %s: %s, %s", subject, month, there, said)
    return look


def _list_raw(subject: Subject, month: str) -> list[RawObject]:
    """Return what raw holds of a month, table by table."""
    listed = (
        list_at(subject.bucket, raw.span_prefix(month))[0] for raw in subject.dataset.raw_tables
    )
    return [
        RawObject(each.key, each.etag, each.size)
        for found in listed
        for each in found
        if each.key.endswith(".parquet")
    ]


INDEX_CODE = "index_code"  # where a raw table has it, an object is named by it


class _MovedError(Exception):
    """What was looked at is no longer so: the month is looked at again."""


def is_sound(subject: Subject, raw: RawObject, kept: dict[str, bytes], client: Any) -> bool:
    """Return whether a raw object is a file of its table, and of the session and index it names.

    Args:
        subject: What it is of.
        raw: The object.
        kept: As of `has_footer`.
        client: As of `read_object`.
    """
    table = subject.dataset.raw_table_of(raw.key)
    try:
        table.session_of(raw.key)
    except ValueError:
        return False
    name = table.name_of(raw.key)

    def fits(metadata: Any, footer: bytes) -> bool:
        return _fits(metadata, footer, table, name)

    return has_footer(subject.bucket, raw, fits, kept, client)


def _fits(metadata: Any, footer: bytes, table: Table, name: str) -> bool:
    found = {field.name: str(field.type) for field in metadata.schema.to_arrow_schema()}
    if not metadata.num_rows or found.keys() != table.types().keys():
        return False
    if not all(is_kept_as(found[name], kind) for name, kind in table.types().items()):
        return False
    if INDEX_CODE not in found:
        return True
    ends = read_ends(footer, INDEX_CODE)
    return all(each is None or set(each) == {name.encode()} for each in ends)


@task(name="audit-month", task_run_name="audit {subject} {look.month}", **OVER_AWS)
def audit_month(subject: Subject, look: Look, outcome: Outcome) -> list[Check] | None:
    """Check what an attempt made of one month. Safe to repeat: it changes nothing.

    Raw is read a few objects at a time, so that memory holds one refined month at most.

    Args:
        subject: What it is a month of.
        look: The look that the attempt was planned from.
        outcome: The attempt.

    Returns:
        One verdict a check; None where raw, the output or what is published is no longer what it
        was: look again.

    Raises:
        UnreadableRawError: An object of raw cannot be read.
    """
    try:
        if read_latest(subject, look.month).number != (look.commit.number if look.commit else 0):
            return None
        checks = _audit(subject, look, outcome)
    except _MovedError:
        return None
    logger = get_run_logger()
    for check in checks:
        if not check.has_passed:
            logger.error("%s: expected %s; found %s", check.name, check.expected, check.found)
        if check.remark:
            logger.warning("%s: %s", check.name, check.remark)
    passed = sum(check.has_passed for check in checks)
    logger.info("%s %s: %d of %d checks passed", subject, look.month, passed, len(checks))
    return checks


def _audit(subject: Subject, look: Look, outcome: Outcome) -> list[Check]:
    refined, checks = {}, []
    for table in subject.dataset.refined_tables:
        output = outcome.months[look.month][table.name]
        try:
            rows = _read_refined(subject.bucket, list(output.objects), table)
        except UnreadableRawError as error:
            name, found = f"{table.name}_can_be_read", str(error)
            return [Check(name, "Parquet with its columns", found, has_passed=False)]
        promised, there = count(output.rows, "row"), count(len(rows), "row")
        checks.append(compare(f"{table.name}_has_its_rows", promised, there))
        refined[table.name] = rows
    published = look.commit.inputs if look.commit else ()
    checks.append(
        none_of(
            "published_sessions_stay",
            "every published object of raw in the plan",
            look.lost,
            f"{every(len(published), 'object')} kept" if published else "none published before",
        )
    )
    return [*checks, *subject.dataset.audit(_read_raw(subject, look), refined)]


def _read_raw(subject: Subject, look: Look) -> Iterator[RawRows]:
    if look.bodies:
        there = {(each.key, each.etag) for each in _list_raw(subject, look.month)}
        if any((each.key, each.etag) not in there for each in look.inputs):
            raise _MovedError
    client = boto3.client("s3")

    def read(raw: RawObject) -> bytes | None:
        body = look.bodies.get(raw.key)
        return read_exactly(subject.bucket, raw, client) if body is None else body

    bodies = side_by_side(read, look.inputs, READS_AT_ONCE)
    for each, body in zip(look.inputs, bodies, strict=True):
        if body is None:
            raise _MovedError
        rows = parse_table(subject.bucket, each.key, body)
        table = subject.dataset.raw_table_of(each.key)
        yield table, table.session_of(each.key), rows


def _read_refined(bucket: str, keys: list[str], table: Table) -> Any:
    import pyarrow as pa  # here: it takes its time, which a run with nothing to audit need not wait

    parts = []
    for key in keys:
        rows = read_table(bucket, key, list(table.types()))
        if rows is None:
            raise _MovedError
        parts.append(rows)
    empty = pa.table({name: pa.array([], pa.null()) for name in table.types()})
    return pa.concat_tables(parts) if parts else empty
