import pytest

from tasks.core.layout import (
    landing_portfolio_key,
    landing_quotes_key,
    loaded_quotes_key,
    raw_quotes_key,
    raw_quotes_month_prefix,
    trading_date_of_raw_key,
)
from tasks.core.quotes.files import QuotesPeriod
from tests.portfolios import FRIDAY


@pytest.mark.parametrize(
    ("period", "name"),
    [
        (QuotesPeriod.day(FRIDAY), "COTAHIST_D01082025.ZIP"),
        (QuotesPeriod.month(2025, 8), "COTAHIST_M082025.ZIP"),
        (QuotesPeriod.year(2025), "COTAHIST_A2025.ZIP"),
    ],
)
def test_a_quotes_file_lies_under_its_name_with_the_note_beside_it(
    period: QuotesPeriod, name: str
) -> None:
    assert landing_quotes_key(period, "ab12") == f"landing/quotes/{name}/ab12.zip"
    assert loaded_quotes_key(period) == f"landing/quotes/{name}/loaded.json"


def test_raw_quotes_lie_by_session_and_are_listed_by_month() -> None:
    key = raw_quotes_key(FRIDAY)
    assert key == "raw/quotes/trading_date=2025-08-01/quotes.parquet"
    assert key.startswith(raw_quotes_month_prefix("2025-08"))
    assert not key.startswith(raw_quotes_month_prefix("2025-0"))
    assert trading_date_of_raw_key(key) == FRIDAY


def test_a_saved_file_lies_beside_the_answers_of_its_session() -> None:
    key = landing_portfolio_key("IBOV", FRIDAY, b"body", "csv")
    folder, _, name = landing_portfolio_key("IBOV", FRIDAY, b"body").rpartition("/")
    assert key == f"{folder}/{name.removesuffix('.json.gz')}.csv.gz"
