"""What a backfill has to do, what it would cost, and what came of each session."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Literal

from tasks.core.errors import IncompleteError
from tasks.core.exchange import is_session, month_of
from tasks.core.month import PublishedMonths
from tasks.core.plan import shorten

USD_A_DPU_HOUR = Decimal("0.44")
JOB_DPUS = 2  # two workers of type G.1X
START_SECONDS = 60

Outcome = Literal["published", "already there", "missing at the source", "no session", "failed"]
AGAINST_THE_CALENDAR = "no session by the calendar; B3's file holds it"
_MOST_LINES = 60  # 480 months are forty years; the table has them all


@dataclass(frozen=True)
class SessionOutcome:
    """What came of one session.

    Attributes:
        trading_date: The session.
        outcome: In few words.
        reason: Why, where it is not there, or where the calendar says otherwise.
    """

    trading_date: dt.date
    outcome: Outcome
    reason: str = ""

    @property
    def is_odd(self) -> bool:
        """Whether B3's files and the calendar disagree about the day."""
        return (self.outcome == "no session") == is_session(self.trading_date)


def describe_cost(month_count: int, seconds_a_month: int) -> str:
    """Return an estimate of what Glue takes and costs for some months, with its formula."""
    if not month_count:
        return "no Glue run"
    seconds = START_SECONDS + seconds_a_month * month_count
    minutes = max(1, -(-seconds // 60))
    cost = (USD_A_DPU_HOUR * JOB_DPUS * minutes / 60).quantize(Decimal("0.01"))
    return (
        f"one Glue run of about {minutes} min "
        f"({USD_A_DPU_HOUR} USD × {JOB_DPUS} DPU × {minutes}/60 h = {cost} USD)"
    )


def settle_sessions(
    sessions: Iterable[dt.date],
    *,
    held: Collection[dt.date],
    absences: Mapping[dt.date, str],
    closed: Mapping[dt.date, str],
    load_failures: Mapping[dt.date, str],
    up_to_date_months: Collection[str],
    month_failures: Mapping[str, str],
) -> list[SessionOutcome]:
    """Say what came of each session.

    Args:
        sessions: All that were wanted.
        held: Those that raw holds in the end.
        absences: Why the source does not have one, where it said.
        closed: How it is known that one was none, whatever the calendar says.
        load_failures: Why one could not be loaded, where it should have been.
        up_to_date_months: Months that had nothing new to publish.
        month_failures: `{month: why it was not published}`.
    """

    def settle(day: dt.date) -> SessionOutcome:
        month = month_of(day)
        if day not in held:
            if day in load_failures:
                return SessionOutcome(day, "failed", load_failures[day])
            if day in closed:
                return SessionOutcome(day, "no session", closed[day])
            return SessionOutcome(day, "missing at the source", absences.get(day, ""))
        if month in month_failures:
            return SessionOutcome(day, "failed", month_failures[month])
        outcome: Outcome = "already there" if month in up_to_date_months else "published"
        return SessionOutcome(day, outcome, "" if is_session(day) else AGAINST_THE_CALENDAR)

    return [settle(day) for day in sessions]


def tabulate_sessions(outcomes: Iterable[SessionOutcome]) -> list[dict[str, str]]:
    """Return the outcomes as the rows of a table."""
    return [
        {"session": str(one.trading_date), "outcome": one.outcome, "reason": one.reason}
        for one in outcomes
    ]


def count_outcomes(outcomes: Iterable[SessionOutcome]) -> str:
    """Return how many sessions had each outcome, in words, and how many the calendar denies."""
    counts: dict[str, int] = defaultdict(int)
    odd = 0
    for one in outcomes:
        counts[one.outcome] += 1
        odd += one.is_odd and one.outcome != "no session"
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no session"
    return f"{said} ({odd} of them no session by the calendar)" if odd else said


def conclude(subject: str, outcomes: Collection[SessionOutcome], result: PublishedMonths) -> str:
    """Return the outcome in its last line, after a line a month where something is missing.

    Raises:
        IncompleteError: Something failed; the message has a line a month.
    """
    counts = count_outcomes(outcomes)
    words = {one.outcome for one in outcomes}
    if "failed" in words:
        raise IncompleteError("\n".join([f"{subject}: {counts}", *describe_months(outcomes)]))
    done = f"up to date {subject}: {counts}"
    if result.published:
        done = f"published {subject}: {counts}, {describe_runs(result)}"
    missing = describe_months(outcomes) if "missing at the source" in words else []
    return "\n".join([*missing, done])


def describe_runs(result: PublishedMonths) -> str:
    """Name the runs that made the months."""
    runs = dict.fromkeys(map(shorten, result.published.values()))
    return f"run{'s' if len(runs) > 1 else ''} {', '.join(runs)}"


def describe_months(outcomes: Iterable[SessionOutcome]) -> list[str]:
    """Say what came of each month, a line each, with the first reason of what is not there.

    Months after each other whose sessions all have the same outcome and reason share a line. Of
    more than sixty lines, those of months that failed are kept before others.
    """
    months = [
        (month, list(group))
        for month, group in groupby(outcomes, key=lambda one: month_of(one.trading_date))
    ]
    lines = []
    for _, alike in groupby(months, key=lambda one: _what_is_shared(*one)):
        spans = list(alike)
        first, last = spans[0][0], spans[-1][0]
        found = [one for _, its_outcomes in spans for one in its_outcomes]
        span = first if first == last else f"{first} to {last}"
        lines.append((f"{span}: {_describe(found)}", any(one.outcome == "failed" for one in found)))
    worst_first = sorted(range(len(lines)), key=lambda number: not lines[number][1])
    shown = [lines[number][0] for number in sorted(worst_first[:_MOST_LINES])]
    more = len(lines) - len(shown)
    return shown + [f"and {more} more: the run's table has each session"] * (more > 0)


def _what_is_shared(month: str, outcomes: Sequence[SessionOutcome]) -> tuple[str, str]:
    """Return what months that share a line have in common."""
    found = {(one.outcome, one.reason) for one in outcomes}
    return (month, "") if len(found) > 1 else found.pop()


def _describe(outcomes: Sequence[SessionOutcome]) -> str:
    """Return how many sessions had each outcome, and the first reason of the worst of them."""
    reasons: dict[str, str] = {}
    for one in outcomes:
        reasons.setdefault(one.outcome, one.reason)
    reason = reasons.get("failed") or reasons.get("missing at the source", "")
    in_one_line = "; ".join(map(str.strip, reason.splitlines())).replace(":; ", ": ")
    return f"{count_outcomes(outcomes)}: {in_one_line}" if reason else count_outcomes(outcomes)
