"""What the reports of sessions are read from: what readers see, a month at a time."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from prefect import get_run_logger

from flows.portfolio_sessions import read_sessions
from flows.settings import Settings, subject_of
from tasks.core.commit import Commit, commits_prefix
from tasks.core.dataset import Dataset, Table
from tasks.core.errors import UnreadableRawError
from tasks.core.exchange import month_of
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.period_tables import PORTFOLIO_PREVIEW, SPANS
from tasks.core.portfolio.tables import PORTFOLIO_DAILY, PORTFOLIO_DAILY_SUMMARY, RAW_PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.tables import QUOTES_DAILY
from tasks.core.reconciliation import RECONCILIATION
from tasks.core.reconciliation.tables import CONSTITUENT_RECONCILIATION, INDEX_RECONCILIATION
from tasks.core.session_report.market import take_closes
from tasks.published import (
    PublishedMonth,
    find_published,
    list_published_months,
    read_published,
)
from tasks.session_pages import list_versions
from tasks.store import read_raw

Rows = list[dict[str, Any]]
Levels = dict[dt.date, Any]
_CASH_MARKET = "010"
_OF_QUOTES = ("trading_date", "ticker", "market_type", "close_price")


def _whole(*tables: Table) -> dict[str, Sequence[str]]:
    return {table.name: tuple(table.types()) for table in tables}


_COLUMNS: Mapping[str, Mapping[str, Sequence[str]]] = {
    PORTFOLIO.name: _whole(PORTFOLIO_DAILY, PORTFOLIO_DAILY_SUMMARY, PORTFOLIO_PREVIEW),
    QUOTES.name: {QUOTES_DAILY.name: _OF_QUOTES},
    RECONCILIATION.name: _whole(INDEX_RECONCILIATION, CONSTITUENT_RECONCILIATION),
}
_DATASETS = {each.name: each for each in (PORTFOLIO, QUOTES, RECONCILIATION)}


class Lake:
    """Reads what readers see, each month once; memory holds a few months."""

    def __init__(self, settings: Settings) -> None:
        """Read the lake of the settings."""
        self._settings = settings
        self._bucket = settings.lake_bucket
        self._listed: dict[str, list[str]] = {}
        self._versions: dict[str, dict[str, str]] = {}
        self._month = lru_cache(maxsize=6)(self._read_month)
        self._levels = lru_cache(maxsize=4)(self._read_levels)
        self.sessions = lru_cache(maxsize=None)(self._find_sessions)
        self.rows_by_index = lru_cache(maxsize=24)(self._read_rows_by_index)
        self.shown = lru_cache(maxsize=4)(self._find_shown)
        self.closes = lru_cache(maxsize=3)(self._read_closes)

    def is_as_read(self) -> bool:
        """Return whether the lake is still what was read of it."""
        months = {name: self._list_months(name) for name in self._listed}
        return self._listed == months and self._versions == {
            prefix: list_versions(self._bucket, [prefix]) for prefix in self._versions
        }

    def months(self, dataset: Dataset) -> list[str]:
        """Return the months of which readers see something, in order."""
        if dataset.name not in self._listed:
            self._listed[dataset.name] = self._list_months(dataset.name)
        return self._listed[dataset.name]

    def months_up_to(self, dataset: Dataset, month: str) -> list[str]:
        """Return a month and the last one before it that readers see something of, latest first."""
        return [each for each in self.months(dataset) if each <= month][:-3:-1]

    def session_before(self, index_code: str, day: dt.date) -> dt.date | None:
        """Return the last session before a day of which readers see an index.

        It reads one commit a month, as far back as it has to.
        """
        for month in reversed(self.months(PORTFOLIO)):
            if month <= month_of(day):
                sessions = self.sessions(month).items()
                earlier = [each for each, codes in sessions if each < day and index_code in codes]
                if earlier:
                    return max(earlier)
        return None

    def commit_of(self, dataset: Dataset, month: str) -> Commit:
        """Return the commit that a month was read from."""
        read = self._month(dataset.name, month)
        if read is None:
            raise LookupError(f"nothing is published of {dataset.name} {month}")
        return read.commit

    def stated(
        self, session: dt.date, codes: Collection[str]
    ) -> dict[str, Portfolio | UnreadableRawError]:
        """Return the portfolios of a session with B3's own totals, as raw holds them."""
        self._watch(RAW_PORTFOLIO.folder(str(session)))
        return read_sessions(self._bucket, session, codes)

    def levels(self, year: int, codes: Collection[str]) -> dict[str, Levels]:
        """Return B3's levels of a year by index and session; of one that cannot be read none."""
        return self._levels(year, frozenset(codes))

    def _read_levels(self, year: int, codes: frozenset[str]) -> dict[str, Levels]:
        self._watch(INDEX_LEVELS.folder(f"{year:04}"))
        found = read_raw(self._bucket, INDEX_LEVELS, f"{year:04}", codes, ("trading_date", "level"))
        levels: dict[str, Levels] = {}
        for code, rows in found.items():
            if isinstance(rows, UnreadableRawError):
                get_run_logger().warning("%s The report goes without it.", rows)
            else:
                levels[code] = {row["trading_date"]: row["level"] for row in rows}
        return levels

    def _list_months(self, dataset: str) -> list[str]:
        return list_published_months(subject_of(self._settings, _DATASETS[dataset]))

    def _find_sessions(self, month: str) -> dict[dt.date, set[str]]:
        """Return the sessions of a month with the indices that readers see, as its commit says."""
        self._watch(commits_prefix(PORTFOLIO, month))
        subject = subject_of(self._settings, PORTFOLIO)
        return find_published(subject, [month])[RAW_PORTFOLIO.name]

    def _watch(self, prefix: str) -> None:
        """Note what lies under a prefix, before any of it is read."""
        if prefix not in self._versions:
            self._versions[prefix] = list_versions(self._bucket, [prefix])

    def _read_month(self, dataset: str, month: str) -> PublishedMonth | None:
        self._watch(commits_prefix(_DATASETS[dataset], month))
        subject = subject_of(self._settings, _DATASETS[dataset])
        return read_published(subject, month, _COLUMNS[dataset])

    def _read_rows_by_index(
        self, table: Table, month: str, session: dt.date | None = None
    ) -> dict[str, Rows]:
        """Return `{index: its rows}` of a month of a table, or of a session in it."""
        dataset = next(name for name, tables in _COLUMNS.items() if table.name in tables)
        read = self._month(dataset, month)
        rows: Any = read.tables[table.name] if read else ()
        if not len(rows):
            return {}
        if session:
            import pyarrow.compute as pc  # here: it takes its time, which a help need not wait

            rows = rows.filter(pc.equal(rows["trading_date"], session))
        by_index: dict[str, Rows] = defaultdict(list)
        for row in rows.to_pylist():
            by_index[row["index_code"]].append(row)
        return dict(by_index)

    def _find_shown(self, table: Table, month: str) -> dict[str, list[dt.date]]:
        """Return on which sessions of a month B3 showed what a table of `SPANS` has, by index."""
        read, raw = self._month(PORTFOLIO.name, month), SPANS[table]
        shown: dict[str, list[dt.date]] = defaultdict(list)
        for each in read.commit.inputs if read else ():
            if each.key.startswith(raw.prefix):
                shown[raw.name_of(each.key)].append(raw.session_of(each.key))
        return dict(shown)

    def _read_closes(self, month: str) -> dict[dt.date, dict[str, Any]]:
        """Return the closes of the cash market in a month, by session and ticker."""
        read = self._month(QUOTES.name, month)
        rows: Any = read.tables[QUOTES_DAILY.name] if read else ()
        if not len(rows):
            return {}
        import pyarrow.compute as pc

        return take_closes(rows.filter(pc.equal(rows["market_type"], _CASH_MARKET)).to_pylist())
