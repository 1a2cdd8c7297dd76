from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import BadDataError
from tasks.core.portfolio.model import Portfolio, check_portfolio
from tasks.core.portfolio.saved_csv import parse_portfolio_csv
from tests.portfolios import BPAC11, PETR4, VALE3, portfolio

TITLE = "IBOV - Carteira do Dia 01/08/25"
COLUMNS = "Código;Ação;Tipo;Qtde. Teórica;Part. (%)"
ROWS = (
    "VALE3;VALE;ON      NM;4.196.924.316;60,000;",
    "PETR4;PETROBRAS;PN  EJ  N2;4.539.007.580;39,500;",
    "BPAC11;BTGP BANCO;UNT;734;0,500;",
)
TOTAL = "Quantidade Teórica Total;;;8.735.932.630;100,000"
DIVISOR = "Redutor;;;16.036.751,16744128"
LINES = (TITLE, COLUMNS, *ROWS, TOTAL, DIVISOR)
BY_SECTOR = (
    TITLE,
    "Setor;Código;Ação;Tipo;Qtde. Teórica;Part. (%);Part. (%)Acum.",
    "Mineração;VALE3;VALE;ON      NM;4.196.924.316;60,000;60,000;",
    ";PETR4;PETROBRAS;PN  EJ  N2;4.539.007.580;39,500;39,500;",
    "Bancos;BPAC11;BTGP BANCO;UNT;734;0,500;0,500;",
    "Quantidade Teórica Total;;;;8.735.932.630;100,000;100,000",
    "Redutor;;;;16.036.751,16744128",
)
NO_SECTORS = [replace(row, sector=None) for row in (VALE3, PETR4, BPAC11)]


def read(*lines: str, line_end: str = "\r\n") -> Portfolio:
    return parse_portfolio_csv("".join(line + line_end for line in lines).encode("latin-1"))


def with_line(number: int, text: str) -> list[str]:
    """The file with one line replaced, numbered from 1 as an editor does."""
    return [*LINES[: number - 1], text, *LINES[number:]]


def test_reads_the_form_by_name() -> None:
    assert read(*LINES) == portfolio(*NO_SECTORS)


def test_reads_the_form_by_sector() -> None:
    assert read(*BY_SECTOR) == portfolio()


def test_the_by_sector_form_may_state_one_total_weight_only() -> None:
    assert read(*BY_SECTOR[:-2], BY_SECTOR[-2].removesuffix(";100,000"), BY_SECTOR[-1])


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r\r\n", "\r\n\r\n"])
def test_line_ends_that_a_person_saved_do_not_matter(line_end: str) -> None:
    assert read(*LINES, line_end=line_end) == portfolio(*NO_SECTORS)


def test_semicolons_that_a_spreadsheet_added_do_not_matter() -> None:
    assert read(f"{TITLE};;;;;", *LINES[1:-2], f"{TOTAL};", f"{DIVISOR};;") == read(*LINES)


def test_a_quotation_mark_in_a_name_is_part_of_the_name() -> None:
    assert read(*with_line(3, ROWS[0].replace("VALE;", '"VALE;'))).constituents[-1].asset_name == (
        '"VALE'
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "Line 1: expected 'IBOV - Carteira do Dia", id="empty"),
        pytest.param(b"\r\n\r\n", "Line 1", id="blank"),
        pytest.param(b"PK\x03\x04\x00\r\x00\n", "Line 1", id="a-zip"),
        pytest.param(b"<!DOCTYPE html><html></html>", "Line 1", id="a-web-page"),
        pytest.param("\r\n".join(LINES[1:]).encode("latin-1"), "Line 1", id="no-title"),
        pytest.param(TITLE.encode(), "Line 2: expected the columns", id="title-alone"),
        pytest.param("\r\n".join(LINES).encode(), "Line 2", id="saved-again-as-utf-8"),
    ],
)
def test_any_other_file_is_refused_at_the_line_that_differs(data: bytes, said: str) -> None:
    with pytest.raises(BadDataError, match=said):
        parse_portfolio_csv(data)


@pytest.mark.parametrize(
    "columns",
    [
        "Código;Ação;Tipo;Part. (%);Qtde. Teórica",
        "Código;Ação;Tipo;Qtde. Teórica",
        f"Setor;{COLUMNS}",
        "Code;Stock;Type;Theoretical Quantity;Part. (%)",
    ],
)
def test_other_columns_are_refused(columns: str) -> None:
    with pytest.raises(BadDataError, match="Line 2: expected the columns"):
        read(*with_line(2, columns))


@pytest.mark.parametrize("kept", range(2, len(LINES)))
def test_a_file_cut_short_between_lines_is_refused(kept: int) -> None:
    with pytest.raises(BadDataError, match="cut short: save it again"):
        read(*LINES[:kept])


@pytest.mark.parametrize("number", [6, 7])
def test_the_last_two_lines_are_known_by_their_names(number: int) -> None:
    with pytest.raises(BadDataError, match="Expected 'Quantidade Teórica Total' and 'Redutor'"):
        read(*with_line(number, f"X{LINES[number - 1]}"))


@given(cut=st.integers(1, len("\r\n".join(LINES)) - 1))
def test_a_file_cut_short_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(BadDataError):
        parse_portfolio_csv("\r\n".join(LINES).encode("latin-1")[:cut])


def test_a_portfolio_without_constituents_is_refused() -> None:
    with pytest.raises(BadDataError, match="cut short"):
        read(TITLE, COLUMNS, TOTAL, DIVISOR)


@pytest.mark.parametrize(
    ("number", "text", "said"),
    [
        pytest.param(1, "IBOV - Carteira do Dia 31/06/25", "Line 1: .*31/06/25", id="no-day"),
        pytest.param(1, "Ibov - Carteira do Dia 01/08/25", "Line 1: .*'Ibov'", id="index-code"),
        pytest.param(3, "VALE3;VALE;ON;4.196;60.000;", "Line 3: .*'60.000'", id="english-weight"),
        pytest.param(4, "PETR4;PETROBRAS;PN;4539007580;39,500;", "Line 4: .*'4539", id="ungrouped"),
        pytest.param(5, "BPAC11;BTGP BANCO;UNT;734;;", "Line 5: .*''", id="no-weight"),
        pytest.param(
            4, "PETR4;PETROBRAS;PN;39,500;", "Line 4: expected 5 values, found 4", id="few"
        ),
        pytest.param(
            4,
            "PETR4;PETRO;BRAS;PN;1.000;39,500;",
            "Line 4: expected 5 values, found 6",
            id="extra-cells",
        ),
        pytest.param(6, "Quantidade Teórica Total;;;100,000", "Line 6: .*found 1", id="no-total"),
        pytest.param(6, f"{TOTAL};100,000", "Line 6: expected 2 values", id="two-total-weights"),
        pytest.param(6, TOTAL.replace("8.735", "8,735"), "Line [67]: .*8,735", id="english-total"),
        pytest.param(7, "Redutor;;;16.036.751,16", "Line 7: .*16.036.751,16'", id="short-divisor"),
        pytest.param(7, "Redutor;;;", "Line 7: expected 1 values, found 0", id="no-divisor"),
    ],
)
def test_a_bad_value_is_named_with_its_line(number: int, text: str, said: str) -> None:
    with pytest.raises(BadDataError, match=said):
        read(*with_line(number, text))


@given(data=st.binary(max_size=200))
def test_whatever_comes_is_refused_with_an_error_of_ours(data: bytes) -> None:
    for start in ("", f"{TITLE}\r\n", f"{TITLE}\r\n{COLUMNS}\r\n"):
        with pytest.raises(BadDataError):
            parse_portfolio_csv(start.encode("latin-1") + data)


@pytest.mark.parametrize(
    ("name", "session", "count", "total", "divisor"),
    [
        ("IBOVDia_07-07-25.csv", "IBOV 2025-07-07", 84, 91_922_324_640, "15438607.05630450"),
        ("IBOVDia_16-01-24.csv", "IBOV 2024-01-16", 87, 96_372_098_181, "17048770.05751012"),
        ("IBOVDia_26-04-24.csv", "IBOV 2024-04-26", 86, 98_349_383_271, "16773008.20096335"),
        ("IBOVDia_31-01-24.csv", "IBOV 2024-01-31", 86, 96_173_913_272, "17043386.27285601"),
        ("IBRADia_07-07-25.csv", "IBRA 2025-07-07", 166, 108_263_492_786, "429821915.95589675"),
        ("IFIXDia_07-07-25.csv", "IFIX 2025-07-07", 117, 4_999_944_898, "40139127.01653020"),
    ],
)
def test_reads_a_real_file_and_all_checks_pass(
    samples: Path, name: str, session: str, count: int, total: int, divisor: str
) -> None:
    real = parse_portfolio_csv((samples / name).read_bytes())
    assert str(real) == session
    assert len(real.constituents) == count
    assert sum(row.theoretical_quantity for row in real.constituents) == total
    assert real.index_divisor == Decimal(divisor)
    assert [check for check in check_portfolio(real) if not check.has_passed] == []


def test_a_weight_that_b3_rounds_to_zero_is_legitimate(samples: Path) -> None:
    real = parse_portfolio_csv((samples / "IBRADia_07-07-25.csv").read_bytes())
    assert [row.ticker for row in real.constituents if row.weight_pct == 0]
