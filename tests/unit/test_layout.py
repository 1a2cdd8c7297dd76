import datetime as dt
import hashlib

import pytest

from tasks.core.errors import InvalidInputError
from tasks.core.exchange import check_index_code, month_of
from tasks.core.layout import (
    landing_levels_key,
    landing_portfolio_key,
    raw_levels_key,
    raw_levels_prefix,
    raw_portfolio_key,
    raw_portfolio_month_prefix,
    raw_portfolio_prefix,
    refined_partition_prefix,
    trading_date_of_raw_key,
)
from tasks.core.portfolio.tables import PORTFOLIO_MONTHLY

DAY = dt.date(2025, 8, 1)


@pytest.mark.parametrize("code", ["IBOV", "IBXX", "SMLL", "IBXL50", "IFIX", "1234"])
def test_an_index_code_is_four_to_six_capitals_and_digits(code: str) -> None:
    assert check_index_code(code) == code


@pytest.mark.parametrize(
    "code",
    ["", "IBO", "IBOVESP", "ibov", "IB-V", "IBOV ", "IBOV\n", "../AB", "IBOÇ", "IB/OV", "١٢٣٤"],
)
def test_any_other_index_code_is_refused_and_named(code: str) -> None:
    with pytest.raises(InvalidInputError, match="4 to 6 upper-case letters and digits") as error:
        check_index_code(code)
    assert repr(code) in str(error.value)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda code: landing_portfolio_key(code, DAY, b""), id="landing"),
        pytest.param(lambda code: raw_portfolio_key(code, DAY), id="raw"),
        pytest.param(lambda code: raw_portfolio_month_prefix(code, "2025-08"), id="raw-month"),
    ],
)
def test_no_path_is_built_from_a_bad_index_code(build: object) -> None:
    assert callable(build)
    with pytest.raises(InvalidInputError):
        build("../x")


def test_landing_is_named_by_the_session_and_the_bytes() -> None:
    digest = hashlib.sha256(b"body").hexdigest()
    assert landing_portfolio_key("IBOV", DAY, b"body") == (
        f"landing/portfolio/index_code=IBOV/trading_date=2025-08-01/{digest}.json.gz"
    )
    assert landing_portfolio_key("IBOV", DAY, b"bodY") != landing_portfolio_key(
        "IBOV", DAY, b"body"
    )


def test_an_answer_that_names_no_session_lands_under_unknown() -> None:
    assert "/trading_date=unknown/" in landing_portfolio_key("IBOV", None, b"body")


def test_raw_is_one_object_a_session() -> None:
    assert raw_portfolio_key("IBOV", DAY) == (
        "raw/portfolio/index_code=IBOV/trading_date=2025-08-01/portfolio.parquet"
    )
    assert raw_portfolio_key("IBOV", DAY).startswith(raw_portfolio_prefix("IBOV", DAY))


def test_the_month_prefix_covers_the_sessions_of_the_month_and_no_others() -> None:
    prefix = raw_portfolio_month_prefix("IBOV", "2025-08")
    days = [DAY, dt.date(2025, 8, 29), dt.date(2025, 9, 1), dt.date(2024, 8, 1)]
    assert [raw_portfolio_key("IBOV", day).startswith(prefix) for day in days] == [
        True,
        True,
        False,
        False,
    ]
    assert not raw_portfolio_key("IBXX", DAY).startswith(prefix)


def test_a_raw_key_tells_its_session() -> None:
    assert trading_date_of_raw_key(raw_portfolio_key("IBOV", DAY)) == DAY


def test_a_refined_partition_lies_under_its_run() -> None:
    assert refined_partition_prefix(PORTFOLIO_MONTHLY, "run-1", ("IBOV", "2025-08")) == (
        "refined/portfolio_monthly/run_id=run-1/index_code=IBOV/month=2025-08/"
    )


def test_a_partition_needs_a_value_for_every_key() -> None:
    with pytest.raises(ValueError, match="shorter"):
        refined_partition_prefix(PORTFOLIO_MONTHLY, "run-1", ("IBOV",))


def test_the_month_of_a_session_is_year_and_month() -> None:
    assert month_of(DAY) == "2025-08"


def test_the_levels_of_a_year_are_one_object_under_its_partition() -> None:
    assert raw_levels_prefix("IBOV", 2025) == "raw/index_levels/index_code=IBOV/year=2025/"
    assert raw_levels_key("IBOV", 2025) == raw_levels_prefix("IBOV", 2025) + "levels.parquet"


def test_an_answer_about_levels_lies_under_its_year_and_digest() -> None:
    key = landing_levels_key("IBOV", 2025, b"body")
    digest = hashlib.sha256(b"body").hexdigest()
    assert key == f"landing/index_levels/index_code=IBOV/year=2025/{digest}.json.gz"
