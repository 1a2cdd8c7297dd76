import datetime as dt
from decimal import Decimal
from typing import Any

from tasks.core.session_report.market import Day, reconcile, take_closes, value_session
from tasks.core.session_report.model import Levels, Reconciliation, Return

BEFORE, DAY = dt.date(2025, 8, 1), dt.date(2025, 8, 4)


def row(ticker: str, weight: str, quantity: int, event: str | None = None) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "weight_pct": Decimal(weight),
        "theoretical_quantity": quantity,
        "corporate_event": event,
    }


PORTFOLIO = [row("PETR4", "40.000", 100, "EJ"), row("VALE3", "60.000", 50)]
CLOSES_BEFORE = {"PETR4": Decimal("30.00"), "VALE3": Decimal("60.00")}
CLOSES = {"PETR4": Decimal("29.00"), "VALE3": Decimal("61.00")}


def day(closes: dict[str, Decimal], level: str | None = None, divisor: str | None = "7.5") -> Day:
    by, at = (None if each is None else Decimal(each) for each in (divisor, level))
    return Day(PORTFOLIO, by, closes, at)


def test_returns_and_contributions_are_rounded_once_the_largest_contribution_first() -> None:
    market = value_session(BEFORE, day(CLOSES_BEFORE), day(CLOSES))
    assert market.returns == (
        Return(
            *("VALE3", None, Decimal("60.000"), Decimal("60.00"), Decimal("61.00")),
            *(Decimal("1.667"), Decimal("1.0000")),
        ),
        Return(
            *("PETR4", "EJ", Decimal("40.000"), Decimal("30.00"), Decimal("29.00")),
            *(Decimal("-3.333"), Decimal("-1.3333")),
        ),
    )
    assert (market.previous_session, market.quoted_count) == (BEFORE, 2)


def test_equal_contributions_stand_by_ticker() -> None:
    rows = [row("VALE3", "50.000", 1), row("PETR4", "50.000", 1)]
    closes = dict.fromkeys(("VALE3", "PETR4"), Decimal(2))
    held = Day(rows, Decimal(1), closes, None)
    assert [one.ticker for one in value_session(BEFORE, held, held).returns] == ["PETR4", "VALE3"]


def test_levels_are_of_each_sessions_own_portfolio_and_cut() -> None:
    before = Day(
        [row("PETR4", "100.000", 10)], Decimal("7"), {"PETR4": Decimal("30.00")}, Decimal("42.85")
    )
    market = value_session(BEFORE, before, day(CLOSES, "793.33"))
    assert market.implied == Levels(Decimal("42.85"), Decimal("793.33"))  # 300 / 7, 5950 / 7.5
    assert market.published == Levels(Decimal("42.85"), Decimal("793.33"))
    assert str(market.implied.move_pct) == "1751.412"


def test_without_every_close_there_is_no_level() -> None:
    before = day({"VALE3": Decimal("60.00")})
    market = value_session(BEFORE, before, day({"PETR4": Decimal("29.00"), "OTHER3": Decimal(1)}))
    assert market.implied == Levels(None, None)
    assert market.implied.move_pct is None
    assert (market.quoted_count, market.returns) == (1, ())


def test_without_a_portfolio_or_a_divisor_there_is_no_level() -> None:
    nothing = Day((), None, {}, None)
    market = value_session(None, nothing, day(CLOSES, divisor=None))
    assert market.implied == Levels(None, None)
    assert (market.previous_session, market.returns) == (None, ())


def test_closes_are_taken_by_session_and_ticker() -> None:
    def quote(on: dt.date, ticker: str, close: str) -> dict[str, Any]:
        return {"trading_date": on, "ticker": ticker, "close_price": Decimal(close)}

    rows = [
        *(quote(BEFORE, "PETR4", "30.00"), quote(DAY, "PETR4", "29.00")),
        *(quote(DAY, "TWICE3", "2.00"), quote(DAY, "TWICE3", "3.00")),
        *(quote(DAY, "TWICE3", "1.00"), quote(DAY, "NONE3", "0.00")),
    ]
    assert take_closes(rows) == {
        BEFORE: {"PETR4": Decimal("30.00")},
        DAY: {"PETR4": Decimal("29.00"), "TWICE3": Decimal("3.00")},
    }


def test_the_reconciliation_is_its_row_and_how_many_are_outside() -> None:
    index = {
        "verdict": "differs",
        "computed_level": Decimal("10.02"),
        "published_level": Decimal("10.00"),
        "difference": Decimal("0.02"),
        "reason": None,
    }
    constituents = [{"verdict": each} for each in ("outside", "within", "unknown", "outside")]
    assert reconcile(index, constituents) == Reconciliation(
        "differs", Decimal("10.02"), Decimal("10.00"), Decimal("0.02"), None, 2
    )
    assert reconcile(None, constituents) is None
