import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tasks.core.session_report.model import Concentration, Constituent, Totals
from tasks.core.session_report.moves import ENTERED, LEFT, STAYED, Moves
from tasks.core.session_report.portfolio import (
    add_up,
    concentrate,
    find_moves,
    in_force,
    list_constituents,
)

DAY = dt.date(2025, 8, 4)
BEFORE = dt.date(2025, 8, 1)


def row(ticker: str, weight: str, quantity: int = 100, **values: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "asset_name": f"{ticker} S/A",
        "share_class": "ON",
        "corporate_event": None,
        "sector": None,
        "theoretical_quantity": quantity,
        "weight_pct": Decimal(weight),
        "weight_rank": 1,
        **values,
    }


def test_constituents_stand_the_heaviest_first_and_equal_weights_by_ticker() -> None:
    rows = [row("PETR4", "30.000"), row("ABEV3", "30.000"), row("VALE3", "40.000")]
    assert [one.ticker for one in list_constituents(rows)] == ["VALE3", "ABEV3", "PETR4"]


def test_a_constituent_is_its_row() -> None:
    values = {"corporate_event": "EJ", "sector": "Petróleo", "weight_rank": 7}
    assert list_constituents([row("PETR4", "1.500", 12, **values)]) == (
        Constituent(7, "PETR4", "PETR4 S/A", "ON", "EJ", "Petróleo", 12, Decimal("1.500")),
    )


def test_totals_are_counted_and_summed() -> None:
    rows = [row("PETR4", "60.001", 10), row("VALE3", "39.999", 5)]
    assert add_up(rows, Decimal("2.5")) == Totals(2, 15, Decimal("100.000"), Decimal("2.5"))


def test_concentration_counts_the_heaviest_whatever_their_order() -> None:
    weights = ["1.000", *(f"{each}.000" for each in range(12, 1, -1))]
    found = concentrate(DAY, [row(f"TICK{n}", each) for n, each in enumerate(weights)])
    assert found == Concentration(
        trading_date=DAY,
        constituent_count=12,
        top5_weight_pct=Decimal("50.000"),
        top10_weight_pct=Decimal("75.000"),
        herfindahl_hirschman_index=Decimal("650.000000"),
        weights=tuple(Decimal(f"{each}.000") for each in range(12, 0, -1)),
    )
    assert str(found.herfindahl_hirschman_index) == "650.000000"


def test_of_fewer_than_five_all_are_the_heaviest() -> None:
    found = concentrate(DAY, [row("PETR4", "60.000"), row("VALE3", "40.000")])
    assert (found.top5_weight_pct, found.top10_weight_pct) == (Decimal(100), Decimal(100))


@pytest.fixture
def moves() -> Moves:
    before = [
        *(row("GONE3", "5.000", 7), row("SAME3", "20.000"), row("UPUP3", "10.000")),
        *(row("DOWN3", "30.000"), row("MORE3", "35.000", 10), row("TIES3", "1.000")),
    ]
    after = [
        *(row("SAME3", "20.000"), row("UPUP3", "12.000"), row("DOWN3", "27.000")),
        *(row("MORE3", "35.000", 11), row("NEWS3", "0.500", 3), row("NEWT3", "3.000", 4)),
        row("TIES3", "3.000"),
    ]
    return find_moves(BEFORE, before, after)


def test_moves_are_entries_exits_and_then_the_largest_changes(moves: Moves) -> None:
    assert moves.since == BEFORE
    assert [(one.kind, one.ticker, str(one.weight_change)) for one in moves.rows] == [
        (ENTERED, "NEWT3", "3.000"),
        (ENTERED, "NEWS3", "0.500"),
        (LEFT, "GONE3", "-5.000"),
        (STAYED, "DOWN3", "-3.000"),
        (STAYED, "TIES3", "2.000"),
        (STAYED, "UPUP3", "2.000"),
        (STAYED, "MORE3", "0.000"),
    ]


def test_a_move_has_what_was_and_what_is(moves: Moves) -> None:
    entered, left, more = (
        next(one for one in moves.rows if one.ticker == ticker)
        for ticker in ("NEWS3", "GONE3", "MORE3")
    )
    assert (entered.weight_before, entered.quantity_before) == (None, None)
    assert (entered.weight_after, entered.quantity_after) == (Decimal("0.500"), 3)
    assert entered.quantity_change == 3
    assert (left.weight_before, left.quantity_before) == (Decimal("5.000"), 7)
    assert (left.weight_after, left.quantity_after, left.quantity_change) == (None, None, -7)
    assert left.asset_name == "GONE3 S/A"
    assert (more.quantity_before, more.quantity_after, more.quantity_change) == (10, 11, 1)


def test_moves_are_told_by_kind(moves: Moves) -> None:
    assert [one.ticker for one in moves.of_kind(LEFT)] == ["GONE3"]
    assert [one.ticker for one in moves.changed_quantities] == ["MORE3"]


def test_of_the_same_portfolio_there_is_no_move() -> None:
    rows = [row("PETR4", "100.000")]
    assert find_moves(BEFORE, rows, rows).rows == ()


def shown(ticker: str, first: int, last: int) -> dict[str, Any]:
    days = (dt.date(2025, 8, day) for day in (first, last))
    return row(ticker, "1.000") | dict(zip(("first_session", "last_session"), days, strict=True))


def days(*numbers: int) -> list[dt.date]:
    return [dt.date(2025, 8, each) for each in numbers]


@pytest.mark.parametrize(
    ("session", "previews", "on", "period_on", "last", "tickers"),
    [
        pytest.param(4, [("A", 1, 4)], [1, 4], [1, 4], 4, ["A"], id="shown on the session"),
        pytest.param(4, [("A", 1, 8)], [1, 4, 8], [1, 4, 8], 4, ["A"], id="and later too"),
        pytest.param(4, [("A", 1, 4), ("B", 1, 1)], [1, 4], [], 4, ["A"], id="one taken out"),
        pytest.param(4, [("A", 1, 4), ("B", 5, 8)], [4, 5], [], 4, ["A"], id="one to come"),
        pytest.param(5, [("A", 1, 4)], [1, 4], [1, 4], 4, ["A"], id="neither since"),
        pytest.param(5, [("A", 1, 4)], [1, 4], [6, 8], 4, ["A"], id="a period to come"),
        pytest.param(
            *(5, [("A", 1, 4), ("A", 6, 8), ("B", 1, 8)], [1, 4, 6, 8], [1, 4, 6]),
            *(4, ["A", "B"]),
            id="a row that is the same in the next preview",
        ),
    ],
)
def test_the_preview_in_force_is_the_last_that_was_shown_by_then(
    session: int,
    previews: list[tuple[str, int, int]],
    on: list[int],
    period_on: list[int],
    last: int,
    tickers: list[str],
) -> None:
    rows = [shown(*each) for each in previews]
    found = in_force(dt.date(2025, 8, session), rows, days(*on), days(*period_on))
    assert found is not None
    assert found[0] == dt.date(2025, 8, last)
    assert [each["ticker"] for each in found[1]] == tickers


@pytest.mark.parametrize(
    ("on", "period_on"),
    [
        pytest.param([], [1, 4], id="none"),
        pytest.param([5, 8], [], id="none yet"),
        pytest.param([1], [1, 4, 5], id="the period was shown since"),
    ],
)
def test_no_preview_is_in_force(on: list[int], period_on: list[int]) -> None:
    assert in_force(DAY, [shown("A", 1, 8)], days(*on), days(*period_on)) is None
