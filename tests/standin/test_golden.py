"""What the statements make of a small and varied lake, as tables that were written down by hand."""

import pytest

from tasks.core.dataset import Dataset
from tasks.core.datasets import DATASETS
from tasks.core.portfolio import PORTFOLIO
from tests.standin.glue import Jobs
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
