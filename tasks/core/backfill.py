"""What a backfill has to do, what it would cost, and what came of each session."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tasks.core.exchange import month_of

USD_A_DPU_HOUR = Decimal("0.44")
JOB_DPUS = 2  # two workers of type G.1X
START_SECONDS = 60

Outcome = Literal["published", "already there", "missing at the source", "failed"]


@dataclass(frozen=True)
class SessionOutcome:
    """What came of one session.

    Attributes:
        trading_date: The session.
        outcome: One of four words.
        reason: Why, where it is not there.
    """

    trading_date: dt.date
    outcome: Outcome
    reason: str = ""


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
    load_failures: Mapping[dt.date, str],
    up_to_date_months: Collection[str],
    month_failures: Mapping[str, str],
) -> list[SessionOutcome]:
    """Say what came of each session.

    Args:
        sessions: All that were wanted.
        held: Those that raw holds in the end.
        absences: Why the source does not have one, where it said.
        load_failures: Why one could not be loaded, where it should have been.
        up_to_date_months: Months that had nothing new to publish.
        month_failures: `{month: why it was not published}`.
    """

    def settle(day: dt.date) -> SessionOutcome:
        month = month_of(day)
        if day in load_failures:
            return SessionOutcome(day, "failed", load_failures[day])
        if day not in held:
            return SessionOutcome(day, "missing at the source", absences.get(day, ""))
        if month in month_failures:
            return SessionOutcome(day, "failed", month_failures[month])
        return SessionOutcome(day, "already there" if month in up_to_date_months else "published")

    return [settle(day) for day in sessions]


def tabulate_sessions(outcomes: Iterable[SessionOutcome]) -> list[dict[str, str]]:
    """Return the outcomes as the rows of a table."""
    return [
        {"session": str(one.trading_date), "outcome": one.outcome, "reason": one.reason}
        for one in outcomes
    ]


def count_outcomes(outcomes: Iterable[SessionOutcome]) -> str:
    """Return how many sessions had each outcome, in words."""
    counts: dict[str, int] = defaultdict(int)
    for one in outcomes:
        counts[one.outcome] += 1
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no session"
