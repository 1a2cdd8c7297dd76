"""What a month of quotes must be made into, computed from raw, column by column in Arrow."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

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
_NULL_IF_ZERO = {"strike_price": "preexe", "strike_points": "ptoexe"}
_OF_THE_MONTH = [
    *("ticker", "currency", "trading_date", "issuer_name"),
    *("open_price", "high_price", "low_price", "close_price"),
    *("trade_count", "quantity", "volume"),
]


def order_by(rows: pa.Table, key: Sequence[str]) -> pa.Array:
    """Return the numbers of the rows in the order of the key; nulls come last."""
    return pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in key])


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


def expected_monthly(daily: pa.Table) -> pa.Table:
    """Return the rows of `quotes_monthly` that the daily rows of one month must give."""
    is_cash = pc.equal(daily["market_type"], CASH)
    cash = daily.select(_OF_THE_MONTH).filter(is_cash)
    cash = cash.take(order_by(cash, (*MONTHLY_KEY, "trading_date")))
    cash = cash.append_column("row", pa.array(range(len(cash)), pa.int64()))
    groups = cash.group_by(list(MONTHLY_KEY), use_threads=False).aggregate(
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
