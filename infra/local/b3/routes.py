"""What the replay answers, path by path: the table `ROUTES`.

A route reads what follows its prefix and returns what was asked with the way to answer it. The
answer is made later, when what is shown and the fault in force are known.
"""

from collections.abc import Callable
from dataclasses import dataclass

from infra.local.b3.faults import Fault
from infra.local.b3.format import (
    Content,
    DownloadQuery,
    PortfolioQuery,
    content_of,
    decode_query,
    render_csv,
)
from infra.local.b3.http_answer import Answer
from infra.local.b3.kinds import DAY, PREVIEW, THEORETICAL, Kind
from infra.local.b3.levels import LevelsQuery, serve_levels
from infra.local.b3.pages import render_page
from infra.local.b3.period_calls import (
    ConfigurationsQuery,
    PeriodQuery,
    PreviewDownloadQuery,
    PreviewQuery,
    TheoreticalDownloadQuery,
    TheoreticalQuery,
    render_configurations,
    render_period_page,
)
from infra.local.b3.quotes import QuotesQuery, read_file_name, serve_quotes
from infra.local.b3.shown import Shown
from infra.local.b3.stock_index import StockIndexQuery, render_stock_index

PortfolioRequest = PortfolioQuery | DownloadQuery | PeriodQuery
Query = PortfolioRequest | StockIndexQuery | QuotesQuery | LevelsQuery


@dataclass(frozen=True)
class Asked:
    """One request that was understood.

    Attributes:
        query: What was asked.
        answer: Makes the answer, given what is shown and the fault in force.
    """

    query: Query
    answer: Callable[[Shown, Fault], Answer]


def ask_portfolio_day(argument: str) -> Asked:
    """Read a request for one page of a portfolio."""
    query = decode_query(argument, PortfolioQuery)
    return Asked(query, lambda shown, fault: render_page(_content(query, shown, fault), query))


def ask_download(argument: str) -> Asked:
    """Read a request for a portfolio as a file."""
    query = decode_query(argument, DownloadQuery)
    return Asked(query, lambda shown, fault: render_csv(_content(query, shown, fault)))


def ask_theoretical(argument: str) -> Asked:
    """Read a request for one page of the portfolio of the period."""
    return _ask_period_page(decode_query(argument, TheoreticalQuery), THEORETICAL)


def ask_preview(argument: str) -> Asked:
    """Read a request for one page of the preview; without one in force it is the last that was."""
    return _ask_period_page(decode_query(argument, PreviewQuery), PREVIEW)


def ask_theoretical_download(argument: str) -> Asked:
    """Read a request for the portfolio of the period as a file."""
    query = decode_query(argument, TheoreticalDownloadQuery)
    return Asked(query, lambda shown, fault: render_csv(_content(query, shown, fault, THEORETICAL)))


def ask_preview_download(argument: str) -> Asked:
    """Read a request for the preview as a file."""
    query = decode_query(argument, PreviewDownloadQuery)
    return Asked(query, lambda shown, fault: render_csv(_content(query, shown, fault, PREVIEW)))


def ask_configurations(argument: str) -> Asked:
    """Read a question about whether a preview is in force; no fault of content changes it."""
    query = decode_query(argument, ConfigurationsQuery)
    return Asked(
        query,
        lambda shown, fault: render_configurations(
            has_preview=None if fault.is_unknown_index else shown.has_preview(query.index_code)
        ),
    )


def ask_stock_index(argument: str) -> Asked:
    """Read a request for the list of indices; no fault of a portfolio's content changes it."""
    query = decode_query(argument, StockIndexQuery)
    return Asked(
        query,
        lambda shown, fault: render_stock_index(None if fault.is_unknown_index else shown, query),
    )


def ask_quotes(argument: str) -> Asked:
    """Read a request for a file of daily quotes; it does not depend on the session shown."""
    query = QuotesQuery(read_file_name(argument))
    return Asked(query, lambda _shown, _fault: serve_quotes(query.period))


def ask_levels(argument: str) -> Asked:
    """Read a request for the levels of an index; they do not depend on the session shown."""
    query = decode_query(argument, LevelsQuery)
    return Asked(
        query,
        lambda shown, _fault: serve_levels(query, shown.constituent_count(query.index_code)),
    )


def _ask_period_page(query: PeriodQuery, kind: Kind) -> Asked:
    return Asked(
        query,
        lambda shown, fault: render_period_page(_content(query, shown, fault, kind), query),
    )


def _content(
    query: PortfolioRequest, shown: Shown, fault: Fault, kind: Kind = DAY
) -> Content | None:
    portfolio = shown.portfolio(query.index_code, kind)
    if portfolio is None or fault.is_unknown_index:
        return None
    return fault.content(content_of(portfolio, query, kind))


ROUTES: dict[str, Callable[[str], Asked]] = {
    "/indexProxy/indexCall/GetPortfolioDay/": ask_portfolio_day,
    "/indexProxy/indexCall/GetDownloadPortfolioDay/": ask_download,
    "/indexProxy/indexCall/GetTheoricalPortfolio/": ask_theoretical,
    "/indexProxy/indexCall/GetDownloadPortfolioTheorical/": ask_theoretical_download,
    "/indexProxy/indexCall/GetQuartelyPreview/": ask_preview,
    "/indexProxy/indexCall/GetDownloadPreview/": ask_preview_download,
    "/indexProxy/indexCall/GetConfigurations/": ask_configurations,
    "/indexProxy/indexCall/GetStockIndex/": ask_stock_index,
    "/indexStatisticsProxy/IndexCall/GetPortfolioDay/": ask_levels,
    "/InstDados/SerHist/": ask_quotes,
}


def read_request(path: str) -> Asked | None:
    """Return what a path asks for; None if no route knows it.

    Raises:
        BadRequestError: A route knows the path, and its argument has no meaning.
    """
    for prefix, read in ROUTES.items():
        if path.startswith(prefix):
            return read(path.removeprefix(prefix))
    return None
