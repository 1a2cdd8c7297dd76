"""Answers as a terminal shows them."""

import datetime as dt
import io
from decimal import Decimal

import pytest
from rich.console import Console

from infra.local.answers import ROWS_SHOWN, print_answer
from infra.queries import Query

QUERY = Query("Totals", "What `B3` states, day by day. And more that the page says.", "SELECT 1")
DAY = dt.date(2025, 8, 4)
WIDE: dict[str, list[object]] = {
    "trading_date": [DAY] * 20,
    "constituent_count": [84] * 20,
    "total_theoretical_quantity": [92458239505] * 20,
    "total_weight_pct": [Decimal("100.000")] * 20,
    "index_divisor": [Decimal("15721604.67640301")] * 20,
    "sector": ["Financeiro e Outros / Intermediários"] * 20,
    "top5_weight_pct": [Decimal("33.824")] * 20,
}


def shown(columns: dict[str, list[object]], width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_answer(console, QUERY, columns)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_says_what_is_asked_in_one_sentence() -> None:
    assert shown({"ticker": ["PETR4", "VALE3"]})[1] == "Totals. What B3 states, day by day."


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_no_word_of_a_heading_is_broken(width: int) -> None:
    lines = shown(WIDE, width)

    assert max(map(len, lines)) <= width
    assert len(lines) < 24
    head = lines[2 : next(number for number, line in enumerate(lines) if "───" in line)]
    words = {word for name in WIDE for word in name.split("_")}
    assert set(" ".join(head).split()) <= words


def test_columns_without_room_are_named_and_figures_are_whole() -> None:
    lines = shown(WIDE, 60)

    assert "too wide for this terminal" in lines[-2] + lines[-1]
    assert "top5 weight pct" in " ".join(lines[-2:])
    assert any(line.startswith("2025-08-04") and "92458239505" in line for line in lines)


def test_headings_that_fit_stay_in_one_line() -> None:
    assert shown({"asset_name": ["CURY S/A", "X"], "weight_pct": [Decimal("0.195")] * 2})[2:] == [
        "asset name  weight pct",
        "──────────────────────",
        "CURY S/A         0.195",
        "X                0.195",
        "2 rows",
    ]


def test_figures_are_aligned_where_some_rows_have_none() -> None:
    weights: list[object] = ["", Decimal("0.145"), Decimal("10.441")]
    assert shown({"ticker": ["A", "B", "C"], "weight": weights})[2:] == [
        "ticker  weight",
        "──────────────",
        "A",
        "B        0.145",
        "C       10.441",
        "3 rows",
    ]


def test_one_row_is_read_from_top_to_bottom() -> None:
    assert shown({"trading_date": [DAY], "quoted_count": [84]})[2:] == [
        "trading date  2025-08-04",
        "quoted count          84",
        "1 row",
    ]


def test_long_answers_and_long_cells_are_cut() -> None:
    lines = shown(WIDE, 200)

    rows = [line for line in lines if "2025-08-04" in line]
    assert len(rows) == ROWS_SHOWN
    assert "  Financeiro e Ou…  " in rows[0]
    assert lines[-1] == f"20 rows, the first {ROWS_SHOWN} shown"


def test_no_answer_has_headings_and_no_rows() -> None:
    assert shown({"ticker": []})[2:] == ["ticker", "──────", "0 rows"]
