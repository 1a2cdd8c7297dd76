"""What the statements make of a small and varied lake, as tables that were written down by hand."""

from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tasks.core.dataset import Dataset
from tasks.core.datasets import DATASETS
from tasks.core.plan import describe_tables
from tasks.core.portfolio import PORTFOLIO
from tasks.core.reconciliation import RECONCILIATION
from tests.standin.engine import StandIn
from tests.standin.glue import BUCKET, Jobs
from tests.standin.golden import Rows
from tests.standin.lake import (
    check_golden,
    execute,
    golden_raw,
    put_plan,
    put_raw,
    raw_table,
    read_outputs,
)

by_dataset = pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)


@by_dataset
def test_the_statements_make_the_golden_tables(dataset: Dataset, jobs: Jobs) -> None:
    put_raw(dataset, golden_raw(dataset))
    check_golden(dataset, execute(put_plan(dataset)))


def test_the_golden_rows_of_what_b3_showed_beside_the_day_pass_the_audit(jobs: Jobs) -> None:
    """June holds nothing else, and passes as a whole; the golden days are odd on purpose."""
    raw = golden_raw(PORTFOLIO)
    put_raw(PORTFOLIO, raw)
    outcome = execute(put_plan(PORTFOLIO))
    failed = {}
    for month in outcome.months:
        objects = [
            (table, table.session_of(key), raw_table(table, rows))
            for table in PORTFOLIO.beside
            for key, rows in raw.items()
            if key.startswith(table.span_prefix(month))
        ]
        tables = PORTFOLIO.refined_tables
        refined = {table.name: read_outputs(outcome, table, month) for table in tables}
        checks = PORTFOLIO.audit(objects, refined)
        failed[month] = {check.name for check in checks if not check.has_passed}
    assert failed.keys() == {"2025-06", "2025-07", "2025-08"}
    assert failed["2025-06"] == set()
    for name in set().union(*failed.values()):
        assert not name.startswith(("portfolio_theoretical", "portfolio_preview"))


INDEX, CONSTITUENT = describe_tables(RECONCILIATION)
MEMBER: dict[str, Any] = {
    "index_code": "XXXX",
    "ticker": "XXXA3",
    "type": "ON",
    "previous_type": "ON",
    "theoretical_quantity": Decimal(1000),
    "weight_pct": Decimal("1.000"),
    "index_divisor": Decimal(1),
    "close": Decimal("1.00"),
    "quote_factor": Decimal(1),
    "previous_close": None,
    "previous_quote_factor": None,
    "level": None,
    "previous_level": Decimal("1.00"),
    "quote_count": 1,
}
UNQUOTED = MEMBER | {"ticker": "XXXB4", "close": None}
# `{what: (table, raw rows, changes of the first)}`: the first figure that has no room any more.
TOO_GREAT: dict[str, tuple[dict[str, Any], Rows, dict[str, Any]]] = {
    "market value": (
        INDEX,
        [MEMBER, UNQUOTED],
        {"theoretical_quantity": 10**18 - 1, "close": 101},
    ),
    "divisor": (INDEX, [UNQUOTED], {"index_divisor": 10**14}),
    "market value of a level": (
        INDEX,
        [MEMBER],
        {"theoretical_quantity": 10**10, "close": 10**6, "index_divisor": 10**6},
    ),
    "divisor of a level, to the cent": (INDEX, [MEMBER], {"index_divisor": "99999999999999.995"}),
    "level": (INDEX, [MEMBER], {"theoretical_quantity": 10**10, "close": 10}),
    "quantity": (CONSTITUENT, [MEMBER], {"theoretical_quantity": 10**11}),
    "level before": (CONSTITUENT, [MEMBER], {"previous_level": 10**11}),
    "divisor of a constituent": (
        CONSTITUENT,
        [MEMBER],
        {"index_divisor": 10**14, "theoretical_quantity": 10**6},
    ),
    "value before": (
        CONSTITUENT,
        [MEMBER],
        {"previous_level": 10**10, "index_divisor": 10**7, "theoretical_quantity": 10**10},
    ),
    "implied price": (
        CONSTITUENT,
        [MEMBER],
        {"previous_level": 10**9, "theoretical_quantity": 1, "weight_pct": 100},
    ),
    "what a tolerance is taken of": (
        CONSTITUENT,
        [MEMBER],
        {
            "previous_level": 1000,
            "index_divisor": 10**14 - 1,
            "theoretical_quantity": 10**10,
            "weight_pct": "999.999",
        },
    ),
}


def make(table: dict[str, Any], rows: Rows, folder: str) -> int:
    """Make a table of raw rows; return how many it has."""
    raw = RECONCILIATION.raw
    key = raw.object_key("2025-08-01", "XXXX")
    put_raw(RECONCILIATION, {key: rows})
    engine = StandIn()
    engine.read(raw.name, f"s3://{BUCKET}/{raw.prefix}", [f"s3://{BUCKET}/{key}"])
    return engine.write(table, f"s3://{BUCKET}/refined/{folder}/")


@pytest.mark.parametrize(("table", "rows", "changes"), TOO_GREAT.values(), ids=TOO_GREAT)
def test_a_figure_that_has_no_room_is_refused_and_never_cut(
    table: dict[str, Any], rows: Rows, changes: dict[str, Any], jobs: Jobs
) -> None:
    assert make(table, rows, "as-it-is") == 1
    first = rows[0] | {name: Decimal(value) for name, value in changes.items()}
    with pytest.raises(duckdb.ConversionException, match="DECIMAL"):
        make(table, [first, *rows[1:]], "too-great")
