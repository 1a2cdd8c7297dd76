"""The portfolio flow: a session of indices, from B3 to Athena, in one run.

python -m flows.portfolio [--trading-date YYYY-MM-DD] [--index CODE …|all] [--force]
"""

import datetime as dt
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import (
    FORCE,
    INDICES,
    check_indices,
    option,
    parse,
    run_command,
    session_date,
    today_in_sao_paulo,
)
from flows.ending import with_reason
from flows.fetching import FETCH_SECONDS
from flows.forms import Force, IndexCodes, TradingDate
from flows.indices import choose_indices, find_recent_portfolios
from flows.period_loading import collect_period
from flows.portfolio_loading import Collected, collect_sessions
from flows.portfolio_mending import mend_session
from flows.portfolio_sessions import read_sessions, register_sessions
from flows.reporting import group_by_session, report_last
from flows.settings import Settings, load_settings, subject_of
from tasks.core.errors import UnreadableRawError
from tasks.core.exchange import check_requested_session, month_of
from tasks.core.indices import ALL, read_index_codes
from tasks.core.month import PublishedMonths
from tasks.core.outcome import conclude, count_indices, name_indices
from tasks.core.plan import shorten
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.summary import (
    spans_before,
    summarize_portfolio,
    summarize_portfolios,
)
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.refine import publish_months
from tasks.report import rename_flow_run, report_page
from tasks.store import list_raw
from tasks.turns import Budget


def name_flow_run() -> str:
    """Name a run by its indices and session, as far as they are known at its start."""
    parameters = runtime.flow_run.parameters
    indices = name_indices(parameters["index_codes"])
    return f"{indices} {parameters['trading_date'] or 'latest'}"


@flow(name="daily-portfolio", flow_run_name=name_flow_run)
@with_reason
def daily_portfolio(
    trading_date: TradingDate = None,
    index_codes: IndexCodes = ("IBOV",),
    force: Force = False,  # noqa: FBT002 - the dashboard fills parameters by name
) -> State[Any]:
    """Bring a session of indices from B3 to Athena, all in one run.

    What B3 shows beside the portfolios of the day comes with them, where it can be had: the
    theoretical portfolio of the period, and previews of the next one.

    Args:
        trading_date: The session. Leave it empty for the one that B3 shows now. B3 shows no past
            session: one comes from what the lake has kept of it, or not at all.
        index_codes: B3's codes of the indices, 4 to 6 letters and digits each, such as IBOV. Or
            all by itself: what B3 lists now, and what it has published in the last ten sessions.
        force: Refine and publish again, even where nothing has changed.
    """
    named = read_index_codes(index_codes)
    today = today_in_sao_paulo()
    if trading_date:
        check_requested_session(trading_date, today)
    settings = load_settings()
    budget = Budget.of_all(FETCH_SECONDS)

    find_recent = partial(find_recent_portfolios, settings, today)
    wanted = choose_indices(settings, named, find_recent, budget)
    collected = collect_sessions(settings, wanted, trading_date, budget)
    # Before what may take minutes, and is killed in the middle of it.
    register_sessions(settings, collected.sessions, [RAW_PORTFOLIO])
    beside = collect_period(
        settings, collected.shown, wanted.members, is_blocked=collected.is_blocked
    )
    result, reports = PublishedMonths(), ""
    if collected.portfolios:
        sessions = sorted(collected.sessions)
        rename_flow_run(f"{name_indices(named)} {' '.join(map(str, sessions))}")
        held = sorted({*sessions, *beside.sessions})
        register_sessions(settings, held, PORTFOLIO.beside)
        result = publish_months(
            subject_of(settings, PORTFOLIO),
            sorted(set(map(month_of, held))),
            force=force,
            mend=partial(mend_session, settings),
        )
        if result.published:
            report_indices(settings, named, collected)
        shown = [(one.trading_date, one.index_code) for one in find_shown(collected, result)]
        reports = report_last(settings, group_by_session(shown))
    errors = collected.failures | result.failures | wanted.problems
    done = describe(collected, result)
    said = conclude(done, errors, collected.without, wanted.codes)
    return Completed(message=f"{said}{beside.describe_missing()}{reports}")


def find_shown(collected: Collected, result: PublishedMonths) -> list[Portfolio]:
    """Return the portfolios whose months are as they should be."""
    months, portfolios = {*result.published, *result.up_to_date}, collected.portfolios.values()
    return [each for each in portfolios if month_of(each.trading_date) in months]


def describe(collected: Collected, result: PublishedMonths) -> str:
    """Say what was done; nothing where no month is as it should be."""
    found = find_shown(collected, result)
    if not found:
        return ""
    sessions = " and ".join(map(str, sorted({each.trading_date for each in found})))
    subject = str(found[0]) if len(found) == 1 else f"{count_indices(len(found))} of {sessions}"
    if not result.published:
        return f"up to date {subject}"
    runs = ", ".join(sorted(set(map(shorten, result.published.values()))))
    return f"published {subject}, run {runs}"


def report_indices(settings: Settings, named: Sequence[str], collected: Collected) -> None:
    """Show the session: of each index that was named a page, of all a table."""
    if tuple(named) == (ALL,):
        report_page(
            "portfolio-all",
            summarize_portfolios(collected.portfolios.values(), collected.without),
            f"{count_indices(len(collected.portfolios))}: constituents and the heaviest of each.",
        )
        return
    for code, portfolio in collected.portfolios.items():
        report_page(
            f"portfolio-{code}",
            describe_session(settings.lake_bucket, portfolio),
            f"{portfolio}: heaviest constituents, and moves against the last session held.",
        )


def describe_session(bucket: str, portfolio: Portfolio) -> str:
    """Return the page about a session, with its moves against the last one held before."""
    code = portfolio.index_code
    day = find_session_before(bucket, code, portfolio.trading_date)
    before = read_sessions(bucket, day, [code]).get(code) if day else None
    if isinstance(before, UnreadableRawError):
        get_run_logger().warning("%s", before)
        return summarize_portfolio(portfolio, None, str(before))
    return summarize_portfolio(portfolio, before)


def find_session_before(bucket: str, index_code: str, day: dt.date) -> dt.date | None:
    """Return the last session before a day that raw holds of an index; it only lists."""
    for span in spans_before(day):
        keys = list_raw(bucket, RAW_PORTFOLIO, span)
        held = [RAW_PORTFOLIO.session_of(k) for k in keys if RAW_PORTFOLIO.name_of(k) == index_code]
        if earlier := [session for session in held if session < day]:
            return max(earlier)
    return None


OPTIONS = (
    option(
        "--trading-date",
        type=session_date,
        metavar="YYYY-MM-DD",
        help="the session; without it, the one that B3 shows now",
    ),
    INDICES,
    FORCE,
)
EXAMPLES = (
    ("--index IBOV SMLL", "what B3 shows now of two indices; of all that there are: --index all"),
    ("--trading-date 2025-08-01", "a session, from what the lake holds of it or B3 still shows"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse(
        "flows.portfolio", __doc__, OPTIONS, EXAMPLES, argv, check=check_indices
    )
    return run_command(
        lambda: daily_portfolio(**parameters, return_state=True), is_verbose=is_verbose
    )


if __name__ == "__main__":
    sys.exit(main())
