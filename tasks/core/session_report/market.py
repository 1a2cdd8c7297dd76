"""A session on the market: returns, contributions, and the levels that closes give.

Rows are `{column: value}` of the refined tables, of one index where a table has indices. B3's level
at the close is the sum of theoretical quantity times close over the divisor of the session's own
portfolio, cut to two decimals.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tasks.core.session_report.arithmetic import cut, round_half_up
from tasks.core.session_report.model import Levels, Market, Reconciliation, Return

Row = Mapping[str, Any]
Closes = Mapping[str, Decimal]
"""`{ticker: close on the cash market, in reais for one piece}` of a session."""


@dataclass(frozen=True)
class Day:
    """What the lake holds of an index on a session.

    Attributes:
        portfolio: Rows of `portfolio_daily`; none where it holds no portfolio.
        index_divisor: That of the portfolio; None where there is none.
        closes: The closes of the session.
        level: B3's level at the close; None where it holds none.
    """

    portfolio: Sequence[Row]
    index_divisor: Decimal | None
    closes: Closes
    level: Decimal | None


def take_closes(rows: Iterable[Row]) -> dict[dt.date, dict[str, Decimal]]:
    """Return the closes of each session, from rows of `quotes_daily` of the cash market.

    Of a ticker that stands twice on a session, the higher close, as the documented queries have it.
    A close of 0 is none.
    """
    closes: dict[dt.date, dict[str, Decimal]] = {}
    for row in rows:
        if not row["close_price"]:
            continue
        of_day = closes.setdefault(row["trading_date"], {})
        ticker, close = row["ticker"], row["close_price"]
        of_day[ticker] = max(close, of_day.get(ticker, close))
    return closes


def value_session(previous_session: dt.date | None, before: Day, now: Day) -> Market:
    """Return the session on the market.

    Args:
        previous_session: The session with quotes before it; None where there is none.
        before: What the lake holds of that one.
        now: What it holds of the session.
    """
    returns = [
        _return_of(row, before.closes[row["ticker"]], now.closes[row["ticker"]])
        for row in now.portfolio
        if row["ticker"] in now.closes and row["ticker"] in before.closes
    ]
    return Market(
        previous_session=previous_session,
        quoted_count=sum(row["ticker"] in now.closes for row in now.portfolio),
        returns=tuple(sorted(returns, key=lambda one: (-one.contribution_pp, one.ticker))),
        implied=Levels(_level_of(before), _level_of(now)),
        published=Levels(before.level, now.level),
    )


def _return_of(row: Row, before: Decimal, close: Decimal) -> Return:
    growth = Fraction(close) / Fraction(before) - 1
    return Return(
        ticker=row["ticker"],
        corporate_event=row["corporate_event"],
        weight_pct=row["weight_pct"],
        previous_close_price=before,
        close_price=close,
        return_pct=round_half_up(100 * growth, 3),
        contribution_pp=round_half_up(Fraction(row["weight_pct"]) * growth, 4),
    )


def _level_of(day: Day) -> Decimal | None:
    """Return the level that portfolio and closes give; None where one of them is not whole."""
    tickers = [row["ticker"] for row in day.portfolio]
    if not tickers or not day.index_divisor or not all(each in day.closes for each in tickers):
        return None
    value = sum(
        row["theoretical_quantity"] * Fraction(day.closes[row["ticker"]]) for row in day.portfolio
    )
    return cut(value / Fraction(day.index_divisor), 2)


def reconcile(index: Row | None, constituents: Iterable[Row]) -> Reconciliation | None:
    """Return what the reconciliation says of the session; None where it was not reconciled.

    Args:
        index: The row of `index_reconciliation`.
        constituents: Rows of `constituent_reconciliation`.
    """
    if index is None:
        return None
    return Reconciliation(
        verdict=index["verdict"],
        computed_level=index["computed_level"],
        published_level=index["published_level"],
        difference=index["difference"],
        reason=index["reason"],
        outside_count=sum(row["verdict"] == "outside" for row in constituents),
    )
