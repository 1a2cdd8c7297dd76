"""The audit of a refined month of quotes as a step of the flow."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prefect import get_run_logger, task

from tasks.core.checks import Check
from tasks.core.layout import trading_date_of_raw_key
from tasks.core.quotes.tables import QUOTES_DAILY, QUOTES_MONTHLY
from tasks.objects import list_parquet, read_table
from tasks.retries import OVER_AWS


@task(
    name="audit-quotes",
    **OVER_AWS,
)
def audit_quotes(
    bucket: str,
    raw_keys: Sequence[str],
    prefixes: Mapping[str, str],
    published_prefix: str | None,
) -> tuple[list[Check], dict[str, int]]:
    """Check what a run refined of one month. Safe to repeat: it changes nothing.

    Raw is read a session at a time, so that memory holds one refined month at most.

    Args:
        bucket: The lake's bucket.
        raw_keys: The raw objects of the month.
        prefixes: `{table: prefix of the run's output}`.
        published_prefix: Where the `quotes_daily` lies that readers see now; None for nowhere.

    Returns:
        One verdict a check, and `{table: row count}`; the caller decides.
    """
    # Imported here: pyarrow takes its time, which other runs need not wait.
    from tasks.core.quotes.audit import audit_quotes_month

    daily = _read(bucket, prefixes[QUOTES_DAILY.name], list(QUOTES_DAILY.types()))
    monthly = _read(bucket, prefixes[QUOTES_MONTHLY.name], list(QUOTES_MONTHLY.types()))
    shown = _read(bucket, published_prefix, ["trading_date"]) if published_prefix else None
    published = set(shown["trading_date"].unique().to_pylist()) if shown is not None else set()
    checks = audit_quotes_month(_raw_sessions(bucket, raw_keys), daily, monthly, published)
    logger = get_run_logger()
    for check in checks:
        if not check.has_passed:
            logger.error("%s: expected %s; found %s", check.name, check.expected, check.found)
    logger.info("Audit: %d of %d checks passed", sum(c.has_passed for c in checks), len(checks))
    return checks, {QUOTES_DAILY.name: len(daily), QUOTES_MONTHLY.name: len(monthly)}


def _raw_sessions(bucket: str, keys: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    for key in keys:
        yield trading_date_of_raw_key(key), read_table(bucket, key)


def _read(bucket: str, prefix: str, columns: list[str]) -> Any:
    import pyarrow as pa

    tables = [read_table(bucket, key, columns) for key in list_parquet(bucket, prefix)]
    empty = pa.table({name: pa.array([], pa.null()) for name in columns})
    return pa.concat_tables(tables) if tables else empty
