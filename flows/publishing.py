"""From raw to readers: refine whole months, audit them, publish them.

Every flow that brings sessions into raw ends here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect import runtime

from flows.settings import Settings
from tasks.audit import audit_month
from tasks.core.checks import require
from tasks.core.console import table_urls
from tasks.core.digest import digest_raw_objects, name_run
from tasks.core.errors import PublishConflictError
from tasks.core.layout import (
    raw_portfolio_prefix,
    refined_partition_prefix,
    trading_date_of_raw_key,
)
from tasks.core.published import Published, is_up_to_date
from tasks.core.schema import PORTFOLIO_DAILY_SUMMARY, RAW_PORTFOLIO, REFINED_PORTFOLIO_TABLES
from tasks.glue import run_glue_job
from tasks.lake import has_objects, list_raw_month, read_raw_month, read_refined
from tasks.publish import publish_month, read_published, register_partitions
from tasks.report import report_checks, report_links

GLUE_TIMEOUT_SECONDS = 30 * 60
TABLES = [table.name for table in REFINED_PORTFOLIO_TABLES]


@dataclass(frozen=True)
class Month:
    """A month before it is refined.

    Attributes:
        index_code: The index.
        month: `YYYY-MM`.
        raw_keys: Its raw objects.
        raw_digest: Their digest.
        published: `{table: what readers see now}`.
    """

    index_code: str
    month: str
    raw_keys: tuple[str, ...]
    raw_digest: str
    published: dict[str, Published | None]

    def __str__(self) -> str:
        return f"{self.index_code} {self.month}"

    @property
    def values(self) -> tuple[str, str]:
        """The values of its partition."""
        return self.index_code, self.month

    @property
    def is_up_to_date(self) -> bool:
        """Whether readers see what raw holds."""
        return is_up_to_date(self.published.values(), self.raw_digest)


def look_at_month(settings: Settings, index_code: str, month: str) -> Month:
    """Say what raw holds of a month and what readers see of it."""
    etags = list_raw_month(settings.lake_bucket, index_code, month)
    return Month(
        index_code=index_code,
        month=month,
        raw_keys=tuple(sorted(etags)),
        raw_digest=digest_raw_objects(etags),
        published=read_published(settings.database, TABLES, (index_code, month)),
    )


def refine_months(settings: Settings, months: Sequence[Month], *, force: bool) -> str:
    """Have Glue refine months of one index under a prefix of their own; return the run's id."""
    index_code = months[0].index_code
    # A forced run is another run of the same raw objects; a retry of the flow finds its own again.
    attempt = str(runtime.flow_run.id) if force else None
    run_id = name_run(index_code, {month.month: month.raw_digest for month in months}, attempt)
    glue_run = run_glue_job(
        settings.glue_job,
        {
            "--lake": f"s3://{settings.lake_bucket}",
            "--index_code": index_code,
            "--months": ",".join(month.month for month in months),
            "--run_id": run_id,
        },
        timeout_seconds=GLUE_TIMEOUT_SECONDS,
        is_output_there=has_objects(
            settings.lake_bucket,
            [
                refined_partition_prefix(table, run_id, month.values)
                for table in REFINED_PORTFOLIO_TABLES
                for month in months
            ],
        ),
    )
    urls = table_urls(glue_run.region, settings.database, TABLES)
    report_links(run_id, {"Glue run": glue_run.url, **urls})
    return run_id


def audit_and_publish(settings: Settings, month: Month, run_id: str) -> None:
    """Publish what a run made of a month, if it passes the audit.

    Raises:
        BadDataError: The audit failed; nothing was published.
        PublishConflictError: Raw or what is published changed meanwhile; nothing was published.
    """
    bucket = settings.lake_bucket
    now = look_at_month(settings, month.index_code, month.month)
    if now.raw_digest != month.raw_digest:
        raise PublishConflictError(f"Raw of {month} changed while Glue was at work; run again.")
    prefixes = {
        table.name: refined_partition_prefix(table, run_id, month.values)
        for table in REFINED_PORTFOLIO_TABLES
    }
    refined = {table: read_refined(bucket, prefix) for table, prefix in prefixes.items()}
    shown = now.published[PORTFOLIO_DAILY_SUMMARY.name]
    checks = audit_month(
        read_raw_month(bucket, month.index_code, month.raw_keys),
        refined,
        read_refined(bucket, shown.location.removeprefix(f"s3://{bucket}/")) if shown else [],
    )
    report_checks(str(month), checks)
    require(checks, f"The audit of {month}, run {run_id},", "Nothing was published.")
    raw_locations = {
        (month.index_code, str(day)): f"s3://{bucket}/{raw_portfolio_prefix(month.index_code, day)}"
        for day in map(trading_date_of_raw_key, month.raw_keys)
    }
    register_partitions(settings.database, RAW_PORTFOLIO.name, raw_locations)
    publish_month(
        settings.database,
        month.values,
        new={
            table: Published(f"s3://{bucket}/{prefix}", run_id, month.raw_digest)
            for table, prefix in prefixes.items()
        },
        expected=now.published,
        row_counts={table: len(rows) for table, rows in refined.items()},
    )
