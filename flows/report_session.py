"""The reports of a session, from what the lake holds of it and of the sessions around it."""

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from prefect import get_run_logger

from flows.report_lake import Lake, Levels, Rows
from tasks.core.errors import UnreadableRawError
from tasks.core.exchange import month_of
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.period_tables import PORTFOLIO_PREVIEW, PORTFOLIO_THEORETICAL
from tasks.core.portfolio.tables import PORTFOLIO_DAILY, PORTFOLIO_DAILY_SUMMARY
from tasks.core.quotes import QUOTES
from tasks.core.reconciliation.tables import CONSTITUENT_RECONCILIATION, INDEX_RECONCILIATION
from tasks.core.session_report.market import Day, reconcile, value_session
from tasks.core.session_report.model import (
    Concentration,
    Market,
    MonthSession,
    Origin,
    Reconciliation,
    SessionReport,
    Totals,
)
from tasks.core.session_report.moves import Moves
from tasks.core.session_report.portfolio import (
    add_up,
    concentrate,
    find_moves,
    in_force,
    list_constituents,
)

_MOST_BEFORE = dt.timedelta(days=10)  # the day a month ago: holidays, runs that failed


def held_sessions(lake: Lake, month: str) -> dict[dt.date, set[str]]:
    """Return the sessions of a month, with the indices that readers see of each."""
    sessions: dict[dt.date, set[str]] = {}
    for code, rows in lake.rows_by_index(PORTFOLIO_DAILY_SUMMARY, month).items():
        for row in rows:
            sessions.setdefault(row["trading_date"], set()).add(code)
    return sessions


def make_reports(
    lake: Lake, session: dt.date, codes: Collection[str] | None
) -> list[SessionReport]:
    """Return the reports of a session, of those indices that readers see of it, by code.

    Args:
        lake: What they are read from.
        session: The session.
        codes: The indices; None for all.
    """
    held = held_sessions(lake, month_of(session)).get(session, set())
    held = held if codes is None else held.intersection(codes)
    if not held:
        return []
    around = _Around(lake, session, held)
    return [around.report(code) for code in sorted(held)]


class _Around:
    """A session, and what of the lake its reports are made of."""

    def __init__(self, lake: Lake, session: dt.date, codes: Collection[str]) -> None:
        self._lake, self._session, self._month = lake, session, month_of(session)
        self._stated = lake.stated(session, codes)
        self._closes = lake.closes(self._month).get(session, {})
        self._previous = self._find_previous_quotes() if self._closes else None
        years = {session.year, self._previous.year if self._previous else session.year}
        self._levels: dict[str, Levels] = {code: {} for code in codes}
        for year in sorted(years):
            for code, levels in lake.levels(year, codes).items():
                self._levels[code] |= levels
        self._commit = lake.commit_of(PORTFOLIO, self._month)

    def report(self, code: str) -> SessionReport:
        """Return the report of an index that readers see of the session."""
        rows = self._portfolio(code, self._session)
        summary = self._summaries(code, self._month)[self._session]
        divisor = summary["index_divisor"]
        return SessionReport(
            index_code=code,
            trading_date=self._session,
            origin=Origin(
                *(self._month, self._commit.number, self._commit.run_id),
                *(self._commit.published_at, summary["extracted_at"]),
            ),
            held=add_up(rows, divisor),
            stated=self._state(code),
            constituents=list_constituents(rows),
            concentration=concentrate(self._session, rows),
            month_ago=self._concentrate_month_ago(code),
            moves=self._find_moves(code, rows),
            market=self._value(code, rows, divisor),
            reconciliation=self._reconcile(code),
            month=self._list_month(code),
            rebalancing=self._find_rebalancing(code, rows),
        )

    def _portfolio(self, code: str, day: dt.date) -> Rows:
        return self._lake.rows_by_index(PORTFOLIO_DAILY, month_of(day), day).get(code, [])

    def _summaries(self, code: str, month: str) -> dict[dt.date, dict[str, Any]]:
        rows = self._lake.rows_by_index(PORTFOLIO_DAILY_SUMMARY, month).get(code, [])
        return {row["trading_date"]: row for row in rows}

    def _find_previous_quotes(self) -> dt.date | None:
        """Return the last session before this one that the lake holds quotes of."""
        for month in self._lake.months_up_to(QUOTES, self._month):
            earlier = [day for day in self._lake.closes(month) if day < self._session]
            if earlier:
                return max(earlier)
        return None

    def _state(self, code: str) -> Totals | None:
        """Return B3's own totals, as raw holds them."""
        stated = self._stated.get(code)
        if isinstance(stated, Portfolio):
            return Totals(
                *(len(stated.constituents), stated.total_theoretical_quantity),
                *(stated.total_weight_pct, stated.index_divisor),
            )
        if isinstance(stated, UnreadableRawError):
            get_run_logger().warning("%s The report goes without B3's totals.", stated)
        return None

    def _concentrate_month_ago(self, code: str) -> Concentration | None:
        last = same_day_a_month_before(self._session)
        first = last - _MOST_BEFORE
        months = {month_of(first), month_of(last)}.intersection(self._lake.months(PORTFOLIO))
        found = [
            each
            for month in months
            for each in self._summaries(code, month)
            if first <= each <= last
        ]
        return concentrate(max(found), self._portfolio(code, max(found))) if found else None

    def _find_moves(self, code: str, rows: Rows) -> Moves | None:
        before = self._lake.session_before(code, self._session)
        return find_moves(before, self._portfolio(code, before), rows) if before else None

    def _value(self, code: str, rows: Rows, divisor: Decimal) -> Market | None:
        if not self._closes:
            return None
        level = self._levels[code].get
        now = Day(rows, divisor, self._closes, level(self._session))
        before = self._previous
        if before is None:
            return value_session(None, Day((), None, {}, None), now)
        summary = self._summaries(code, month_of(before)).get(before)
        held = Day(
            self._portfolio(code, before),
            summary["index_divisor"] if summary else None,
            self._lake.closes(month_of(before))[before],
            level(before),
        )
        return value_session(before, held, now)

    def _reconcile(self, code: str) -> Reconciliation | None:
        index, constituents = (
            self._lake.rows_by_index(table, self._month, self._session).get(code, [])
            for table in (INDEX_RECONCILIATION, CONSTITUENT_RECONCILIATION)
        )
        return reconcile(next(iter(index), None), constituents)

    def _list_month(self, code: str) -> tuple[MonthSession, ...]:
        return tuple(
            MonthSession(
                *(day, row["constituent_count"], row["index_divisor"], row["top5_weight_pct"]),
                self._levels[code].get(day),
            )
            for day, row in sorted(self._summaries(code, self._month).items())
            if day <= self._session
        )

    def _find_rebalancing(self, code: str, rows: Rows) -> Moves | None:
        lake, months = self._lake, self._lake.months_up_to(PORTFOLIO, self._month)
        previews = [
            row
            for month in months
            for row in lake.rows_by_index(PORTFOLIO_PREVIEW, month).get(code, [])
        ]
        days = (
            [day for month in months for day in lake.shown(table, month).get(code, ())]
            for table in (PORTFOLIO_PREVIEW, PORTFOLIO_THEORETICAL)
        )
        shown = in_force(self._session, previews, *days)
        return find_moves(shown[0], rows, shown[1]) if shown else None


def same_day_a_month_before(day: dt.date) -> dt.date:
    """Return the same day of the month before, or its last where it is shorter."""
    before = day.replace(day=1) - dt.timedelta(days=1)
    return before.replace(day=min(day.day, before.day))
