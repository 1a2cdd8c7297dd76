"""Which indices a run is about: those that were named, or all that there are."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from prefect import get_run_logger

from flows.fetching import try_to
from flows.settings import Settings, subject_of
from tasks.core.errors import (
    B3PipelineError,
    BlockedError,
    IncompleteError,
    NotPublishedError,
)
from tasks.core.exchange import last_sessions, month_of, next_session
from tasks.core.indices import ALL, Members, nearest_codes
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.download import download_indices
from tasks.published import find_published
from tasks.turns import Budget

RECENT_SESSIONS = 10  # an index that readers saw in one of them is expected


@dataclass
class Wanted:
    """Which indices a run is about.

    Attributes:
        codes: The indices.
        members: B3's list; empty where it was not asked for, or did not come.
        expected: Indices that B3 has published lately: that it has nothing of them is a failure.
        problems: Why something is not known of the indices, by what it is about.
        blocked_by: What has turned us away when the list was asked for.
    """

    codes: tuple[str, ...]
    members: Members = field(default_factory=dict)
    expected: frozenset[str] = frozenset()
    problems: dict[str, B3PipelineError] = field(default_factory=dict)
    blocked_by: BlockedError | None = None


def choose_indices(
    settings: Settings,
    named: tuple[str, ...],
    find_recent: Callable[[], Iterable[str]],
    budget: Budget,
) -> Wanted:
    """Return which indices a run is about; what `all` means never shrinks in silence.

    Args:
        settings: The settings.
        named: Index codes, or `all` alone: what B3 lists now, and what it has published lately.
        find_recent: Finds the latter.
        budget: How long all requests of the run may take.

    Raises:
        IncompleteError: Nothing is known of any index; the message says why.
    """
    if named != (ALL,):
        return Wanted(named)
    wanted = Wanted(())
    try:
        wanted.expected = frozenset(find_recent())
    except B3PipelineError as error:
        wanted.problems["indices published lately"] = error
    listed = _fetch_list(settings, budget)
    if isinstance(listed, B3PipelineError):
        wanted.problems["B3's list of indices"] = IncompleteError(
            f"only those were asked for that were published in the last {RECENT_SESSIONS} "
            f"sessions: {listed}"
        )
        wanted.blocked_by = listed if isinstance(listed, BlockedError) else None
    else:
        wanted.members = listed
    wanted.codes = tuple(sorted(wanted.members.keys() | wanted.expected))
    if not wanted.codes:
        raise IncompleteError(
            "\n".join(f"{name}: {error}" for name, error in wanted.problems.items())
        )
    get_run_logger().info(
        "%d indices: %d that B3 lists, %d published lately",
        len(wanted.codes),
        len(wanted.members),
        len(wanted.expected),
    )
    return wanted


def find_recent_portfolios(settings: Settings, today: dt.date) -> set[str]:
    """Return the indices whose portfolio readers see of one of the last sessions.

    Raises:
        CommitError: A commit cannot be read, or is missing.
    """
    since = last_sessions(today, RECENT_SESSIONS)[0]
    months = {month_of(since), month_of(today), month_of(next_session(today))}
    published = find_published(subject_of(settings, PORTFOLIO), sorted(months))[RAW_PORTFOLIO.name]
    return set().union(*(codes for day, codes in published.items() if day >= since))


@dataclass
class Absent:
    """Of what B3 publishes nothing.

    Attributes:
        listed: Indices that it lists all the same: no failure.
        failures: The others, with what to say of each.
    """

    listed: list[str] = field(default_factory=list)
    failures: dict[str, B3PipelineError] = field(default_factory=dict)


def settle_absent(
    settings: Settings,
    wanted: Wanted,
    absences: Mapping[str, NotPublishedError],
    budget: Budget,
) -> Absent:
    """Tell indices of which B3 publishes nothing from codes that it does not know.

    The list is asked for, once, where it has not been.

    Args:
        settings: The settings.
        wanted: What the run is about.
        absences: What B3 said.
        budget: How long all requests of the run may take.
    """
    absent = Absent()
    if not absences:
        return absent
    members = wanted.members
    if not members and not wanted.problems:
        listed = _fetch_list(settings, budget)
        if isinstance(listed, B3PipelineError):
            get_run_logger().warning("B3's list of indices did not come: %s", listed)
        else:
            members = listed
    for code, absence in absences.items():
        if code in wanted.expected:
            absent.failures[code] = NotPublishedError(
                f"{absence} What it published before is in the lake."
            )
        elif code in members:
            absent.listed.append(code)
        else:
            near = ", ".join(nearest_codes(code, members))
            said = f" B3 lists no {code}; the nearest codes are {near}." if members else ""
            absent.failures[code] = NotPublishedError(f"{absence}{said}")
    return absent


def _fetch_list(settings: Settings, budget: Budget) -> Members | B3PipelineError:
    fetch = partial(
        download_indices, settings.index_url, settings.lake_bucket, budget, settings.user_agent
    )
    return try_to(fetch, "the list of indices")
