"""The day's portfolio of an index: what B3 shows of it, and what is made of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from tasks.core.checks import Check
from tasks.core.dataset import Dataset
from tasks.core.portfolio.tables import (
    PORTFOLIO_DAILY,
    PORTFOLIO_DAILY_SUMMARY,
    PORTFOLIO_MONTHLY,
    RAW_PORTFOLIO,
)


def _audit(
    partition: Sequence[str],
    raw: Iterable[tuple[date, Any]],
    refined: Mapping[str, Any],
    published_dates: Collection[date],
) -> list[Check]:
    # Imported here: the audit's module needs the tables of this one's.
    from tasks.core.portfolio.audit import audit_portfolio_month
    from tasks.core.portfolio.model import from_raw_rows

    (index_code,) = partition
    return audit_portfolio_month(
        [from_raw_rows(index_code, day, rows.to_pylist()) for day, rows in raw],
        {table: rows.to_pylist() for table, rows in refined.items()},
        published_dates,
    )


PORTFOLIO = Dataset(
    name="portfolio",
    raw=RAW_PORTFOLIO,
    refined=(PORTFOLIO_DAILY, PORTFOLIO_DAILY_SUMMARY, PORTFOLIO_MONTHLY),
    sessions=PORTFOLIO_DAILY_SUMMARY,
    audit=_audit,
    refine_seconds_a_month=2,
)
