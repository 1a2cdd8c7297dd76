"""The portfolios of every index, of the day, of the period and to come: what B3 shows of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.core.checks import Check
from tasks.core.dataset import Dataset, RawRows
from tasks.core.portfolio.period_tables import PERIOD_REFINED, RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO, REFINED


def _audit(raw: Iterable[RawRows], refined: Mapping[str, Any]) -> list[Check]:
    # Imported here: pydantic and the calendar take their time, which who only names tables need
    # not wait for.
    from tasks.core.portfolio.audit import audit_portfolio_month

    return audit_portfolio_month(raw, refined)


PORTFOLIO = Dataset(
    name="portfolio",
    raw=RAW_PORTFOLIO,
    refined=(*REFINED, *PERIOD_REFINED),
    audit=_audit,
    refine_seconds_a_month=2,
    beside=(RAW_THEORETICAL, RAW_PREVIEW),
)
