"""What each dataset needs to be verified and repaired: a table of them.

A dataset that is refined has a `Care`; how a raw object of it is made again is its `mend`. A raw
table without an entry in `is_kept` is read from nothing in landing.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from flows.levels_mending import NAME as LEVELS
from flows.levels_mending import look_over_levels, mend_levels
from flows.portfolio_loading import fetch_session
from flows.portfolio_mending import FETCH_SECONDS, mend_session
from flows.portfolio_sessions import load_sessions, store_sessions
from flows.quotes_loading import files_with, find_closed, landing_folder, load_session
from flows.quotes_mending import mend_quotes_session
from flows.reconciling import mend_reconciliation
from flows.settings import Settings, lost, subject_of
from tasks.core.dataset import Dataset, Table
from tasks.core.exchange import may_be_shown
from tasks.core.landing import IsKept, Kept, was_noted, was_shown
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import RawSession
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.tables import RAW_QUOTES
from tasks.core.reconciliation import RECONCILIATION
from tasks.core.verify_raw import judge_sessions, missing_sessions
from tasks.inventory import Survey, look_over
from tasks.store import list_zips
from tasks.turns import Budget

Mend = Callable[[Settings, dt.datetime, str], str]
"""Makes a raw object again, by its key, and says how; raises where it cannot."""


@dataclass(frozen=True)
class Care:
    """What one dataset needs.

    Attributes:
        dataset: What is refined; None where readers see raw as it is.
        look: Looks over it; nothing is changed.
        mend: Makes a raw object again.
        land: Fetches again what landing has lost of a raw object, where that can be.
    """

    dataset: Dataset | None
    look: Callable[[Settings, dt.datetime], Survey]
    mend: Mend
    land: Mend

    @property
    def tables(self) -> tuple[Table, ...]:
        """What readers see of it, raw included."""
        return self.dataset.tables if self.dataset else (INDEX_LEVELS,)


@dataclass(frozen=True)
class _Refined:
    """How a refined dataset is looked over.

    Attributes:
        dataset: The dataset.
        is_kept: By raw table how to tell that landing keeps what an object was read from.
    """

    dataset: Dataset
    is_kept: Mapping[str, IsKept] = field(default_factory=dict)

    def __call__(self, settings: Settings, now: dt.datetime) -> Survey:
        survey = look_over(subject_of(settings, self.dataset), self.is_kept)
        raw = self.dataset.raw
        held = survey.held[raw.name]
        days = sorted({day for each in held.sessions.values() for day in missing_sessions(each)})
        closed = find_closed(settings, days, now) if days else ()
        survey.findings += judge_sessions(self.dataset.name, raw, held, closed)
        return survey


def was_filed(kept: Kept, trading_date: dt.date, _name: str, _came_on: dt.date) -> bool:
    """Return whether one of B3's files that hold a session's quotes is there."""
    return any(period.file_name in kept.folders for period in files_with(trading_date))


def _mend_portfolio(settings: Settings, _now: dt.datetime, key: str) -> str:
    return mend_session(settings, key)


def _mend_levels(settings: Settings, _now: dt.datetime, key: str) -> str:
    return mend_levels(settings, key)


def _land_portfolio(settings: Settings, now: dt.datetime, key: str) -> str:
    table = PORTFOLIO.raw_table_of(key)
    session = table.session_of(key)
    if table is not RAW_PORTFOLIO or not may_be_shown(session, now.date()):
        raise lost(settings, key, "its rows are sound, and B3 shows it no more to keep it anew")
    name = table.name_of(key)
    fetch_session(settings, name, session, Budget.of_all(FETCH_SECONDS))
    # Raw is to name the day whose answer landing has; it was not written where it is the same.
    stored = load_sessions(settings.lake_bucket, session, [name])
    at = now.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None)
    store_sessions(settings.lake_bucket, [RawSession(each, at) for each in stored.values()])
    return "fetched again from B3"


def _land_quotes(settings: Settings, now: dt.datetime, key: str) -> str:
    session = RAW_QUOTES.session_of(key)
    folders = map(landing_folder, files_with(session))
    if any(list_zips(settings.lake_bucket, folder) for folder in folders):
        return "landing has a file of it by now"  # which came for another session
    load_session(settings, session, now, anew=True)
    return "fetched again from B3"


def _mend_reconciliation(settings: Settings, _now: dt.datetime, key: str) -> str:
    return mend_reconciliation(settings, key)


CARES: dict[str, Care] = {
    PORTFOLIO.name: Care(
        dataset=PORTFOLIO,
        look=_Refined(
            PORTFOLIO,
            {
                RAW_PORTFOLIO.name: was_shown,
                RAW_THEORETICAL.name: was_noted,
                RAW_PREVIEW.name: was_noted,
            },
        ),
        mend=_mend_portfolio,
        land=_land_portfolio,
    ),
    QUOTES.name: Care(
        dataset=QUOTES,
        look=_Refined(QUOTES, {RAW_QUOTES.name: was_filed}),
        mend=mend_quotes_session,
        land=_land_quotes,
    ),
    LEVELS: Care(
        dataset=None,
        look=look_over_levels,
        mend=_mend_levels,
        land=_mend_levels,
    ),
    RECONCILIATION.name: Care(
        dataset=RECONCILIATION,
        look=_Refined(RECONCILIATION),
        mend=_mend_reconciliation,
        land=_mend_reconciliation,
    ),
}


def mend_of(care: Care, settings: Settings, now: dt.datetime) -> Callable[[str], str]:
    """Return what makes a raw object of a dataset again, by its key."""
    return partial(care.mend, settings, now)
