"""The report of a session: a page an index, of what the lake holds of it, with charts.

python -m flows.report [--index CODE …|all] [--trading-date YYYY-MM-DD] [--language pt-BR|en]
"""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import (
    check_indices,
    index_code_or_all,
    option,
    parse,
    run_command,
    session_date,
    today_in_sao_paulo,
)
from flows.ending import with_reason
from flows.forms import Folder, IndexCodes, Language, TradingDate
from flows.report_lake import Lake
from flows.report_session import held_sessions
from flows.reporting import Reported, link_reports, write_reports
from flows.settings import NO_REPORTS, Settings, load_settings
from tasks.core.errors import InvalidInputError, SourceHasNoDataError
from tasks.core.exchange import check_requested_session, month_of
from tasks.core.indices import ALL, read_index_codes
from tasks.core.outcome import name_indices
from tasks.core.portfolio import PORTFOLIO
from tasks.core.session_report.language import LANGUAGES, PORTUGUESE
from tasks.core.wording import count
from tasks.report import rename_flow_run
from tasks.session_pages import Bucket, month_path, page_path
from tasks.session_pages import Folder as FolderOfPages


def name_flow_run() -> str:
    """Name a run by its indices and session, as far as they are known at its start."""
    given = runtime.flow_run.parameters
    return f"report {name_indices(given['index_codes'])} {given['trading_date'] or 'latest'}"


@flow(name="report", flow_run_name=name_flow_run)
@with_reason
def report(
    trading_date: TradingDate = None,
    index_codes: IndexCodes = ("IBOV",),
    language: Language = None,
    to_folder: Folder = None,
) -> State[Any]:
    """Make the reports of a session from what readers see of the lake; nothing is asked of B3.

    Runs that publish make them by themselves; this makes those of other sessions, in the other
    language, or once more.

    Args:
        trading_date: The session. Leave it empty for the latest one that readers see.
        index_codes: B3's codes of the indices, 4 to 6 letters and digits each, such as IBOV. Or
            all by itself: every index of which readers see the session.
        language: Of the pages. Leave it empty for the one that runs take, B3_REPORTS.
        to_folder: A folder of the machine that the run is on, where the pages go in place of the
            lake; the folder of a task in the cloud goes with the task. Leave it empty for the lake.
    """
    named = read_index_codes(index_codes)
    if trading_date:
        check_requested_session(trading_date, today_in_sao_paulo())
    check_folder(to_folder)
    settings = load_settings()
    place = FolderOfPages(Path(to_folder)) if to_folder else Bucket(settings.lake_bucket)
    codes = None if named == (ALL,) else set(named)
    session = trading_date or find_latest_session(settings, codes)
    rename_flow_run(f"report {name_indices(named)} {session}")

    of_runs = PORTUGUESE if settings.reports == NO_REPORTS else settings.reports
    done = write_reports(settings, place, {session: codes}, language or of_runs)
    check_found(settings, session, codes, done)
    if not to_folder:
        link_reports(settings, done)
    pages = done.pages[session]
    path = page_path(session, pages[0]) if len(pages) == 1 else month_path(month_of(session))
    subject = f"report {name_indices(pages)} {session}"
    if not done.written:
        return Completed(message=f"up to date {subject}: {place.name_of(path)}")
    return Completed(message=f"wrote {subject}: {place.name_of(path)}")


def check_folder(folder: str | None) -> None:
    """See that a folder that was given has a name, as an unset variable of a shell has not.

    Raises:
        InvalidInputError: It has none.
    """
    if folder is not None and not folder.strip():
        raise InvalidInputError(
            "expected a folder for the pages, found an empty name: give one, or leave --to out "
            "for the lake"
        )


def check_usage(parameters: dict[str, Any]) -> None:
    """See that the parameters of the command are what they can be.

    Raises:
        InvalidInputError: One is not.
    """
    check_indices(parameters)
    check_folder(parameters["to_folder"])


def find_latest_session(settings: Settings, codes: set[str] | None) -> dt.date:
    """Return the latest session that readers see of any of some indices; None for all indices.

    Raises:
        SourceHasNoDataError: They see none.
    """
    lake = Lake(settings)
    for month in reversed(lake.months(PORTFOLIO)):
        sessions = lake.sessions(month)
        held = [day for day, there in sessions.items() if codes is None or codes & there]
        if held:
            return max(held)
    raise SourceHasNoDataError(
        f"Expected a published portfolio of {name_indices(sorted(codes or {ALL}))}, found none. "
        f"Bring one first: python -m flows.portfolio"
    )


def check_found(
    settings: Settings, session: dt.date, codes: set[str] | None, done: Reported
) -> None:
    """See that there is a report of each index that was named.

    Raises:
        SourceHasNoDataError: Of one there is not; the message says what readers see.
    """
    found = set(done.pages.get(session, ()))
    missing = sorted((codes or set()) - found)
    if found and not missing:
        return
    seen = held_sessions(Lake(settings), month_of(session))
    days = [str(day) for day, there in sorted(seen.items()) if codes is None or codes & there]
    of_month = (
        f"of {month_of(session)} they see {days[0]} to {days[-1]}"
        if days
        else (f"of {month_of(session)} they see none")
    )
    what = ", ".join(missing) or "any index"
    said = (
        f" The reports of {count(len(found), 'other index', 'other indices')} are there."
        if (found)
        else ""
    )
    raise SourceHasNoDataError(
        f"Expected the portfolio of {what} on {session} among what readers see, found it not "
        f"there: {of_month}.{said} Bring the session first: python -m flows.portfolio, or "
        f"python -m flows.import_portfolio for a file that somebody has saved."
    )


OPTIONS = (
    option(
        "--index",
        dest="index_codes",
        nargs="+",
        type=index_code_or_all,
        default=["IBOV"],
        metavar="CODE",
        help="index codes, or all: every index of which readers see the session (default: IBOV)",
    ),
    option(
        "--trading-date",
        type=session_date,
        metavar="YYYY-MM-DD",
        help="the session; without it, the latest one that readers see",
    ),
    option(
        "--language",
        choices=list(LANGUAGES),
        help="of the pages; without it, the one that runs take: B3_REPORTS, else pt-BR",
    ),
    option(
        "--to",
        dest="to_folder",
        metavar="FOLDER",
        help="a folder for the pages, which then do not go to the lake",
    ),
)
EXAMPLES = (
    ("", "IBOV on the latest session that readers see, as a page in the lake"),
    ("--index all --trading-date 2025-08-04 --language en --to reports", "pages in a folder"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse(
        "flows.report", __doc__, OPTIONS, EXAMPLES, argv, check=check_usage
    )
    return run_command(lambda: report(**parameters, return_state=True), is_verbose=is_verbose)


if __name__ == "__main__":
    sys.exit(main())
