"""The reconciliation flow: B3's levels against portfolios and quotes, to the cent.

python -m flows.reconcile [--index CODE …|all] [--start YYYY-MM-DD --end YYYY-MM-DD]
"""

import datetime as dt
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import (
    calendar_date,
    check_indices,
    index_code_or_all,
    now_in_sao_paulo,
    option,
    parse,
    run_command,
)
from flows.ending import with_reason
from flows.forms import End, IndexCodes, Start
from flows.reconciling import mend_reconciliation, store_sessions
from flows.reporting import group_by_session, report_last
from flows.settings import Settings, load_settings, subject_of
from tasks.catalog import register_partitions
from tasks.core.errors import (
    IncompleteError,
    InvalidInputError,
    SourceHasNoDataError,
    UnreadableRawError,
)
from tasks.core.exchange import (
    FIRST_YEAR,
    last_sessions,
    latest_due_session,
    month_of,
    sessions_between,
)
from tasks.core.findings import REPAIR
from tasks.core.indices import ALL, read_index_codes
from tasks.core.month import PublishedMonths
from tasks.core.outcome import name_indices
from tasks.core.plan import shorten
from tasks.core.reconciliation import RECONCILIATION
from tasks.core.reconciliation.expected import DIFFERS, Verdict, summarize, tabulate
from tasks.core.reconciliation.tables import RAW_RECONCILIATION
from tasks.refine import publish_months
from tasks.report import rename_flow_run, report_differences

LATEST_SESSIONS = 10  # that a run looks at again: what was missing may have come since


def name_flow_run() -> str:
    """Name a run by its indices and sessions, as far as they are known at its start."""
    given = runtime.flow_run.parameters
    span = f"{given['start']} to {given['end']}" if given["start"] else "latest"
    return f"reconcile {name_indices(given['index_codes'])} {span}"


@flow(name="reconcile", flow_run_name=name_flow_run)
@with_reason
def reconcile(index_codes: IndexCodes = (ALL,), start: Start = None, end: End = None) -> State[Any]:
    """Hold B3's levels against portfolios and quotes, to the cent, and publish what comes of it.

    B3's level at the close is the sum of quantity times closing price over the divisor of the
    session's own portfolio, cut to two decimals. A level that differs is a finding, told on a
    page and by a notification; the run ends Completed.

    Args:
        index_codes: B3's codes of the indices, 4 to 6 letters and digits each, such as IBOV. Or
            all by itself: every index of which the lake holds a portfolio or a level.
        start: The first day. Leave both days empty for the last ten sessions that are over.
        end: The last day; what is not over yet is left out.
    """
    named = read_index_codes(index_codes)
    check_span(start, end)
    latest = latest_due_session(now_in_sao_paulo())
    sessions = last_sessions(latest, LATEST_SESSIONS)
    if start and end:
        sessions = sessions_between(start, min(end, latest))
    settings = load_settings()
    if not sessions:
        return Completed(message=f"up to date reconciliation: no session from {start} to {end}")
    subject = f"reconciliation {name_indices(named)} {sessions[0]} to {sessions[-1]}"
    rename_flow_run(subject)

    wanted = None if named == (ALL,) else set(named)
    verdicts, unread = store_sessions(settings, sessions, wanted)
    if not verdicts and not unread:
        raise SourceHasNoDataError(
            f"Raw holds neither portfolios nor levels of {subject.partition(' ')[2]}: bring them "
            f"first, python -m flows.portfolio, python -m flows.levels."
        )
    result = publish(settings, verdicts) if verdicts else PublishedMonths()
    said = f"{subject}: {summarize(verdicts)}"
    report_differences(said, tabulate(verdicts), any(one.verdict == DIFFERS for one in verdicts))
    judged = [(one.trading_date, one.index_code) for one in verdicts]
    reports = report_last(settings, group_by_session(judged))
    return Completed(message=f"{conclude(said, result, unread)}{reports}")


def publish(settings: Settings, verdicts: list[Verdict]) -> PublishedMonths:
    """Let readers see what raw holds of the months of those sessions."""
    days = sorted({one.trading_date for one in verdicts})
    register_partitions(
        settings.database, RAW_RECONCILIATION, settings.lake_bucket, list(map(str, days))
    )
    return publish_months(
        subject_of(settings, RECONCILIATION),
        sorted(set(map(month_of, days))),
        force=False,
        mend=partial(mend_reconciliation, settings),
    )


def conclude(said: str, result: PublishedMonths, unread: Mapping[str, UnreadableRawError]) -> str:
    """Return the outcome in one line.

    Raises:
        IncompleteError: A month failed, or raw of a session cannot be read; the message names
            each.
    """
    lines = [f"  {month}: {error}" for month, error in sorted(result.failures.items())]
    lines += [f"  {error} Mend it: {REPAIR}" for _, error in sorted(unread.items())]
    if lines:
        raise IncompleteError("\n".join([f"{said}; what failed:", *lines]))
    if not result.published:
        return f"up to date {said}"
    runs = ", ".join(sorted(set(map(shorten, result.published.values()))))
    return f"published {said}, run {runs}"


def check_span(start: dt.date | None, end: dt.date | None) -> None:
    """See that there are two days in order, or none.

    Raises:
        InvalidInputError: There are not.
    """
    if bool(start) != bool(end):
        raise InvalidInputError("Expected a first and a last day, or neither; found one of them.")
    if start and end and (start > end or start.year < FIRST_YEAR):
        raise InvalidInputError(
            f"Expected a range from {FIRST_YEAR} on that starts before it ends; "
            f"found {start} to {end}."
        )


def _check(parameters: dict[str, Any]) -> None:
    check_indices(parameters)
    check_span(parameters["start"], parameters["end"])


OPTIONS = (
    option(
        "--index",
        dest="index_codes",
        nargs="+",
        type=index_code_or_all,
        default=[ALL],
        metavar="CODE",
        help="index codes, or all: every index that the lake holds something of (default: all)",
    ),
    *(
        option(name, type=calendar_date, metavar="YYYY-MM-DD", help=what)
        for name, what in (
            ("--start", "the first day; without it, the last ten sessions that are over"),
            ("--end", "the last day"),
        )
    ),
)
EXAMPLES = (
    ("", "all indices on the last ten sessions that are over"),
    ("--index IBOV SMLL --start 2025-07-31 --end 2025-08-04", "two indices on some sessions"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse(
        "flows.reconcile", __doc__, OPTIONS, EXAMPLES, argv, check=_check
    )
    return run_command(lambda: reconcile(**parameters, return_state=True), is_verbose=is_verbose)


if __name__ == "__main__":
    sys.exit(main())
