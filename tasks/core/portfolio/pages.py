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
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tasks.core.answers import (
    BYTES_KEPT,
    bytes_kept,
    encode_request,
    load_answer,
    validate_answer,
)
from tasks.core.checks import require
from tasks.core.download import Download
from tasks.core.errors import (
    BadDataError,
    NotPublishedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.numbers import LANGUAGE, parse_date, parse_decimal, parse_integer
from tasks.core.portfolio.checks import check_portfolio
from tasks.core.portfolio.model import (
    Constituent,
    Portfolio,
    sort_constituents,
)
from tasks.core.texts import show, show_ticker

PATH = "/indexProxy/indexCall/GetPortfolioDay/"
PAGE_SIZE = 120  # the most that B3's own page asks for
MOST_PAGES = 50  # B3's broadest index has two
WITH_SECTORS = "2"
TO_IMPORT = (
    "If somebody has saved B3's file of that day, import it: python -m flows.import_portfolio FILE."
)
_Value = TypeVar("_Value")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class PageInfo(_Strict):
    """Where an answer stands among the pages of its portfolio."""

    pageNumber: int  # noqa: N815 - B3's names
    totalRecords: int = Field(ge=1, le=MOST_PAGES * PAGE_SIZE)  # noqa: N815
    totalPages: int = Field(ge=1, le=MOST_PAGES)  # noqa: N815


class Header(_Strict):
    """What B3 states of the whole portfolio; every value as B3 writes it."""

    date: str
    part: str
    reductor: str
    theoricalQty: str  # noqa: N815


class Row(_Strict):
    """One constituent; every value as B3 writes it."""

    segment: str | None
    cod: str
    asset: str
    type: str
    part: str
    theoricalQty: str  # noqa: N815


class Page(_Strict):
    """One answer, its fields as B3 writes them."""

    page: PageInfo
    header: Header
    results: list[Row]


def request_path(index_code: str, page_number: int) -> str:
    """Return the path of one page."""
    request = {
        "language": LANGUAGE,
        "pageNumber": page_number,
        "pageSize": PAGE_SIZE,
        "index": index_code,
        "segment": WITH_SECTORS,
    }
    return encode_request(PATH, request)


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


def check_same_portfolio(pages: Sequence[Page]) -> None:
    """Go on only if the pages are those of one portfolio, each once.

    Raises:
        RetryableError: B3 rolled over between two pages, or sent a page twice: fetch all again.
    """
    first = pages[0]
    for number, page in enumerate(pages, start=1):
        earlier = [earlier.results for earlier in pages[: number - 1]]
        if page.header != first.header or page.page.totalRecords != first.page.totalRecords:
            raise RetryableError(
                f"Page {number} is of another portfolio than page 1: expected "
                f"{show(first.header.date)} with {first.page.totalRecords} records, found "
                f"{show(page.header.date)} with {page.page.totalRecords}. B3 rolled over between "
                f"two pages; fetch all pages again."
            )
        if page.page.pageNumber != number or page.results in earlier:
            raise RetryableError(
                f"Expected page {number}, found page {page.page.pageNumber}, or one that came "
                f"before. Fetch all pages again."
            )


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
        trading_date=_read(parse_date, header.date, f"{where} date"),
        total_weight_pct=_read(_parse_weight, header.part, f"{where} part"),
        total_theoretical_quantity=_read(
            parse_integer, header.theoricalQty, f"{where} theoricalQty"
        ),
        index_divisor=_read(
            lambda text: parse_decimal(text, 8), header.reductor, f"{where} reductor"
        ),
        constituents=sort_constituents(
            _read_row(row, index_code) for page in pages for row in page.results
        ),
    )


def _read_row(row: Row, index_code: str) -> Constituent:
    ticker = row.cod.strip(" ")
    where = f"{index_code} {show_ticker(ticker)}"
    sector = row.segment.strip(" ") if row.segment else ""
    return Constituent(
        ticker=ticker,
        asset_name=row.asset.strip(" "),
        type=row.type.rstrip(" "),
        sector=sector or None,
        weight_pct=_read(_parse_weight, row.part, f"{where} part"),
        theoretical_quantity=_read(parse_integer, row.theoricalQty, f"{where} theoricalQty"),
    )


def _parse_weight(text: str) -> Decimal:
    return parse_decimal(text, 3)


def _read(parse: Callable[[str], _Value], text: str, where: str) -> _Value:
    try:
        return parse(text)
    except BadDataError as error:
        raise BadDataError(
            f"{where}: {error}. B3 was asked for {LANGUAGE}; an answer in another form is "
            f"not stored."
        ) from error


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
