"""Months with all that the readers accept: the extremes of each field, keys that B3 repeats."""

import datetime as dt
import io
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.core.numbers import MOST_DIGITS
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.checks import check_period, check_portfolio
from tasks.core.portfolio.model import Constituent, Portfolio, to_raw_rows
from tasks.core.quotes import QUOTES
from tasks.core.quotes.convert import convert_quotes
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.session import MOST_QUANTITY
from tests.cotahist_text import LAYOUT, RECORD, write_line, write_text, zip_text
from tests.portfolios import EXTRACTED_AT, portfolio
from tests.standin.lake import Objects

Record = dict[str, Any]
EXTREME_MONTH, REPEATED_MONTH = "1987-01", "1986-10"
TERMS = {"": None, "000": 0, "999": 999, " 60": 60, "7": 7}
NO_TERMS = (
    "\x00\x0f",
    "\x9c\x0f",
    "\x00\x07",
    "\x02\x0f",
    '\t"',
    "\x00\x1f",
    "\x0060",
    "6\n0",
    "60\n",
)
_SESSIONS = [dt.date(1987, 1, 5), dt.date(1987, 1, 6), dt.date(1987, 1, 7)]
_BASE: Record = RECORD | {"quatot": 1, "modref": "CZ$"}
_PET: Record = _BASE | {"codneg": "PET 4", "nomres": "PETROBRAS", "datven": dt.date(9999, 12, 31)}
_VIGOR: Record = _PET | {"codneg": "VGO 2", "tpmerc": "030", "prazot": "060", "codbdi": "62"}


def extremes_of(name: str) -> list[Any]:
    """Return the least and the greatest that the reader accepts of a field, and what is odd."""
    first, last, kind = LAYOUT[name]
    width = last - first + 1
    if name == "prazot":
        return [*TERMS, *NO_TERMS]
    if kind == "text":
        return ["", "\x00" * width, "ÿ" * width, "'\"\\%_;"[:width]]
    if kind == "code":
        return ["0" * width, "9" * width]
    if kind == "date":
        return [dt.date(1900, 1, 1), dt.date(9999, 12, 30), dt.date(9999, 12, 31)]
    most = 10**width - 1
    if name == "quatot":
        most = MOST_QUANTITY // 2
    if name == "fatcot":
        return [1, 10**6]
    return [Decimal(each).scaleb(-kind) if kind else each for each in (0, most)]  # type: ignore[operator]


def extreme_records() -> list[Record]:
    """One record an extreme, and one with the greatest of everything."""
    names = [name for name in LAYOUT if name != "data"]
    records = []
    for name in names:
        for number, value in enumerate(extremes_of(name)):
            records.append(_BASE | {"codneg": f"{name[:6]}{number}"} | {name: value})
    greatest = {name: extremes_of(name)[-1] for name in names if name not in {"tpmerc", "codneg"}}
    greatest |= {"quatot": MOST_QUANTITY // 10, "prazot": "999", "codneg": "GREATEST"}
    return [*records, _BASE | greatest, *(_BASE | greatest | {"fatcot": n} for n in (3, 7, 128))]


def repeated_records() -> list[Record]:
    """Two records of a forward, and two of a ticker of the cash market on two sessions."""
    first, last = dt.date(1986, 10, 10), dt.date(1986, 10, 13)
    return [
        _VIGOR | {"data": first, "preult": Decimal("19.00"), "voltot": Decimal("741.00")},
        _VIGOR | {"data": first, "preult": Decimal("17.50"), "voltot": Decimal("3564.60")},
        _PET | {"data": first, "voltot": Decimal("10.00"), "preabe": Decimal("1.00")},
        _PET | {"data": first, "voltot": Decimal("20.00"), "preabe": Decimal("2.00")},
        _PET
        | {"data": last, "voltot": Decimal("40.00"), "preult": Decimal("4.00")}
        | {"nomres": "PETRO A"},
        _PET
        | {"data": last, "voltot": Decimal("30.00"), "preult": Decimal("3.00")}
        | {"nomres": "PETRO Z"},
    ]


def odd_quotes() -> Objects:
    """Return both months as raw objects, read from texts as B3 writes them."""
    extreme = [record | {"data": day} for day in _SESSIONS for record in extreme_records()]
    objects = dict(_read(extreme, QuotesPeriod.month(1987, 1)))
    return objects | dict(_read(repeated_records(), QuotesPeriod.month(1986, 10)))


def _read(records: list[Record], period: QuotesPeriod) -> Iterator[tuple[str, Any]]:
    text = write_text(map(write_line, records), file_date=period.last_date)
    with tempfile.TemporaryDirectory() as folder:
        file = convert_quotes(io.BytesIO(zip_text(text).read()), Path(folder) / "out", period)
        for session in file.sessions:
            rows = pq.read_table(session.path).to_pylist()
            yield QUOTES.raw.object_key(str(session.trading_date), "quotes"), rows


def odd_portfolios() -> Objects:
    """Return a month of an index with the extremes of each field, as objects of each raw table."""
    most = 10**MOST_DIGITS - 1
    marks = "'\"\\%_;&"
    first = (
        Constituent("A" * 12, "ÿ" * 120, "~~~ ~~~ ~~", marks, Decimal("100.000"), most - 2),
        Constituent("0000", marks, "A", None, Decimal("0.000"), 1),
        Constituent("9Z9Z", "A", "A   B", "ÿ" * 120, Decimal("0.000"), 1),
    )
    last = tuple(
        replace(row, theoretical_quantity=quantity)
        for row, quantity in zip(first, (1, most - 2, 1), strict=True)
    )
    sessions = [
        portfolio(
            *rows,
            index_code="ZZZZ99",
            trading_date=dt.date(2025, 7, day),
            index_divisor=divisor,
        )
        for day, rows, divisor in (
            (1, first, Decimal(most) + Decimal("0.99999999")),
            (31, last, Decimal("0.00000001")),
        )
    ]
    return {
        table.object_key(str(session.trading_date), session.index_code): _rows_of(session)
        for table in PORTFOLIO.raw_tables
        for session in sessions
    }


def _rows_of(session: Portfolio) -> list[dict[str, Any]]:
    checks = [*check_portfolio(session), *check_period(session)]
    assert all(check.has_passed for check in checks)
    return to_raw_rows(session, EXTRACTED_AT)
