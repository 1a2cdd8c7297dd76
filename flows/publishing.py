"""From raw to readers: refine whole months, audit them, publish them.

Every flow that brings sessions into raw ends here, whatever the dataset.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prefect import runtime

from flows.datasets import Dataset
from flows.settings import Settings
from tasks.assets import asset_of
from tasks.core.checks import require
from tasks.core.console import table_urls
from tasks.core.digest import digest_raw_objects, name_run
from tasks.core.errors import B3PipelineError, PublishConflictError
from tasks.core.layout import refined_partition_prefix, trading_date_of_raw_key
from tasks.core.published import Published, is_up_to_date
from tasks.glue import run_glue_job
from tasks.lake import has_objects
from tasks.publish import publish_month, read_published, register_partitions
from tasks.report import report_checks, report_links

GLUE_TIMEOUT_SECONDS = 30 * 60
GLUE_TIMEOUT_SECONDS_A_MONTH = 30


@dataclass(frozen=True)
class Month:
    """A month of a dataset before it is refined.

    Attributes:
        dataset: The dataset.
        month: `YYYY-MM`.
        raw_keys: Its raw objects.
        raw_digest: Their digest.
        published: `{table: what readers see now}`.
    """

    dataset: Dataset
    month: str
    raw_keys: tuple[str, ...]
    raw_digest: str
    published: dict[str, Published | None]

    def __str__(self) -> str:
        return f"{self.dataset.subject} {self.month}"

    @property
    def values(self) -> tuple[str, ...]:
        """The values of its partition."""
        return *self.dataset.partition, self.month

    @property
    def is_up_to_date(self) -> bool:
        """Whether readers see what raw holds."""
        return is_up_to_date(self.published.values(), self.raw_digest)

    def prefixes(self, run_id: str) -> dict[str, str]:
        """Return `{table: prefix of what a run makes of it}`."""
        return {
            table.name: refined_partition_prefix(table, run_id, self.values)
            for table in self.dataset.refined_tables
        }


def look_at_month(settings: Settings, dataset: Dataset, month: str) -> Month:
    """Say what raw holds of a month and what readers see of it."""
    etags = dataset.list_raw(settings.lake_bucket, month)
    tables = [table.name for table in dataset.refined_tables]
    return Month(
        dataset=dataset,
        month=month,
        raw_keys=tuple(sorted(etags)),
        raw_digest=digest_raw_objects(etags),
        published=read_published(settings.database, tables, (*dataset.partition, month)),
    )


def refine_months(settings: Settings, months: Sequence[Month], *, force: bool) -> str:
    """Have Glue refine months of one dataset under a prefix of their own; return the run's id."""
    dataset = months[0].dataset
    # A forced run is another run of the same raw objects; a retry of the flow finds its own again.
    attempt = str(runtime.flow_run.id) if force else None
    run_id = name_run(dataset.subject, {each.month: each.raw_digest for each in months}, attempt)
    prefixes = [prefix for month in months for prefix in month.prefixes(run_id).values()]
    glue_run = run_glue_job(
        dataset.glue_job,
        {
            "--lake": f"s3://{settings.lake_bucket}",
            **dataset.job_arguments,
            "--months": ",".join(month.month for month in months),
            "--run_id": run_id,
        },
        timeout_seconds=GLUE_TIMEOUT_SECONDS + GLUE_TIMEOUT_SECONDS_A_MONTH * (len(months) - 1),
        is_output_there=has_objects(settings.lake_bucket, prefixes),
    )
    tables = [table.name for table in dataset.refined_tables]
    urls = table_urls(glue_run.region, settings.database, tables)
    report_links(dataset.subject, {f"Glue run of {run_id}": glue_run.url, **urls})
    return run_id


def audit_and_publish(settings: Settings, month: Month, run_id: str) -> None:
    """Publish what a run made of a month, if it passes the audit.

    Raises:
        BadDataError: The audit failed; nothing was published.
        PublishConflictError: Raw or what is published changed meanwhile; nothing was published.
    """
    bucket, dataset = settings.lake_bucket, month.dataset
    now = look_at_month(settings, dataset, month.month)
    if now.raw_digest != month.raw_digest:
        raise PublishConflictError(f"Raw of {month} changed while Glue was at work; run again.")
    prefixes = month.prefixes(run_id)
    checks, row_counts = dataset.audit(bucket, month.raw_keys, prefixes, now.published)
    report_checks(str(month), checks)
    require(checks, f"The audit of {month}, run {run_id},", "Nothing was published.")
    raw_locations = {
        (*dataset.partition, str(trading_date_of_raw_key(key))): f"s3://{bucket}/{folder}/"
        for key in month.raw_keys
        for folder in [key.rpartition("/")[0]]
    }
    register_partitions(settings.database, dataset.raw_table.name, raw_locations)
    publish_month.with_options(assets=list(map(asset_of, dataset.refined_tables)))(
        settings.database,
        month.values,
        new={
            table: Published(f"s3://{bucket}/{prefix}", run_id, month.raw_digest)
            for table, prefix in prefixes.items()
        },
        expected=now.published,
        row_counts=row_counts,
    )


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
    settings: Settings,
    dataset: Dataset,
    months: Sequence[str],
    *,
    on_month: Callable[[str], None] = lambda _month: None,
) -> PublishedMonths:
    """Refine in one run the months that need it, and publish each that passes its audit.

    Args:
        settings: The settings.
        dataset: The dataset.
        months: Months that raw holds something of.
        on_month: Called with each month when it is done with.

    Returns:
        What came of each month; a run that fails is the failure of each month in it.
    """
    looked_at = [look_at_month(settings, dataset, month) for month in sorted(set(months))]
    stale = [month for month in looked_at if not month.is_up_to_date]
    up_to_date = tuple(month.month for month in looked_at if month not in stale)
    for month in up_to_date:
        on_month(f"{month} up to date")
    if not stale:
        return PublishedMonths("", (), up_to_date, {})
    try:
        run_id = refine_months(settings, stale, force=False)
    except B3PipelineError as error:
        return PublishedMonths("", (), up_to_date, dict.fromkeys((m.month for m in stale), error))
    failures: dict[str, B3PipelineError] = {}
    for each in stale:
        try:
            audit_and_publish(settings, each, run_id)
        except B3PipelineError as error:
            failures[each.month] = error
        on_month(each.month)
    published = tuple(each.month for each in stale if each.month not in failures)
    return PublishedMonths(run_id, published, up_to_date, failures)
