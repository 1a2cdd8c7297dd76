"""B3's answers to `GetPortfolioDay`, read into a portfolio.

Anatomy of the request::

    https://sistemaswebb3-listados.b3.com.br/indexProxy/indexCall/GetPortfolioDay/<base64>
    <base64> = {"language":"pt-br","pageNumber":1,"pageSize":120,"index":"IBOV","segment":"2"}

One row of an answer in pt-br::

    {"segment":"Bens Indls / Mat Transporte","cod":"EMBR3","asset":"EMBRAER","type":"ON      NM",
     "part":"2,160","partAcum":"2,357","theoricalQty":"734.631.801"}

| field | form (pt-br) | meaning |
|---|---|---|
| page.totalRecords, page.totalPages | number | of the whole portfolio |
| header.date | `07/04/25` | the session that the portfolio applies to |
| header.part | `100,000` | total weight, percent |
| header.theoricalQty | `99.015.750.716` | total theoretical quantity, shares |
| header.reductor | `16.036.751,16744128` | divisor of the index |
| cod, asset | text | ticker, issuer's short name |
| type | fixed columns | share class(3), event(3), listing segment(2) |
| part | 3 decimals | weight, percent |
| theoricalQty | whole | theoretical quantity, shares |
| segment | text or null | sector, with segment "2"; null with "1" |
"""

import datetime as dt
from collections.abc import Sequence

from tasks.core.answers import (
    BYTES_KEPT,
    Strict,
    bytes_kept,
    load_answer,
    validate_answer,
)
from tasks.core.checks import require
from tasks.core.download import Download
from tasks.core.errors import (
    NotPublishedError,
    SourceHasNoDataError,
)
from tasks.core.numbers import parse_date, parse_integer
from tasks.core.portfolio.checks import check_portfolio
from tasks.core.portfolio.model import Portfolio, sort_constituents
from tasks.core.portfolio.paging import (
    PageInfo,
    PlainRow,
    page_path,
    parse_divisor,
    parse_weight,
    read_row,
    read_value,
)
from tasks.core.texts import show

PATH = "/indexProxy/indexCall/GetPortfolioDay/"
WITH_SECTORS = "2"
TO_IMPORT = (
    "If somebody has saved B3's file of that day, import it: python -m flows.import_portfolio FILE."
)


class Header(Strict):
    """What B3 states of the whole portfolio; every value as B3 writes it."""

    date: str
    part: str
    reductor: str
    theoricalQty: str  # noqa: N815

    def __str__(self) -> str:
        return show(self.date)


class Row(PlainRow):
    """One constituent of the day's portfolio, which has sectors as well."""

    segment: str | None


class Page(Strict):
    """One answer, its fields as B3 writes them."""

    page: PageInfo
    header: Header
    results: list[Row]


def request_path(index_code: str, page_number: int) -> str:
    """Return the path of one page."""
    return page_path(PATH, index_code, page_number, segment=WITH_SECTORS)


def read_page(body: bytes, index_code: str) -> Page:
    """Read one answer.

    Args:
        body: The answer, byte for byte: JSON, or a JSON string that holds it.
        index_code: What was asked for; for messages.

    Raises:
        RetryableError: The body is empty or no JSON, as in B3's bad moments.
        NotPublishedError: B3 publishes no portfolio for the index.
        BadDataError: JSON of another form than the known one, or of more pages than `MOST_PAGES`;
            the message names the fields.
    """
    payload = load_answer(body, index_code)
    if isinstance(payload, dict) and "results" in payload and payload["results"] is None:
        raise NotPublishedError(
            f"B3 publishes no portfolio for {index_code}. Check the code: B3 lists its indices "
            f"on its site."
        )
    return validate_answer(Page, payload, index_code)


def parse_pages(pages: Sequence[Page], index_code: str) -> Portfolio:
    """Turn the pages of one portfolio into typed rows.

    Args:
        pages: All pages, in order.
        index_code: What was asked for; the answer does not repeat it.

    Raises:
        BadDataError: A value is not in the form of the language that was asked for; the message
            names it.
    """
    header, where = pages[0].header, f"{index_code} header"
    return Portfolio(
        index_code=index_code,
        trading_date=read_value(parse_date, header.date, f"{where} date"),
        total_weight_pct=read_value(parse_weight, header.part, f"{where} part"),
        total_theoretical_quantity=read_value(
            parse_integer, header.theoricalQty, f"{where} theoricalQty"
        ),
        index_divisor=read_value(parse_divisor, header.reductor, f"{where} reductor"),
        constituents=sort_constituents(
            read_row(row, index_code, row.segment) for page in pages for row in page.results
        ),
    )


def read_shown(
    index_code: str, download: Download[Page], trading_date: dt.date | None
) -> Portfolio:
    """Turn B3's answer about an index into its portfolio and check it.

    Args:
        index_code: What was asked for.
        download: The answer.
        trading_date: The session that is wanted; None for whatever B3 shows.

    Raises:
        SourceHasNoDataError: B3 shows another session than the one wanted.
        BadDataError: A value cannot be read, or a check failed; the message lists each.
    """
    with bytes_kept():
        portfolio = parse_pages(download.pages, index_code)
    if trading_date and portfolio.trading_date != trading_date:
        raise SourceHasNoDataError(
            f"Expected B3 to show {index_code} of {trading_date}, found {portfolio.trading_date}: "
            f"B3 shows one session at a time, and raw does not hold this one. {TO_IMPORT} "
            f"Landing keeps what B3 answered; nothing else was written."
        )
    count = download.pages[0].page.totalRecords
    checks = check_portfolio(portfolio, record_count=count, today=download.day)
    require(checks, f"B3's portfolio {portfolio}", BYTES_KEPT)
    return portfolio
