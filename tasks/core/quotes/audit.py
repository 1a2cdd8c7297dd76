"""The audit of a refined month of quotes: what must hold before anybody may read it.

It computes from raw, column by column in Arrow, what the Glue job computed in Spark, and
compares. Raw is looked at a session at a time.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.checks import Check, compare, none_of
from tasks.core.quotes.instruments import instrument_kinds, lots

CASH = "010"
NO_EXPIRY = dt.date(9999, 12, 31)
_KEY = ("ticker", "market_type", "forward_days")
_RENAMED = {
    "trading_date": "data",
    "ticker": "codneg",
    "market_type": "tpmerc",
    "bdi_code": "codbdi",
    "issuer_name": "nomres",
    "specification": "especi",
    "currency": "modref",
    "trade_count": "totneg",
    "quantity": "quatot",
    "volume": "voltot",
    "quote_factor": "fatcot",
    "isin": "codisi",
    "distribution_number": "dismes",
}
_PRICES = {
    "open_price": "preabe",
    "high_price": "premax",
    "low_price": "premin",
    "average_price": "premed",
    "close_price": "preult",
    "best_bid_price": "preofc",
    "best_ask_price": "preofv",
}
_NULL_IF_ZERO = {"strike_price": "preexe", "strike_points": "ptoexe"}


@dataclass
class _Findings:
    """What the sessions of a month were found to be, gathered one by one."""

    dates: list[dt.date] = field(default_factory=list)
    expected_count: int = 0
    expected_quantity: Decimal = Decimal(0)
    expected_volume: Decimal = Decimal(0)
    differences: list[str] = field(default_factory=list)

    def add(self, date: dt.date, raw: pa.Table, daily: pa.Table) -> None:
        self.dates.append(date)
        self.expected_count += len(raw)
        self.expected_quantity += _exact_sum(raw["quatot"])
        self.expected_volume += _exact_sum(raw["voltot"])
        self.differences += session_differences(date, raw, daily)


def audit_quotes_month(
    raw: Iterable[tuple[dt.date, pa.Table]],
    daily: pa.Table,
    monthly: pa.Table,
    published_dates: Collection[dt.date],
) -> list[Check]:
    """Check what a run refined of one month.

    Args:
        raw: Every session that raw holds of the month, with its records.
        daily: The rows of `quotes_daily`, without partition keys.
        monthly: The rows of `quotes_monthly`, likewise.
        published_dates: The sessions of the month that readers see now.

    Returns:
        One verdict a check.
    """
    if not len(daily):
        return [compare("daily_has_rows", "rows of every session of raw", "no row")]
    found = _Findings()
    for date, table in raw:
        found.add(date, table, daily.filter(pc.equal(daily["trading_date"], date)))
    dates = set(daily["trading_date"].unique().to_pylist())
    return [
        compare("daily_has_the_sessions_of_raw", _days(found.dates), _days(dates)),
        none_of(
            "published_sessions_stay",
            "every published session in the new run",
            sorted(set(published_dates) - dates),
        ),
        compare("record_count_equals_raw", found.expected_count, len(daily)),
        compare("quantities_sum_to_raw", found.expected_quantity, _exact_sum(daily["quantity"])),
        compare("volumes_sum_to_raw", found.expected_volume, _exact_sum(daily["volume"])),
        _check_key("quotes_daily", daily, ["trading_date", *_KEY]),
        _check_key("quotes_monthly", monthly, ["ticker", "currency"]),
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


def _check_key(table: str, rows: pa.Table, key: list[str]) -> Check:
    counts = rows.group_by(key).aggregate([([], "count_all")])
    doubles = counts.filter(pc.greater(counts["count_all"], 1)).slice(0, 10).to_pylist()
    named = [" ".join(str(row[name]) for name in key) for row in doubles]
    return none_of(f"{table}_key_is_unique", "no key twice", named)


def expected_daily(raw: pa.Table) -> pa.Table:
    """Return the columns of `quotes_daily` that a session of raw must give, but for the prices."""
    columns = {name: raw[source] for name, source in _RENAMED.items()}
    columns |= {
        name: pc.if_else(pc.equal(raw[source], _zero(raw[source])), None, raw[source])
        for name, source in _NULL_IF_ZERO.items()
    }
    is_blank = pc.equal(raw["prazot"], "")
    has_no_expiry = pc.equal(raw["datven"], pa.scalar(NO_EXPIRY, pa.date32()))
    columns |= {
        "forward_days": pc.if_else(is_blank, None, raw["prazot"]).cast(pa.int32()),
        "expiry_date": pc.if_else(has_no_expiry, None, raw["datven"]),
        "instrument_kind": instrument_kinds(raw["tpmerc"], raw["especi"], raw["codbdi"]),
        "lot": lots(raw["tpmerc"]),
    }
    return pa.table(columns)


def _zero(column: pa.ChunkedArray) -> pa.Scalar:
    return pa.scalar(Decimal(0), column.type)


def session_differences(date: dt.date, raw: pa.Table, daily: pa.Table) -> list[str]:
    """Name the columns in which a session of `quotes_daily` differs from raw, with a ticker."""
    if len(raw) != len(daily):
        return [f"{date}: {len(raw)} records in raw, {len(daily)} in the run"]
    expected = expected_daily(raw)
    prices = {source: raw[source] for source in _PRICES.values()}
    expected = _in_order(
        pa.table({name: expected[name] for name in expected.column_names} | prices)
    )
    daily = _in_order(daily)
    names = [name for name in expected.column_names if name not in prices]
    equal = {name: _is_same(expected[name], daily[name]) for name in names}
    equal |= {
        name: _is_unit_price(expected[source], daily[name], daily["quote_factor"])
        for name, source in _PRICES.items()
    }
    return [
        f"{date}: {name} of {expected['ticker'][pc.index(same, False).as_py()]}"
        for name, same in equal.items()
        if not pc.all(same).as_py()
    ]


def _in_order(rows: pa.Table) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in _KEY])


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


def expected_monthly(daily: pa.Table) -> pa.Table:
    """Return the rows of `quotes_monthly` that the daily rows of one month must give."""
    key = ["ticker", "currency"]
    cash = daily.filter(pc.equal(daily["market_type"], CASH))
    cash = cash.sort_by([(name, "ascending") for name in (*key, "trading_date")])
    cash = cash.append_column("row", pa.array(range(len(cash)), pa.int64()))
    groups = cash.group_by(key, use_threads=False).aggregate(
        [
            ("row", "min"),
            ("row", "max"),
            ("row", "count"),
            ("high_price", "max"),
            ("low_price", "min"),
            ("trade_count", "sum"),
            ("quantity", "sum"),
            ("volume", "sum"),
        ]
    )
    first, last = cash.take(groups["row_min"]), cash.take(groups["row_max"])
    return pa.table(
        {
            "ticker": groups["ticker"],
            "currency": groups["currency"],
            "issuer_name": last["issuer_name"],
            "session_count": groups["row_count"],
            "first_trading_date": first["trading_date"],
            "last_trading_date": last["trading_date"],
            "open_price": first["open_price"],
            "high_price": groups["high_price_max"],
            "low_price": groups["low_price_min"],
            "close_price": last["close_price"],
            "trade_count": groups["trade_count_sum"],
            "quantity": groups["quantity_sum"],
            "volume": groups["volume_sum"],
        }
    )


def monthly_differences(daily: pa.Table, monthly: pa.Table) -> list[str]:
    """Name the columns in which `quotes_monthly` differs from the daily rows, with a ticker."""
    order = [("ticker", "ascending"), ("currency", "ascending")]
    expected, found = expected_monthly(daily).sort_by(order), monthly.sort_by(order)
    if len(expected) != len(found):
        return [f"{len(expected)} tickers expected, {len(found)} found"]
    equal = {name: _is_same(expected[name], found[name]) for name in expected.column_names}
    return [
        f"{name} of {expected['ticker'][pc.index(same, False).as_py()]}"
        for name, same in equal.items()
        if not pc.all(same).as_py()
    ]
