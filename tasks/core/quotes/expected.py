"""What a month of quotes must be made into, computed from raw, column by column in Arrow."""

import datetime as dt
import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.quotes.instruments import instrument_kinds, lots

CASH = "010"
NO_EXPIRY = dt.date(9999, 12, 31)
DAILY_KEY = ("trading_date", "ticker", "market_type", "forward_days")
MONTHLY_KEY = ("ticker", "currency")
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
PRICES = {
    "open_price": "preabe",
    "high_price": "premax",
    "low_price": "premin",
    "average_price": "premed",
    "close_price": "preult",
    "best_bid_price": "preofc",
    "best_ask_price": "preofv",
}
NULL_PRICES = ("best_bid_price", "best_ask_price")
_NULL_IF_ZERO = {"strike_price": "preexe", "strike_points": "ptoexe"}
_OF_THE_MONTH = [
    *("ticker", "currency", "trading_date", "issuer_name"),
    *("open_price", "high_price", "low_price", "close_price"),
    *("trade_count", "quantity", "volume"),
]


def order_by(rows: pa.Table, key: Sequence[str], *, falling: str = "") -> pa.Array:
    """Return the numbers of the rows in the order of the key; nulls come last.

    Args:
        rows: The rows.
        key: The columns.
        falling: Of the key, the column that goes from its greatest value to its least.
    """
    ways = [(name, "descending" if name == falling else "ascending") for name in key]
    return pc.sort_indices(rows, sort_keys=ways)


def order_wholly(rows: pa.Table) -> pa.Array:
    """Return the numbers of `quotes_daily` rows in the order of all columns, the key first.

    Then comes the factor: of one factor, prices for a lot are in the order of those for a piece.
    """
    first = (*DAILY_KEY, "quote_factor")
    return order_by(rows, (*first, *sorted(set(rows.column_names) - set(first))))


def doubled_rows(rows: pa.Table, key: Sequence[str], order: pa.Array) -> pa.Array:
    """Return the numbers of the rows whose key is that of the row before them in its order."""
    pairs = max(0, len(rows) - 1)
    columns = (rows[name].take(order) for name in key)
    is_double = functools.reduce(
        pc.and_, (is_same(column.slice(1), column.slice(0, pairs)) for column in columns)
    )
    return order.slice(1).filter(is_double)


def is_same(expected: Any, found: Any) -> Any:
    """Compare two columns row by row; two nulls are the same."""
    both_null = pc.and_(pc.is_null(expected), pc.is_null(found))
    same = pc.equal(expected.cast(found.type), found)
    return pc.or_(both_null, pc.fill_null(same, False))  # noqa: FBT003 - an Arrow value


def expected_daily(raw: pa.Table) -> pa.Table:
    """Return the columns of `quotes_daily` that a session of raw must give, but for the prices."""
    columns = {name: raw[source] for name, source in _RENAMED.items()}
    columns |= {name: _null_if_zero(raw[source]) for name, source in _NULL_IF_ZERO.items()}
    is_term = pc.and_not(
        pc.match_substring_regex(raw["prazot"], "^ *[0-9]+ *$"),
        pc.match_substring_regex(raw["prazot"], "[^ 0-9]"),
    )
    has_no_expiry = pc.equal(raw["datven"], pa.scalar(NO_EXPIRY, pa.date32()))
    columns |= {
        "forward_days": pc.if_else(is_term, pc.utf8_trim(raw["prazot"], " "), None).cast(
            pa.int32()
        ),
        "expiry_date": pc.if_else(has_no_expiry, None, raw["datven"]),
        "instrument_kind": instrument_kinds(raw["tpmerc"], raw["especi"], raw["codbdi"]),
        "lot": lots(raw["tpmerc"]),
    }
    return pa.table(columns)


def with_lot_prices(expected: pa.Table, raw: pa.Table) -> pa.Table:
    """Add the prices as raw has them, for a lot."""
    for name, source in PRICES.items():
        prices = _null_if_zero(raw[source]) if name in NULL_PRICES else raw[source]
        expected = expected.append_column(name, prices)
    return expected


def _null_if_zero(column: pa.ChunkedArray) -> Any:
    return pc.if_else(pc.equal(column, pa.scalar(Decimal(0), column.type)), None, column)


def expected_monthly(daily: pa.Table) -> pa.Table:
    """Return the rows of `quotes_monthly` that the daily rows of one month must give."""
    is_cash = pc.equal(daily["market_type"], CASH)
    cash = daily.select(_OF_THE_MONTH).filter(is_cash)
    groups = cash.group_by(list(MONTHLY_KEY), use_threads=False).aggregate(
        [
            ("trading_date", "count_distinct"),
            ("high_price", "max"),
            ("low_price", "min"),
            ("trade_count", "sum"),
            ("quantity", "sum"),
            ("volume", "sum"),
        ]
    )
    groups = groups.take(order_by(groups, MONTHLY_KEY))
    opening = _edge_of_each(cash, "open_price", is_first=True)
    closing = _edge_of_each(cash, "close_price", is_first=False)
    return pa.table(
        {
            "ticker": groups["ticker"],
            "currency": groups["currency"],
            "issuer_name": _edge_of_each(cash, "issuer_name", is_first=False)["issuer_name"],
            "session_count": groups["trading_date_count_distinct"],
            "first_trading_date": opening["trading_date"],
            "last_trading_date": closing["trading_date"],
            "open_price": opening["open_price"],
            "high_price": groups["high_price_max"],
            "low_price": groups["low_price_min"],
            "close_price": closing["close_price"],
            "trade_count": groups["trade_count_sum"],
            "quantity": groups["quantity_sum"],
            "volume": groups["volume_sum"],
        }
    )


def _edge_of_each(cash: pa.Table, value: str, *, is_first: bool) -> pa.Table:
    """Return the first or the last row of each group, in the order of the groups.

    Of two on one session it is that of the greater volume, then that of the lesser value where the
    first is asked for, of the greater one where the last is.
    """
    key = (*MONTHLY_KEY, "trading_date", "volume", value)
    cash = cash.select(list(key))
    rows = cash.take(order_by(cash, key, falling="volume" if is_first else ""))
    rows = rows.append_column("row", pa.array(range(len(rows)), pa.int64()))
    edge = "min" if is_first else "max"
    groups = rows.group_by(list(MONTHLY_KEY), use_threads=False).aggregate([("row", edge)])
    rows = rows.take(groups[f"row_{edge}"])
    return rows.take(order_by(rows, MONTHLY_KEY))
