"""Saved files of portfolios, of the day or of a period, against each other and against raw.

A plain CSV carries no sectors. What a file does not carry is no difference, and what raw has of it
stays.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from tasks.core.checks import Check, require
from tasks.core.errors import BadDataError
from tasks.core.exchange import next_session
from tasks.core.portfolio.checks import check_period, check_portfolio
from tasks.core.portfolio.model import Constituent, Portfolio
from tasks.core.portfolio.saved_csv import parse_portfolio_csv

_HEADER = ("total_weight_pct", "total_theoretical_quantity", "index_divisor")
_MOST_SHOWN = 10
Session = tuple[str, dt.date]


@dataclass(frozen=True)
class SavedFile:
    """A file as it was read.

    Attributes:
        name: Where it was, for messages.
        body: Its bytes.
    """

    name: str
    body: bytes


@dataclass(frozen=True)
class SavedPortfolio:
    """What a saved file holds.

    Attributes:
        file: The file.
        portfolio: Its content, checked.
    """

    file: SavedFile
    portfolio: Portfolio

    @property
    def session(self) -> Session:
        """The index that the content names, and the session that it is of."""
        return self.portfolio.index_code, self.portfolio.trading_date


def read_saved_file(file: SavedFile, today: dt.date) -> SavedPortfolio:
    """Read and check one file of the day's portfolio.

    Raises:
        BadDataError: It is not B3's file, or a check failed.
    """
    portfolio = _parse(file, None)
    day, latest = portfolio.trading_date, next_session(today)
    checks = [
        *check_portfolio(portfolio),
        Check("date_is_not_past_next_session", f"{latest} or before", str(day), day <= latest),
    ]
    return _check(file, portfolio, checks)


def read_period_file(file: SavedFile, period_of: dt.date) -> SavedPortfolio:
    """Read and check one file of a period's portfolio.

    Args:
        file: The file.
        period_of: The session on which B3 showed it; the file names none.

    Raises:
        BadDataError: It is not B3's file, not of a period that holds the session, or a check
            failed.
    """
    portfolio = _parse(file, period_of)
    return _check(file, portfolio, check_period(portfolio))


def _parse(file: SavedFile, period_of: dt.date | None) -> Portfolio:
    try:
        return parse_portfolio_csv(file.body, period_of)
    except BadDataError as error:
        raise BadDataError(f"{file.name}: {error}") from error


def _check(file: SavedFile, portfolio: Portfolio, checks: Sequence[Check]) -> SavedPortfolio:
    require(checks, f"{file.name} ({portfolio})", "Save the file from B3's page again.")
    return SavedPortfolio(file, portfolio)


def read_saved_files(
    files: Iterable[SavedFile], today: dt.date, period_of: dt.date | None = None
) -> list[SavedPortfolio]:
    """Read and check every file.

    Args:
        files: The files, all of the day or all of a period.
        today: The day it is in São Paulo.
        period_of: The session of files of a period; None for files of the day.

    Raises:
        BadDataError: At least one file is bad; the message tells of each.
    """
    saved, problems = [], []
    for file in files:
        try:
            saved.append(
                read_period_file(file, period_of) if period_of else read_saved_file(file, today)
            )
        except BadDataError as error:
            problems.append(str(error))
    if problems:
        raise BadDataError("\n".join([*problems, "Nothing was written."]))
    return saved


def reconcile(
    saved: Sequence[SavedPortfolio],
    stored: Mapping[Session, Portfolio | None],
    *,
    may_replace: bool,
) -> dict[Session, Portfolio]:
    """Return what raw is to hold of each session.

    Args:
        saved: What was read.
        stored: What raw holds of each of those sessions.
        may_replace: Whether a file takes precedence over raw.

    Raises:
        BadDataError: Two files of a session disagree, or one disagrees with raw and may not
            replace it; the message shows where.
    """
    wanted: dict[Session, Portfolio] = {}
    problems = []
    for one in saved:
        before = wanted.get(one.session)
        if before and (found := differences(before, one.portfolio)):
            problems.append(_problem(one, "another file of that session", found))
        wanted[one.session] = add_sectors(one.portfolio, before)
    for one in saved:
        held = stored.get(one.session)
        if held and not may_replace and (found := differences(held, one.portfolio)):
            problems.append(_problem(one, "raw", found))
    if problems:
        advice = "Nothing was written."
        if not may_replace:
            advice += " If the files are right, run again with --replace."
        raise BadDataError("\n".join([*problems, advice]))
    return {
        session: add_sectors(portfolio, stored.get(session))
        for session, portfolio in wanted.items()
    }


def _problem(saved: SavedPortfolio, other: str, found: Sequence[str]) -> str:
    shown = "".join(f"\n  {line}" for line in found[:_MOST_SHOWN])
    more = f"\n  and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    return f"{saved.file.name} ({saved.portfolio}) disagrees with {other}:{shown}{more}"


def add_sectors(portfolio: Portfolio, other: Portfolio | None) -> Portfolio:
    """Return the portfolio with the sectors that it lacks and the other one has."""
    sectors = {row.ticker: row.sector for row in other.constituents} if other else {}
    rows = [
        replace(row, sector=row.sector or sectors.get(row.ticker)) for row in portfolio.constituents
    ]
    return replace(portfolio, constituents=tuple(rows))


def differences(stored: Portfolio, new: Portfolio) -> list[str]:
    """Say where two portfolios of a session differ in what both carry: ticker, field, values."""
    found = [
        f"{name}: {getattr(stored, name)} there, {getattr(new, name)} in the file"
        for name in _HEADER
        if getattr(stored, name) != getattr(new, name)
    ]
    there = {row.ticker: row for row in stored.constituents}
    here = {row.ticker: row for row in new.constituents}
    found += [f"{ticker}: only there" for ticker in sorted(there.keys() - here.keys())]
    found += [f"{ticker}: only in the file" for ticker in sorted(here.keys() - there.keys())]
    for ticker in sorted(there.keys() & here.keys()):
        found += _field_differences(there[ticker], here[ticker])
    return found


def _field_differences(there: Constituent, here: Constituent) -> list[str]:
    pairs = {
        field.name: (getattr(there, field.name), getattr(here, field.name))
        for field in fields(Constituent)
    }
    if there.sector is None or here.sector is None:
        del pairs["sector"]
    return [
        f"{there.ticker} {name}: {old} there, {new} in the file"
        for name, (old, new) in pairs.items()
        if old != new
    ]
