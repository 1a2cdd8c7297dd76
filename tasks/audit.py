"""The audit as a step of the flow."""

from collections.abc import Mapping, Sequence
from typing import Any

from prefect import get_run_logger, task

from tasks.core.checks import Check
from tasks.core.portfolio.audit import audit_portfolio_month
from tasks.core.portfolio.model import RawSession

Rows = Sequence[Mapping[str, Any]]


@task(name="audit-month")
def audit_month(
    raw: Sequence[RawSession], refined: Mapping[str, Rows], published_summary: Rows
) -> list[Check]:
    """Check what a run refined of one month. Safe to repeat: it changes nothing.

    Args:
        raw: Every session that raw holds of the month.
        refined: `{table: rows}` that the run wrote.
        published_summary: The rows of `portfolio_daily_summary` that readers see now.

    Returns:
        One verdict a check; the caller decides.
    """
    published_dates = {row["trading_date"] for row in published_summary}
    checks = audit_portfolio_month(raw, refined, published_dates)
    logger = get_run_logger()
    for check in checks:
        if not check.has_passed:
            logger.error("%s: expected %s; found %s", check.name, check.expected, check.found)
    logger.info("Audit: %d of %d checks passed", sum(c.has_passed for c in checks), len(checks))
    return checks
