"""Bring saved files of B3's portfolios to Athena: the past that B3 no longer shows.

python -m flows.import_portfolio FILE... [--period-of YYYY-MM-DD] [--replace]
"""

import datetime as dt
import sys
from functools import partial
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import option, parse, run_command, session_date, today_in_sao_paulo
from flows.ending import with_reason
from flows.forms import Files, PeriodOf, Replace
from flows.period_loading import store_period
from flows.portfolio_mending import mend_session
from flows.portfolio_sessions import load_sessions, register_sessions, store_sessions
from flows.reporting import group_by_session, report_last
from flows.settings import load_settings, subject_of
from tasks.core.dataset import Table
from tasks.core.errors import IncompleteError
from tasks.core.exchange import check_requested_session, month_of
from tasks.core.month import PublishedMonths
from tasks.core.plan import shorten
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import Portfolio, RawSession
from tasks.core.portfolio.period_tables import RAW_THEORETICAL
from tasks.core.portfolio.reconcile import SavedPortfolio, Session, read_saved_files, reconcile
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.refine import publish_months
from tasks.saved_files import read_files, read_paths
from tasks.store import land_csvs


def name_flow_run() -> str:
    """Name a run by its files: the one that was named, or how many; and by their session."""
    files = runtime.flow_run.parameters["files"]
    period_of = runtime.flow_run.parameters.get("period_of")
    named = f"import {files[0] if len(files) == 1 else f'{len(files)} files'}"
    return f"{named}, period of {period_of}" if period_of else named


@flow(name="import-portfolio", flow_run_name=name_flow_run)
@with_reason
def import_portfolio(
    files: Files,
    replace: Replace = False,  # noqa: FBT002 - the dashboard fills parameters by name
    period_of: PeriodOf = None,
) -> State[Any]:
    """Bring saved files to Athena; index and session are those that their content names.

    Files of the portfolio of a period name months and no session: that is given with them.

    Args:
        files: Where they lie: s3://bucket/inbox/ for every .csv in that folder and none below
            it, s3://bucket/inbox/IBOVDia_04-08-25.csv for one; files and folders of the machine
            that the run is on as well. aws s3 cp IBOVDia_04-08-25.csv s3://bucket/inbox/ puts one
            there. Left as it is, the form takes the lake's own inbox.
        replace: Take a file over even where it disagrees with what raw holds.
        period_of: Of files of a period, such as IBOVQuad_1-2025.csv, a session on which B3 showed
            what they hold: one of the months that they name. Leave it empty for files of the day,
            which name their session themselves.
    """
    today = today_in_sao_paulo()
    if period_of:
        check_requested_session(period_of, today)
    settings = load_settings()
    table = RAW_THEORETICAL if period_of else RAW_PORTFOLIO
    saved = read_saved_files(read_files(files), today, period_of)
    held = load_held(settings.lake_bucket, [one.session for one in saved], table)
    wanted = reconcile(saved, held, may_replace=replace)

    keep(settings.lake_bucket, saved, wanted, held, table)
    sessions = {day for _, day in wanted}
    register_sessions(settings, sessions)
    result = publish_months(
        subject_of(settings, PORTFOLIO),
        sorted(set(map(month_of, sessions))),
        force=False,
        mend=partial(mend_session, settings),
    )
    reports = report_last(settings, group_by_session((day, code) for code, day in wanted))
    return Completed(message=f"{sum_up(wanted, result, period_of)}{reports}")


def load_held(
    bucket: str, sessions: list[Session], table: Table
) -> dict[Session, Portfolio | None]:
    """Return what raw holds of each session."""
    held: dict[Session, Portfolio | None] = {}
    for day in sorted({day for _, day in sessions}):
        codes = [code for code, its_day in sessions if its_day == day]
        found = load_sessions(bucket, day, codes, table)
        held |= {(code, day): found.get(code) for code in codes}
    return held


def keep(
    bucket: str,
    saved: list[SavedPortfolio],
    wanted: dict[Session, Portfolio],
    held: dict[Session, Portfolio | None],
    table: Table,
) -> None:
    """Keep the files in landing, and in raw what it does not hold yet."""
    today = today_in_sao_paulo()
    folders = [table.landing_folder(today, one.session[0]) for one in saved]
    landed = land_csvs(
        bucket, [(each, one.file.body) for each, one in zip(folders, saved, strict=True)]
    )
    read_at = dt.datetime.now(dt.UTC).replace(microsecond=0)
    changed = [
        RawSession(portfolio, read_at)
        for session, portfolio in wanted.items()
        if portfolio != held[session]
    ]
    if table is RAW_PORTFOLIO:
        store_sessions(bucket, changed)
    else:  # files that name no session: landing notes which of them are of this one
        keys = {one.session[0]: [key] for one, key in zip(saved, landed, strict=True)}
        store_period(bucket, table, changed, keys)


def sum_up(
    wanted: dict[Session, Portfolio], result: PublishedMonths, period_of: dt.date | None
) -> str:
    """Return the outcome in one line.

    Raises:
        IncompleteError: A month was not published, or not as a whole; the message names each.
    """
    if result.failures:
        reasons = [str(error) for error in result.failures.values()]
        raise IncompleteError("\n".join([f"{len(reasons)} month(s) with problems:", *reasons]))
    runs = ", ".join(sorted(set(map(shorten, result.published.values()))))
    codes = ", ".join(sorted({index_code for index_code, _ in wanted}))
    if period_of:
        period = f"theoretical portfolio of {codes} on {period_of}"
        return f"published {period}, run {runs}" if runs else f"up to date {period}"
    if len(wanted) == 1:
        (portfolio,) = wanted.values()
        return f"published {portfolio}, run {runs}" if runs else f"up to date {portfolio}"
    span = f"{len(wanted)} sessions of {codes}"
    if not runs:
        return f"up to date {span}"
    return f"published {span}: {len(result.published)} month(s), run {runs}"


def check_files(places: list[str], period_of: dt.date | None) -> None:
    """Look at the settings and at the files on this machine.

    Raises:
        NotConfiguredError: A setting is missing.
        InvalidInputError: No place is named, at one is no file that can be read, or files are over
            a limit.
        BadDataError: A file is not one of B3's, or not of the kind that is wanted.
    """
    load_settings()
    read_saved_files(read_paths(places), today_in_sao_paulo(), period_of)


OPTIONS = (
    option(
        "files",
        nargs="+",
        metavar="FILE",
        help="a saved file, a folder of .csv files, or s3://bucket/key, s3://bucket/folder/",
    ),
    option(
        "--period-of",
        type=session_date,
        metavar="DATE",  # a longer word does not fit a narrow terminal
        help="of files of a period, which name no session: one on which B3 showed what they hold "
        "(YYYY-MM-DD)",
    ),
    option("--replace", action="store_true", help="take a file over where it disagrees with raw"),
)
EXAMPLES = (
    ("IBOVDia_01-08-25.csv", "a file that somebody has saved from B3's page of an index"),
    ("IBOVQuad_1-2025.csv --period-of 2025-01-06", "one of a period, as B3 showed it on that day"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse("flows.import_portfolio", __doc__, OPTIONS, EXAMPLES, argv)
    return run_command(
        lambda: import_portfolio(**parameters, return_state=True),
        check=lambda: check_files(parameters["files"], parameters["period_of"]),
        is_verbose=is_verbose,
    )


if __name__ == "__main__":
    sys.exit(main())
