"""Whatever is asked of B3, it is told who asks, as the setting says."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from flows import portfolio, quotes
from flows.levels import index_levels
from flows.period_loading import collect_period
from flows.portfolio import daily_portfolio
from flows.quotes import daily_quotes
from tests.flows.conftest import Lake
from tests.portfolios import FRIDAY

NAME = "research/1.0 (+https://example.org)"


@pytest.fixture
def asked(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[requests.PreparedRequest]]:
    """Every request to B3, which is told a name of somebody's own."""
    monkeypatch.setenv("B3_USER_AGENT", NAME)
    monkeypatch.setattr(portfolio, "collect_period", collect_period)
    monkeypatch.setattr(quotes, "publish_months", lake.publish_months)
    sent: list[requests.PreparedRequest] = []
    send = requests.Session.send

    def record(self: Any, request: requests.PreparedRequest, **options: Any) -> Any:
        sent.append(request)
        return send(self, request, **options)

    monkeypatch.setattr(requests.Session, "send", record)
    yield sent
    assert {request.headers["User-Agent"] for request in sent} == {NAME}


def calls(asked: list[requests.PreparedRequest]) -> set[str]:
    """The names of B3's calls, and of files without their day."""
    return {str(request.path_url).split("/")[-2] for request in asked}


def test_in_the_daily_flow(asked: list[requests.PreparedRequest]) -> None:
    daily_portfolio(index_codes=["all"], return_state=True)
    assert calls(asked) >= {
        "GetStockIndex",
        "GetPortfolioDay",
        "GetTheoricalPortfolio",
        "GetConfigurations",
    }


def test_in_the_flow_of_levels(
    asked: list[requests.PreparedRequest], set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC))
    index_levels(year=2025, index_codes=["IBOV"], return_state=True)
    assert "GetPortfolioDay" in calls(asked)


def test_in_the_flow_of_quotes(asked: list[requests.PreparedRequest]) -> None:
    daily_quotes(trading_date=str(FRIDAY), return_state=True)
    assert calls(asked) == {"SerHist"}
