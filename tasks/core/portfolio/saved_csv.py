"""B3's CSV form of the day's portfolio: what `GetDownloadPortfolioDay` answers and people save.

Latin-1, CRLF, semicolons, Portuguese numbers whatever the language of the page::

    IBOV - Carteira do Dia 07/07/25
    Código;Ação;Tipo;Qtde. Teórica;Part. (%)
    ALOS3;ALLOS;ON      NM;476.976.044;0,500;
    …
    Quantidade Teórica Total;;;91.922.324.640;100,000
    Redutor;;;15.438.607,05630450

The by-sector form has `Setor` before the first column and `Part. (%)Acum.` after the last.
"""

import re

from tasks.core.errors import BadDataError, InvalidInputError
from tasks.core.indices import check_index_code
from tasks.core.numbers import parse_date, parse_decimal, parse_integer
from tasks.core.portfolio.model import Constituent, Portfolio, sort_constituents

_TITLE = re.compile(r"(\S+) - Carteira do Dia (\d\d/\d\d/\d\d)")
_COLUMNS = ["Código", "Ação", "Tipo", "Qtde. Teórica", "Part. (%)"]
_COLUMNS_BY_SECTOR = ["Setor", *_COLUMNS, "Part. (%)Acum."]
_TOTAL, _DIVISOR = "Quantidade Teórica Total", "Redutor"


def parse_portfolio_csv(data: bytes) -> Portfolio:
    """Read a saved file; index and session are taken from its content.

    Args:
        data: The file, byte for byte.

    Raises:
        BadDataError: Not this form, cut short, or a value that cannot be read; the message names
            the line.
    """
    text = [line.decode("latin-1") for line in data.splitlines() if line.strip()]
    lines = [[cell.strip() for cell in line.split(";")] for line in text]
    title = _TITLE.fullmatch(text[0].rstrip("; ")) if text else None
    if not title:
        raise BadDataError(
            f"Line 1: expected 'IBOV - Carteira do Dia DD/MM/YY', found {data[:60]!r}. "
            f"Save the file from the 'Download' link of B3's page of the day's portfolio."
        )
    columns = [cell for cell in lines[1] if cell] if len(lines) > 1 else []
    if columns not in (_COLUMNS, _COLUMNS_BY_SECTOR):
        raise BadDataError(f"Line 2: expected the columns {_COLUMNS}, found {columns}.")
    if len(lines) < 5 or lines[-2][0] != _TOTAL or lines[-1][0] != _DIVISOR:
        raise BadDataError(
            f"Expected {_TOTAL!r} and {_DIVISOR!r} in the last two lines, found "
            f"{[line[0] for line in lines[-2:]]}. The file is cut short: save it again."
        )
    return _read_lines(title, lines[2:], with_sectors=columns == _COLUMNS_BY_SECTOR)


def _read_lines(title: re.Match[str], lines: list[list[str]], *, with_sectors: bool) -> Portfolio:
    number = 1
    try:
        index_code = check_index_code(title[1])
        trading_date = parse_date(title[2])
        constituents: list[Constituent] = []
        for line in lines[:-2]:
            number = len(constituents) + 3
            constituents.append(_read_line(line, with_sectors=with_sectors))
        number = len(lines) + 1
        # The by-sector form may state the accumulated weight as well.
        total_quantity, total_weight_pct, *_ = _cells(lines[-2][1:], 2, 3 if with_sectors else 2)
        number += 1
        divisor = _cells(lines[-1][1:], 1, 1)[0]
        return Portfolio(
            index_code=index_code,
            trading_date=trading_date,
            total_weight_pct=parse_decimal(total_weight_pct, 3),
            total_theoretical_quantity=parse_integer(total_quantity),
            index_divisor=parse_decimal(divisor, 8),
            constituents=sort_constituents(constituents),
        )
    except (BadDataError, InvalidInputError) as error:
        raise BadDataError(f"Line {number}: {error}.") from error


def _cells(line: list[str], least: int, most: int) -> list[str]:
    cells = [cell for cell in line if cell]
    if not least <= len(cells) <= most:
        raise BadDataError(f"expected {most} values, found {len(cells)}: {cells}")
    return cells


def _read_line(line: list[str], *, with_sectors: bool) -> Constituent:
    cells = line[:-1] if line[-1] == "" else line
    expected = len(_COLUMNS_BY_SECTOR) if with_sectors else len(_COLUMNS)
    if len(cells) != expected:
        raise BadDataError(f"expected {expected} values, found {len(cells)}: {cells}")
    sector, cells = (cells[0], cells[1:6]) if with_sectors else (None, cells)
    ticker, asset_name, share_type, quantity, weight = cells
    return Constituent(
        ticker=ticker,
        asset_name=asset_name,
        type=share_type,
        sector=sector or None,
        weight_pct=parse_decimal(weight, 3),
        theoretical_quantity=parse_integer(quantity),
    )
