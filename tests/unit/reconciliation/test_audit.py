"""The audit passes the golden tables, and names what is wrong with others."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tasks.core.reconciliation import RECONCILIATION
from tasks.core.reconciliation.tables import (
    CONSTITUENT_RECONCILIATION,
    INDEX_RECONCILIATION,
    RAW_RECONCILIATION,
)
from tests.standin.golden import read_golden
from tests.standin.lake import golden_raw, raw_table

Rows = list[dict[str, Any]]
ODD = dt.date(2025, 9, 1)
INDEX, CONSTITUENT = INDEX_RECONCILIATION.name, CONSTITUENT_RECONCILIATION.name


def refined() -> dict[str, Rows]:
    """The golden tables but for the odd month."""
    tables = (INDEX_RECONCILIATION, CONSTITUENT_RECONCILIATION)
    return {
        table.name: [
            row for row in read_golden(table.name, table.types()) if row["trading_date"] < ODD
        ]
        for table in tables
    }


def failed(tables: dict[str, Rows]) -> set[str]:
    raw = [
        (
            RAW_RECONCILIATION,
            RAW_RECONCILIATION.session_of(key),
            raw_table(RAW_RECONCILIATION, rows),
        )
        for key, rows in golden_raw(RECONCILIATION).items()
        if RECONCILIATION.raw.value_of(key) < str(ODD)
    ]
    arrow = {
        table.name: raw_table(table, tables[table.name]) for table in RECONCILIATION.refined_tables
    }
    checks = RECONCILIATION.audit(raw, arrow)
    assert len(checks) == 5
    return {check.name for check in checks if not check.has_passed}


def test_the_golden_tables_pass() -> None:
    assert failed(refined()) == set()


@pytest.mark.parametrize(
    ("table", "column", "value", "check"),
    [
        (INDEX, "computed_level", Decimal("2892.86"), "levels_follow_from_raw"),
        (INDEX, "verdict", "differs", "levels_follow_from_raw"),
        (INDEX, "reason", "no level", "levels_follow_from_raw"),
        (CONSTITUENT, "ticker", "XXXZ3", "implied_prices_follow_from_raw"),
        (CONSTITUENT, "corporate_event", "EJ", "implied_prices_follow_from_raw"),
        (CONSTITUENT, "previous_event", "EJ", "implied_prices_follow_from_raw"),
        (CONSTITUENT, "theoretical_quantity", 1001, "implied_prices_follow_from_raw"),
        (CONSTITUENT, "weight_pct", Decimal("49.755"), "implied_prices_follow_from_raw"),
        (CONSTITUENT, "close_price", Decimal("10.00010000"), "implied_prices_follow_from_raw"),
        (CONSTITUENT, "previous_close_price", None, "implied_prices_follow_from_raw"),
        (CONSTITUENT, "implied_price", Decimal("10.100066"), "implied_prices_follow_from_raw"),
        (CONSTITUENT, "price_tolerance", Decimal("0.000343"), "implied_prices_follow_from_raw"),
        (CONSTITUENT, "difference", Decimal("0.049940"), "implied_prices_follow_from_raw"),
        (CONSTITUENT, "difference", None, "implied_prices_follow_from_raw"),
        (CONSTITUENT, "verdict", "within", "implied_prices_follow_from_raw"),
        (CONSTITUENT, "verdict", "unknown", "implied_prices_follow_from_raw"),
    ],
)
def test_another_value_is_found(table: str, column: str, value: Any, check: str) -> None:
    tables = refined()
    assert tables[table][1][column] != value
    tables[table][1][column] = value
    assert failed(tables) == {check}


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        (lambda tables: tables[INDEX].pop(), {"index_count_equals_raw", "levels_follow_from_raw"}),
        (
            lambda tables: tables[CONSTITUENT].pop(),
            {"constituent_count_equals_raw", "implied_prices_follow_from_raw"},
        ),
        (
            lambda tables: tables[CONSTITUENT].append(tables[CONSTITUENT][0]),
            {"constituent_count_equals_raw", "constituent_reconciliation_key_is_unique"},
        ),
        (
            lambda tables: tables[INDEX].append(
                tables[INDEX][0] | {"trading_date": dt.date(2025, 8, 5)}
            ),
            {"index_count_equals_raw", "levels_follow_from_raw"},
        ),
    ],
    ids=["index-lost", "constituent-lost", "constituent-doubled", "index-added"],
)
def test_rows_lost_doubled_or_added_are_found(
    change: Callable[[dict[str, Rows]], object], checks: set[str]
) -> None:
    tables = refined()
    change(tables)
    assert failed(tables) == checks
