"""What a person wants to know of a session, as Markdown for the dashboard."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from tasks.core.checks import show_value
from tasks.core.exchange import month_of
from tasks.core.outcome import count_indices
from tasks.core.portfolio.model import Constituent, Portfolio

_SHOWN = 10
_YEARS_LOOKED_BACK = 2


def spans_before(day: dt.date) -> list[str]:
    """Return where to look for the last session before a day, one after the other.

    The day's month and the one before hold it, but where months are missing: then it is whole
    years, as many as are cheap to list. Each is a span of `Table.span_prefix`.
    """
    before = day.replace(day=1) - dt.timedelta(days=1)
    years = range(before.year, before.year - _YEARS_LOOKED_BACK - 1, -1)
    return [month_of(day), month_of(before), *map(str, years)]


def summarize_portfolio(
    portfolio: Portfolio, previous: Portfolio | None, unreadable: str = ""
) -> str:
    """Return the heaviest constituents and the moves against the last session held before.

    Args:
        portfolio: The session.
        previous: The last session before it that raw holds of the index; None where there is none
            in `spans_before`, or it cannot be read.
        unreadable: Why it cannot be read.
    """
    heaviest = sorted(portfolio.constituents, key=lambda row: (-row.weight_pct, row.ticker))
    lines = [
        f"## {portfolio.index_code}, session of {portfolio.trading_date}",
        "",
        (
            f"{len(portfolio.constituents)} constituents, "
            f"index divisor {show_value(portfolio.index_divisor)}, "
            f"total theoretical quantity {show_value(portfolio.total_theoretical_quantity)}."
        ),
        "",
        f"### The {_SHOWN} heaviest",
        "",
        "| rank | ticker | issuer | weight (%) |",
        "|---:|---|---|---:|",
    ]
    for rank, row in enumerate(heaviest[:_SHOWN], start=1):
        lines.append(f"| {rank} | {row.ticker} | {row.asset_name} | {row.weight_pct} |")
    return "\n".join([*lines, "", *_moves(portfolio, previous, unreadable), ""])


def summarize_portfolios(portfolios: Iterable[Portfolio], without: Iterable[str]) -> str:
    """Return a line an index, and those that B3 publishes no portfolio of."""
    shown = sorted(portfolios, key=lambda one: one.index_code)
    sessions = sorted({each.trading_date for each in shown})
    lines = [
        f"## {count_indices(len(shown))}, session of {' and of '.join(map(str, sessions))}",
        "",
        "| index | session | constituents | heaviest | weight (%) |",
        "|---|---|---:|---|---:|",
    ]
    for each in shown:
        top = min(each.constituents, key=lambda row: (-row.weight_pct, row.ticker))
        lines.append(
            f"| {each.index_code} | {each.trading_date} | {len(each.constituents)} "
            f"| {top.ticker} | {top.weight_pct} |"
        )
    lines += [f"| {code} | none published | | | |" for code in without]
    return "\n".join([*lines, ""])


def _moves(portfolio: Portfolio, previous: Portfolio | None, unreadable: str) -> list[str]:
    if unreadable:
        said = "The last session that the lake holds before cannot be read"
        return ["### Moves", "", f"{said}: {unreadable}"]
    if previous is None:
        first_year = spans_before(portfolio.trading_date)[-1]
        said = f"The lake holds no session of {portfolio.index_code} before this one"
        return ["### Moves", "", f"{said}, back to the beginning of {first_year}."]
    before = {row.ticker: row for row in previous.constituents}
    now = {row.ticker: row for row in portfolio.constituents}
    changes = {t: now[t].weight_pct - before[t].weight_pct for t in now.keys() & before.keys()}
    largest = sorted(changes, key=lambda ticker: (-abs(changes[ticker]), ticker))[:_SHOWN]
    lines = [
        f"### Moves against {previous.trading_date}, the last session that the lake holds before",
        "",
        (
            f"Entered: {_names(now[t] for t in sorted(now.keys() - before.keys()))}. "
            f"Left: {_names(before[t] for t in sorted(before.keys() - now.keys()))}."
        ),
        "",
        "| ticker | weight before (%) | weight now (%) | change (pp) |",
        "|---|---:|---:|---:|",
    ]
    for ticker in largest:
        weights = f"{before[ticker].weight_pct} | {now[ticker].weight_pct}"
        lines.append(f"| {ticker} | {weights} | {_signed(changes[ticker])} |")
    return lines


def _names(constituents: Iterable[Constituent]) -> str:
    return ", ".join(f"{row.ticker} ({row.asset_name})" for row in constituents) or "none"


def _signed(change: Decimal) -> str:
    return f"{change:+}" if change else str(change)
