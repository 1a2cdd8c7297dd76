"""What B3's answers about portfolios share, of the day or not: pages, rows, values."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from pydantic import Field

from tasks.core.answers import Strict, encode_request
from tasks.core.errors import BadDataError, RetryableError
from tasks.core.numbers import LANGUAGE, parse_decimal, parse_integer
from tasks.core.portfolio.model import Constituent
from tasks.core.texts import show_ticker

PAGE_SIZE = 120  # the most that B3's own page asks for
MOST_PAGES = 50  # B3's broadest index has two
_Value = TypeVar("_Value")


class PageInfo(Strict):
    """Where an answer stands among the pages of its portfolio."""

    pageNumber: int  # noqa: N815 - B3's names
    totalRecords: int = Field(ge=1, le=MOST_PAGES * PAGE_SIZE)  # noqa: N815
    totalPages: int = Field(ge=1, le=MOST_PAGES)  # noqa: N815


class PlainRow(Strict):
    """One constituent; every value as B3 writes it."""

    cod: str
    asset: str
    type: str
    part: str
    theoricalQty: str  # noqa: N815


def page_path(path: str, index_code: str, page_number: int, **more: str) -> str:
    """Return the path of one page of an answer.

    Args:
        path: Of the call.
        index_code: The index.
        page_number: Which page.
        **more: What else the call takes.
    """
    request = {
        "language": LANGUAGE,
        "pageNumber": page_number,
        "pageSize": PAGE_SIZE,
        "index": index_code,
    }
    return encode_request(path, request | more)


class AnyPage(Protocol):
    """A page of whatever kind of portfolio; its header says in words what tells it from others."""

    @property
    def page(self) -> PageInfo: ...  # noqa: D102 - as of Page

    @property
    def header(self) -> object: ...  # noqa: D102

    @property
    def results(self) -> Sequence[PlainRow]: ...  # noqa: D102


def check_same_portfolio(pages: Sequence[AnyPage]) -> None:
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
                f"{first.header} with {first.page.totalRecords} records, found "
                f"{page.header} with {page.page.totalRecords}. B3 rolled over between "
                f"two pages; fetch all pages again."
            )
        if page.page.pageNumber != number or page.results in earlier:
            raise RetryableError(
                f"Expected page {number}, found page {page.page.pageNumber}, or one that came "
                f"before. Fetch all pages again."
            )


def read_row(row: PlainRow, index_code: str, segment: str | None = None) -> Constituent:
    """Turn a row into typed values.

    Raises:
        BadDataError: A value is not in the form of the language that was asked for.
    """
    ticker = row.cod.strip(" ")
    where = f"{index_code} {show_ticker(ticker)}"
    sector = segment.strip(" ") if segment else ""
    return Constituent(
        ticker=ticker,
        asset_name=row.asset.strip(" "),
        type=row.type.rstrip(" "),
        sector=sector or None,
        weight_pct=read_value(parse_weight, row.part, f"{where} part"),
        theoretical_quantity=read_value(parse_integer, row.theoricalQty, f"{where} theoricalQty"),
    )


def parse_weight(text: str) -> Decimal:
    """Read a weight, in percent."""
    return parse_decimal(text, 3)


def parse_divisor(text: str) -> Decimal:
    """Read an index divisor."""
    return parse_decimal(text, 8)


def read_value(parse: Callable[[str], _Value], text: str, where: str) -> _Value:
    """Read one value of an answer.

    Args:
        parse: Reads it.
        text: As B3 writes it.
        where: What it is the value of.

    Raises:
        BadDataError: It is not in the form of the language that was asked for.
    """
    try:
        return parse(text)
    except BadDataError as error:
        raise BadDataError(
            f"{where}: {error}. B3 was asked for {LANGUAGE}; an answer in another form is "
            f"not stored."
        ) from error
