import datetime as dt

import pytest

from tasks.core.dataset import Table
from tasks.core.errors import InvalidInputError
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio.tables import PORTFOLIO_MONTHLY, RAW_PORTFOLIO
from tasks.core.quotes.tables import RAW_QUOTES


@pytest.mark.parametrize(
    ("table", "values", "partition"),
    [
        (
            RAW_PORTFOLIO,
            ("IBOV", "2025-08-01"),
            "portfolio/index_code=IBOV/trading_date=2025-08-01/portfolio.parquet",
        ),
        (RAW_QUOTES, ("2025-08-01",), "quotes/trading_date=2025-08-01/quotes.parquet"),
        (INDEX_LEVELS, ("IBOV", "2025"), "index_levels/index_code=IBOV/year=2025/levels.parquet"),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)
def test_a_raw_partition_is_one_object_and_its_bytes_lie_likewise(
    table: Table, values: tuple[str, ...], partition: str
) -> None:
    assert table.object_key(values) == f"raw/{partition}"
    assert table.landing_folder(values) == f"landing/{partition.rpartition('/')[0]}/"
    assert table.values_of(table.object_key(values)) == values


def test_an_answer_that_names_no_session_lands_under_unknown() -> None:
    folder = RAW_PORTFOLIO.landing_folder(("IBOV", "unknown"))
    assert folder == "landing/portfolio/index_code=IBOV/trading_date=unknown/"


@pytest.mark.parametrize("code", ["", "../x", "IB/OV", "IBOV\n", "IBO V", "-IBOV", "IBOÇ"])
def test_no_path_is_built_from_what_may_not_stand_in_one(code: str) -> None:
    with pytest.raises(InvalidInputError, match="index_code of raw_portfolio") as error:
        RAW_PORTFOLIO.object_key((code, "2025-08-01"))
    assert repr(code) in str(error.value)


def test_the_prefix_of_a_span_covers_its_sessions_and_no_others() -> None:
    days = ["2025-08-01", "2025-08-29", "2025-09-01", "2024-08-01"]
    keys = [RAW_PORTFOLIO.object_key(("IBOV", day)) for day in days]
    month = RAW_PORTFOLIO.span_prefix(("IBOV",), "2025-08")
    year = RAW_PORTFOLIO.span_prefix(("IBOV",), "2025")
    assert [key.startswith(month) for key in keys] == [True, True, False, False]
    assert [key.startswith(year) for key in keys] == [True, True, True, False]
    assert not RAW_PORTFOLIO.object_key(("IBXX", days[0])).startswith(month)
    assert RAW_QUOTES.object_key((days[0],)).startswith(RAW_QUOTES.span_prefix((), "2025-08"))


def test_a_raw_key_tells_its_session() -> None:
    key = RAW_QUOTES.object_key(("2025-08-01",))
    assert RAW_QUOTES.session_of(key) == dt.date(2025, 8, 1)


def test_a_refined_partition_lies_under_its_run() -> None:
    assert PORTFOLIO_MONTHLY.run_prefix("run-1", ("IBOV", "2025-08")) == (
        "refined/portfolio_monthly/run_id=run-1/index_code=IBOV/month=2025-08/"
    )


def test_a_partition_needs_a_value_for_every_key() -> None:
    with pytest.raises(ValueError, match="shorter"):
        PORTFOLIO_MONTHLY.run_prefix("run-1", ("IBOV",))
