"""From raw to readers: refine whole months, audit them, publish them, for any dataset.

Every flow that brings sessions into raw ends here.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefect import get_run_logger, runtime, task

from tasks.core.checks import Check, require
from tasks.core.console import table_urls
from tasks.core.dataset import Table
from tasks.core.errors import B3PipelineError, PublishConflictError
from tasks.core.plan import Month, Subject, digest_raw_objects, name_run
from tasks.core.published import Published
from tasks.glue import run_glue_job
from tasks.objects import list_parquet, read_table
from tasks.report import report_checks, report_links
from tasks.retries import OVER_AWS
from tasks.shelf import publish_month, read_published, register_partitions
from tasks.store import has_objects, list_raw

GLUE_TIMEOUT_SECONDS = 30 * 60
GLUE_TIMEOUT_SECONDS_A_MONTH = 30


def look_at_month(subject: Subject, month: str) -> Month:
    """Say what raw holds of a month and what readers see of it."""
    etags = list_raw(subject.bucket, subject.dataset.raw, subject.partition, month)
    return Month(
        subject=subject,
        month=month,
        raw_keys=tuple(sorted(etags)),
        raw_digest=digest_raw_objects(etags),
        published=read_published(subject.database, subject.tables, (*subject.partition, month)),
    )


def refine_and_publish(subject: Subject, month: str, *, force: bool) -> str:
    """Bring a month to readers, and return the run's id; empty where it was up to date.

    Args:
        subject: What it is a month of.
        month: `YYYY-MM`; raw holds something of it.
        force: Refine and publish again, even where nothing has changed.

    Raises:
        RefinementError: Glue failed.
        BadDataError: The audit failed; nothing was published.
        PublishConflictError: Raw or what is published changed meanwhile; nothing was published.
    """
    looked_at = look_at_month(subject, month)
    if looked_at.is_up_to_date and not force:
        return ""
    run_id = refine_months([looked_at], force=force)
    audit_and_publish(looked_at, run_id)
    return run_id


def refine_months(months: Sequence[Month], *, force: bool) -> str:
    """Have Glue refine months of one subject under a prefix of their own; return the run's id."""
    subject = months[0].subject
    # A forced run is another run of the same raw objects; a retry of the flow finds its own again.
    attempt = str(runtime.flow_run.id) if force else None
    run_id = name_run(str(subject), {each.month: each.raw_digest for each in months}, attempt)
    prefixes = [prefix for month in months for prefix in month.prefixes(run_id).values()]
    glue_run = run_glue_job(
        subject.glue_job,
        {
            "--lake": f"s3://{subject.bucket}",
            **subject.job_arguments,
            "--months": ",".join(month.month for month in months),
            "--run_id": run_id,
        },
        timeout_seconds=GLUE_TIMEOUT_SECONDS + GLUE_TIMEOUT_SECONDS_A_MONTH * (len(months) - 1),
        is_output_there=has_objects(subject.bucket, prefixes),
    )
    urls = table_urls(glue_run.region, subject.database, subject.tables)
    report_links(str(subject), {f"Glue run of {run_id}": glue_run.url, **urls})
    return run_id


def audit_and_publish(month: Month, run_id: str) -> None:
    """Publish what a run made of a month, if it passes the audit.

    Raises:
        BadDataError: The audit failed; nothing was published.
        PublishConflictError: Raw or what is published changed meanwhile; nothing was published.
    """
    subject = month.subject
    bucket, dataset = subject.bucket, subject.dataset
    now = look_at_month(subject, month.month)
    if now.raw_digest != month.raw_digest:
        raise PublishConflictError(f"Raw of {month} changed while Glue was at work; run again.")
    prefixes = month.prefixes(run_id)
    checks, row_counts = audit_month(now, prefixes)
    report_checks(str(month), checks)
    require(checks, f"The audit of {month}, run {run_id},", "Nothing was published.")
    partitions = map(dataset.raw.values_of, month.raw_keys)
    register_partitions(
        subject.database,
        dataset.raw.name,
        {values: f"s3://{bucket}/{dataset.raw.raw_folder(values)}" for values in partitions},
    )
    publish_month(
        dataset.refined,
        subject.database,
        month.values,
        new={
            table: Published(f"s3://{bucket}/{prefix}", run_id, month.raw_digest)
            for table, prefix in prefixes.items()
        },
        expected=now.published,
        row_counts=row_counts,
    )


@task(name="audit-month", **OVER_AWS)
def audit_month(month: Month, prefixes: Mapping[str, str]) -> tuple[list[Check], dict[str, int]]:
    """Check what a run refined of one month. Safe to repeat: it changes nothing.

    Raw is read a session at a time, so that memory holds one refined month at most.

    Args:
        month: The month as raw and readers have it now.
        prefixes: `{table: prefix of the run's output}`.

    Returns:
        One verdict a check, and `{table: row count}`; the caller decides.
    """
    dataset, bucket = month.subject.dataset, month.subject.bucket
    refined = {
        table.name: _read_refined(bucket, prefixes[table.name], table) for table in dataset.refined
    }
    raw = ((dataset.raw.session_of(key), read_table(bucket, key)) for key in month.raw_keys)
    checks = dataset.audit(month.subject.partition, raw, refined, _published_dates(month))
    logger = get_run_logger()
    for check in checks:
        if not check.has_passed:
            logger.error("%s: expected %s; found %s", check.name, check.expected, check.found)
    logger.info("Audit: %d of %d checks passed", sum(c.has_passed for c in checks), len(checks))
    return checks, {table: len(rows) for table, rows in refined.items()}


def _read_refined(bucket: str, prefix: str, table: Table, columns: Sequence[str] = ()) -> Any:
    # Imported here: pyarrow takes its time, which a run that has nothing to audit need not wait.
    import pyarrow as pa

    names = list(columns or table.types())
    parts = [read_table(bucket, key, names) for key in list_parquet(bucket, prefix)]
    return pa.concat_tables(parts or [pa.table({name: pa.array([], pa.null()) for name in names})])


def _published_dates(month: Month) -> set[dt.date]:
    """Return the sessions that readers see now."""
    bucket, table = month.subject.bucket, month.subject.dataset.sessions
    published = month.published[table.name]
    if published is None:
        return set()
    prefix = published.location.removeprefix(f"s3://{bucket}/")
    rows = _read_refined(bucket, prefix, table, ["trading_date"])
    return set(rows["trading_date"].unique().to_pylist())


@dataclass(frozen=True)
class PublishedMonths:
    """What came of several months.

    Attributes:
        run_id: The run that refined them; empty where every month was up to date.
        published: Months that were published.
        up_to_date: Months that had nothing new.
        failures: `{month: why it was not published}`.
    """

    run_id: str
    published: tuple[str, ...]
    up_to_date: tuple[str, ...]
    failures: dict[str, B3PipelineError]


def publish_months(
    subject: Subject,
    months: Sequence[str],
    *,
    on_month: Callable[[str], None] = lambda _month: None,
) -> PublishedMonths:
    """Refine in one run the months that need it, and publish each that passes its audit.

    Args:
        subject: What they are months of.
        months: Months that raw holds something of.
        on_month: Called with each month when it is done with.

    Returns:
        What came of each month; a run that fails is the failure of each month in it.
    """
    looked_at = [look_at_month(subject, month) for month in sorted(set(months))]
    stale = [month for month in looked_at if not month.is_up_to_date]
    up_to_date = tuple(month.month for month in looked_at if month not in stale)
    for month in up_to_date:
        on_month(f"{month} up to date")
    if not stale:
        return PublishedMonths("", (), up_to_date, {})
    try:
        run_id = refine_months(stale, force=False)
    except B3PipelineError as error:
        return PublishedMonths("", (), up_to_date, dict.fromkeys((m.month for m in stale), error))
    failures: dict[str, B3PipelineError] = {}
    for each in stale:
        try:
            audit_and_publish(each, run_id)
        except B3PipelineError as error:
            failures[each.month] = error
        on_month(each.month)
    published = tuple(each.month for each in stale if each.month not in failures)
    return PublishedMonths(run_id, published, up_to_date, failures)
