"""From B3's portfolios of the day to raw: sessions of indices, fetched, read, checked, stored."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from prefect import get_run_logger

from flows.command import today_in_sao_paulo
from flows.fetching import fetch_each
from flows.indices import Wanted, settle_absent
from flows.portfolio_sessions import load_sessions, register_sessions, store_sessions
from flows.settings import Settings
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    NotPublishedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.exchange import may_be_shown, previous_session
from tasks.core.portfolio.model import Portfolio, RawSession
from tasks.core.portfolio.strays import find_strays
from tasks.download import download_portfolio
from tasks.reading import read_landed_portfolios, read_portfolios
from tasks.turns import Budget


@dataclass
class Collected:
    """What raw holds now of the indices that a run is about.

    Attributes:
        portfolios: By index.
        shown: Those of them that B3 showed in this run.
        failures: Why one is not there, by index.
        without: Indices that B3 lists and publishes no portfolio of.
    """

    portfolios: dict[str, Portfolio] = field(default_factory=dict)
    shown: dict[str, Portfolio] = field(default_factory=dict)
    failures: dict[str, B3PipelineError] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)

    @property
    def sessions(self) -> set[dt.date]:
        """The sessions that they are of: two, where B3 rolled over under way."""
        return {portfolio.trading_date for portfolio in self.portfolios.values()}

    @property
    def is_blocked(self) -> bool:
        """Whether B3 has turned us away in the end."""
        return any(isinstance(error, BlockedError) for error in self.failures.values())


def collect_sessions(
    settings: Settings, wanted: Wanted, trading_date: dt.date | None, budget: Budget
) -> Collected:
    """Bring a session of indices to raw: as raw holds it, as B3 shows it, or as landing has it.

    An index that fails does not stop the others.

    Args:
        settings: The settings.
        wanted: The indices.
        trading_date: The session; None for whatever B3 shows, of each index, now.
        budget: How long all requests may take.
    """
    collected = Collected()
    if trading_date:
        collected.portfolios = load_sessions(settings.lake_bucket, trading_date, wanted.codes)
    missing = [code for code in wanted.codes if code not in collected.portfolios]
    # Of a session that B3 should show no more, one index is asked for: it tells of all.
    is_probed = trading_date and not may_be_shown(trading_date, today_in_sao_paulo())
    while missing:
        asked, missing = (missing[:1], missing[1:]) if is_probed else (missing, [])
        _fetch_sessions(settings, wanted, asked, trading_date, budget, collected)
        if asked[0] in collected.portfolios:
            is_probed = False
        elif _tells_of_all(collected.failures.get(asked[0])):
            break
    for code in missing:
        collected.failures[code] = SourceHasNoDataError(
            f"Neither raw nor landing holds {code} of {trading_date}; B3 was not asked for it, "
            f"after what it said of another index."
        )
    if trading_date:
        _restore(settings, trading_date, collected)
    return collected


def _tells_of_all(error: B3PipelineError | None) -> bool:
    """Return whether what failed for one index would fail for any."""
    is_of_one = error is None or isinstance(error, BadDataError | NotPublishedError)
    return not is_of_one


def _fetch_sessions(
    settings: Settings,
    wanted: Wanted,
    asked: list[str],
    trading_date: dt.date | None,
    budget: Budget,
    collected: Collected,
) -> None:
    """Ask B3 for indices, and keep what is sound in raw."""
    bucket = settings.lake_bucket
    fetch = partial(
        download_portfolio,
        settings.index_url,
        bucket=bucket,
        budget=budget,
        user_agent=settings.user_agent,
    )
    fetched = fetch_each(asked, fetch, budget, wanted.blocked_by)
    read = read_portfolios(fetched.answers, trading_date) if fetched.answers else {}
    failures = fetched.failures | {
        code: each for code, each in read.items() if isinstance(each, B3PipelineError)
    }
    absences = {code: e for code, e in failures.items() if isinstance(e, NotPublishedError)}
    absent = settle_absent(settings, wanted, absences, budget)
    collected.without += absent.listed
    shown = {code: each for code, each in read.items() if isinstance(each, Portfolio)}
    unlisted = {code: each for code, each in shown.items() if code not in wanted.members}
    strays = find_strays(shown, wanted.members, _load_before(bucket, unlisted))
    kept = {code: each for code, each in shown.items() if code not in strays}
    collected.failures |= {code: e for code, e in failures.items() if code not in absences}
    collected.failures |= absent.failures
    collected.failures |= {code: BadDataError(why) for code, why in strays.items()}
    stored = {
        code: portfolio
        for day, codes in _by_session(kept).items()
        for code, portfolio in load_sessions(bucket, day, codes).items()
    }
    changed = [
        RawSession(portfolio, fetched.answers[code].received_at)
        for code, portfolio in kept.items()
        if stored.get(code) != portfolio
    ]
    store_sessions(bucket, changed)
    collected.portfolios |= kept
    collected.shown |= kept


def fetch_session(
    settings: Settings, index_code: str, trading_date: dt.date, budget: Budget
) -> None:
    """Fetch the session of one index that B3 shows, and bring it to landing and raw.

    Raises:
        SourceHasNoDataError: B3 has no such index, or shows another session.
        RetryableError: B3 did not answer as it should.
        BadDataError: The answer is bad; landing keeps it, and nothing of it reached raw.
    """
    collected = Collected()
    wanted = Wanted((index_code,))
    _fetch_sessions(settings, wanted, [index_code], trading_date, budget, collected)
    for code in collected.without:
        raise NotPublishedError(f"B3 lists {code}, and publishes no portfolio of it.")
    for error in collected.failures.values():
        raise error


def _restore(settings: Settings, trading_date: dt.date, collected: Collected) -> None:
    """Take from landing what B3 shows no more, or does not answer for."""
    absent = {
        code
        for code, error in collected.failures.items()
        if isinstance(error, SourceHasNoDataError | RetryableError)
    }
    lost = absent | set(collected.without)
    for code, landed in restore_sessions(settings, lost, trading_date).items():
        collected.failures.pop(code, None)
        collected.portfolios[code] = landed.portfolio
        get_run_logger().warning("%s is taken from landing", landed.portfolio)
    collected.without = [code for code in collected.without if code not in collected.portfolios]


def restore_sessions(
    settings: Settings, index_codes: Collection[str], trading_date: dt.date
) -> dict[str, RawSession]:
    """Bring a session of indices from landing to raw; return those that landing holds all of."""
    if not index_codes:
        return {}
    bucket = settings.lake_bucket
    before = load_sessions(bucket, previous_session(trading_date), index_codes)
    landed = read_landed_portfolios(bucket, sorted(index_codes), trading_date, before)
    if landed:
        store_sessions(bucket, landed.values())
        register_sessions(settings, {trading_date})
    return landed


def _by_session(portfolios: Mapping[str, Portfolio]) -> dict[dt.date, list[str]]:
    sessions = defaultdict(list)
    for code, portfolio in portfolios.items():
        sessions[portfolio.trading_date].append(code)
    return sessions


def _load_before(bucket: str, portfolios: Mapping[str, Portfolio]) -> dict[str, Portfolio]:
    """Return the session before each that raw holds."""
    return {
        code: portfolio
        for day, codes in _by_session(portfolios).items()
        for code, portfolio in load_sessions(bucket, previous_session(day), codes).items()
    }
