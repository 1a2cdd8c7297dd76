import re

import pyarrow as pa
import pytest
from awswrangler import _data_types as athena_types

from infra.data_dictionary import data_dictionary
from tasks.core.dataset import Column, Table
from tasks.core.datasets import TABLES
from tests.conftest import ROOT

tables = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def columns_of(table: Table) -> tuple[Column, ...]:
    return (*table.columns, table.partition_key)


def test_the_data_dictionary_is_what_the_schema_gives() -> None:
    page = (ROOT / "docs" / "DATA_DICTIONARY.md").read_text()
    assert page == data_dictionary(), "run: make docs"


def test_the_data_dictionary_names_every_column_of_every_table() -> None:
    page = data_dictionary()
    for table in TABLES:
        section = page.split(f"## {table.name}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == [
            column.name for column in columns_of(table)
        ]


@tables
def test_the_columns_of_the_key_exist(table: Table) -> None:
    assert set(table.key) <= {column.name for column in columns_of(table)}


@tables
def test_no_column_stands_twice(table: Table) -> None:
    names = [column.name for column in columns_of(table)]
    assert len(names) == len(set(names))


@tables
def test_names_need_no_quotes_in_athena(table: Table) -> None:
    for name in (table.name, *(column.name for column in columns_of(table))):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)


@tables
def test_every_type_is_one_of_athenas(table: Table) -> None:
    for column in columns_of(table):
        assert isinstance(athena_types.athena2pyarrow(column.type), pa.DataType)


@tables
def test_units_in_names_agree_with_types(table: Table) -> None:
    for column in columns_of(table):
        if column.name.endswith("_pct"):
            assert column.type.startswith("decimal("), column.name
        if column.name.endswith("_at"):
            assert column.type == "timestamp", column.name
        if column.name.endswith("_date"):
            assert column.type == "date", column.name
        if column.name.endswith(("_count", "_quantity", "_qty")):
            assert re.match("int|bigint|decimal", column.type), column.name


@tables
def test_no_table_holds_floats(table: Table) -> None:
    assert {c.name for c in columns_of(table) if c.type in ("float", "double", "real")} == set()


@tables
def test_every_column_is_described_in_a_sentence(table: Table) -> None:
    for text in (table.description, *(column.description for column in columns_of(table))):
        assert re.fullmatch(r"\S.*\.", text)


@tables
def test_objects_of_a_table_lie_under_a_folder_of_its_own(table: Table) -> None:
    assert re.fullmatch(r"(raw|refined)/\w+/", table.prefix)
    assert [other.name for other in TABLES if other.prefix == table.prefix] == [table.name]


def test_the_data_dictionary_says_where_objects_lie() -> None:
    page = data_dictionary()
    for place in (
        "`raw/portfolio/trading_date=<trading_date>/<index_code>.parquet`",
        "`raw/portfolio_theoretical/trading_date=<trading_date>/<index_code>.parquet`",
        "`raw/portfolio_preview/trading_date=<trading_date>/<index_code>.parquet`",
        "`raw/quotes/trading_date=<trading_date>/quotes.parquet`",
        "`raw/index_levels/year=<year>/<index_code>.parquet`",
        "`refined/portfolio_daily/run_id=<run>/attempt=<attempt>/month=<month>/`",
    ):
        assert page.count(place) == 1


def test_everything_is_laid_out_by_time() -> None:
    assert {table.name: table.partition_key.name for table in TABLES} == {
        "raw_portfolio": "trading_date",
        "raw_portfolio_theoretical": "trading_date",
        "raw_portfolio_preview": "trading_date",
        "portfolio_daily": "month",
        "portfolio_daily_summary": "month",
        "portfolio_monthly": "month",
        "portfolio_theoretical": "month",
        "portfolio_preview": "month",
        "raw_quotes": "trading_date",
        "quotes_daily": "month",
        "quotes_monthly": "month",
        "raw_reconciliation": "trading_date",
        "index_reconciliation": "month",
        "constituent_reconciliation": "month",
        "index_levels": "year",
    }


@tables
def test_a_refined_table_itself_lies_where_nothing_is_written(table: Table) -> None:
    is_refined = table.prefix.startswith("refined/")
    assert table.location == (f"empty/{table.name}/" if is_refined else table.prefix)
