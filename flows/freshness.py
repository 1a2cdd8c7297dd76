"""Was it had? Whether readers see what B3 should have published by now; it changes nothing.

python -m flows.freshness [--dataset portfolio|quotes|levels …] [--trading-date YYYY-MM-DD]
"""

import datetime as dt
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import (
    now_in_sao_paulo,
    option,
    parse,
    run_command,
    session_date,
    today_in_sao_paulo,
)
from flows.ending import with_reason
from flows.forms import ToLookAt, TradingDate
from flows.indices import RECENT_SESSIONS
from flows.levels import find_level_sessions
from flows.settings import Settings, load_settings, subject_of
from tasks.core.dataset import Dataset, Table
from tasks.core.errors import IncompleteError, InvalidInputError
from tasks.core.exchange import (
    check_requested_session,
    last_sessions,
    month_of,
    next_session,
)
from tasks.core.freshness import (
    Beside,
    Gap,
    Kind,
    due_session,
    find_gaps_beside,
    find_level_gaps,
    find_portfolio_gaps,
    find_quotes_gap,
)
from tasks.core.indices import LIST_NAME
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.outcome import count_indices
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.period import CONFIGURATIONS
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.tables import RAW_QUOTES
from tasks.landing import find_landed, read_landed_lists
from tasks.published import Sessions, find_published
from tasks.reading import read_absences
from tasks.reading_period import read_in_force
from tasks.report import report_gaps
from tasks.store import list_names

EVERYTHING: tuple[Kind, ...] = get_args(Kind)


def name_flow_run() -> str:
    """Name a run by what it looks at, as far as it is known at its start."""
    given = runtime.flow_run.parameters
    return f"freshness {' '.join(given['datasets'])} {given['trading_date'] or 'latest'}"


@flow(name="freshness", flow_run_name=name_flow_run)
@with_reason
def freshness(trading_date: TradingDate = None, datasets: ToLookAt = EVERYTHING) -> State[Any]:
    """See whether readers see what B3 should have published by now; nothing is changed.

    Expected are the indices that were published in any of the last ten sessions, and those that
    B3's lists in landing name, but for those of which B3 says that it publishes nothing. Beside
    their portfolios: a theoretical one where readers saw it lately, a preview where B3 says so.

    Args:
        trading_date: The session. Leave it empty for the latest one that is due, of each dataset.
        datasets: What to look at: portfolio, quotes, levels.
    """
    now = now_in_sao_paulo()
    if trading_date:
        check_requested_session(trading_date, today_in_sao_paulo())
    if not datasets:
        raise InvalidInputError(f"Expected at least one of {', '.join(EVERYTHING)}; found none.")
    settings = load_settings()
    gaps: list[Gap] = []
    seen: list[str] = []
    for dataset in dict.fromkeys(datasets):
        session = trading_date or due_session(dataset, now)
        found, said = _CHECKS[dataset](_Look(settings, session, now))
        gaps += found
        seen.append(f"{dataset} {session}{said}")
    described = f"{len(gaps)} missing; looked at {', '.join(seen)}."
    report_gaps(gaps, described)
    if gaps:
        raise IncompleteError("\n".join([described, *(f"  {gap}" for gap in sorted(gaps))]))
    return Completed(message=f"up to date {', '.join(seen)}")


@dataclass(frozen=True)
class _Look:
    """A look at one session."""

    settings: Settings
    trading_date: dt.date
    now: dt.datetime

    @cached_property
    def recent(self) -> list[dt.date]:
        """The last sessions up to it."""
        return last_sessions(self.trading_date, RECENT_SESSIONS)

    @cached_property
    def days(self) -> list[dt.date]:
        """The days on which B3 answered about them."""
        first, last = self.recent[0], min(self.now.date(), next_session(self.trading_date))
        return [first + dt.timedelta(number) for number in range((last - first).days + 1)]

    def published(self, dataset: Dataset) -> dict[str, Sessions]:
        """What readers see of the last sessions, by the name of the raw table."""
        months = sorted(set(map(month_of, self.recent)))
        found = find_published(subject_of(self.settings, dataset), months)
        return {
            table: {day: names for day, names in sessions.items() if day in self.recent}
            for table, sessions in found.items()
        }

    def expected(
        self, recent: set[str], published: set[str], table: Table, year: int | None
    ) -> set[str]:
        """The indices that should be there: published lately, or listed and not said to be none."""
        bucket = self.settings.lake_bucket
        lists = find_landed(bucket, RAW_PORTFOLIO, self.days)
        listed = set(read_landed_lists(bucket, lists.get(LIST_NAME, [])))
        unsure = listed - recent - published
        answers = lists if table is RAW_PORTFOLIO else find_landed(bucket, table, self.days)
        said = {code: answers.get(f"{code}-{year:04}" if year else code) for code in unsure}
        last = {code: keys[-1] for code, keys in sorted(said.items()) if keys}
        absent = read_absences(bucket, last, year)
        if absent:
            names = ", ".join(sorted(absent))
            get_run_logger().info("B3 lists %s, and says that it publishes nothing of it", names)
        return (recent | listed) - absent

    def in_force(self) -> set[str]:
        """The indices of which B3 said last that a preview is in force."""
        said = find_landed(self.settings.lake_bucket, RAW_PREVIEW, self.days)
        last = {
            name.removesuffix(CONFIGURATIONS): keys[-1]
            for name, keys in sorted(said.items())
            if name.endswith(CONFIGURATIONS)
        }
        return read_in_force(self.settings.lake_bucket, last)


def _look_at_portfolio(look: _Look) -> tuple[list[Gap], str]:
    day = look.trading_date
    seen = look.published(PORTFOLIO)
    by_session = seen[RAW_PORTFOLIO.name]
    published = by_session.get(day, set())
    recent = set().union(*by_session.values())
    expected = look.expected(recent, published, RAW_PORTFOLIO, None)
    stored = list_names(look.settings.lake_bucket, RAW_PORTFOLIO, str(day))
    gaps = find_portfolio_gaps(day, expected, published, stored, look.now)
    return gaps + _look_beside(look, seen), f" ({count_indices(len(published))})"


def _look_beside(look: _Look, seen: Mapping[str, Sessions]) -> list[Gap]:
    """What B3 shows beside the portfolios of the day, of indices of which readers see those."""
    day, bucket = look.trading_date, look.settings.lake_bucket
    of_the_day = seen[RAW_PORTFOLIO.name].get(day, set())
    had_lately = set().union(*seen[RAW_THEORETICAL.name].values())
    expected: tuple[tuple[Beside, Table, set[str]], ...] = (
        ("theoretical portfolio", RAW_THEORETICAL, had_lately),
        ("preview", RAW_PREVIEW, look.in_force()),
    )
    gaps = []
    for what, table, wanted in expected:
        published = seen[table.name].get(day, set())
        stored = list_names(bucket, table, str(day))
        gaps += find_gaps_beside(what, day, wanted & of_the_day, published, stored, look.now)
    return gaps


def _look_at_quotes(look: _Look) -> tuple[list[Gap], str]:
    return find_quotes_gap(look.trading_date, look.published(QUOTES)[RAW_QUOTES.name]), ""


def _look_at_levels(look: _Look) -> tuple[list[Gap], str]:
    day, bucket = look.trading_date, look.settings.lake_bucket
    sessions = find_level_sessions(bucket, {each.year for each in look.recent})
    recent = {code for code, days in sessions.items() if days & set(look.recent)}
    published = {code for code, days in sessions.items() if day in days}
    expected = look.expected(recent, published, INDEX_LEVELS, day.year)
    return find_level_gaps(day, expected, published), f" ({count_indices(len(published))})"


_CHECKS: dict[Kind, Callable[[_Look], tuple[list[Gap], str]]] = {
    "portfolio": _look_at_portfolio,
    "quotes": _look_at_quotes,
    "levels": _look_at_levels,
}

OPTIONS = (
    option(
        "--dataset",
        dest="datasets",
        nargs="+",
        choices=EVERYTHING,
        default=list(EVERYTHING),
        metavar="NAME",
        help="portfolio, quotes, levels (default: all of them)",
    ),
    option(
        "--trading-date",
        type=session_date,
        metavar="YYYY-MM-DD",
        help="the session; without it, the latest one that is due, of each",
    ),
)
EXAMPLES = (
    ("", "the latest session that is due, of everything"),
    ("--dataset portfolio quotes --trading-date 2025-08-01", "a session, of two datasets"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse("flows.freshness", __doc__, OPTIONS, EXAMPLES, argv)
    return run_command(lambda: freshness(**parameters, return_state=True), is_verbose=is_verbose)


if __name__ == "__main__":
    sys.exit(main())
