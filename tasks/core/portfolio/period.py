"""B3's portfolio of the period, and its previews of the next one, read into portfolios.

Anatomy of the requests, whose answers have one form::

    …/indexProxy/indexCall/GetTheoricalPortfolio/<base64>      of the period, of four months
    …/indexProxy/indexCall/GetQuartelyPreview/<base64>         of the next one, near its end
    …/indexProxy/indexCall/GetConfigurations/<base64>          whether there is a preview
    <base64> = {"language":"pt-br","pageNumber":1,"pageSize":120,"index":"IBOV"}

| field | form (pt-br) | meaning |
|---|---|---|
| page.totalRecords, page.totalPages | number | of the whole portfolio |
| header.part, header.theoricalQty, header.reductor | as of the day's | totals; no date |
| cod, asset, type, part, theoricalQty | as of the day's | a constituent; no sector |
| preview[].has (of GetConfigurations) | 1 or 0 | whether a preview is in force |

No answer names a session. `GetQuartelyPreview` may answer with an old preview when none is in
force: only `GetConfigurations` says.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from tasks.core.answers import (
    BYTES_KEPT,
    Strict,
    bytes_kept,
    load_answer,
    validate_answer,
)
from tasks.core.checks import require
from tasks.core.download import Download
from tasks.core.errors import BadDataError, NotPublishedError
from tasks.core.indices import Members
from tasks.core.numbers import parse_integer
from tasks.core.portfolio.checks import check_period
from tasks.core.portfolio.model import Portfolio, sort_constituents
from tasks.core.portfolio.paging import (
    PageInfo,
    PlainRow,
    check_same_portfolio,
    parse_divisor,
    parse_weight,
    read_row,
    read_value,
)
from tasks.core.portfolio.strays import find_strays
from tasks.core.texts import show

THEORETICAL_PATH = "/indexProxy/indexCall/GetTheoricalPortfolio/"
PREVIEW_PATH = "/indexProxy/indexCall/GetQuartelyPreview/"
CONFIGURATIONS_PATH = "/indexProxy/indexCall/GetConfigurations/"
CONFIGURATIONS = "-configurations"  # what landing adds to an index's name for what that answers


class PeriodHeader(Strict):
    """What B3 states of the whole portfolio; every value as B3 writes it."""

    part: str
    reductor: str
    theoricalQty: str  # noqa: N815 - B3's name

    def __str__(self) -> str:
        return f"a total of {show(self.theoricalQty)}"


class PeriodPage(Strict):
    """One answer, its fields as B3 writes them."""

    page: PageInfo
    header: PeriodHeader
    results: list[PlainRow]


class _Preview(Strict):
    has: Literal[0, 1]


class _Configurations(Strict):
    preview: list[_Preview] = Field(min_length=1)


@dataclass(frozen=True)
class PeriodDownload(Download[PeriodPage]):
    """What B3 answered, and the session that it is of.

    Attributes:
        trading_date: The session that the index's day portfolio named before and after.
    """

    trading_date: dt.date = field(kw_only=True)


def read_period_page(body: bytes, subject: str) -> PeriodPage:
    """Read one answer.

    Args:
        body: The answer, byte for byte: JSON, or a JSON string that holds it.
        subject: What was asked for; for messages.

    Raises:
        RetryableError: The body is empty or no JSON, as in B3's bad moments.
        NotPublishedError: B3 shows none.
        BadDataError: JSON of another form than the known one; the message names the fields.
    """
    payload = load_answer(body, subject)
    if isinstance(payload, dict) and "results" in payload and payload["results"] in (None, []):
        raise NotPublishedError(f"B3 shows no {subject}.")
    return validate_answer(PeriodPage, payload, subject)


def has_preview(body: bytes, index_code: str) -> bool:
    """Return whether `GetConfigurations` says that a preview is in force.

    Raises:
        RetryableError: The body is empty or no JSON.
        BadDataError: JSON of another form than the known one; the message names the fields.
    """
    subject = f"the configuration of {index_code}"
    answer = validate_answer(_Configurations, load_answer(body, subject), subject)
    return any(each.has for each in answer.preview)


def parse_period(
    pages: Sequence[PeriodPage], index_code: str, trading_date: dt.date, subject: str
) -> Portfolio:
    """Turn the pages of one portfolio into typed rows and check them.

    Args:
        pages: All pages, in order.
        index_code: What was asked for; the answer does not repeat it.
        trading_date: The session on which B3 showed it; the answer does not name it.
        subject: What was asked for; for messages.

    Raises:
        RetryableError: The pages are not those of one portfolio.
        BadDataError: A value cannot be read, or a check failed; the message lists each.
    """
    check_same_portfolio(pages)
    header, where = pages[0].header, f"{subject} header"
    with bytes_kept():
        portfolio = Portfolio(
            index_code=index_code,
            trading_date=trading_date,
            total_weight_pct=read_value(parse_weight, header.part, f"{where} part"),
            total_theoretical_quantity=read_value(
                parse_integer, header.theoricalQty, f"{where} theoricalQty"
            ),
            index_divisor=read_value(parse_divisor, header.reductor, f"{where} reductor"),
            constituents=sort_constituents(
                read_row(row, index_code) for page in pages for row in page.results
            ),
        )
    checks = check_period(portfolio, record_count=pages[0].page.totalRecords)
    require(checks, f"B3's {subject} on {trading_date}", BYTES_KEPT)
    return portfolio


def refuse_strays(
    shown: Mapping[str, Portfolio], members: Members, of_the_day: Mapping[str, Portfolio]
) -> dict[str, BadDataError]:
    """Return, by index, why what B3 showed is taken for the content of another index.

    Args:
        shown: What B3 showed beside the day's portfolio.
        members: B3's list of indices; empty where it was not asked for.
        of_the_day: The portfolios of the day, which share most of their tickers with it.
    """
    strays = find_strays(shown, members, of_the_day)
    return {code: BadDataError(f"{reason} {BYTES_KEPT}") for code, reason in strays.items()}
