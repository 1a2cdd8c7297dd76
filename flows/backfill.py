"""Fill a range of sessions: fetch what is missing, refine it in one run, publish month by month.

python -m flows.backfill --start YYYY-MM-DD --end YYYY-MM-DD [--dataset portfolio|quotes]
"""

import datetime as dt
import sys
from typing import Any, Literal, get_args

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import INDEX, calendar_date, now_in_sao_paulo, option, parse, run_command
from flows.quotes_loading import load_missing
from flows.settings import load_settings, subject_of
from tasks.core.backfill import SessionOutcome, count_outcomes, describe_cost, settle_sessions
from tasks.core.errors import BadDataError, InvalidInputError
from tasks.core.exchange import (
    FIRST_YEAR,
    check_index_code,
    latest_due_session,
    month_of,
    sessions_between,
)
from tasks.core.plan import Subject
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.files import QuotesPeriod, plan_files
from tasks.refine import look_at_month, publish_months
from tasks.report import report_sessions, show_progress
from tasks.store import list_sessions

NO_PAST = "B3 shows no past composition: import a saved file, python -m flows.import_portfolio FILE"
Kind = Literal["portfolio", "quotes"]


@flow(name="backfill", flow_run_name="backfill {dataset} {start} to {end}")
def backfill(
    start: dt.date,
    end: dt.date,
    dataset: Kind = "portfolio",
    index_code: str = "IBOV",
    dry_run: bool = False,  # noqa: FBT001, FBT002 - the dashboard fills parameters by name
) -> State[Any]:
    """Bring every session of a range to Athena; started again, it goes on where it was stopped.

    Args:
        start: The first day.
        end: The last day; what is not due yet is left out.
        dataset: `quotes` fetches what raw lacks. `portfolio` refines what raw holds and lists what
            is missing, since B3 has no past compositions.
        index_code: The index, for the portfolio.
        dry_run: Say what would be done, and change nothing.
    """
    check_range(start, end)
    check_index_code(index_code)
    settings = load_settings()
    now = now_in_sao_paulo()
    latest = latest_due_session(now)
    is_quotes = dataset == QUOTES.name
    subject = (
        subject_of(settings, QUOTES) if is_quotes else subject_of(settings, PORTFOLIO, index_code)
    )
    sessions = sessions_between(start, min(end, latest))
    held = find_held(subject, sessions)
    files = plan_files(sessions, held, latest) if is_quotes else []
    if dry_run:
        return Completed(message=describe_plan(subject, sessions, held, files))

    months = sorted(set(map(month_of, sessions)))
    with show_progress(f"progress-{subject}".lower(), len(files) + len(months)) as advance:
        loading = load_missing(settings, sessions, held, files, now, advance)
        filled = sorted({month_of(day) for day in loading.held & set(sessions)})
        result = publish_months(subject, filled, on_month=advance)
    outcomes = settle_sessions(
        sessions,
        held=loading.held,
        absences=loading.absences if is_quotes else dict.fromkeys(sessions, NO_PAST),
        load_failures=loading.failures,
        up_to_date_months=result.up_to_date,
        month_failures={month: str(error) for month, error in result.failures.items()},
    )
    span = f"{subject} {start} to {end}"
    report_sessions(f"backfill-{subject}", f"Backfill of {span}.", outcomes)
    return Completed(message=conclude(span, outcomes, result.run_id))


def check_range(start: dt.date, end: dt.date) -> None:
    """Check that a range of days has a beginning and an end.

    Raises:
        InvalidInputError: It ends before it starts, or starts before there was data.
    """
    if start > end or start.year < FIRST_YEAR:
        raise InvalidInputError(
            f"Expected a range from {FIRST_YEAR} on that starts before it ends; "
            f"found {start} to {end}."
        )


def find_held(subject: Subject, sessions: list[dt.date]) -> set[dt.date]:
    """Return the sessions that raw holds of the years of `sessions`: one listing a year."""
    held: set[dt.date] = set()
    for year in sorted({day.year for day in sessions}):
        held |= list_sessions(subject.bucket, subject.dataset.raw, subject.partition, str(year))
    return held


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
    looked_at = [look_at_month(subject, month) for month in sorted(stored)]
    stale = to_fill | {month.month for month in looked_at if not month.is_up_to_date}
    names = ", ".join(period.file_name for period in files[:6])
    more = ", …" if len(files) > 6 else ""
    asked = f"ask B3 for {len(files)} file(s) ({names}{more}): {len(files)} request(s); "
    return (
        f"would {asked if files else ''}find {len(sessions) - len(missing)} of {len(sessions)} "
        f"sessions in raw, {len(missing)} missing; refine {len(stale)} month(s), "
        f"{describe_cost(len(stale), subject.dataset.refine_seconds_a_month)}; nothing was changed"
    )


def conclude(subject: str, outcomes: list[SessionOutcome], run_id: str) -> str:
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
    return (
        f"published {subject}: {counts}, run {run_id}"
        if run_id
        else f"up to date {subject}: {counts}"
    )


OPTIONS = (
    *(
        option(name, type=calendar_date, required=True, metavar="YYYY-MM-DD", help="a day")
        for name in ("--start", "--end")
    ),
    option(
        "--dataset",
        choices=get_args(Kind),
        default=PORTFOLIO.name,
        help="default: %(default)s",
    ),
    INDEX,
    option("--dry-run", action="store_true", help="say what would be done, with requests and cost"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters = parse(
        "flows.backfill",
        __doc__,
        OPTIONS,
        argv,
        check=lambda given: check_range(given["start"], given["end"]),
    )
    return run_command(lambda: backfill(**parameters, return_state=True))


if __name__ == "__main__":
    sys.exit(main())
