import copy
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tasks.core.portfolio.audit import (
    audit_portfolio_month,
    expected_daily,
    expected_monthly,
    expected_summary,
)
from tasks.core.portfolio.model import Constituent
from tasks.core.portfolio.tables import PORTFOLIO_DAILY_SUMMARY, PORTFOLIO_MONTHLY
from tests.portfolios import EXTRACTED_AT, raw_session

D = Decimal
Refined = dict[str, list[dict[str, Any]]]
FIRST, SECOND, THIRD = dt.date(2025, 7, 29), dt.date(2025, 7, 30), dt.date(2025, 7, 31)


def row(ticker: str, weight: str, quantity: int) -> Constituent:
    return Constituent(ticker, f"{ticker} SA", "ON  ED  NM", "Setor", D(weight), quantity)


RAW = (
    raw_session(
        row("AAAA3", "50.000", 10),
        row("BBBB3", "25.000", 20),
        row("CCCC3", "25.000", 30),
        trading_date=FIRST,
    ),
    raw_session(
        row("AAAA3", "60.001", 11),
        row("BBBB3", "39.999", 20),
        trading_date=SECOND,
    ),
    raw_session(
        row("AAAA3", "40.001", 11),
        row("BBBB3", "30.000", 20),
        row("DDDD3", "29.999", 1),
        trading_date=THIRD,
    ),
)


@pytest.fixture
def refined() -> Refined:
    """What a right run makes of `RAW`."""
    daily = [daily_row for session in RAW for daily_row in expected_daily(session)]
    return {
        "portfolio_daily": daily,
        "portfolio_daily_summary": [expected_summary(session) for session in RAW],
        "portfolio_monthly": list(expected_monthly(daily).values()),
    }


def failed(refined: Refined, published: tuple[dt.date, ...] = (FIRST, SECOND)) -> dict[str, str]:
    checks = audit_portfolio_month(RAW, refined, published)
    return {check.name: check.found for check in checks if not check.has_passed}


def test_a_daily_row_is_a_row_of_raw_split_and_ranked(refined: Refined) -> None:
    assert refined["portfolio_daily"][1] == {
        "trading_date": FIRST,
        "ticker": "BBBB3",
        "asset_name": "BBBB3 SA",
        "share_class": "ON",
        "corporate_event": "ED",
        "listing_segment": "NM",
        "sector": "Setor",
        "theoretical_quantity": 20,
        "weight_pct": D("25.000"),
        "weight_rank": 2,
        "extracted_at": EXTRACTED_AT,
    }


def test_equal_weights_share_a_rank(refined: Refined) -> None:
    ranks = {r["ticker"]: r["weight_rank"] for r in refined["portfolio_daily"][:3]}
    assert ranks == {"AAAA3": 1, "BBBB3": 2, "CCCC3": 2}


def test_a_summary_row_is_the_header_with_count_and_top_five() -> None:
    weights = ["30.000", "20.000", "20.000", "10.000", "10.000", "9.999", "0.001"]
    session = raw_session(*(row(f"A{n}", weight, n + 1) for n, weight in enumerate(weights)))
    assert expected_summary(session) == {
        "trading_date": dt.date(2025, 8, 1),
        "constituent_count": 7,
        "total_theoretical_quantity": 28,
        "total_weight_pct": D("100.000"),
        "index_divisor": D("16036751.16744128"),
        "top5_weight_pct": D("90.000"),
        "extracted_at": EXTRACTED_AT,
    }


def test_a_monthly_row_is_worked_out_from_the_sessions_that_held_it(refined: Refined) -> None:
    rows = {r["ticker"]: r for r in refined["portfolio_monthly"]}
    assert list(rows) == ["AAAA3", "BBBB3", "CCCC3", "DDDD3"]
    assert rows["AAAA3"] == {
        "ticker": "AAAA3",
        "asset_name": "AAAA3 SA",
        "session_count": 3,
        "first_trading_date": FIRST,
        "last_trading_date": THIRD,
        "days_between": 2,
        "avg_weight_pct": D("50.0006667"),
        "min_weight_pct": D("40.001"),
        "max_weight_pct": D("60.001"),
        "avg_theoretical_quantity": D("10.6667"),
        "min_theoretical_quantity": 10,
        "max_theoretical_quantity": 11,
    }
    assert (rows["CCCC3"]["session_count"], rows["CCCC3"]["days_between"]) == (1, 0)


def test_a_monthly_row_takes_its_name_from_the_last_session_in_any_row_order() -> None:
    rows = [
        expected_daily(
            raw_session(Constituent("A", name, "ON", None, D("1.000"), 1), trading_date=d)
        )[0]
        for d, name in ((SECOND, "OLD"), (THIRD, "NEW"), (FIRST, "OLDER"))
    ]
    assert expected_monthly(rows)["A"]["asset_name"] == "NEW"


def test_a_right_run_passes_every_check(refined: Refined) -> None:
    assert failed(refined) == {}
    assert failed(refined, published=()) == {}


def test_the_order_of_rows_does_not_matter(refined: Refined) -> None:
    assert failed({table: rows[::-1] for table, rows in refined.items()}) == {}


def change(table: str, place: int, **values: object) -> Callable[[Refined], None]:
    return lambda refined: refined[table][place].update(values)


def drop(table: str, **values: object) -> Callable[[Refined], None]:
    def spoil(refined: Refined) -> None:
        refined[table] = [r for r in refined[table] if not values.items() <= r.items()]

    return spoil


def double(table: str, place: int) -> Callable[[Refined], None]:
    return lambda refined: refined[table].append(copy.copy(refined[table][place]))


def add_session(table: str) -> Callable[[Refined], None]:
    return lambda refined: refined[table].append(
        refined[table][0] | {"trading_date": dt.date(2025, 7, 28)}
    )


@pytest.mark.parametrize(
    ("spoil", "name", "found"),
    [
        pytest.param(
            drop("portfolio_daily", trading_date=THIRD),
            "daily_has_the_sessions_of_raw",
            "2025-07-29, 2025-07-30",
            id="daily-lacks-a-session",
        ),
        pytest.param(
            add_session("portfolio_daily"),
            "daily_has_the_sessions_of_raw",
            "2025-07-28, 2025-07-29, 2025-07-30, 2025-07-31",
            id="daily-has-a-session-too-many",
        ),
        pytest.param(
            drop("portfolio_daily_summary", trading_date=THIRD),
            "summary_has_the_sessions_of_raw",
            "2025-07-29, 2025-07-30",
            id="summary-lacks-a-session",
        ),
        pytest.param(
            add_session("portfolio_daily_summary"),
            "summary_has_the_sessions_of_raw",
            "2025-07-28, 2025-07-29, 2025-07-30, 2025-07-31",
            id="summary-has-a-session-too-many",
        ),
        pytest.param(
            drop("portfolio_daily", trading_date=SECOND),
            "published_sessions_stay",
            "2025-07-30",
            id="a-published-session-is-lost",
        ),
        pytest.param(
            double("portfolio_daily", 4),
            "portfolio_daily_key_is_unique",
            "2025-07-30 BBBB3",
            id="a-daily-key-stands-twice",
        ),
        pytest.param(
            double("portfolio_daily_summary", 0),
            "portfolio_daily_summary_key_is_unique",
            "2025-07-29",
            id="a-session-is-summed-up-twice",
        ),
        pytest.param(
            double("portfolio_monthly", 3),
            "portfolio_monthly_key_is_unique",
            "DDDD3",
            id="a-ticker-stands-twice-in-the-month",
        ),
        pytest.param(
            change("portfolio_daily", 0, weight_pct=D("50.001")),
            "daily_weights_sum_to_100",
            "2025-07-29: 100.001",
            id="a-weight-changed",
        ),
        pytest.param(
            drop("portfolio_daily", ticker="CCCC3"),
            "daily_equals_raw",
            "2025-07-29 CCCC3",
            id="a-constituent-is-missing",
        ),
        pytest.param(
            drop("portfolio_monthly", ticker="DDDD3"),
            "monthly_agrees_with_daily",
            "DDDD3",
            id="the-month-lacks-a-ticker",
        ),
        pytest.param(
            change("portfolio_monthly", 2, ticker="EEEE3"),
            "monthly_agrees_with_daily",
            "CCCC3, EEEE3",
            id="the-month-has-another-ticker",
        ),
    ],
)
def test_each_violation_fails_its_check(
    refined: Refined, spoil: Callable[[Refined], None], name: str, found: str
) -> None:
    spoil(refined)
    assert failed(refined)[name] == found


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("asset_name", "OTHER"),
        ("share_class", "PN"),
        ("corporate_event", None),
        ("listing_segment", "N1"),
        ("sector", None),
        ("theoretical_quantity", 21),
        ("weight_pct", D("39.998")),
        ("weight_rank", 1),
        ("extracted_at", dt.datetime(2025, 8, 2)),  # noqa: DTZ001
    ],
)
def test_every_daily_column_is_compared_with_raw(
    refined: Refined, column: str, value: object
) -> None:
    refined["portfolio_daily"][4][column] = value
    assert failed(refined)["daily_equals_raw"] == "2025-07-30 BBBB3"


def other_value(value: Any) -> Any:
    """A value of the same type that is not the same."""
    step = {dt.date: dt.timedelta(1), dt.datetime: dt.timedelta(1), Decimal: D("0.001"), int: 1}
    return value + step.get(type(value), "X")


@pytest.mark.parametrize(
    "column", [name for name in PORTFOLIO_DAILY_SUMMARY.types() if name != "trading_date"]
)
def test_every_summary_column_is_compared_with_raw(refined: Refined, column: str) -> None:
    right = refined["portfolio_daily_summary"][1][column]
    refined["portfolio_daily_summary"][1][column] = other_value(right)
    assert failed(refined) == {
        "summary_equals_header": f"2025-07-30 {column} {right}, not {other_value(right)}"
    }


@pytest.mark.parametrize("column", [name for name in PORTFOLIO_MONTHLY.types() if name != "ticker"])
def test_every_monthly_column_is_worked_out_again(refined: Refined, column: str) -> None:
    refined["portfolio_monthly"][0][column] = other_value(refined["portfolio_monthly"][0][column])
    assert failed(refined) == {"monthly_agrees_with_daily": "AAAA3"}


def test_a_missing_column_is_a_difference(refined: Refined) -> None:
    del refined["portfolio_daily_summary"][0]["top5_weight_pct"]
    assert "top5_weight_pct" in failed(refined)["summary_equals_header"]


def test_an_empty_run_fails(refined: Refined) -> None:
    assert {
        "daily_has_the_sessions_of_raw",
        "summary_has_the_sessions_of_raw",
        "published_sessions_stay",
        "daily_equals_raw",
    } <= failed({table: [] for table in refined}).keys()


def test_raw_that_differs_from_its_own_header_is_told() -> None:
    raw = [raw_session(row("AAAA3", "100.000", 10), total_theoretical_quantity=11)]
    refined = {
        "portfolio_daily": expected_daily(raw[0]),
        "portfolio_daily_summary": [expected_summary(raw[0]) | {"total_theoretical_quantity": 10}],
        "portfolio_monthly": list(expected_monthly(expected_daily(raw[0])).values()),
    }
    checks = audit_portfolio_month(raw, refined, [])
    assert [c.found for c in checks if not c.has_passed] == [
        "2025-08-01 total_theoretical_quantity 11, not 10"
    ]
