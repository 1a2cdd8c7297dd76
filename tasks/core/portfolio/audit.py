"""The audit of a refined month of all indices: what must hold before anybody may read it.

It computes from raw, in plain Python, what the Glue job computed in Spark, and compares. Raw is
taken one object at a time and refined rows are tuples, for 40 indices have 80,000 in a month.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tasks.core.checks import Check, none_of
from tasks.core.dataset import Table
from tasks.core.portfolio.model import WHOLE_PCT, Constituent, RawSession, from_raw_rows
from tasks.core.portfolio.tables import (
    PORTFOLIO_DAILY,
    PORTFOLIO_DAILY_SUMMARY,
    PORTFOLIO_MONTHLY,
    RAW_PORTFOLIO,
)

Row = Mapping[str, Any]
Values = tuple[Any, ...]
Session = tuple[str, dt.date]
_TABLES = (PORTFOLIO_DAILY, PORTFOLIO_DAILY_SUMMARY, PORTFOLIO_MONTHLY)
_OF_MONTH = (
    "index_code",
    "trading_date",
    "ticker",
    "asset_name",
    "weight_pct",
    "theoretical_quantity",
)


def audit_portfolio_month(
    raw: Iterable[tuple[dt.date, Any]], refined: Mapping[str, Any]
) -> list[Check]:
    """Check what a run refined of a month, of whatever indices raw holds.

    Args:
        raw: Every raw object of the month, as its session and its rows (`pyarrow.Table`).
        refined: `{table: rows}` of the three refined tables, likewise, without the month.

    Returns:
        One verdict a check.
    """
    daily, summary, monthly = (_rows(table, refined[table.name]) for table in _TABLES)
    found = _by_session(daily)
    held: list[Session] = []
    unread: list[dt.date] = []
    daily_differences: list[str] = []
    summaries: list[Values] = []
    for day, rows in raw:
        if not len(rows) or not RAW_PORTFOLIO.types().keys() <= set(rows.column_names):
            unread.append(day)
            continue
        session = from_raw_rows(day, rows.to_pylist())
        held.append((session.portfolio.index_code, day))
        summaries.append(tuple(expected_summary(session).values()))
        expected = [tuple(row.values()) for row in expected_daily(session)]
        daily_differences += _differences(PORTFOLIO_DAILY, expected, found.get(held[-1], []))
    stray = [row for key in found.keys() - set(held) for row in found[key]]
    months = [tuple(row.values()) for row in expected_monthly(_of_month(daily))]
    return [
        none_of("raw_objects_hold_rows", "B3's fields in each raw object", unread),
        none_of("columns_are_there", "the columns of each table", _missing_columns(refined)),
        _check_sessions("daily", held, found),
        _check_sessions("summary", held, _by_session(summary)),
        *map(_check_key, _TABLES, (daily, summary, monthly)),
        none_of("daily_weights_sum_to_100", f"{WHOLE_PCT} a session", _wrong_weight_sums(found)),
        none_of(
            "daily_equals_raw",
            "the constituents of raw",
            sorted(daily_differences + _differences(PORTFOLIO_DAILY, [], stray)),
        ),
        none_of("summary_equals_header", "B3's header", _summary_differences(summaries, summary)),
        none_of(
            "monthly_agrees_with_daily",
            "daily's figures",
            _differences(PORTFOLIO_MONTHLY, months, monthly),
        ),
    ]


def _rows(table: Table, rows: Any) -> list[Values]:
    """Return rows in the order of the table's columns; a column that is not there has nulls."""
    columns = [
        rows[name].to_pylist() if name in rows.column_names else [None] * len(rows)
        for name in table.types()
    ]
    return list(zip(*columns, strict=True))


def _missing_columns(refined: Mapping[str, Any]) -> list[str]:
    return [
        f"{table.name}.{name}"
        for table in _TABLES
        for name in table.types()
        if name not in refined[table.name].column_names
    ]


def _of_month(daily: Iterable[Values]) -> Iterator[Row]:
    """Yield what the month is made of, in rows that lack nothing of it."""
    places = {name: list(PORTFOLIO_DAILY.types()).index(name) for name in _OF_MONTH}
    for values in daily:
        row = {name: values[place] for name, place in places.items()}
        if None not in row.values():
            yield row


def _by_session(rows: Iterable[Values]) -> dict[Session, list[Values]]:
    """Return the rows of a table that begins with index and session."""
    by_session: dict[Session, list[Values]] = defaultdict(list)
    for row in rows:
        by_session[row[:2]].append(row)
    return by_session


def _check_sessions(name: str, held: Iterable[Session], found: Mapping[Session, Any]) -> Check:
    missing = [(*_words(session), "is missing") for session in set(held) - found.keys()]
    stray = [(*_words(session), "is not in raw") for session in found.keys() - set(held)]
    return none_of(
        f"{name}_has_the_sessions_of_raw",
        "every session of each index, and no other",
        map(" ".join, sorted(missing + stray)),
    )


def _words(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(map(str, values))


def _key(table: Table, row: Values) -> str:
    """Return the values of a table's key in a row; all are of one month."""
    names = list(table.types())
    return " ".join(_words(row[names.index(name)] for name in table.key if name in names))


def _check_key(table: Table, rows: Iterable[Values]) -> Check:
    counts = Counter(_key(table, row) for row in rows)
    doubles = sorted(key for key, count in counts.items() if count > 1)
    return none_of(f"{table.name}_key_is_unique", "no key twice", doubles)


def _differences(table: Table, expected: list[Values], found: list[Values]) -> list[str]:
    """Return the keys of rows that one side has and the other has not, or not as often."""
    there, here = Counter(expected), Counter(found)
    return sorted({_key(table, row) for row in [*(there - here), *(here - there)]})


def _wrong_weight_sums(daily: Mapping[Session, Sequence[Values]]) -> list[str]:
    place = list(PORTFOLIO_DAILY.types()).index("weight_pct")
    sums = {
        " ".join(_words(session)): sum(row[place] for row in rows if row[place] is not None)
        for session, rows in daily.items()
    }
    return [f"{session}: {total}" for session, total in sorted(sums.items()) if total != WHOLE_PCT]


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


def _summary_differences(expected: Iterable[Values], found: Iterable[Values]) -> list[str]:
    names = list(PORTFOLIO_DAILY_SUMMARY.types())
    rows = {row[:2]: row for row in found}
    differences = []
    for right in sorted(expected):
        row = rows.get(right[:2], (None,) * len(names))
        differences += [
            f"{right[0]} {right[1]} {name} {value}, not {row[place]}"
            for place, (name, value) in enumerate(zip(names, right, strict=True))
            if row[place] != value
        ]
    return differences


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
