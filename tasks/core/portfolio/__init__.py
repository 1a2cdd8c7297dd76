"""The day's portfolio of every index: what B3 shows of it, and what is made of it."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from tasks.core.checks import Check
from tasks.core.dataset import Dataset
from tasks.core.portfolio.tables import RAW_PORTFOLIO, REFINED


def _audit(raw: Iterable[tuple[date, Any]], refined: Mapping[str, Any]) -> list[Check]:
    # Imported here: pydantic and the calendar take their time, which who only names tables need
    # not wait for.
    from tasks.core.portfolio.audit import audit_portfolio_month

    return audit_portfolio_month(raw, refined)


PORTFOLIO = Dataset(
    name="portfolio",
    raw=RAW_PORTFOLIO,
    refined=REFINED,
    audit=_audit,
    refine_seconds_a_month=2,
)
