import datetime as dt
import re

import pyarrow as pa
import pytest

from tasks.core.dataset import Dataset, Refined
from tasks.core.datasets import DATASETS, TABLES
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.expected import expected_daily, expected_monthly, expected_summary
from tasks.core.portfolio.model import to_raw_rows
from tasks.core.portfolio.period_tables import SPANS
from tasks.core.portfolio.tables import (
    PORTFOLIO_DAILY,
    PORTFOLIO_DAILY_SUMMARY,
    PORTFOLIO_MONTHLY,
    RAW_PORTFOLIO,
)
from tasks.core.quotes import QUOTES
from tests.portfolios import EXTRACTED_AT, FRIDAY, raw_session

STATEMENTS = [
    pytest.param(dataset, refined, id=refined.table.name)
    for dataset in DATASETS
    for refined in dataset.refined
]


def test_every_table_has_a_name_and_a_place_of_its_own() -> None:
    assert len({table.name for table in TABLES}) == len({t.prefix for t in TABLES}) == len(TABLES)
    for dataset in DATASETS:
        assert set(dataset.tables) <= set(TABLES)
        assert dataset.tables == (*dataset.raw_tables, *dataset.refined_tables)
        assert dataset.raw_tables[0] == dataset.raw


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_raw_is_laid_out_by_session_and_what_is_refined_by_month(dataset: Dataset) -> None:
    assert {table.partition_key.name for table in dataset.raw_tables} == {"trading_date"}
    assert {table.partition_key.name for table in dataset.refined_tables} == {"month"}


def test_an_index_is_a_column_and_the_first_one() -> None:
    for table in (*PORTFOLIO.tables, INDEX_LEVELS):
        assert next(iter(table.types())) == "index_code"


def test_what_b3_shows_beside_the_day_has_the_days_columns_but_the_sector() -> None:
    types = {name: kind for name, kind in RAW_PORTFOLIO.types().items() if name != "segment"}
    for table in PORTFOLIO.beside:
        assert table.types() == types
        assert table.key == RAW_PORTFOLIO.key
        assert table.partition_key.type == "date"


@pytest.mark.parametrize(("dataset", "refined"), STATEMENTS)
def test_a_statement_gives_the_columns_of_its_table_in_order(
    dataset: Dataset, refined: Refined
) -> None:
    select = re.sub(r"CASE\b.*?\bEND", "", refined.statement, flags=re.DOTALL)
    while "(" in select:
        select = re.sub(r"\([^()]*\)", "", select)
    select = select.rsplit("SELECT", 1)[1].partition("FROM")[0]
    names = [item.split()[-1] for item in select.split(",")]
    assert names == list(refined.table.types())
    assert set(refined.order) <= set(refined.table.types())


@pytest.mark.parametrize(("dataset", "refined"), STATEMENTS)
def test_a_file_is_sorted_by_all_that_tells_its_rows_apart(
    dataset: Dataset, refined: Refined
) -> None:
    assert set(refined.order) == set(refined.table.key) - {refined.table.partition_key.name}


def test_the_portfolios_audit_takes_tables_as_they_lie_in_the_lake() -> None:
    raw = raw_session()
    daily = expected_daily(raw)
    rows = {
        "portfolio_daily": daily,
        "portfolio_daily_summary": [expected_summary(raw)],
        "portfolio_monthly": expected_monthly(daily),
    }
    refined = {table: pa.Table.from_pylist(each) for table, each in rows.items()} | {
        table.name: pa.table({name: pa.array([], pa.null()) for name in table.types()})
        for table in SPANS
    }
    stored = pa.Table.from_pylist(to_raw_rows(raw.portfolio, EXTRACTED_AT))

    def failed(day: dt.date) -> list[str]:
        checks = PORTFOLIO.audit(iter([(RAW_PORTFOLIO, day, stored)]), refined)
        return [check.name for check in checks if not check.has_passed]

    assert failed(FRIDAY) == []
    assert "daily_has_the_sessions_of_raw" in failed(dt.date(2025, 8, 4))


def test_the_quotes_audit_finds_a_run_without_rows() -> None:
    nothing = dict.fromkeys(["quotes_daily", "quotes_monthly"], pa.table({}))
    (check,) = QUOTES.audit([], nothing)
    assert (check.name, check.has_passed) == ("daily_has_rows", False)


def test_the_audits_expect_every_column_that_is_published() -> None:
    daily = expected_daily(raw_session())
    assert list(daily[0]) == list(PORTFOLIO_DAILY.types())
    assert list(expected_summary(raw_session())) == list(PORTFOLIO_DAILY_SUMMARY.types())
    assert list(expected_monthly(daily)[0]) == list(PORTFOLIO_MONTHLY.types())
