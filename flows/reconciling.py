"""Portfolios, quotes and levels of raw, put side by side in raw of the reconciliation."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from flows.levels import read_stored
from flows.portfolio_sessions import read_sessions
from flows.settings import Settings, lost
from tasks.catalog import register_partitions
from tasks.core.dataset import Table
from tasks.core.errors import InvalidInputError, UnreadableRawError
from tasks.core.exchange import previous_session
from tasks.core.findings import REPAIR
from tasks.core.indices import check_index_code
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES
from tasks.core.reconciliation.expected import Verdict, judge_index
from tasks.core.reconciliation.session import (
    CLOSE_COLUMNS,
    Close,
    Market,
    Member,
    Shown,
    closes_of,
    put_side_by_side,
)
from tasks.core.reconciliation.tables import RAW_RECONCILIATION
from tasks.store import list_names, read_raw, write_raw

Rows = list[dict[str, Any]]
NOTHING = Shown()
T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """What raw holds of one session.

    Attributes:
        indices: Portfolio and level of each index that raw holds either of.
        closes: The closes of the cash market; none where raw holds no quotes.
    """

    indices: dict[str, Shown]
    closes: dict[str, Close]


class Held:
    """Reads what raw holds, session by session; in order, each is read once.

    Attributes:
        unread: What could not be read, by its key. Of an index nothing is said from there on.
    """

    def __init__(self, settings: Settings, index_codes: Collection[str] | None) -> None:
        """Read of the lake of the settings what it holds of some indices; None for all."""
        self._index_codes = index_codes
        self.unread: dict[str, UnreadableRawError] = {}
        self._bucket = settings.lake_bucket
        self._doubtful: set[str] = set()
        self._levels = lru_cache(maxsize=2)(self._read_levels)
        self._session = lru_cache(maxsize=2)(self._read_session)

    def rows_of(self, day: dt.date) -> dict[str, Rows]:
        """Return the raw rows of a session of those indices of which there is something.

        Raises:
            UnreadableRawError: The quotes of the session or of the one before cannot be read.
        """
        # The session before comes first: it was read last, of the session before.
        before, found = self._session(previous_session(day)), self._session(day)
        market = Market(found.closes, before.closes)
        return {
            code: put_side_by_side(code, shown, before.indices.get(code, NOTHING), market)
            for code, shown in sorted(found.indices.items())
            if code not in self._doubtful
        }

    def _read_session(self, day: dt.date) -> Found:
        names = self._list(RAW_PORTFOLIO, str(day))
        read = read_sessions(self._bucket, day, names) if names else {}
        portfolios = self._readable(read)
        levels = self._levels(day.year).get(day, {})
        indices = {
            code: _describe(portfolios.get(code), levels.get(code))
            for code in {*portfolios, *levels}
        }
        return Found(indices, self._read_closes(day))

    def _list(self, table: Table, value: str) -> list[str]:
        names = list_names(self._bucket, table, value)
        wanted = self._index_codes
        return [name for name in names if wanted is None or name in wanted]

    def _readable(self, found: Mapping[str, T | UnreadableRawError]) -> dict[str, T]:
        """Return what could be read, by index; what could not is not the same as not held."""
        readable: dict[str, T] = {}
        for code, each in found.items():
            if isinstance(each, UnreadableRawError):
                self.unread[each.key] = each
                self._doubtful.add(code)
            else:
                readable[code] = each
        return readable

    def _read_closes(self, day: dt.date) -> dict[str, Close]:
        found = read_raw(self._bucket, RAW_QUOTES, str(day), [QUOTES_OBJECT], CLOSE_COLUMNS)
        records = found.get(QUOTES_OBJECT, [])
        if isinstance(records, UnreadableRawError):
            self.unread[records.key] = records
            raise records
        return closes_of(records)

    def _read_levels(self, year: int) -> dict[dt.date, dict[str, Any]]:
        value = f"{year:04}"
        by_day: dict[dt.date, dict[str, Any]] = {}
        names = self._list(INDEX_LEVELS, value)
        found = self._readable(read_stored(self._bucket, names, value))
        for code, levels in found.items():
            for each in levels:
                by_day.setdefault(each.trading_date, {})[code] = each.level
        return by_day


def _describe(portfolio: Portfolio | None, level: Any) -> Shown:
    if portfolio is None:
        return Shown(level=level)
    members = tuple(
        Member(one.ticker, one.type, one.theoretical_quantity, one.weight_pct)
        for one in portfolio.constituents
    )
    return Shown(members, portfolio.index_divisor, level)


def store_sessions(
    settings: Settings, sessions: Iterable[dt.date], index_codes: Collection[str] | None
) -> tuple[list[Verdict], dict[str, UnreadableRawError]]:
    """Bring sessions to raw of the reconciliation; what raw holds as it is stays.

    Args:
        settings: The settings.
        sessions: In order.
        index_codes: Which indices; None for all of which raw holds something.

    Returns:
        What comes of each index and session, and what cannot be read, by its key: of what needs
        it, what is there stays.
    """
    held, bucket = Held(settings, index_codes), settings.lake_bucket
    verdicts: list[Verdict] = []
    for day in sessions:
        try:
            wanted = held.rows_of(day)
        except UnreadableRawError:
            continue
        stored = read_raw(bucket, RAW_RECONCILIATION, str(day), wanted) if wanted else {}
        changed = {
            (str(day), code): rows for code, rows in wanted.items() if stored.get(code) != rows
        }
        if changed:
            write_raw(bucket, RAW_RECONCILIATION, changed)
        verdicts += [judge_index(day, rows) for rows in wanted.values()]
    return verdicts, held.unread


def mend_reconciliation(settings: Settings, key: str) -> str:
    """Make a raw object of the reconciliation again; return in a few words how.

    Raises:
        SourceHasNoDataError: Raw holds nothing to make it from; the message names the object.
    """
    try:
        day = RAW_RECONCILIATION.session_of(key)
        code = check_index_code(RAW_RECONCILIATION.name_of(key))
    except (ValueError, InvalidInputError) as error:
        raise lost(settings, key, f"it is no session of an index: {error}") from error
    verdicts, unread = store_sessions(settings, [day], {code})
    if unread:
        raise lost(settings, key, f"{next(iter(unread.values()))} Mend that first: {REPAIR}")
    if not verdicts:
        raise lost(settings, key, "raw holds neither portfolio nor level of the session")
    register_partitions(settings.database, RAW_RECONCILIATION, settings.lake_bucket, [str(day)])
    return "made again from portfolio, quotes and levels"
