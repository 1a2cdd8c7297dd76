"""The audit of a refined month of quotes: what must hold before anybody may read it.

It compares what the Glue job computed in Spark with what `expected` computes from raw. Raw is
looked at a session at a time, and the month is sorted by its key once: by row numbers, so that no
second copy of it is made.
"""

import datetime as dt
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.checks import Check, compare, none_of
from tasks.core.quotes.expected import (
    DAILY_KEY,
    MONTHLY_KEY,
    PRICES,
    expected_daily,
    expected_monthly,
    order_by,
)


@dataclass
class _Findings:
    """What the sessions of a month were found to be, gathered one by one."""

    dates: list[dt.date] = field(default_factory=list)
    expected_count: int = 0
    expected_quantity: Decimal = Decimal(0)
    expected_volume: Decimal = Decimal(0)
    differences: list[str] = field(default_factory=list)

    def add(self, date: dt.date, raw: pa.Table, daily: pa.Table, rows: pa.Array) -> None:
        self.dates.append(date)
        self.expected_count += len(raw)
        self.expected_quantity += _exact_sum(raw["quatot"])
        self.expected_volume += _exact_sum(raw["voltot"])
        self.differences += session_differences(date, raw, daily, rows)


def audit_quotes_month(
    raw: Iterable[tuple[dt.date, pa.Table]],
    daily: pa.Table,
    monthly: pa.Table,
) -> list[Check]:
    """Check what a run refined of one month.

    Args:
        raw: Every session that raw holds of the month, with its records.
        daily: The rows of `quotes_daily`, without partition keys.
        monthly: The rows of `quotes_monthly`, likewise.

    Returns:
        One verdict a check.
    """
    if not len(daily):
        return [compare("daily_has_rows", "rows of every session of raw", "no row")]
    order = order_by(daily, DAILY_KEY)
    sessions = _split_sessions(daily["trading_date"], order)
    found = _Findings()
    for date, table in raw:
        found.add(date, table, daily, sessions.get(date, order.slice(0, 0)))
    dates = sessions.keys()
    return [
        compare("daily_has_the_sessions_of_raw", _days(found.dates), _days(dates)),
        compare("record_count_equals_raw", found.expected_count, len(daily)),
        compare("quantities_sum_to_raw", found.expected_quantity, _exact_sum(daily["quantity"])),
        compare("volumes_sum_to_raw", found.expected_volume, _exact_sum(daily["volume"])),
        _check_key("quotes_daily", daily, DAILY_KEY, order),
        _check_key("quotes_monthly", monthly, MONTHLY_KEY, order_by(monthly, MONTHLY_KEY)),
        none_of("daily_equals_raw", "the records of raw", found.differences),
        none_of(
            "monthly_agrees_with_daily", "daily's figures", monthly_differences(daily, monthly)
        ),
    ]


def _days(dates: Iterable[dt.date]) -> str:
    return ", ".join(map(str, sorted(dates))) or "none"


def _exact_sum(column: pa.ChunkedArray) -> Decimal:
    """Sum as decimals: a few quantities of 18 digits may overflow 64 bits."""
    scale = getattr(column.type, "scale", 0)
    total = pc.sum(column.cast(pa.decimal128(38, scale))).as_py()
    return Decimal(0) if total is None else Decimal(total)


def _split_sessions(dates: pa.ChunkedArray, order: pa.Array) -> dict[dt.date, pa.Array]:
    """Split the numbers of rows, which are in the order of the dates, by date."""
    counts = {
        row["values"]: row["counts"] for row in pc.value_counts(dates.drop_null()).to_pylist()
    }
    sessions, start = {}, 0
    for date in sorted(counts):
        sessions[date] = order.slice(start, counts[date])
        start += counts[date]
    return sessions


def _check_key(table: str, rows: pa.Table, key: Sequence[str], order: pa.Array) -> Check:
    """Check that no two rows have the same key: in its order they would be neighbours."""
    pairs = max(0, len(rows) - 1)
    columns = (rows[name].take(order) for name in key)
    is_double = functools.reduce(
        pc.and_, (_is_same(column.slice(1), column.slice(0, pairs)) for column in columns)
    )
    doubles = rows.select(list(key)).take(order.slice(1).filter(is_double).slice(0, 10))
    named = [" ".join(str(row[name]) for name in key) for row in doubles.to_pylist()]
    return none_of(f"{table}_key_is_unique", "no key twice", dict.fromkeys(named))


def session_differences(date: dt.date, raw: pa.Table, daily: pa.Table, rows: pa.Array) -> list[str]:
    """Name the columns in which a session of `quotes_daily` differs from raw, with a ticker.

    Args:
        date: The session.
        raw: Its records.
        daily: The rows of `quotes_daily`, of any session.
        rows: The numbers of those that are of this session, in the order of the key.
    """
    if len(raw) != len(rows):
        return [f"{date}: {len(raw)} records in raw, {len(rows)} in the run"]
    expected = expected_daily(raw)
    order = order_by(expected, DAILY_KEY)
    factor = daily["quote_factor"].take(rows)
    equal = {
        name: _is_same(expected[name].take(order), daily[name].take(rows))
        for name in expected.column_names
    }
    equal |= {
        name: _is_unit_price(raw[source].take(order), daily[name].take(rows), factor)
        for name, source in PRICES.items()
    }
    return [
        f"{date}: {name} of {expected['ticker'][order[pc.index(same, False).as_py()].as_py()]}"
        for name, same in equal.items()
        if not pc.all(same, min_count=0).as_py()
    ]


def _is_same(expected: Any, found: Any) -> Any:
    """Compare two columns row by row; two nulls are the same."""
    both_null = pc.and_(pc.is_null(expected), pc.is_null(found))
    same = pc.equal(expected.cast(found.type), found)
    return pc.or_(both_null, pc.fill_null(same, False))  # noqa: FBT003 - an Arrow value


def _is_unit_price(expected: Any, found: Any, factor: Any) -> Any:
    """Compare B3's price with the unit price times the quote factor, exactly; null is 0."""
    pieces = factor.cast(pa.decimal128(19, 0)).cast(pa.decimal128(7, 0))
    whole = pc.multiply(pc.fill_null(found.cast(pa.decimal128(19, 8)), Decimal(0)), pieces)
    return pc.fill_null(pc.equal(expected.cast(whole.type), whole), False)  # noqa: FBT003


def monthly_differences(daily: pa.Table, monthly: pa.Table) -> list[str]:
    """Name the columns in which `quotes_monthly` differs from the daily rows, with a ticker."""
    expected = expected_monthly(daily)
    expected = expected.take(order_by(expected, MONTHLY_KEY))
    found = monthly.take(order_by(monthly, MONTHLY_KEY))
    if len(expected) != len(found):
        return [f"{len(expected)} tickers expected, {len(found)} found"]
    equal = {name: _is_same(expected[name], found[name]) for name in expected.column_names}
    return [
        f"{name} of {expected['ticker'][pc.index(same, False).as_py()]}"
        for name, same in equal.items()
        if not pc.all(same, min_count=0).as_py()
    ]
