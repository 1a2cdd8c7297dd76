"""B3's CSV form of a portfolio, of the day or of a period: what B3's page has people save.

Latin-1, CRLF, semicolons, Portuguese numbers whatever the language of the page::

    IBOV - Carteira do Dia 07/07/25
    Código;Ação;Tipo;Qtde. Teórica;Part. (%)
    ALOS3;ALLOS;ON      NM;476.976.044;0,500;
    …
    Quantidade Teórica Total;;;91.922.324.640;100,000
    Redutor;;;15.438.607,05630450

The day's by-sector form has `Setor` before the first column and `Part. (%)Acum.` after the last. A
period's portfolio has another title (`tasks.core.portfolio.saved_title`), and no such form.

A program that saves it again may write UTF-8 or UTF-16, other line ends, quotation marks, more
semicolons, and DOS's mark at the end: all of that is read, as nothing is lost. A spreadsheet that
writes the numbers anew cuts them (`60,610` becomes `60,61`), so such a file is refused. No message
shows what stands in a file that is no portfolio.
"""

import codecs
import csv
import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TypeVar

from tasks.core.errors import BadDataError, InvalidInputError
from tasks.core.numbers import parse_decimal, parse_integer
from tasks.core.portfolio.model import Constituent, Portfolio, sort_constituents
from tasks.core.portfolio.saved_title import describe_source, read_title

T = TypeVar("T")
Line = tuple[int, list[str]]
"""The number of a line, from 1 as an editor counts, and its values."""

_COLUMNS = ["Código", "Ação", "Tipo", "Qtde. Teórica", "Part. (%)"]
_COLUMNS_BY_SECTOR = ["Setor", *_COLUMNS, "Part. (%)Acum."]
_TOTAL, _DIVISOR = "Quantidade Teórica Total", "Redutor"
_LONGEST_VALUE = 200  # characters; B3's longest have 50
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DOS_END = "\x1a"
_LINE_END = re.compile(r"\r\n?|\n")
_GROUPS = re.compile(r"-?\d{1,3}(?:\.\d{3})*", re.ASCII)
_IN_DIGITS = re.compile(r"[-+]?[\d.,\s]*\d[\d.,\s]*(?:E[-+]?\d+)?\s*%?|#+", re.IGNORECASE)


def parse_portfolio_csv(data: bytes, period_of: dt.date | None = None) -> Portfolio:
    """Read a saved file; its index is taken from its content, and of the day's its session.

    Args:
        data: The file, byte for byte.
        period_of: The session of a file of a period, which names none; None for files of the day.

    Raises:
        BadDataError: Not this form, not of the kind that is wanted, not of a period that holds the
            session, cut short, or a value that cannot be read; the message names the line.
    """
    rows = _read_lines(data)
    index_code, trading_date = _read_title(rows, period_of)
    lines = list(rows)
    columns = [cell for cell in lines[0][1] if cell] if lines else []
    with_sectors = columns == _COLUMNS_BY_SECTOR and period_of is None
    if columns != _COLUMNS and not with_sectors:
        known = [cell for cell in columns if cell in _COLUMNS_BY_SECTOR]
        raise BadDataError(
            f"Line {lines[0][0] if lines else 2}: expected the columns {_COLUMNS}, found {known} "
            f"and {len(columns) - len(known)} other(s). {describe_source(period_of)}"
        )
    ends = [cells[0] for _, cells in lines[-2:]]
    if len(lines) < 4 or ends != [_TOTAL, _DIVISOR]:
        raise BadDataError(
            f"Expected {_TOTAL!r} and {_DIVISOR!r} in the last two lines, after those of "
            f"constituents; found others, the last of them line {lines[-1][0]}. The file is cut "
            f"short: save it again."
        )
    constituents = []
    for number, cells in lines[1:-2]:
        with _at(number):
            constituents.append(_read_constituent(cells, with_sectors=with_sectors))
    (number, total), (last_number, last) = lines[-2:]
    with _at(number):
        # The by-sector form may state the accumulated weight as well.
        quantity, weight, *_ = _values(filter(None, total[1:]), 2, 3 if with_sectors else 2)
        total_quantity, total_weight_pct = _read_quantity(quantity), _read_decimal(weight, 3)
    with _at(last_number):
        (divisor,) = _values(filter(None, last[1:]), 1, 1)
        index_divisor = _read_decimal(divisor, 8)
    return Portfolio(
        index_code=index_code,
        trading_date=trading_date,
        total_weight_pct=total_weight_pct,
        total_theoretical_quantity=total_quantity,
        index_divisor=index_divisor,
        constituents=sort_constituents(constituents),
    )


def _read_lines(data: bytes) -> Iterator[Line]:
    """Yield every line that has a value.

    Raises:
        BadDataError: A NUL, a stray quotation mark, or a value longer than any of B3's.
    """
    text = _decode(data).rstrip(_DOS_END + "\r\n")
    for number, line in enumerate(_LINE_END.split(text), start=1):
        with _at(number):
            cells = _split(line)
        if any(cells):
            yield number, cells


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return unicodedata.normalize("NFC", text.lstrip("\ufeff"))


def _split(line: str) -> list[str]:
    if "\0" in line:
        raise BadDataError("expected text, found a NUL. The file is damaged: save it again")
    try:
        # One line at a time, so that a quotation mark without its like takes no other line with it.
        row = next(csv.reader([line], delimiter=";", strict=True))
    except csv.Error as error:
        raise BadDataError(
            f"expected values between semicolons, in quotation marks as a whole or not at all, "
            f"found otherwise: {error}. The file is damaged: save it again"
        ) from error
    cells = [cell.strip() for cell in row]
    longest = max(map(len, cells), default=0)
    if longest > _LONGEST_VALUE:
        raise BadDataError(
            f"expected values of at most {_LONGEST_VALUE} characters, found one of {longest}"
        )
    return cells


def _read_title(lines: Iterator[Line], period_of: dt.date | None) -> tuple[str, dt.date]:
    try:
        number, cells = next(lines, (1, [""]))
    except BadDataError:  # of a file that may be anything
        number, cells = 1, [""]
    with _at(number):
        return read_title(cells, period_of)


@contextmanager
def _at(number: int) -> Iterator[None]:
    """Have what is refused named with its line."""
    try:
        yield
    except (BadDataError, InvalidInputError) as error:
        raise BadDataError(f"Line {number}: {str(error).rstrip('.')}.") from error


def _values(cells: Iterable[str], least: int, most: int) -> list[str]:
    found = list(cells)
    if not least <= len(found) <= most:
        raise BadDataError(f"expected {most} values, found {len(found)}")
    return found


def _read_constituent(cells: list[str], *, with_sectors: bool) -> Constituent:
    count = len(_COLUMNS_BY_SECTOR) if with_sectors else len(_COLUMNS)
    cells = cells if cells[-1] else cells[:-1]  # B3 ends a line with a semicolon
    used = max(place for place, cell in enumerate(cells, start=1) if cell)
    # What the weights have come to stands last in the by-sector form, and need not.
    _values(cells[: max(used, count)], count - 1 if with_sectors else count, count)
    sector, cells = (cells[0], cells[1:]) if with_sectors else (None, cells)
    ticker, asset_name, share_type, quantity, weight = cells[: len(_COLUMNS)]
    return Constituent(
        ticker=ticker,
        asset_name=asset_name,
        type=share_type,
        sector=sector or None,
        weight_pct=_read_decimal(weight, 3),
        theoretical_quantity=_read_quantity(quantity),
    )


def _read_decimal(text: str, scale: int) -> Decimal:
    return _read_number(lambda: parse_decimal(text, scale), text, scale)


def _read_quantity(text: str) -> int:
    return _read_number(lambda: parse_integer(text), text, 0)


def _read_number(read: Callable[[], T], text: str, scale: int) -> T:
    """Read a number, and tell what a spreadsheet has made of one from what is none."""
    try:
        return read()
    except BadDataError as error:
        whole, _, fraction = text.partition(",")
        is_b3s = _GROUPS.fullmatch(whole) and len(fraction) == scale
        if is_b3s or not _IN_DIGITS.fullmatch(text):
            raise
        raise BadDataError(
            f"{str(error).rstrip('.')}: a spreadsheet has cut the numbers of this file. The "
            f"original download is needed, as it was before a spreadsheet saved it"
        ) from error
