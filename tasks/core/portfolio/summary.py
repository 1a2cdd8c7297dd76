"""What a person wants to know of a session, as Markdown for the dashboard."""

from collections.abc import Iterable
from decimal import Decimal

from tasks.core.portfolio.model import Constituent, Portfolio

_SHOWN = 10


def summarize_portfolio(
    portfolio: Portfolio, previous: Portfolio | None, unreadable: str = ""
) -> str:
    """Return the heaviest constituents and the moves against the session before.

    Args:
        portfolio: The session.
        previous: The session before it; None where raw does not hold it, or it cannot be read.
        unreadable: Why it cannot be read.
    """
    heaviest = sorted(portfolio.constituents, key=lambda row: (-row.weight_pct, row.ticker))
    lines = [
        f"## {portfolio.index_code}, session of {portfolio.trading_date}",
        "",
        (
            f"{len(portfolio.constituents)} constituents, index divisor {portfolio.index_divisor}, "
            f"total theoretical quantity {portfolio.total_theoretical_quantity:,}."
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
    lines = [
        "| index | session | constituents | heaviest | weight (%) |",
        "|---|---|---:|---|---:|",
    ]
    for each in sorted(portfolios, key=lambda one: one.index_code):
        top = min(each.constituents, key=lambda row: (-row.weight_pct, row.ticker))
        lines.append(
            f"| {each.index_code} | {each.trading_date} | {len(each.constituents)} "
            f"| {top.ticker} | {top.weight_pct} |"
        )
    lines += [f"| {code} | none published | | | |" for code in without]
    return "\n".join([*lines, ""])


def _moves(portfolio: Portfolio, previous: Portfolio | None, unreadable: str) -> list[str]:
    if unreadable:
        return ["### Moves", "", f"The session before cannot be read: {unreadable}"]
    if previous is None:
        return ["### Moves", "", "The lake does not hold the session before."]
    before = {row.ticker: row for row in previous.constituents}
    now = {row.ticker: row for row in portfolio.constituents}
    changes = {t: now[t].weight_pct - before[t].weight_pct for t in now.keys() & before.keys()}
    largest = sorted(changes, key=lambda ticker: (-abs(changes[ticker]), ticker))[:_SHOWN]
    lines = [
        f"### Moves against {previous.trading_date}",
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
