"""Bring saved files of B3's day's portfolio to Athena: the past that B3 no longer shows.

python -m flows.import_portfolio FILE... [--replace]
"""

import datetime as dt
import sys
from functools import partial
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import option, parse, run_command, today_in_sao_paulo
from flows.ending import with_reason
from flows.forms import Files, Replace
from flows.portfolio_mending import mend_session
from flows.portfolio_sessions import load_sessions, register_sessions, store_sessions
from flows.settings import load_settings, subject_of
from tasks.core.errors import IncompleteError
from tasks.core.exchange import month_of
from tasks.core.month import PublishedMonths
from tasks.core.plan import shorten
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import Portfolio, RawSession
from tasks.core.portfolio.reconcile import SavedPortfolio, Session, read_saved_files, reconcile
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.refine import publish_months
from tasks.saved_files import read_files, read_paths
from tasks.store import land_csvs


def name_flow_run() -> str:
    """Name a run by its files: the one that was named, or how many."""
    files = runtime.flow_run.parameters["files"]
    return f"import {files[0] if len(files) == 1 else f'{len(files)} files'}"


@flow(name="import-portfolio", flow_run_name=name_flow_run)
@with_reason
def import_portfolio(
    files: Files,
    replace: Replace = False,  # noqa: FBT002 - the dashboard fills parameters by name
) -> State[Any]:
    """Bring saved files to Athena; index and session are those that their content names.

    Args:
        files: Where they lie: s3://bucket/inbox/ for every .csv in that folder and none below
            it, s3://bucket/inbox/IBOVDia_04-08-25.csv for one; files and folders of the machine
            that the run is on as well. aws s3 cp IBOVDia_04-08-25.csv s3://bucket/inbox/ puts one
            there. Left as it is, the form takes the lake's own inbox.
        replace: Take a file over even where it disagrees with what raw holds.
    """
    settings = load_settings()
    saved = read_saved_files(read_files(files), today_in_sao_paulo())
    held = load_held(settings.lake_bucket, [one.session for one in saved])
    wanted = reconcile(saved, held, may_replace=replace)

    keep(settings.lake_bucket, saved, wanted, held)
    sessions = {day for _, day in wanted}
    register_sessions(settings, sessions)
    result = publish_months(
        subject_of(settings, PORTFOLIO),
        sorted(set(map(month_of, sessions))),
        force=False,
        mend=partial(mend_session, settings),
    )
    return Completed(message=sum_up(wanted, result))


def load_held(bucket: str, sessions: list[Session]) -> dict[Session, Portfolio | None]:
    """Return what raw holds of each session."""
    held: dict[Session, Portfolio | None] = {}
    for day in sorted({day for _, day in sessions}):
        codes = [code for code, its_day in sessions if its_day == day]
        found = load_sessions(bucket, day, codes)
        held |= {(code, day): found.get(code) for code in codes}
    return held


def keep(
    bucket: str,
    saved: list[SavedPortfolio],
    wanted: dict[Session, Portfolio],
    held: dict[Session, Portfolio | None],
) -> None:
    """Keep the files in landing, and in raw what it does not hold yet."""
    today = today_in_sao_paulo()
    folders = [RAW_PORTFOLIO.landing_folder(today, one.session[0]) for one in saved]
    land_csvs(bucket, [(each, one.file.body) for each, one in zip(folders, saved, strict=True)])
    read_at = dt.datetime.now(dt.UTC).replace(microsecond=0)
    changed = [
        RawSession(portfolio, read_at)
        for session, portfolio in wanted.items()
        if portfolio != held[session]
    ]
    store_sessions(bucket, changed)


def sum_up(wanted: dict[Session, Portfolio], result: PublishedMonths) -> str:
    """Return the outcome in one line.

    Raises:
        IncompleteError: A month was not published, or not as a whole; the message names each.
    """
    if result.failures:
        reasons = [str(error) for error in result.failures.values()]
        raise IncompleteError("\n".join([f"{len(reasons)} month(s) with problems:", *reasons]))
    runs = ", ".join(sorted(set(map(shorten, result.published.values()))))
    if len(wanted) == 1:
        (portfolio,) = wanted.values()
        return f"published {portfolio}, run {runs}" if runs else f"up to date {portfolio}"
    codes = ", ".join(sorted({index_code for index_code, _ in wanted}))
    span = f"{len(wanted)} sessions of {codes}"
    if not runs:
        return f"up to date {span}"
    return f"published {span}: {len(result.published)} month(s), run {runs}"


def check_files(places: list[str]) -> None:
    """Look at the settings and at the files on this machine.

    Raises:
        NotConfiguredError: A setting is missing.
        InvalidInputError: No place is named, at one is no file that can be read, or files are over
            a limit.
        BadDataError: A file is not one of B3's.
    """
    load_settings()
    read_saved_files(read_paths(places), today_in_sao_paulo())


OPTIONS = (
    option(
        "files",
        nargs="+",
        metavar="FILE",
        help="a saved file, a folder of .csv files, or s3://bucket/key, s3://bucket/folder/",
    ),
    option("--replace", action="store_true", help="take a file over where it disagrees with raw"),
)
EXAMPLES = (
    ("IBOVDia_01-08-25.csv", "a file that somebody has saved from B3's page of an index"),
    ("s3://b3-lake/inbox/ --replace", "a folder, whose files win over what raw holds"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse("flows.import_portfolio", __doc__, OPTIONS, EXAMPLES, argv)
    return run_command(
        lambda: import_portfolio(**parameters, return_state=True),
        check=lambda: check_files(parameters["files"]),
        is_verbose=is_verbose,
    )


if __name__ == "__main__":
    sys.exit(main())
