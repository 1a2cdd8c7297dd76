"""From B3's answer to a checked portfolio."""

import datetime as dt
from collections.abc import Sequence

from prefect import get_run_logger, task

from tasks.core.checks import require
from tasks.core.errors import SourceHasNoDataError
from tasks.core.portfolio.model import Portfolio, check_portfolio
from tasks.core.portfolio.pages import parse_pages, read_page, shown_session


@task(name="read-shown-session")
def read_shown_session(
    index_code: str, bodies: Sequence[bytes], trading_date: dt.date | None
) -> dt.date | None:
    """Return the session that B3's answer names, before anything is kept of it.

    Safe to repeat: it changes nothing.

    Args:
        index_code: What was asked for.
        bodies: The pages, byte for byte.
        trading_date: The session that is wanted; None for any.

    Returns:
        The session; None where the answer names none that can be read.

    Raises:
        SourceHasNoDataError: B3 shows another session than the one wanted.
    """
    shown = shown_session(bodies[0])
    if trading_date and shown and shown != trading_date:
        raise SourceHasNoDataError(
            f"Expected B3 to show {index_code} of {trading_date}, found {shown}: B3 shows one "
            f"session at a time, and raw does not hold this one. If somebody has saved B3's file "
            f"of that day, import it: python -m flows.import_portfolio FILE. Nothing was written."
        )
    return shown


@task(name="read-portfolio")
def read_portfolio(index_code: str, bodies: Sequence[bytes], today: dt.date) -> Portfolio:
    """Turn B3's answer into typed rows and check them. Safe to repeat: it changes nothing.

    Args:
        index_code: What was asked for.
        bodies: The pages, byte for byte.
        today: The day in São Paulo on which B3 answered.

    Raises:
        BadDataError: A value cannot be read, or a check failed; the message lists each.
    """
    pages = [read_page(body, index_code) for body in bodies]
    portfolio = parse_pages(pages, index_code)
    checks = check_portfolio(portfolio, record_count=pages[0].page.totalRecords, today=today)
    require(
        checks,
        f"B3's portfolio {portfolio}",
        "Landing keeps the bytes; raw and refined are untouched. Look at it before running again.",
    )
    get_run_logger().info(
        "%s: %d constituents, %d checks passed", portfolio, len(portfolio.constituents), len(checks)
    )
    return portfolio
