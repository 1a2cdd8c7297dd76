import datetime as dt
from collections.abc import Callable

import pytest

from tasks.core.dataset import Table, is_kept_as
from tasks.core.errors import InvalidInputError
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL, SPANS
from tasks.core.portfolio.tables import PORTFOLIO_MONTHLY, RAW_PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES

FRIDAY = dt.date(2025, 8, 1)


@pytest.mark.parametrize(
    ("table", "value", "name", "key"),
    [
        (RAW_PORTFOLIO, "2025-08-01", "IBOV", "raw/portfolio/trading_date=2025-08-01/IBOV.parquet"),
        (
            RAW_QUOTES,
            "2025-08-01",
            QUOTES_OBJECT,
            "raw/quotes/trading_date=2025-08-01/quotes.parquet",
        ),
        (INDEX_LEVELS, "2025", "IBOV", "raw/index_levels/year=2025/IBOV.parquet"),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)
def test_a_raw_object_lies_by_time_and_its_key_tells_which_it_is(
    table: Table, value: str, name: str, key: str
) -> None:
    assert table.object_key(value, name) == key
    assert table.folder(value) == f"{key.rpartition('/')[0]}/"
    assert (table.value_of(key), table.name_of(key)) == (value, name)
    assert table.location == table.prefix
    assert not table.is_refined


def test_bytes_land_by_the_day_they_came_and_what_was_asked() -> None:
    folder = RAW_PORTFOLIO.landing_folder(FRIDAY, "IBOV")
    assert folder == "landing/portfolio/received=2025-08-01/IBOV/"
    folder = INDEX_LEVELS.landing_folder(FRIDAY, "IBOV-2025")
    assert folder == "landing/index_levels/received=2025-08-01/IBOV-2025/"
    assert RAW_QUOTES.landing_prefix == "landing/quotes/"


@pytest.mark.parametrize("code", ["", "../x", "IB/OV", "IBOV\n", "IBO V", "-IBOV", "IBOÇ", "a.b"])
def test_no_path_is_built_from_what_may_not_stand_in_one(code: str) -> None:
    builds: list[Callable[[], str]] = [
        lambda: RAW_PORTFOLIO.object_key("2025-08-01", code),
        lambda: RAW_PORTFOLIO.object_key(code, "IBOV"),
        lambda: RAW_PORTFOLIO.folder(code),
        lambda: RAW_PORTFOLIO.span_prefix(code),
        lambda: RAW_PORTFOLIO.landing_folder(FRIDAY, code),
    ]
    for build in builds:
        with pytest.raises(InvalidInputError, match="a path of raw_portfolio") as error:
            build()
        assert repr(code) in str(error.value)


def test_the_prefix_of_a_span_covers_its_sessions_and_no_others() -> None:
    days = ["2025-08-01", "2025-08-29", "2025-09-01", "2024-08-01"]
    keys = [RAW_PORTFOLIO.object_key(day, "IBOV") for day in days]
    month, year = RAW_PORTFOLIO.span_prefix("2025-08"), RAW_PORTFOLIO.span_prefix("2025")
    assert [key.startswith(month) for key in keys] == [True, True, False, False]
    assert [key.startswith(year) for key in keys] == [True, True, True, False]
    assert RAW_PORTFOLIO.object_key(days[0], "IBXX").startswith(month)


def test_a_raw_key_tells_its_session() -> None:
    assert RAW_QUOTES.session_of(RAW_QUOTES.object_key("2025-08-01", QUOTES_OBJECT)) == FRIDAY


def test_a_dataset_tells_its_raw_tables_apart_by_where_an_object_lies() -> None:
    assert PORTFOLIO.raw_tables == (RAW_PORTFOLIO, RAW_THEORETICAL, RAW_PREVIEW)
    assert QUOTES.raw_tables == (RAW_QUOTES,)
    for dataset in (PORTFOLIO, QUOTES):
        for table in dataset.raw_tables:
            assert dataset.raw_table_of(table.object_key("2025-08-01", "IBOV")) == table


def test_a_refined_month_lies_under_its_run_and_attempt() -> None:
    assert PORTFOLIO_MONTHLY.attempt_folder("ab12", "7f", "2025-08") == (
        "refined/portfolio_monthly/run_id=ab12/attempt=7f/month=2025-08/"
    )


def test_who_reads_a_refined_table_and_not_its_partitions_finds_nothing() -> None:
    assert PORTFOLIO_MONTHLY.is_refined
    assert PORTFOLIO_MONTHLY.location == "empty/portfolio_monthly/"
    assert not PORTFOLIO_MONTHLY.location.startswith(PORTFOLIO_MONTHLY.prefix)


@pytest.mark.parametrize(
    ("arrow_type", "athena_type", "expected"),
    [
        ("string", "string", True),
        ("large_string", "string", False),
        ("int32", "int", True),
        ("int64", "int", False),
        ("int64", "bigint", True),
        ("date32[day]", "date", True),
        ("timestamp[ns]", "date", False),
        ("timestamp[ns]", "timestamp", True),
        ("timestamp[us, tz=UTC]", "timestamp", True),
        ("int96", "timestamp", False),
        ("decimal128(6, 3)", "decimal(6,3)", True),
        ("decimal128(6, 2)", "decimal(6,3)", False),
        ("double", "decimal(6,3)", False),
        ("double", "double", False),  # no table has it
    ],
)
def test_a_file_keeps_a_column_in_the_type_that_every_reader_takes(
    arrow_type: str, athena_type: str, expected: bool
) -> None:
    assert is_kept_as(arrow_type, athena_type) is expected


def test_every_type_of_raw_has_one() -> None:
    kinds = {
        kind
        for dataset in (PORTFOLIO, QUOTES)
        for t in dataset.raw_tables
        for kind in t.types().values()
    }
    plain = {kind for kind in kinds if kind != "timestamp" and not kind.startswith("decimal(")}
    assert plain <= {"string", "int", "bigint", "date"}


def test_what_is_refined_of_rows_that_b3_showed_is_of_a_raw_table_beside() -> None:
    assert set(SPANS.values()) == set(PORTFOLIO.beside)
    assert set(SPANS) <= set(PORTFOLIO.refined_tables)
