"""Files of the portfolio of a period: the day's form under another title, of a session given."""

import codecs
import datetime as dt
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import BadDataError
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.saved_csv import parse_portfolio_csv
from tests.portfolios import portfolio
from tests.unit.portfolio import test_saved_csv as of_day
from tests.unit.portfolio.test_saved_csv import CUT, NO_SECTORS, SECRET, blank_before, keep, quote

MONDAY = dt.date(2025, 1, 6)
TITLE = "IBOV - Carteira Jan. a Abr. 2025"
LINES = (TITLE, *of_day.LINES[1:])
EXPECTED = "expected 'IBOV - Carteira Jan. a Abr. YYYY'"
TO_SAVE = "Save the file from the 'Download' link of B3's page of the theoretical portfolio."


def read(*lines: str, period_of: dt.date | None = MONDAY) -> Portfolio:
    text = "".join(f"{line}\r\n" for line in lines)
    return parse_portfolio_csv(text.encode("latin-1"), period_of)


def titled(title: str) -> list[str]:
    return [title, *LINES[1:]]


def test_index_and_rows_are_the_files_and_the_session_is_the_one_given() -> None:
    assert read(*LINES) == portfolio(*NO_SECTORS, trading_date=MONDAY)
    smll = read(*titled("SMLL - Carteira Jan. a Abr. 2025"), period_of=dt.date(2025, 4, 30))
    assert (smll.index_code, smll.trading_date) == ("SMLL", dt.date(2025, 4, 30))


@pytest.mark.parametrize(
    ("months", "first", "last"),
    [
        ("Jan. a Abr. 2025", 1, 4),
        ("Jan a Abr 2025", 1, 4),
        ("Jan. a Abr. de 2025", 1, 4),
        ("jan a ABR de 2025", 1, 4),
        ("Janeiro a Abril de 2025", 1, 4),
        ("Mai. a Ago. 2025", 5, 8),
        ("Maio a Agosto 2025", 5, 8),
        ("Set. a Dez. 2025", 9, 12),
        ("Setembro a Dezembro de 2025", 9, 12),
        ("Jan. a Mar. 2025", 1, 3),
        ("Fevereiro a Março 2025", 2, 3),
        ("Jul. a Out. 2025", 7, 10),
        ("Julho a Outubro 2025", 7, 10),
        ("Jun. a Nov. 2025", 6, 11),
        ("Junho a Novembro 2025", 6, 11),
        ("Jan. a Dez. 2025", 1, 12),
        ("Fev. a Fev. 2025", 2, 2),
    ],
)
def test_any_two_months_of_a_year_hold_the_days_from_the_first_to_the_last(
    months: str, first: int, last: int
) -> None:
    lines = titled(f"IBOV - Carteira {months}")
    start = dt.date(2025, first, 1)
    end = (dt.date(2025, last, 28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    for day in (start, end):
        assert read(*lines, period_of=day).trading_date == day
    said = rf"^Line 1: expected a session in '{months}' \(2025-{first:02} to 2025-{last:02}\), as"
    one_day = dt.timedelta(days=1)
    for day in (start - one_day, end + one_day, start.replace(year=2024), end.replace(year=2026)):
        with pytest.raises(BadDataError, match=said) as raised:
            read(*lines, period_of=day)
        assert f"found {day}. Give with --period-of a session on" in str(raised.value)


@pytest.mark.parametrize("title", [TITLE, "IFIX - Carteira Setembro a Dezembro de 2023"])
@pytest.mark.parametrize("write", [keep, quote, of_day.pad, blank_before])
def test_without_a_session_it_is_told_why_one_is_needed_and_what_to_do(
    title: str, write: Callable[[str], str]
) -> None:
    with pytest.raises(BadDataError) as raised:
        read(*map(write, titled(title)), period_of=None)
    (said,) = str(raised.value).splitlines()
    found = f"expected 'IBOV - Carteira do Dia DD/MM/YY', found '{title}': it is the portfolio of a"
    assert found in said
    assert "names months and no session, and the lake keeps a portfolio by the session" in said
    months = "(2023-09 to 2023-12)" if "2023" in title else "'Jan. a Abr. 2025' (2025-01 to"
    assert months in said
    assert said.endswith(": python -m flows.import_portfolio FILE --period-of YYYY-MM-DD.")


@pytest.mark.parametrize("write", [keep, quote, of_day.pad, blank_before])
@pytest.mark.parametrize("lines", [of_day.LINES, of_day.BY_SECTOR])
def test_files_of_the_day_name_their_session_themselves(
    lines: tuple[str, ...], write: Callable[[str], str]
) -> None:
    with pytest.raises(BadDataError) as raised:
        read(*map(write, lines), period_of=dt.date(2025, 8, 1))
    (said,) = str(raised.value).splitlines()
    assert f"{EXPECTED}, found 'IBOV - Carteira do Dia 01/08/25': it is a portfolio of the " in said
    assert said.endswith(
        "name their session themselves. Import them by themselves, without --period-of."
    )


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"], ids=["crlf", "lf", "cr"])
@pytest.mark.parametrize("ends_in_line_end", [True, False])
@pytest.mark.parametrize("write", [keep, quote, of_day.pad, of_day.pad_far, blank_before])
def test_what_loses_nothing_in_saving_again_is_read(
    encoding: str, line_end: str, ends_in_line_end: bool, write: Callable[[str], str]
) -> None:
    text = line_end.join(map(write, titled("IBOV - Carteira Janeiro a Março de 2025")))
    data = (text + line_end * ends_in_line_end).encode(encoding)
    assert parse_portfolio_csv(data, MONDAY) == read(*LINES)


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
def test_what_people_do_to_files_of_the_day_they_do_to_these(
    inputs: Path, name: str, said: str
) -> None:
    def as_of_a_period(name: str) -> bytes:
        body = (inputs / name).read_bytes()
        return body.replace(b" do Dia 31/07/24", b" Mai. a Ago. 2024")

    day = dt.date(2024, 7, 31)
    good = parse_portfolio_csv(as_of_a_period("p0_good.csv"), day)
    with pytest.raises(BadDataError, match=said) if said else nullcontext():
        assert parse_portfolio_csv(as_of_a_period(name), day) == good


@pytest.mark.parametrize(
    ("number", "written", "cut"),
    [
        (3, "60,000", "60"),
        (4, "39,500", "39,5"),
        (3, "4.196.924.316", "4196924316"),
        (6, "100,000", "100"),
        (6, "8.735.932.630", "8,73593E+09"),
        (7, "16.036.751,16744128", "16.036.751,17"),
    ],
)
def test_a_number_that_a_spreadsheet_cut_is_refused(number: int, written: str, cut: str) -> None:
    lines = list(LINES)
    lines[number - 1] = lines[number - 1].replace(written, cut)
    with pytest.raises(BadDataError, match=rf"^Line {number}: expected a pt-br number.*{CUT}"):
        read(*lines)


def test_there_is_no_form_by_sector() -> None:
    with pytest.raises(BadDataError, match=r"^Line 2: expected the columns \['Código'") as raised:
        read(TITLE, *of_day.BY_SECTOR[1:])
    assert str(raised.value).endswith(f" and 0 other(s). {TO_SAVE}")


def test_two_total_weights_are_one_too_many() -> None:
    with pytest.raises(BadDataError, match="Line 6: expected 2 values, found 3"):
        read(*LINES[:5], f"{LINES[5]};100,000", LINES[6])


@pytest.mark.parametrize(
    "title",
    [
        "IBOV - Carteira Abr. a Jan. 2025",  # of which year each of them is, nobody says
        "IBOV - Carteira Jan. a Apr. 2025",
        "IBOV - Carteira Qua. a Abr. 2025",
        "IBOV - Carteira Janei. a Abr. 2025",
        "IBOV - Carteira Jan. a Abr. 25",
        "IBOV - Carteira Jan. a Abr. 20255",
        "IBOV - Carteira Jan. a Abr. ٢٠٢٥",
        "IBOV - Carteira Jan. a Abr. em 2025",
        "IBOV - Carteira Jan.. a Abr. 2025",
        "IBOV - Carteira Jan. 2024 a Abr. 2025",
        "IBOV - Carteira Jan. 2025",
        "IBOV - Carteira",
        "IBOV - Carteira do Dia 1/8/25",
    ],
)
@pytest.mark.parametrize("period_of", [MONDAY, None])
def test_a_title_of_another_form_is_shown_and_nothing_is_guessed_from_it(
    title: str, period_of: dt.date | None
) -> None:
    text = "\r\n".join(titled(title)).encode()
    expected, page = (
        (EXPECTED, "theoretical portfolio")
        if period_of
        else ("expected 'IBOV - Carteira do Dia DD/MM/YY'", "day's portfolio")
    )
    with pytest.raises(BadDataError) as raised:
        parse_portfolio_csv(text, period_of)
    assert str(raised.value) == (
        f"Line 1: {expected}, found {title!r}. Save the file from the 'Download' link of B3's page "
        f"of the {page}."
    )


@pytest.mark.parametrize("code", ["ibov", "IBO", "ÍBOV", "IBOVIBOVIBOV"])
def test_the_index_has_the_form_of_one(code: str) -> None:
    with pytest.raises(BadDataError, match=r"^Line 1: An index code is 4 to 6 letters"):
        read(*titled(f"{code} - Carteira Jan. a Abr. 2025"))


@pytest.mark.parametrize("period_of", [MONDAY, None])
def test_the_title_stands_alone_in_its_line(period_of: dt.date | None) -> None:
    with pytest.raises(
        BadDataError, match=rf"found '{TITLE}' and 2 other value\(s\) beside it\. Save the file"
    ):
        read(f"{TITLE};;x;y", *LINES[1:], period_of=period_of)


@pytest.mark.parametrize(
    "lines",
    [
        [f"password={SECRET}"],
        [f"{SECRET};{SECRET}"],
        [f"{SECRET} {SECRET} - Carteira Jan. a Abr. 2025"],
        [f"IBOV - Carteira Jan. a Abr. 2025 {'x' * 40} {SECRET}"],
        [f"{TITLE};{SECRET}"],
        [TITLE, SECRET],
        [TITLE, of_day.COLUMNS, SECRET, SECRET, SECRET, SECRET],
    ],
)
@pytest.mark.parametrize("period_of", [MONDAY, None])
def test_no_message_shows_what_stands_in_another_file(
    lines: list[str], period_of: dt.date | None
) -> None:
    with pytest.raises(BadDataError, match=r"Line \d: expected|cut short") as raised:
        read(*lines, period_of=period_of)
    assert SECRET not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_another_file_is_told_without_a_count_of_what_it_holds() -> None:
    with pytest.raises(BadDataError, match=rf"^Line 1: {EXPECTED}, found a file of another kind\."):
        read("a;b;c")


@given(cut=st.integers(1, len("\r\n".join(LINES)) - 1))
def test_a_file_cut_short_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(BadDataError):
        parse_portfolio_csv("\r\n".join(LINES).encode("latin-1")[:cut], MONDAY)


def test_a_mark_and_letters_in_parts_are_no_part_of_the_title() -> None:
    text = (
        codecs.BOM_UTF8 + "\r\n".join(titled("IBOV - Carteira Janeiro a Marc\u0327o 2025")).encode()
    )
    assert parse_portfolio_csv(text, MONDAY) == read(*LINES)


def test_b3s_own_file_is_read_as_it_was_downloaded(samples: Path) -> None:
    real = parse_portfolio_csv((samples / "IBOVQuad_1-2025.csv").read_bytes(), MONDAY)
    assert str(real) == "IBOV 2025-01-06"
    assert sum(row.theoretical_quantity for row in real.constituents) == 98_370_249_996
    (first, *_) = real.constituents
    assert (first.ticker, first.type, str(first.weight_pct)) == ("ABEV3", "ON  EDJ", "2.580")
