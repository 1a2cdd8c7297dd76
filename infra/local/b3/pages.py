"""The JSON of one page of a portfolio, as B3 writes it."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from infra.local.b3.format import (
    DIVISOR_TEXTS,
    TOTAL_TEXTS,
    WHOLE_PCT,
    Content,
    PortfolioQuery,
    write_date,
    write_number,
    write_type,
)
from infra.local.b3.http_answer import Answer, json_answer
from infra.local.b3.sessions import Constituent


def render_page(content: Content | None, query: PortfolioQuery) -> Answer:
    """Put one page into B3's JSON; None is an index that B3 publishes no portfolio of."""
    page = page_of(content, query.page_number, query.page_size)
    if content is None:
        return json_answer({"page": page, "header": None, "results": None})
    header, rows = write_header(content), _rows_by_name(content, query.page_size)
    if query.segment == "2":
        header |= {"partAcum": _number(WHOLE_PCT, content)}
        rows = _rows_by_sector(content, query.page_size)
    return json_answer({"page": page, "header": header, "results": rows})


def page_of(content: Content | None, number: int, size: int) -> dict[str, int | None]:
    """Say which page it is and how many there are; an index without a portfolio has none."""
    total = None if content is None else content.total_records
    total_pages = None if total is None else -(-total // size)
    return {
        "pageNumber": number,
        "pageSize": size,
        "totalRecords": total,
        "totalPages": total_pages,
    }


def write_header(content: Content) -> dict[str, str | None]:
    """Write all that B3 says of a portfolio as a whole."""
    portfolio = content.portfolio
    return {
        "date": write_date(content),
        "text": TOTAL_TEXTS[content.language],
        "part": _number(WHOLE_PCT, content),
        "partAcum": None,
        "textReductor": DIVISOR_TEXTS[content.language],
        "reductor": _number(portfolio.index_divisor, content),
        "theoricalQty": _number(portfolio.total_theoretical_quantity, content),
    }


def write_row(row: Constituent, content: Content) -> dict[str, Any]:
    """Write all that B3 says of a constituent, without its sector."""
    return {
        "segment": None,
        "cod": row.ticker,
        "asset": row.asset_name,
        "type": write_type(row),
        "part": _number(row.weight_pct, content),
        "partAcum": None,
        "theoricalQty": _number(row.theoretical_quantity, content),
    }


def _rows_by_name(content: Content, page_size: int) -> list[dict[str, Any]]:
    return [
        write_row(row, content) for row in cut_page(content.rows, content.page_number, page_size)
    ]


def _rows_by_sector(content: Content, page_size: int) -> list[dict[str, Any]]:
    weights: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in content.rows:
        weights[row.sector] += row.weight_pct
    rows = sorted(content.rows, key=lambda row: row.sector)
    return [
        write_row(row, content)
        | {"segment": row.sector, "partAcum": _number(weights[row.sector], content)}
        for row in cut_page(rows, content.page_number, page_size)
    ]


def cut_page(
    rows: Sequence[Constituent], page_number: int, page_size: int
) -> Sequence[Constituent]:
    """Return the rows of one page."""
    return rows[(page_number - 1) * page_size : page_number * page_size]


def _number(value: Decimal | int, content: Content) -> str:
    return write_number(value, content.language)
