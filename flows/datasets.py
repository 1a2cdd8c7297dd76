"""The two datasets, by what is particular to each on its way from raw to readers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flows.settings import Settings
from tasks.audit import audit_month
from tasks.core.checks import Check
from tasks.core.dataset import Table
from tasks.core.portfolio.tables import (
    PORTFOLIO_DAILY_SUMMARY,
    RAW_PORTFOLIO,
    REFINED_PORTFOLIO_TABLES,
)
from tasks.core.published import Published
from tasks.core.quotes.tables import QUOTES_DAILY, RAW_QUOTES, REFINED_QUOTES_TABLES
from tasks.lake import list_raw_month, read_raw_month, read_refined
from tasks.quotes_audit import audit_quotes
from tasks.quotes_lake import list_raw_quotes

Shown = Mapping[str, Published | None]
Audited = tuple[list[Check], dict[str, int]]


@dataclass(frozen=True)
class Dataset:
    """What publishing has to know of a dataset.

    Attributes:
        subject: What its runs and months are named after: `IBOV`, `quotes`.
        partition: Values of its partition keys before the session or month.
        raw_table: Its raw table.
        refined_tables: What its Glue job makes.
        glue_job: Name of that job.
        job_arguments: The job's arguments beside lake, months and run id.
        list_raw: From bucket and month to `{key: ETag}` of the raw objects.
        audit: From bucket, raw keys, `{table: prefix of the run's output}` and what readers see
            to the verdicts and `{table: row count}`.
    """

    subject: str
    partition: tuple[str, ...]
    raw_table: Table
    refined_tables: tuple[Table, ...]
    glue_job: str
    job_arguments: Mapping[str, str]
    list_raw: Callable[[str, str], dict[str, str]]
    audit: Callable[[str, Sequence[str], Mapping[str, str], Shown], Audited]


def portfolio_dataset(settings: Settings, index_code: str) -> Dataset:
    """Return the portfolio of one index."""
    return Dataset(
        subject=index_code,
        partition=(index_code,),
        raw_table=RAW_PORTFOLIO,
        refined_tables=REFINED_PORTFOLIO_TABLES,
        glue_job=settings.glue_job,
        job_arguments={"--index_code": index_code},
        list_raw=lambda bucket, month: list_raw_month(bucket, index_code, month),
        audit=partial(_audit_portfolio, index_code),
    )


def quotes_dataset(settings: Settings) -> Dataset:
    """Return the daily quotes."""
    return Dataset(
        subject="quotes",
        partition=(),
        raw_table=RAW_QUOTES,
        refined_tables=REFINED_QUOTES_TABLES,
        glue_job=settings.quotes_glue_job,
        job_arguments={},
        list_raw=list_raw_quotes,
        audit=_audit_quotes,
    )


def _audit_portfolio(
    index_code: str,
    bucket: str,
    raw_keys: Sequence[str],
    prefixes: Mapping[str, str],
    published: Shown,
) -> Audited:
    refined = {table: read_refined(bucket, prefix) for table, prefix in prefixes.items()}
    shown = _shown_prefix(bucket, published[PORTFOLIO_DAILY_SUMMARY.name])
    checks = audit_month(
        read_raw_month(bucket, index_code, raw_keys),
        refined,
        read_refined(bucket, shown) if shown else [],
    )
    return checks, {table: len(rows) for table, rows in refined.items()}


def _audit_quotes(
    bucket: str, raw_keys: Sequence[str], prefixes: Mapping[str, str], published: Shown
) -> Audited:
    shown = _shown_prefix(bucket, published[QUOTES_DAILY.name])
    return audit_quotes(bucket, raw_keys, prefixes, shown)


def _shown_prefix(bucket: str, published: Published | None) -> str | None:
    return published.location.removeprefix(f"s3://{bucket}/") if published else None
