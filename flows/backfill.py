"""Fill a range of sessions: fetch what is missing, refine it in one run, publish month by month.

    python -m flows.backfill --start YYYY-MM-DD --end YYYY-MM-DD [--dataset quotes|portfolio]
    python -m flows.backfill --stale [--dataset quotes|portfolio|reconciliation] [--dry-run]

With `--stale` it refines again every month that was made by other statements than today's.
"""

import datetime as dt
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.backfill_plan import add_traded, describe_plan, find_held, register_held
from flows.command import INDEX, calendar_date, now_in_sao_paulo, option, parse, run_command
from flows.ending import with_reason
from flows.forms import Dataset, DryRun, End, IndexCode, Stale, Start, ToFill
from flows.portfolio_mending import mend_session
from flows.quotes_loading import Loading, find_closed, load_missing
from flows.quotes_mending import mend_quotes_session
from flows.reconciling import mend_reconciliation
from flows.settings import load_settings, subject_of
from flows.terminal import show_bar
from tasks.core.backfill import (
    conclude,
    describe_cost,
    describe_runs,
    settle_sessions,
)
from tasks.core.errors import IncompleteError, InvalidInputError
from tasks.core.exchange import (
    FIRST_YEAR,
    latest_due_session,
    month_of,
    sessions_between,
)
from tasks.core.indices import read_index_code
from tasks.core.plan import Subject
from tasks.core.portfolio import PORTFOLIO
from tasks.core.progress import Progress
from tasks.core.quotes import QUOTES
from tasks.core.quotes.files import plan_files
from tasks.core.reconciliation import RECONCILIATION
from tasks.published import find_stale_months
from tasks.refine import publish_months
from tasks.report import ProgressReport, report_sessions

NO_PAST = "B3 shows no past composition: import a saved file, python -m flows.import_portfolio FILE"


def name_flow_run() -> str:
    """Name a run by what it fills."""
    given = runtime.flow_run.parameters
    span = "stale months" if given["stale"] else f"{given['start']} to {given['end']}"
    return f"backfill {given['dataset']} {span}{', dry run' if given['dry_run'] else ''}"


@flow(name="backfill", flow_run_name=name_flow_run)
@with_reason
def backfill(
    start: Start = None,
    end: End = None,
    dataset: ToFill = "quotes",
    index_code: IndexCode = "IBOV",
    stale: Stale = False,  # noqa: FBT002 - the dashboard fills parameters by name
    dry_run: DryRun = False,  # noqa: FBT002
) -> State[Any]:
    """Bring every session of a range to Athena; started again, it goes on where it was stopped.

    Args:
        start: The first day of the range. Leave both days empty where stale is set.
        end: The last day of the range; what is not due yet is left out.
        dataset: quotes fetches what raw lacks. portfolio fetches nothing, since B3 has no past
            compositions: it refines what raw holds and lists what is missing. reconciliation
            goes with stale alone: a range of it is made by the deployment reconcile.
        index_code: The index whose missing sessions are listed, of the portfolio; a code of 4 to 6
            letters and digits. Quotes are of all instruments, and do not ask for it.
        stale: In place of a range, every month that was made by other statements than today's.
        dry_run: Say what would be done, with its cost, and change nothing.
    """
    first, last = check_range(start, end, stale=stale, dataset=dataset)
    index_code = read_index_code(index_code)
    settings = load_settings()
    now = now_in_sao_paulo()
    is_quotes = dataset == QUOTES.name
    refined, mend = {
        QUOTES.name: (QUOTES, partial(mend_quotes_session, settings, now)),
        PORTFOLIO.name: (PORTFOLIO, partial(mend_session, settings)),
        RECONCILIATION.name: (RECONCILIATION, partial(mend_reconciliation, settings)),
    }[dataset]
    subject = subject_of(settings, refined)
    if stale:
        return refine_stale(subject, mend, dry_run=dry_run)
    latest = latest_due_session(now)
    until = min(last, latest)
    span = f"{subject if is_quotes else index_code} {first} to {last}"
    if first > latest:
        return Completed(message=f"up to date {span}: nothing is due after {latest} yet")
    name = None if is_quotes else index_code  # of the object that a session is missed without
    held = find_held(subject, first, until, name)
    sessions = add_traded(sessions_between(first, until), held, first, until)
    closed = find_closed(settings, set(sessions) - held, now) if is_quotes else {}
    files = plan_files(sessions, held | closed.keys(), latest) if is_quotes else []
    if dry_run:
        wanted = [day for day in sessions if day not in closed]
        return Completed(message=describe_plan(subject, wanted, held, files))

    months = sorted(set(map(month_of, sessions)))
    progress = Progress(len(months), len(sessions), len(files))
    with show_bar() as draw:
        report = ProgressReport(f"progress-{subject}", progress, draw)
        found = Loading(held, closed)
        loading = load_missing(settings, sessions, found, files, now, report.add_file)
        sessions = add_traded(sessions, loading.held, first, until)
        stored = [day for day in sessions if day in loading.held]
        there = register_held(subject, first, until)
        progress.session_count = len(set(sessions) - (loading.closed.keys() - loading.held))
        progress.held = Counter(map(month_of, stored))
        filled = sorted(there)  # of a run that was killed before this as well
        result = publish_months(subject, filled, mend=mend, on_month=report.add_month)
        report.conclude(result)
    outcomes = settle_sessions(
        sessions,
        held=loading.held | find_held(subject, first, until, name),  # publishing mends raw
        absences=loading.absences if is_quotes else dict.fromkeys(sessions, NO_PAST),
        closed=loading.closed,
        load_failures=loading.failures,
        up_to_date_months=result.up_to_date,
        month_failures={month: str(error) for month, error in result.failures.items()},
    )
    report_sessions(f"backfill-{subject}", f"Backfill of {span}.", outcomes)
    return Completed(message=conclude(span, outcomes, result))


def refine_stale(subject: Subject, mend: Callable[[str], str], *, dry_run: bool) -> State[Any]:
    """Refine every month again that was made by other statements than today's.

    Raises:
        IncompleteError: A month failed; the message names each.
    """
    months = find_stale_months(subject)
    if not months:
        return Completed(message=f"up to date {subject}: no month was made by other statements")
    cost = describe_cost(len(months), subject.dataset.refine_seconds_a_month)
    what = f"{len(months)} month(s) from {months[0]} to {months[-1]}"
    if dry_run:
        return Completed(message=f"would refine {what}: {cost}; nothing was changed")
    get_run_logger().info("Refining %s: %s", what, cost)
    with show_bar() as draw:
        report = ProgressReport(f"progress-{subject}", Progress(len(months)), draw)
        result = publish_months(subject, months, mend=mend, on_month=report.add_month)
        report.conclude(result)
    if result.failures:
        lines = [f"{month}: {error}" for month, error in result.failures.items()]
        raise IncompleteError("\n".join([f"{subject}: months that failed:", *lines]))
    return Completed(message=f"published {subject}: {what}, {describe_runs(result)}")


def check_range(
    start: dt.date | None, end: dt.date | None, *, stale: bool, dataset: str = QUOTES.name
) -> tuple[dt.date, dt.date]:
    """Return a range of days that has a beginning and an end.

    Raises:
        InvalidInputError: It ends before it starts, or starts before there was data; or a range
            stands beside `stale`, or neither is there; or it is a range of the reconciliation.
    """
    if dataset == RECONCILIATION.name and not stale:
        raise InvalidInputError(
            "Expected stale of the reconciliation, found a range: python -m flows.reconcile "
            "--start YYYY-MM-DD --end YYYY-MM-DD makes one."
        )
    if stale and not (start or end):
        return dt.date.min, dt.date.max
    if stale or not (start and end):
        raise InvalidInputError("Expected either a first and a last day, or stale.")
    if start > end or start.year < FIRST_YEAR:
        raise InvalidInputError(
            f"Expected a range from {FIRST_YEAR} on that starts before it ends; "
            f"found {start} to {end}."
        )
    return start, end


OPTIONS = (
    *(
        option(name, type=calendar_date, metavar="YYYY-MM-DD", help=what)
        for name, what in (("--start", "the first day"), ("--end", "the last day"))
    ),
    option(
        "--dataset",
        choices=get_args(Dataset),
        default=QUOTES.name,
        metavar="NAME",
        help="portfolio, quotes, or with --stale reconciliation (default: %(default)s)",
    ),
    INDEX,
    option("--stale", action="store_true", help="refine what was made by other statements"),
    option("--dry-run", action="store_true", help="say what would be done, with requests and cost"),
)
EXAMPLES = (
    (
        "--start 2025-07-01 --end 2025-08-29 --dataset quotes --dry-run",
        "what it would ask B3 for, refine and cost; without --dry-run it does so",
    ),
    ("--stale", "every month of quotes that was made by other statements than today's"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse(
        "flows.backfill",
        __doc__,
        OPTIONS,
        EXAMPLES,
        argv,
        check=lambda given: check_range(
            given["start"], given["end"], stale=given["stale"], dataset=given["dataset"]
        ),
    )
    return run_command(lambda: backfill(**parameters, return_state=True), is_verbose=is_verbose)


if __name__ == "__main__":
    sys.exit(main())
