"""The portfolio flow: one session of one index, from B3 to Athena.

python -m flows.portfolio [--trading-date YYYY-MM-DD] [--index IBOV] [--force]
"""

import datetime as dt
import sys
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import FORCE, INDEX, option, parse, run_command, session_date, today_in_sao_paulo
from flows.settings import Settings, load_settings, subject_of
from tasks.core.exchange import (
    check_index_code,
    check_requested_session,
    month_of,
    previous_session,
)
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import Portfolio, from_raw_rows, to_raw_rows
from tasks.core.portfolio.summary import summarize_portfolio
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.download import download_portfolio
from tasks.reading import read_portfolio, read_shown_session
from tasks.refine import refine_and_publish
from tasks.report import rename_flow_run, report_page
from tasks.store import land, read_raw, write_raw


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
            worked from raw; another one must be the one that B3 shows.
        index_code: B3's code of the index: four to six upper-case letters and digits.
        force: Refine and publish again, even where nothing has changed.
    """
    check_index_code(index_code)
    if trading_date:
        check_requested_session(trading_date, today_in_sao_paulo())
    settings = load_settings()
    bucket = settings.lake_bucket

    stored = load_session(bucket, index_code, trading_date) if trading_date else None
    portfolio = stored or fetch_session(settings, index_code, trading_date)
    rename_flow_run(str(portfolio))

    subject = subject_of(settings, PORTFOLIO, index_code)
    run_id = refine_and_publish(subject, month_of(portfolio.trading_date), force=force)
    if not run_id:
        return Completed(message=f"up to date {portfolio}")

    before = load_session(bucket, index_code, previous_session(portfolio.trading_date))
    report_page(
        f"portfolio-{index_code}",
        summarize_portfolio(portfolio, before),
        f"{portfolio}: heaviest constituents and moves against the session before.",
    )
    return Completed(message=f"published {portfolio}, run {run_id}")


def fetch_session(settings: Settings, index_code: str, trading_date: dt.date | None) -> Portfolio:
    """Fetch the session that B3 shows, keep it in landing and raw, and return it."""
    download = download_portfolio(settings.index_url, index_code)
    shown = read_shown_session(index_code, download.bodies, trading_date)
    bucket, session = settings.lake_bucket, str(shown or "unknown")
    land(bucket, RAW_PORTFOLIO.landing_folder((index_code, session)), download.bodies)
    portfolio = read_portfolio(index_code, download.bodies, download.day_in_sao_paulo)
    if load_session(bucket, index_code, portfolio.trading_date) != portfolio:
        store_session(bucket, portfolio, download.received_at)
    return portfolio


def load_session(bucket: str, index_code: str, trading_date: dt.date) -> Portfolio | None:
    """Return a session as raw holds it; None where it does not."""
    rows = read_raw(bucket, RAW_PORTFOLIO, (index_code, str(trading_date)))
    return from_raw_rows(index_code, trading_date, rows).portfolio if rows else None


def store_session(bucket: str, portfolio: Portfolio, extracted_at: dt.datetime) -> None:
    """Write a session to raw."""
    values = (portfolio.index_code, str(portfolio.trading_date))
    write_raw(bucket, RAW_PORTFOLIO, values, to_raw_rows(portfolio, extracted_at))


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
