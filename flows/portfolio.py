"""The portfolio flow: one session of one index, from B3 to Athena.

python -m flows.portfolio [--trading-date YYYY-MM-DD] [--index IBOV] [--force]
"""

import datetime as dt
import sys
from functools import partial
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import FORCE, INDEX, option, parse, run_command, session_date, today_in_sao_paulo
from flows.mending import fetch_or_restore_session, mend_session
from flows.portfolio_loading import load_session, read_session, register_sessions
from flows.settings import load_settings, subject_of
from tasks.core.errors import UnreadableRawError
from tasks.core.exchange import (
    check_index_code,
    check_requested_session,
    month_of,
    previous_session,
)
from tasks.core.plan import shorten
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.summary import summarize_portfolio
from tasks.refine import publish_month
from tasks.report import rename_flow_run, report_page


def name_flow_run() -> str:
    """Name a run by its index and session, as far as they are known at its start."""
    parameters = runtime.flow_run.parameters
    return f"{parameters['index_code']} {parameters['trading_date'] or 'latest'}"


@flow(name="daily-portfolio", flow_run_name=name_flow_run)
def daily_portfolio(
    trading_date: dt.date | None = None,
    index_code: str = "IBOV",
    force: bool = False,  # noqa: FBT001, FBT002 - the dashboard fills parameters by name
) -> State[Any]:
    """Bring one session of one index from B3 to Athena.

    Args:
        trading_date: The session. Empty: the one that B3 shows now. A session that raw holds is
            worked from raw; another one must be the one that B3 shows, or lie in landing.
        index_code: B3's code of the index: four to six upper-case letters and digits.
        force: Refine and publish again, even where nothing has changed.
    """
    check_index_code(index_code)
    if trading_date:
        check_requested_session(trading_date, today_in_sao_paulo())
    settings = load_settings()
    bucket = settings.lake_bucket

    stored = load_session(bucket, index_code, trading_date) if trading_date else None
    portfolio = stored or fetch_or_restore_session(settings, index_code, trading_date)
    rename_flow_run(str(portfolio))
    register_sessions(settings, {portfolio.trading_date})

    subject, month = subject_of(settings, PORTFOLIO), month_of(portfolio.trading_date)
    run_id = publish_month(subject, month, force=force, mend=partial(mend_session, settings))
    if not run_id:
        return Completed(message=f"up to date {portfolio}")
    report_page(
        f"portfolio-{index_code}",
        describe_session(bucket, portfolio),
        f"{portfolio}: heaviest constituents and moves against the session before.",
    )
    return Completed(message=f"published {portfolio}, run {shorten(run_id)}")


def describe_session(bucket: str, portfolio: Portfolio) -> str:
    """Return the page about a session, with its moves against the one before."""
    day = previous_session(portfolio.trading_date)
    try:
        return summarize_portfolio(portfolio, read_session(bucket, portfolio.index_code, day))
    except UnreadableRawError as error:
        get_run_logger().warning("%s", error)
        return summarize_portfolio(portfolio, None, str(error))


OPTIONS = (
    option(
        "--trading-date",
        type=session_date,
        metavar="YYYY-MM-DD",
        help="the session; without it, the one that B3 shows now",
    ),
    INDEX,
    FORCE,
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters = parse("flows.portfolio", __doc__, OPTIONS, argv)
    return run_command(lambda: daily_portfolio(**parameters, return_state=True))


if __name__ == "__main__":
    sys.exit(main())
