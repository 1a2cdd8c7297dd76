"""Fill a range of sessions: fetch what is missing, refine it in one run, publish month by month.

    python -m flows.backfill --start YYYY-MM-DD --end YYYY-MM-DD [--dataset portfolio|quotes]
    python -m flows.backfill --stale [--dataset portfolio|quotes] [--dry-run]

With `--stale` it refines again every month that was made by other statements than today's.
"""

import datetime as dt
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import INDEX, calendar_date, now_in_sao_paulo, option, parse, run_command
from flows.portfolio_mending import mend_session
from flows.quotes_loading import load_missing
from flows.quotes_mending import mend_quotes_session
from flows.settings import load_settings, subject_of
from tasks.core.backfill import SessionOutcome, count_outcomes, describe_cost, settle_sessions
from tasks.core.errors import BadDataError, InvalidInputError
from tasks.core.exchange import (
    FIRST_YEAR,
    latest_due_session,
    month_of,
    sessions_between,
)
from tasks.core.indices import read_index_code
from tasks.core.month import PublishedMonths
from tasks.core.plan import Subject, shorten
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.files import QuotesPeriod, plan_files
from tasks.month import find_stale_months, look_at_month
from tasks.refine import publish_months
from tasks.report import report_sessions, show_progress
from tasks.store import list_raw

NO_PAST = "B3 shows no past composition: import a saved file, python -m flows.import_portfolio FILE"
Kind = Literal["portfolio", "quotes"]


def name_flow_run() -> str:
    """Name a run by what it fills."""
    given = runtime.flow_run.parameters
    span = "stale months" if given["stale"] else f"{given['start']} to {given['end']}"
    return f"backfill {given['dataset']} {span}"


@flow(name="backfill", flow_run_name=name_flow_run)
def backfill(
    start: dt.date | None = None,
    end: dt.date | None = None,
    dataset: Kind = "portfolio",
    index_code: str = "IBOV",
    stale: bool = False,  # noqa: FBT001, FBT002 - the dashboard fills parameters by name
    dry_run: bool = False,  # noqa: FBT001, FBT002
) -> State[Any]:
    """Bring every session of a range to Athena; started again, it goes on where it was stopped.

    Args:
        start: The first day.
        end: The last day; what is not due yet is left out.
        dataset: `quotes` fetches what raw lacks. `portfolio` refines what raw holds and lists what
            is missing, since B3 has no past compositions.
        index_code: The index whose missing sessions are listed, for the portfolio.
        stale: In place of a range, every month that was made by other statements than today's.
        dry_run: Say what would be done, with its cost, and change nothing.
    """
    first, last = check_range(start, end, stale=stale)
    index_code = read_index_code(index_code)
    settings = load_settings()
    now = now_in_sao_paulo()
    is_quotes = dataset == QUOTES.name
    subject = subject_of(settings, QUOTES if is_quotes else PORTFOLIO)
    mend = (
        partial(mend_quotes_session, settings, now)
        if is_quotes
        else partial(mend_session, settings)
    )
    if stale:
        return refine_stale(subject, mend, dry_run=dry_run)
    latest = latest_due_session(now)
    sessions = sessions_between(first, min(last, latest))
    held = find_held(subject, sessions, None if is_quotes else index_code)
    files = plan_files(sessions, held, latest) if is_quotes else []
    if dry_run:
        return Completed(message=describe_plan(subject, sessions, held, files))

    months = sorted(set(map(month_of, sessions)))
    with show_progress(f"progress-{subject}".lower(), len(files) + len(months)) as advance:
        loading = load_missing(settings, sessions, held, files, now, advance)
        filled = sorted({month_of(day) for day in loading.held & set(sessions)})
        result = publish_months(subject, filled, mend=mend, on_month=advance)
    outcomes = settle_sessions(
        sessions,
        held=loading.held,
        absences=loading.absences if is_quotes else dict.fromkeys(sessions, NO_PAST),
        load_failures=loading.failures,
        up_to_date_months=result.up_to_date,
        month_failures={month: str(error) for month, error in result.failures.items()},
    )
    span = f"{subject if is_quotes else index_code} {first} to {last}"
    report_sessions(f"backfill-{subject}", f"Backfill of {span}.", outcomes)
    return Completed(message=conclude(span, outcomes, result))


def refine_stale(subject: Subject, mend: Callable[[str], str], *, dry_run: bool) -> State[Any]:
    """Refine every month again that was made by other statements than today's.

    Raises:
        BadDataError: A month failed; the message names each.
    """
    months = find_stale_months(subject)
    if not months:
        return Completed(message=f"up to date {subject}: no month was made by other statements")
    cost = describe_cost(len(months), subject.dataset.refine_seconds_a_month)
    what = f"{len(months)} month(s) from {months[0]} to {months[-1]}"
    if dry_run:
        return Completed(message=f"would refine {what}: {cost}; nothing was changed")
    get_run_logger().info("Refining %s: %s", what, cost)
    with show_progress(f"progress-{subject}", len(months)) as advance:
        result = publish_months(subject, months, mend=mend, on_month=advance)
    if result.failures:
        lines = [f"{month}: {error}" for month, error in result.failures.items()]
        raise BadDataError("\n".join([f"{subject}: months that failed:", *lines]))
    return Completed(message=f"published {subject}: {what}, {describe_runs(result)}")


def describe_runs(result: PublishedMonths) -> str:
    """Name the runs that made the months."""
    runs = dict.fromkeys(map(shorten, result.published.values()))
    return f"run{'s' if len(runs) > 1 else ''} {', '.join(runs)}"


def check_range(
    start: dt.date | None, end: dt.date | None, *, stale: bool
) -> tuple[dt.date, dt.date]:
    """Return a range of days that has a beginning and an end.

    Raises:
        InvalidInputError: It ends before it starts, or starts before there was data; or a range
            stands beside `stale`, or neither is there.
    """
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


def find_held(subject: Subject, sessions: list[dt.date], name: str | None) -> set[dt.date]:
    """Return the sessions that raw holds of the years of `sessions`: one listing a year.

    Args:
        subject: Of what.
        sessions: Which years are looked at.
        name: Which object of a session counts; None for any.
    """
    raw = subject.dataset.raw
    years = sorted({str(day.year) for day in sessions})
    keys = [key for year in years for key in list_raw(subject.bucket, raw, year)]
    return {raw.session_of(key) for key in keys if name is None or name == raw.name_of(key)}


def describe_plan(
    subject: Subject,
    sessions: list[dt.date],
    held: set[dt.date],
    files: list[QuotesPeriod],
) -> str:
    """Say in one line what a run would do."""
    missing = set(sessions) - held
    to_fill = {month_of(day) for day in missing} if files else set()
    stored = {month_of(day) for day in set(sessions) & held} - to_fill
    looks = [look_at_month(subject, month, mends=False) for month in sorted(stored)]
    stale = to_fill | {look.month for look in looks if not look.is_up_to_date}
    names = ", ".join(period.file_name for period in files[:6])
    more = ", …" if len(files) > 6 else ""
    asked = f"ask B3 for {len(files)} file(s) ({names}{more}): {len(files)} request(s); "
    return (
        f"would {asked if files else ''}find {len(sessions) - len(missing)} of {len(sessions)} "
        f"sessions in raw, {len(missing)} missing; refine {len(stale)} month(s), "
        f"{describe_cost(len(stale), subject.dataset.refine_seconds_a_month)}; nothing was changed"
    )


def conclude(subject: str, outcomes: list[SessionOutcome], result: PublishedMonths) -> str:
    """Return the outcome in one line.

    Raises:
        BadDataError: Something failed; the message names each month with its first reason.
    """
    failed: dict[str, str] = {}
    for one in outcomes:
        if one.outcome == "failed":
            failed.setdefault(month_of(one.trading_date), one.reason)
    counts = count_outcomes(outcomes)
    if failed:
        lines = [f"{month}: {reason}" for month, reason in failed.items()]
        raise BadDataError("\n".join([f"{subject}: {counts}. Failed months:", *lines]))
    if result.published:
        return f"published {subject}: {counts}, {describe_runs(result)}"
    return f"up to date {subject}: {counts}"


OPTIONS = (
    *(
        option(name, type=calendar_date, metavar="YYYY-MM-DD", help="a day")
        for name in ("--start", "--end")
    ),
    option(
        "--dataset",
        choices=get_args(Kind),
        default=PORTFOLIO.name,
        help="default: %(default)s",
    ),
    INDEX,
    option("--stale", action="store_true", help="refine what was made by other statements"),
    option("--dry-run", action="store_true", help="say what would be done, with requests and cost"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters = parse(
        "flows.backfill",
        __doc__,
        OPTIONS,
        argv,
        check=lambda given: check_range(given["start"], given["end"], stale=given["stale"]),
    )
    return run_command(lambda: backfill(**parameters, return_state=True))


if __name__ == "__main__":
    sys.exit(main())
