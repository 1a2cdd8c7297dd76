from decimal import Decimal
from typing import Any

from tasks.core.reconciliation.session import (
    Close,
    Market,
    Member,
    Shown,
    closes_of,
    put_side_by_side,
)

ITUB4 = Member("ITUB4", "PN  EJ  N1", 10, Decimal("60.000"))
ABEV3 = Member("ABEV3", "ON", 20, Decimal("40.000"))


def record(codneg: str, **changes: Any) -> dict[str, Any]:
    usual = {"tpmerc": "010", "preult": Decimal("1.00"), "fatcot": 1, "voltot": Decimal(5)}
    return {"codneg": codneg} | usual | changes


def test_closes_are_those_of_round_lots_on_the_cash_market() -> None:
    found = closes_of(
        [
            record("ABEV3", preult=Decimal("12.90")),
            record("ABEV3F", tpmerc="020"),
            record("ABEV3T", tpmerc="030"),
            record("QTHO3", fatcot=1000),
            record("NONE3", preult=Decimal(0)),
        ]
    )
    assert found == {"ABEV3": Close(Decimal("12.90"), 1), "QTHO3": Close(Decimal("1.00"), 1000)}


def test_of_two_boards_that_of_the_greater_volume_closes() -> None:
    low = record("ETER3", preult=Decimal("9.00"), voltot=Decimal(1))
    high = record("ETER3", preult=Decimal("8.00"), voltot=Decimal(2))
    for records in ([low, high], [high, low]):
        assert closes_of(records) == {"ETER3": Close(Decimal("8.00"), 1)}


def test_constituents_stand_by_ticker_beside_what_is_known_of_them() -> None:
    shown = Shown((ITUB4, ABEV3), Decimal("7.00000000"), Decimal("2.00"))
    before = Shown((Member("ITUB4", "PN      N1", 9, Decimal(100)),), Decimal(6), Decimal("1.00"))
    market = Market({"ITUB4": Close(Decimal("3.10"), 1)}, {"ABEV3": Close(Decimal("4.00"), 1000)})
    rows = put_side_by_side("IBOV", shown, before, market)
    common = {
        "index_code": "IBOV",
        "index_divisor": Decimal("7.00000000"),
        "level": Decimal("2.00"),
        "previous_level": Decimal("1.00"),
        "quote_count": 1,
    }
    assert rows == [
        common
        | {
            "ticker": "ABEV3",
            "type": "ON",
            "previous_type": None,
            "theoretical_quantity": Decimal(20),
            "weight_pct": Decimal("40.000"),
            "close": None,
            "quote_factor": None,
            "previous_close": Decimal("4.00"),
            "previous_quote_factor": Decimal(1000),
        },
        common
        | {
            "ticker": "ITUB4",
            "type": "PN  EJ  N1",
            "previous_type": "PN      N1",
            "theoretical_quantity": Decimal(10),
            "weight_pct": Decimal("60.000"),
            "close": Decimal("3.10"),
            "quote_factor": Decimal(1),
            "previous_close": None,
            "previous_quote_factor": None,
        },
    ]


def test_a_level_alone_is_one_row_without_a_ticker() -> None:
    (row,) = put_side_by_side("IBOV", Shown(level=Decimal("2.00")), Shown(), Market())
    assert {name: value for name, value in row.items() if value is not None} == {
        "index_code": "IBOV",
        "level": Decimal("2.00"),
        "quote_count": 0,
    }
