"""The audit of a refined month: what must hold before anybody may read it.

It computes from raw, in plain Python, what the Glue job computed in Spark, and compares.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tasks.core.checks import Check, compare, none_of
from tasks.core.portfolio.model import WHOLE_PCT, Constituent, RawSession
from tasks.core.portfolio.tables import (
    PORTFOLIO_DAILY,
    PORTFOLIO_DAILY_SUMMARY,
    PORTFOLIO_MONTHLY,
)

Row = Mapping[str, Any]


def audit_portfolio_month(
    raw: Sequence[RawSession],
    refined: Mapping[str, Sequence[Row]],
    published_dates: Collection[dt.date],
) -> list[Check]:
    """Check what a run refined of one index and month.

    Args:
        raw: Every session that raw holds of the month.
        refined: `{table: rows}` of the three refined tables, without partition keys.
        published_dates: The sessions of the month that readers see now.

    Returns:
        One verdict a check.
    """
    daily = refined[PORTFOLIO_DAILY.name]
    summary = refined[PORTFOLIO_DAILY_SUMMARY.name]
    monthly = refined[PORTFOLIO_MONTHLY.name]
    raw_dates = {session.portfolio.trading_date for session in raw}
    return [
        compare("daily_has_the_sessions_of_raw", _days(raw_dates), _days(_dates(daily))),
        compare("summary_has_the_sessions_of_raw", _days(raw_dates), _days(_dates(summary))),
        none_of(
            "published_sessions_stay",
            "every published session in the new run",
            sorted(set(published_dates) - _dates(daily)),
        ),
        *(
            _check_key(table.name, table.key, refined[table.name])
            for table in (PORTFOLIO_DAILY, PORTFOLIO_DAILY_SUMMARY, PORTFOLIO_MONTHLY)
        ),
        none_of("daily_weights_sum_to_100", f"{WHOLE_PCT} a session", _wrong_weight_sums(daily)),
        none_of("daily_equals_raw", "the constituents of raw", _daily_differences(raw, daily)),
        none_of("summary_equals_header", "B3's header", _summary_differences(raw, summary)),
        none_of(
            "monthly_agrees_with_daily", "daily's figures", _monthly_differences(daily, monthly)
        ),
    ]


def _dates(rows: Iterable[Row]) -> set[dt.date]:
    return {row["trading_date"] for row in rows}


def _days(dates: Collection[dt.date]) -> str:
    return ", ".join(str(date) for date in sorted(dates)) or "none"


def _check_key(table: str, key: Sequence[str], rows: Sequence[Row]) -> Check:
    stored = [name for name in key if name not in ("index_code", "month")]  # one partition
    counts = Counter(tuple(str(row[name]) for name in stored) for row in rows)
    doubles = [" ".join(values) for values, count in counts.items() if count > 1]
    return none_of(f"{table}_key_is_unique", "no key twice", doubles)


def _wrong_weight_sums(daily: Iterable[Row]) -> list[str]:
    sums: dict[dt.date, Decimal] = defaultdict(Decimal)
    for row in daily:
        sums[row["trading_date"]] += row["weight_pct"]
    return [f"{date}: {total}" for date, total in sorted(sums.items()) if total != WHOLE_PCT]


def _daily_differences(raw: Iterable[RawSession], daily: Iterable[Row]) -> list[str]:
    columns = list(PORTFOLIO_DAILY.types())
    expected = Counter(tuple(r[c] for c in columns) for s in raw for r in expected_daily(s))
    found = Counter(tuple(row[c] for c in columns) for row in daily)
    wrong = sorted({(str(row[0]), row[1]) for row in [*(expected - found), *(found - expected)]})
    return [f"{date} {ticker}" for date, ticker in wrong]


def expected_daily(session: RawSession) -> list[dict[str, Any]]:
    """Return the rows of `portfolio_daily` that one session of raw must give."""
    portfolio = session.portfolio
    weights = [row.weight_pct for row in portfolio.constituents]

    def daily_row(row: Constituent) -> dict[str, Any]:
        return {
            "trading_date": portfolio.trading_date,
            "ticker": row.ticker,
            "asset_name": row.asset_name,
            "share_class": row.share_class,
            "corporate_event": row.corporate_event,
            "listing_segment": row.listing_segment,
            "sector": row.sector,
            "theoretical_quantity": row.theoretical_quantity,
            "weight_pct": row.weight_pct,
            "weight_rank": 1 + sum(weight > row.weight_pct for weight in weights),
            "extracted_at": session.extracted_at,
        }

    return [daily_row(row) for row in portfolio.constituents]


def expected_summary(session: RawSession) -> dict[str, Any]:
    """Return the row of `portfolio_daily_summary` that one session of raw must give."""
    portfolio = session.portfolio
    heaviest = sorted((row.weight_pct for row in portfolio.constituents), reverse=True)[:5]
    return {
        "trading_date": portfolio.trading_date,
        "constituent_count": len(portfolio.constituents),
        "total_theoretical_quantity": portfolio.total_theoretical_quantity,
        "total_weight_pct": portfolio.total_weight_pct,
        "index_divisor": portfolio.index_divisor,
        "top5_weight_pct": sum(heaviest, Decimal(0)),
        "extracted_at": session.extracted_at,
    }


def _summary_differences(raw: Iterable[RawSession], summary: Iterable[Row]) -> list[str]:
    found = {row["trading_date"]: row for row in summary}
    differences = []
    for expected in map(expected_summary, raw):
        row = found.get(expected["trading_date"], {})
        differences += [
            f"{expected['trading_date']} {name} {value}, not {row.get(name)}"
            for name, value in expected.items()
            if row.get(name) != value
        ]
    return differences


def expected_monthly(daily: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """Return `{ticker: row}` of `portfolio_monthly` that the daily rows of one month must give."""
    by_ticker: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(daily, key=lambda row: row["trading_date"]):
        by_ticker[row["ticker"]].append(row)
    return {ticker: _monthly_row(rows) for ticker, rows in by_ticker.items()}


def _monthly_row(rows: Sequence[Row]) -> dict[str, Any]:
    weights = [row["weight_pct"] for row in rows]
    quantities = [row["theoretical_quantity"] for row in rows]
    first, last = rows[0], rows[-1]
    return {
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


def _monthly_differences(daily: Iterable[Row], monthly: Iterable[Row]) -> list[str]:
    expected = expected_monthly(daily)
    found = {row["ticker"]: dict(row) for row in monthly}
    tickers = sorted(expected.keys() | found.keys())
    return [ticker for ticker in tickers if expected.get(ticker) != found.get(ticker)]
