"""The audit of a refined month of reconciliation: what must hold before anybody may read it.

What the Glue job computed in Spark is compared with the exact arithmetic of `expected`. That a
level differs from B3's is a finding, and no fault of the month.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

from tasks.core.checks import Check, compare, none_of
from tasks.core.dataset import RawRows
from tasks.core.reconciliation.expected import imply_price, judge_index, unit_price
from tasks.core.reconciliation.tables import CONSTITUENT_RECONCILIATION, INDEX_RECONCILIATION
from tasks.core.wording import count, every

_LAST_DECIMAL = Fraction(1, 10**6)
Row = dict[str, Any]


def audit_reconciliation_month(raw: Iterable[RawRows], refined: Mapping[str, Any]) -> list[Check]:
    """Check what a run refined of a month.

    Args:
        raw: Every raw object of the month, with its table and session (rows: `pyarrow.Table`).
        refined: `{table: rows}` of the refined tables, likewise, without the month.

    Returns:
        One verdict a check.
    """
    indices = refined[INDEX_RECONCILIATION.name].to_pylist()
    constituents = refined[CONSTITUENT_RECONCILIATION.name].to_pylist()
    verdicts, members = [], []
    for _, day, table in raw:
        rows = sorted(table.to_pylist(), key=lambda row: (row["index_code"], row["ticker"] or ""))
        members += [(day, row) for row in rows if row["ticker"] is not None]
        for _, of_index in groupby(rows, key=lambda row: str(row["index_code"])):
            verdicts.append(judge_index(day, list(of_index)))
    expected = Counter(map(astuple, verdicts))
    found = Counter(tuple(row.values()) for row in indices)
    wrong = [f"{one[0]} {one[1]}" for one in [*(found - expected), *(expected - found)]]
    return [
        compare("index_count_equals_raw", len(verdicts), len(indices), "sessions of indices"),
        compare("constituent_count_equals_raw", len(members), len(constituents), "constituents"),
        none_of(
            "levels_follow_from_raw",
            "the level of portfolio and quotes, cut",
            sorted(set(wrong)),
            f"{every(len(indices), 'row')} equal",
        ),
        none_of(
            "constituent_reconciliation_key_is_unique",
            "no key twice",
            _repeated(constituents),
            f"no key twice in {count(len(constituents), 'row')}",
        ),
        none_of(
            "implied_prices_follow_from_raw",
            "the price that weight, level and divisor give",
            _wrong_constituents(members, constituents),
            f"{every(len(constituents), 'row')} equal",
        ),
    ]


def _key(row: Row) -> tuple[str, dt.date, str]:
    return row["index_code"], row["trading_date"], row["ticker"]


def _repeated(rows: Iterable[Row]) -> list[str]:
    keys = Counter(map(_key, rows))
    return [" ".join(map(str, key)) for key, times in keys.items() if times > 1]


def _wrong_constituents(members: Iterable[tuple[dt.date, Row]], found: Iterable[Row]) -> list[str]:
    by_key = {_key(row): row for row in found}
    named = []
    for day, raw in members:
        row = by_key.pop((raw["index_code"], day, raw["ticker"]), None)
        if row is None or not _is_right(raw, row):
            named.append(f"{raw['index_code']} {day} {raw['ticker']}")
    return named + [f"{code} {day} {ticker}" for code, day, ticker in by_key]


def _is_right(raw: Row, row: Row) -> bool:
    """Compare a row with raw: prices to the last decimal, everything else exactly."""
    implied = imply_price(raw)
    before = unit_price(raw["previous_close"], raw["previous_quote_factor"])
    has_both = implied is not None and before is not None
    return (
        row["corporate_event"] == _event(raw["type"])
        and row["previous_event"] == _event(raw["previous_type"])
        and row["theoretical_quantity"] == raw["theoretical_quantity"]
        and row["weight_pct"] == raw["weight_pct"]
        and _is_near(row["close_price"], unit_price(raw["close"], raw["quote_factor"]))
        and _is_near(row["previous_close_price"], before)
        and _is_near(row["implied_price"], implied.price if implied else None)
        and _is_near(row["price_tolerance"], implied.tolerance if implied else None)
        and (row["difference"] is not None) == has_both
        and row["verdict"] == (_verdict(row) if has_both else "unknown")
    )


def _verdict(row: Row) -> str:
    difference = row["previous_close_price"] - row["implied_price"]
    is_whole = abs(row["difference"] - difference) < Decimal("0.000001")
    is_within = abs(difference) <= row["price_tolerance"]
    return ("within" if is_within else "outside") if is_whole else "of another difference"


def _event(columns: str | None) -> str | None:
    return (columns or "")[4:7].strip() or None


def _is_near(found: Decimal | None, expected: Fraction | None) -> bool:
    if found is None or expected is None:
        return found is None and expected is None
    return abs(Fraction(found) - expected) <= 2 * _LAST_DECIMAL
