"""The audit of a refined month of quotes: what must hold before anybody may read it.

It compares what the Glue job computed in Spark with what `expected` computes from raw. Raw is
looked at a session at a time, and the month is sorted by its key once: by row numbers, so that no
second copy of it is made.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.checks import Check, compare, none_of
from tasks.core.quotes.expected import (
    DAILY_KEY,
    MONTHLY_KEY,
    NULL_PRICES,
    PRICES,
    doubled_rows,
    expected_daily,
    expected_monthly,
    is_same,
    order_by,
    order_wholly,
    with_lot_prices,
)
from tasks.core.wording import count, every

_MOST_NAMED = 10_000  # of keys that stand twice: one is a fault already


@dataclass
class _Findings:
    """What the sessions of a month were found to be, gathered one by one."""

    dates: list[dt.date] = field(default_factory=list)
    expected_count: int = 0
    expected_quantity: Decimal = Decimal(0)
    expected_volume: Decimal = Decimal(0)
    differences: list[str] = field(default_factory=list)
    repeated: Counter[str] = field(default_factory=Counter)

    def add(self, date: dt.date, raw: pa.Table, daily: pa.Table, rows: pa.Array) -> None:
        self.dates.append(date)
        self.expected_count += len(raw)
        self.expected_quantity += _exact_sum(raw["quatot"])
        self.expected_volume += _exact_sum(raw["voltot"])
        expected = expected_daily(raw)
        order = order_by(expected, DAILY_KEY)
        doubles = doubled_rows(expected, DAILY_KEY, order)
        self.repeated.update(_name_keys(expected, DAILY_KEY, doubles))
        if len(raw) != len(rows):
            difference = f"{date}: {len(raw)} records in raw, {len(rows)} in the run"
            self.differences.append(difference)
            return
        if len(doubles):  # the key alone does not say which is which
            order = order_wholly(with_lot_prices(expected, raw))
            rows = rows.take(order_wholly(daily.take(rows)))
        self.differences += _session_differences(
            date, (expected.take(order), raw.take(order)), daily.take(rows)
        )


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
    rows = count(len(daily), "row")
    quantity, volume = _exact_sum(daily["quantity"]), _exact_sum(daily["volume"])
    return [
        _check_sessions(found.dates, sessions.keys()),
        compare("record_count_equals_raw", count(found.expected_count, "row"), rows),
        compare("quantities_sum_to_raw", found.expected_quantity, quantity, f"in {rows}"),
        compare("volumes_sum_to_raw", found.expected_volume, volume, f"in {rows}"),
        _check_key("quotes_daily", daily, DAILY_KEY, order, found.repeated),
        _check_key("quotes_monthly", monthly, MONTHLY_KEY, order_by(monthly, MONTHLY_KEY)),
        none_of(
            "daily_equals_raw",
            "the records of raw",
            found.differences,
            f"{every(len(daily), 'row')} equal",
        ),
        none_of(
            "monthly_agrees_with_daily",
            "daily's figures",
            monthly_differences(daily, monthly),
            f"{every(len(monthly), 'row')} equal",
        ),
    ]


def _check_sessions(held: Iterable[dt.date], found: Iterable[dt.date]) -> Check:
    wanted, there = Counter(held), Counter(found)
    missing = [f"{day} is missing" for day in (wanted - there).elements()]
    stray = [f"{day} is not in raw" for day in (there - wanted).elements()]
    return none_of(
        "daily_has_the_sessions_of_raw",
        "every session of raw, and no other",
        sorted(missing + stray),
        every(wanted.total(), "session"),
    )


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


def _check_key(
    table: str,
    rows: pa.Table,
    key: Sequence[str],
    order: pa.Array,
    repeated: Mapping[str, int] | None = None,
) -> Check:
    """Check that no two rows have the same key but where raw itself repeats it, which is told."""
    doubles = doubled_rows(rows, key, order).slice(0, _MOST_NAMED)
    found, known = Counter(_name_keys(rows, key, doubles)), Counter(repeated or {})
    name = f"{table}_key_is_unique"
    looked_at = f"in {count(len(rows), 'row')}"
    if known and not found - known:
        return Check(
            name,
            "no key twice that raw holds once",
            f"{count(len(known), 'key')} repeated as in raw, {looked_at}",
            has_passed=True,
            remark=f"raw itself repeats {', '.join(sorted(known))}",
        )
    return none_of(name, "no key twice", found - known, f"no key twice {looked_at}")


def _name_keys(rows: pa.Table, key: Sequence[str], numbers: pa.Array) -> list[str]:
    keys = rows.select(list(key)).take(numbers).to_pylist()
    return [" ".join(str(value) for value in row.values() if value is not None) for row in keys]


def _session_differences(
    date: dt.date, expected: tuple[pa.Table, pa.Table], found: pa.Table
) -> list[str]:
    """Name the columns in which a session of `quotes_daily` differs from raw, with a ticker.

    Args:
        date: The session.
        expected: What it has to be but for the prices, and raw, which has them for a lot.
        found: The rows, in the same order.
    """
    rows, raw = expected
    equal = {name: is_same(rows[name], found[name]) for name in rows.column_names}
    equal |= {
        name: _is_unit_price(
            raw[source], found[name], raw["fatcot"], zero_is_null=name in NULL_PRICES
        )
        for name, source in PRICES.items()
    }
    return [
        f"{date}: {name} of {rows['ticker'][pc.index(same, False).as_py()]}"
        for name, same in equal.items()
        if not pc.all(same, min_count=0).as_py()
    ]


def _is_unit_price(expected: Any, found: Any, factor: Any, *, zero_is_null: bool) -> Any:
    """Compare B3's price with the unit price times the quote factor.

    They may differ by less than one in the unit price's last decimal: by nothing, where that has
    room for the quotient.
    """
    pieces = factor.cast(pa.decimal128(19, 0)).cast(pa.decimal128(7, 0))
    whole = pc.multiply(pc.fill_null(found.cast(pa.decimal128(19, 8)), Decimal(0)), pieces)
    difference = pc.abs(pc.subtract(expected.cast(whole.type), whole))
    last_decimal = pc.multiply(pieces, pa.scalar(Decimal("0.00000001")))
    is_near = pc.less(difference, last_decimal)
    is_zero = pc.equal(expected, pa.scalar(Decimal(0), expected.type))
    is_none = pc.and_(is_zero, pa.scalar(zero_is_null))
    return pc.and_(is_near, pc.equal(pc.is_null(found), is_none))


def monthly_differences(daily: pa.Table, monthly: pa.Table) -> list[str]:
    """Name the columns in which `quotes_monthly` differs from the daily rows, with a ticker."""
    expected = expected_monthly(daily)
    expected = expected.take(order_by(expected, MONTHLY_KEY))
    found = monthly.take(order_by(monthly, MONTHLY_KEY))
    if len(expected) != len(found):
        return [f"{len(expected)} tickers expected, {len(found)} found"]
    equal = {name: is_same(expected[name], found[name]) for name in expected.column_names}
    return [
        f"{name} of {expected['ticker'][pc.index(same, False).as_py()]}"
        for name, same in equal.items()
        if not pc.all(same, min_count=0).as_py()
    ]
