"""What a month of portfolios must be made into, computed from raw in plain Python."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tasks.core.portfolio.model import Constituent, RawSession

Row = Mapping[str, Any]
_SHOWN = ("index_code", "cod", "asset", "type", "theorical_qty", "part")


def expected_daily(session: RawSession) -> list[dict[str, Any]]:
    """Return the rows of `portfolio_daily` that one session of raw must give."""
    portfolio = session.portfolio
    ranks: dict[Decimal, int] = {}
    weights = sorted((row.weight_pct for row in portfolio.constituents), reverse=True)
    for rank, weight in enumerate(weights, start=1):
        ranks.setdefault(weight, rank)

    def daily_row(row: Constituent) -> dict[str, Any]:
        return {
            "index_code": portfolio.index_code,
            "trading_date": portfolio.trading_date,
            "ticker": row.ticker,
            "asset_name": row.asset_name,
            "share_class": row.share_class,
            "corporate_event": row.corporate_event,
            "listing_segment": row.listing_segment,
            "sector": row.sector,
            "theoretical_quantity": row.theoretical_quantity,
            "weight_pct": row.weight_pct,
            "weight_rank": ranks[row.weight_pct],
            "extracted_at": session.extracted_at,
        }

    return [daily_row(row) for row in portfolio.constituents]


def expected_summary(session: RawSession) -> dict[str, Any]:
    """Return the row of `portfolio_daily_summary` that one session of raw must give."""
    portfolio = session.portfolio
    heaviest = sorted((row.weight_pct for row in portfolio.constituents), reverse=True)[:5]
    return {
        "index_code": portfolio.index_code,
        "trading_date": portfolio.trading_date,
        "constituent_count": len(portfolio.constituents),
        "total_theoretical_quantity": portfolio.total_theoretical_quantity,
        "total_weight_pct": portfolio.total_weight_pct,
        "index_divisor": portfolio.index_divisor,
        "top5_weight_pct": sum(heaviest, Decimal(0)),
        "extracted_at": session.extracted_at,
    }


def expected_monthly(daily: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the rows of `portfolio_monthly` that the daily rows of one month must give."""
    held: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(daily, key=lambda row: row["trading_date"]):
        held[row["index_code"], row["ticker"]].append(row)
    return [_monthly_row(rows) for _, rows in sorted(held.items())]


def _monthly_row(rows: Sequence[Row]) -> dict[str, Any]:
    weights = [row["weight_pct"] for row in rows]
    quantities = [row["theoretical_quantity"] for row in rows]
    first, last = rows[0], rows[-1]
    return {
        "index_code": first["index_code"],
        "ticker": first["ticker"],
        "asset_name": last["asset_name"],
        "session_count": len(rows),
        "first_trading_date": first["trading_date"],
        "last_trading_date": last["trading_date"],
        "days_between": (last["trading_date"] - first["trading_date"]).days,
        "avg_weight_pct": _mean(weights, Decimal("1e-7")),
        "min_weight_pct": min(weights),
        "max_weight_pct": max(weights),
        "avg_theoretical_quantity": _mean(quantities, Decimal("1e-4")),
        "min_theoretical_quantity": min(quantities),
        "max_theoretical_quantity": max(quantities),
    }


def _mean(values: Sequence[Decimal | int], unit: Decimal) -> Decimal:
    return (Decimal(sum(values)) / len(values)).quantize(unit, ROUND_HALF_UP)


class ShownRows:
    """The rows that B3 showed of the period or of previews, and from when to when in a month."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[Any, ...], list[dt.date]] = {}

    def add(self, trading_date: dt.date, rows: Any) -> None:
        """Take in one raw object (`pyarrow.Table`)."""
        columns = (rows[name].to_pylist() for name in _SHOWN)
        for row in zip(*columns, strict=True):
            self._sessions.setdefault(row, []).append(trading_date)

    def spans(self) -> list[tuple[Any, ...]]:
        """Return each row with its first and last session."""
        return [(*row, min(days), max(days)) for row, days in self._sessions.items()]
