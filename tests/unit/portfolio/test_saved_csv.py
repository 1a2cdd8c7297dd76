import codecs
import unicodedata
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import BadDataError
from tasks.core.portfolio import saved_csv
from tasks.core.portfolio.checks import check_portfolio
from tasks.core.portfolio.model import Portfolio
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


def quote(line: str) -> str:
    return ";".join(f'"{cell}"' for cell in line.split(";"))


def pad(line: str, count: int = 4) -> str:
    return line + ";" * count


def pad_far(line: str) -> str:
    return pad(line, 16_384)  # the columns that a sheet has


def blank_before(line: str) -> str:
    return f"\r\n;;;\r\n \t \r\n{line}"


def keep(line: str) -> str:
    return line


@pytest.mark.parametrize("lines", [LINES, BY_SECTOR], ids=["by-name", "by-sector"])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"], ids=["crlf", "lf", "cr"])
@pytest.mark.parametrize("ends_in_line_end", [True, False])
@pytest.mark.parametrize("write", [keep, quote, pad, pad_far, blank_before])
def test_what_loses_nothing_in_saving_again_is_read(
    lines: tuple[str, ...],
    encoding: str,
    line_end: str,
    ends_in_line_end: bool,
    write: Callable[[str], str],
) -> None:
    text = line_end.join(map(write, lines)) + line_end * ends_in_line_end
    assert parse_portfolio_csv(text.encode(encoding)) == read(*lines)


def test_quoted_and_padded_at_once_is_read_with_its_accents() -> None:
    text = "\n\n".join(quote(pad(line)) for line in BY_SECTOR).encode("utf-8-sig")
    assert parse_portfolio_csv(text) == portfolio()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("\r\n".join(LINES).encode("latin-1") + b"\x1a", id="dos-mark"),
        pytest.param("\r\n".join(LINES).encode("latin-1") + b"\r\n\x1a\r\n", id="its-own-line"),
        pytest.param(codecs.BOM_UTF8 * 2 + "\r\n".join(LINES).encode(), id="two-marks"),
        pytest.param(
            unicodedata.normalize("NFD", "\r\n".join(LINES)).encode(), id="letters-in-parts"
        ),
        pytest.param(
            codecs.BOM_UTF16_BE + "\r\n".join(LINES).encode("utf-16-be"), id="the-other-utf-16"
        ),
    ],
)
def test_marks_that_programs_leave_are_no_part_of_it(data: bytes) -> None:
    assert parse_portfolio_csv(data) == read(*LINES)


def test_what_the_weights_have_come_to_need_not_be_stated() -> None:
    bare = [line.rstrip(";").rpartition(";")[0] for line in BY_SECTOR[2:5]]
    assert read(*BY_SECTOR[:2], *bare, *BY_SECTOR[5:]) == portfolio()


def test_a_quotation_mark_within_a_name_is_part_of_the_name() -> None:
    for written in ('VA"LE', '"VA""LE"'):
        changed = read(*with_line(3, ROWS[0].replace("VALE;", f"{written};")))
        assert changed.constituents[-1].asset_name == 'VA"LE'


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param('"VALE;', "in quotation marks as a whole or not at all", id="never-closed"),
        pytest.param('"VA"LE;', "in quotation marks as a whole or not at all", id="closed-early"),
        pytest.param("VA\0LE;", "expected text, found a NUL", id="nul"),
        pytest.param("V" * 201 + ";", "at most 200 characters, found one of 201", id="long"),
        pytest.param("V" * 200_000 + ";", "found otherwise: field larger", id="longer-than-csv"),
    ],
)
def test_what_no_program_writes_is_refused_in_one_line_without_what_it_is(
    changed: str, said: str
) -> None:
    with pytest.raises(BadDataError, match="Line 3: expected") as raised:
        read(*with_line(3, ROWS[0].replace("VALE;", changed)))
    assert said in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert changed.rstrip(";") not in str(raised.value)


def test_a_value_of_two_hundred_characters_is_read() -> None:
    name = "V" * 200
    assert read(*with_line(3, ROWS[0].replace("VALE;", f"{name};"))).constituents[
        -1
    ].asset_name == (name)


CUT = "a spreadsheet has cut the numbers of this file. The original download is needed"


@pytest.mark.parametrize(
    ("number", "written", "cut"),
    [
        (3, "60,000", "60"),
        (3, "60,000", "60,0"),
        (3, "60,000", "60.000"),
        (3, "60,000", "60,00000000"),
        (4, "39,500", "39,5"),
        (4, "39,500", "39,5%"),
        (5, "0,500", ",5"),
        (5, "0,500", "5E-01"),
        (5, "0,500", "###"),
        (3, "4.196.924.316", "4196924316"),
        (3, "4.196.924.316", "4,19692E+09"),
        (3, "4.196.924.316", "4.196.924.316,00"),
        (3, "4.196.924.316", "4,196,924,316"),
        (3, "4.196.924.316", "4 196 924 316"),
        (3, "4.196.924.316", "4\xa0196\xa0924\xa0316"),
        (3, "4.196.924.316", "#########"),
        (6, "8.735.932.630", "8,73593E+09"),
        (6, "100,000", "100"),
        (6, "100,000", "100,0"),
        (7, "16.036.751,16744128", "16.036.751,17"),
        (7, "16.036.751,16744128", "16036751,16744128"),
        (7, "16.036.751,16744128", "16.036.751"),
        (7, "16.036.751,16744128", "16.036.751,1674412"),
    ],
)
@pytest.mark.parametrize("write", [keep, quote, pad])
def test_a_number_that_a_spreadsheet_cut_is_named_and_the_download_asked_for(
    number: int, written: str, cut: str, write: Callable[[str], str]
) -> None:
    lines = with_line(number, LINES[number - 1].replace(written, cut))
    with pytest.raises(BadDataError) as raised:
        read(*map(write, lines))
    said = str(raised.value)
    assert said.startswith(f"Line {number}: expected a pt-br number")
    assert f"found {cut!r}" in said
    assert CUT in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("value", ["", "n/d", "sixty", "-", "6x"])
def test_what_is_no_number_is_no_spreadsheets_doing(value: str) -> None:
    with pytest.raises(BadDataError, match=f"Line 3: .*found '{value}'") as raised:
        read(*with_line(3, ROWS[0].replace("60,000", value)))
    assert "spreadsheet" not in str(raised.value)


def test_a_number_of_b3s_form_that_is_refused_is_no_spreadsheets_doing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(text: str) -> int:
        raise BadDataError(f"expected less, found {text!r}")

    monkeypatch.setattr(saved_csv, "parse_integer", refuse)
    with pytest.raises(BadDataError, match=r"^Line 3: expected less, found '4.196.924.316'\.$"):
        read(*LINES)


@pytest.mark.parametrize(
    "title", ["IBOV - Carteira do Dia 01/08/2025", "IBOV - Carteira", "IBOV - Carteira de ontem"]
)
def test_a_title_of_another_portfolio_is_shown(title: str) -> None:
    with pytest.raises(BadDataError) as raised:
        read(*with_line(1, title))
    assert f"Line 1: expected 'IBOV - Carteira do Dia DD/MM/YY', found '{title}'." in str(
        raised.value
    )


def test_the_line_of_the_title_is_counted_as_an_editor_does() -> None:
    with pytest.raises(BadDataError, match=r"^Line 3: expected 'IBOV - Carteira do Dia DD/MM/YY'"):
        read("", ";", "hello", *LINES[1:])
    with pytest.raises(BadDataError, match=r"^Line 2: expected a pt-br date"):
        read("", "IBOV - Carteira do Dia 31/06/25", *LINES[1:])
    with pytest.raises(BadDataError, match=r"^Line 5: .*found '60'"):
        read(*LINES[:2], "", ";;", ROWS[0].replace("60,000", "60"), *LINES[3:])


def test_the_title_stands_alone_in_its_line() -> None:
    with pytest.raises(
        BadDataError, match=rf"Line 1: .*found '{TITLE}' and 1 other value\(s\) bes"
    ):
        read(f"{TITLE};;x", *LINES[1:])


@pytest.mark.parametrize("line", ['"a', "\0", "x" * 201, "a;b", ""])
def test_a_first_line_that_is_no_title_is_that_of_another_file_whatever_it_holds(line: str) -> None:
    with pytest.raises(BadDataError, match=r"^Line 1: expected 'IBOV - .*found a file of another"):
        read(line)


def test_a_message_has_one_full_stop_at_its_end() -> None:
    with pytest.raises(BadDataError, match=r"[^.]\.$"):
        read(*with_line(1, "Ibov - Carteira do Dia 01/08/25"))


SECRET = "hunter2"


@pytest.mark.parametrize(
    "lines",
    [
        [f"password={SECRET}"],
        [f"{SECRET} - Carteirinha"],
        [f'"{SECRET}'],
        [f"\0{SECRET}"],
        [f"{SECRET} " * 100],
        [f"{TITLE};{SECRET}"],
        [f"IBOV - Carteira do Dia 01/08/25 {'x' * 40} {SECRET}"],
        [TITLE, SECRET],
        [TITLE, f"{COLUMNS};{SECRET}"],
        [TITLE, COLUMNS, SECRET, SECRET, SECRET, SECRET],
        [TITLE, COLUMNS, f"{SECRET};{SECRET}", TOTAL, DIVISOR],
        [TITLE, COLUMNS, *ROWS, TOTAL, f"{DIVISOR};{SECRET}"],
    ],
)
def test_no_message_shows_what_stands_in_another_file(lines: list[str]) -> None:
    with pytest.raises(BadDataError, match=r"Line \d: expected|cut short") as raised:
        read(*lines)
    assert SECRET not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("p0_good.csv", ""),
        ("p1_utf8.csv", ""),
        ("p2_utf8_bom.csv", ""),
        ("p3_excel_resaved.csv", f"Line 3: .* found '60,61': {CUT}"),
        ("p4_padded.csv", ""),
        ("p6_quoted.csv", ""),
    ],
)
def test_what_people_saved_is_read_or_refused(inputs: Path, name: str, said: str) -> None:
    good = parse_portfolio_csv((inputs / "p0_good.csv").read_bytes())
    with pytest.raises(BadDataError, match=said) if said else nullcontext():
        assert parse_portfolio_csv((inputs / name).read_bytes()) == good


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "Line 1: expected 'IBOV - Carteira do Dia", id="empty"),
        pytest.param(b"\r\n\r\n", "Line 1", id="blank"),
        pytest.param(b"PK\x03\x04\x00\r\x00\n", "Line 1", id="a-zip"),
        pytest.param(b"<!DOCTYPE html><html></html>", "Line 1", id="a-web-page"),
        pytest.param("\r\n".join(LINES[1:]).encode("latin-1"), "Line 1", id="no-title"),
        pytest.param(TITLE.encode(), "Line 2: expected the columns", id="title-alone"),
        pytest.param("\r\n".join(LINES).encode("utf-16")[:-1], "Line 1", id="half-of-utf-16"),
        pytest.param("\r\n".join(LINES).encode("cp850"), "Line 2", id="of-an-old-terminal"),
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


def test_of_other_columns_those_that_are_known_are_named() -> None:
    with pytest.raises(BadDataError, match=r"found \['Tipo', 'Part. \(%\)'\] and 1 other\(s\)"):
        read(*with_line(2, "Tipo;Code;Part. (%)"))


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
