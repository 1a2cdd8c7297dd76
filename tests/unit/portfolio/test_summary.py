import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from tasks.core.portfolio.model import Constituent
from tasks.core.portfolio.summary import (
    spans_before,
    summarize_portfolio,
    summarize_portfolios,
)
from tests.portfolios import BPAC11, PETR4, THURSDAY, VALE3, portfolio

BEFORE = portfolio(
    replace(VALE3, weight_pct=Decimal("59.000")),
    PETR4,
    Constituent("STBP3", "SANTOS BRP", "ON      NM", None, Decimal("1.500"), 9),
    trading_date=THURSDAY,
)


def test_the_heaviest_come_first_with_their_rank() -> None:
    text = summarize_portfolio(portfolio(), None)
    assert "## IBOV, session of 2025-08-01" in text
    assert "3 constituents, index divisor 16,036,751.16744128," in text
    assert "total theoretical quantity 8,735,932,630." in text
    assert text.index("| 1 | VALE3 | VALE | 60.000 |") < text.index(
        "| 2 | PETR4 | PETROBRAS | 39.500 |"
    )


def test_a_page_is_told_whole() -> None:
    assert (
        summarize_portfolio(portfolio(), BEFORE)
        == """\
## IBOV, session of 2025-08-01

3 constituents, index divisor 16,036,751.16744128, total theoretical quantity 8,735,932,630.

### The 10 heaviest

| rank | ticker | issuer | weight (%) |
|---:|---|---|---:|
| 1 | VALE3 | VALE | 60.000 |
| 2 | PETR4 | PETROBRAS | 39.500 |
| 3 | BPAC11 | BTGP BANCO | 0.500 |

### Moves against 2025-07-31, the last session that the lake holds before

Entered: BPAC11 (BTGP BANCO). Left: STBP3 (SANTOS BRP).

| ticker | weight before (%) | weight now (%) | change (pp) |
|---|---:|---:|---:|
| VALE3 | 59.000 | 60.000 | +1.000 |
| PETR4 | 39.500 | 39.500 | 0.000 |
"""
    )


def test_ten_constituents_are_shown() -> None:
    rows = [replace(VALE3, ticker=f"T{n:02}", weight_pct=Decimal(n)) for n in range(1, 13)]
    text = summarize_portfolio(portfolio(*rows), None)
    assert "| 10 | T03 |" in text
    assert "T02" not in text


def test_says_so_when_no_session_before_is_held() -> None:
    said = "The lake holds no session of IBOV before this one, back to the beginning of 2023."
    assert said in summarize_portfolio(portfolio(), None)


@pytest.mark.parametrize(
    ("day", "spans"),
    [
        (dt.date(2025, 8, 1), ["2025-08", "2025-07", "2025", "2024", "2023"]),
        (dt.date(2025, 8, 31), ["2025-08", "2025-07", "2025", "2024", "2023"]),
        (dt.date(2025, 1, 2), ["2025-01", "2024-12", "2024", "2023", "2022"]),
        (dt.date(2024, 3, 31), ["2024-03", "2024-02", "2024", "2023", "2022"]),
    ],
    ids=str,
)
def test_the_session_before_is_looked_for_in_months_and_then_in_years(
    day: dt.date, spans: list[str]
) -> None:
    assert spans_before(day) == spans


def test_says_so_when_the_session_before_cannot_be_read() -> None:
    text = summarize_portfolio(portfolio(), None, "4 bytes in s3://b3-lake/x")
    said = "The last session that the lake holds before cannot be read: 4 bytes in s3://b3-lake/x"
    assert said in text
    assert "holds no session" not in text


def test_entries_exits_and_moves_are_told_against_the_session_before() -> None:
    text = summarize_portfolio(portfolio(), BEFORE)
    assert "### Moves against 2025-07-31, the last session that the lake holds before\n" in text
    assert "Entered: BPAC11 (BTGP BANCO). Left: STBP3 (SANTOS BRP)." in text
    assert "| VALE3 | 59.000 | 60.000 | +1.000 |\n| PETR4 | 39.500 | 39.500 | 0.000 |" in text


def test_a_fall_has_its_sign_and_large_moves_come_first() -> None:
    now = portfolio(
        replace(VALE3, weight_pct=Decimal("57.000")), replace(PETR4, weight_pct=Decimal("40.000"))
    )
    text = summarize_portfolio(now, BEFORE)
    assert "| VALE3 | 59.000 | 57.000 | -2.000 |\n| PETR4 | 39.500 | 40.000 | +0.500 |" in text
    assert "Entered: none." in text


def test_ten_moves_are_shown() -> None:
    rows = [replace(BPAC11, ticker=f"T{n:02}", weight_pct=Decimal(n)) for n in range(12)]
    before = [replace(row, weight_pct=Decimal(0)) for row in rows]
    moves = summarize_portfolio(portfolio(*rows), portfolio(*before)).split("### Moves")[1]
    assert "| T02 |" in moves
    assert "| T01 |" not in moves


def test_several_portfolios_are_a_line_each_by_index() -> None:
    tied = portfolio(
        replace(VALE3, weight_pct=Decimal("50.000")),
        replace(PETR4, weight_pct=Decimal("50.000")),
        index_code="IBXX",
    )
    text = summarize_portfolios([tied, replace(BEFORE, index_code="SMLL"), portfolio()], [])
    assert text.splitlines()[:2] == ["## 3 indices, session of 2025-07-31 and of 2025-08-01", ""]
    assert text.splitlines()[4:] == [
        "| IBOV | 2025-08-01 | 3 | VALE3 | 60.000 |",
        "| IBXX | 2025-08-01 | 2 | PETR4 | 50.000 |",
        "| SMLL | 2025-07-31 | 3 | VALE3 | 59.000 |",
    ]


def test_indices_without_a_portfolio_are_named_below() -> None:
    text = summarize_portfolios([portfolio()], ["BDRX", "IFIX"])
    assert text.splitlines()[5:] == [
        "| BDRX | none published | | | |",
        "| IFIX | none published | | | |",
    ]


def test_every_line_of_the_table_has_its_five_cells() -> None:
    text = summarize_portfolios([portfolio()], ["BDRX"])
    assert text.endswith("|\n")
    assert text.startswith("## 1 index, session of 2025-08-01\n\n| index |")
    assert {line.count("|") for line in text.splitlines()[2:]} == {6}
