"""Weights, their concentration, and moves, from rows of `portfolio_daily` of one index.

Rows are `{column: value}`; which session they are of, the caller knows.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from tasks.core.session_report.model import Concentration, Constituent, Totals
from tasks.core.session_report.moves import ENTERED, LEFT, STAYED, Move, Moves

Row = Mapping[str, Any]
NONE = Decimal("0.000")
_KINDS = (ENTERED, LEFT, STAYED)


def list_constituents(rows: Iterable[Row]) -> tuple[Constituent, ...]:
    """Return the constituents of a session, the heaviest first, equal weights by ticker."""
    found = [
        Constituent(
            *(row["weight_rank"], row["ticker"], row["asset_name"], row["share_class"]),
            *(row["corporate_event"], row["sector"], row["theoretical_quantity"]),
            row["weight_pct"],
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: (-one.weight_pct, one.ticker)))


def add_up(rows: Collection[Row], index_divisor: Decimal) -> Totals:
    """Return the totals of the constituents, with the divisor of their session."""
    return Totals(
        constituent_count=len(rows),
        theoretical_quantity=sum(row["theoretical_quantity"] for row in rows),
        weight_pct=sum((row["weight_pct"] for row in rows), NONE),
        index_divisor=index_divisor,
    )


def concentrate(trading_date: dt.date, rows: Iterable[Row]) -> Concentration:
    """Return how much of an index its heaviest constituents make up on a session."""
    weights = tuple(sorted((row["weight_pct"] for row in rows), reverse=True))
    return Concentration(
        trading_date=trading_date,
        constituent_count=len(weights),
        top5_weight_pct=sum(weights[:5], NONE),
        top10_weight_pct=sum(weights[:10], NONE),
        herfindahl_hirschman_index=sum((each * each for each in weights), Decimal("0.000000")),
        weights=weights,
    )


def find_moves(since: dt.date, before: Iterable[Row], after: Iterable[Row]) -> Moves:
    """Return what changed from one portfolio to another of the same index.

    Args:
        since: The session of the one before; of a preview, when it was last shown.
        before: Its rows.
        after: Those of the other one.
    """
    then = {row["ticker"]: row for row in before}
    now = {row["ticker"]: row for row in after}
    moves = [_compare(then.get(ticker), now.get(ticker)) for ticker in sorted(then | now)]
    changed = [
        each for each in moves if each.kind != STAYED or each.weight_change or each.quantity_change
    ]
    changed.sort(key=lambda one: (_KINDS.index(one.kind), -abs(one.weight_change), one.ticker))
    return Moves(since, tuple(changed))


def _compare(then: Row | None, now: Row | None) -> Move:
    shown = now or then or {}
    return Move(
        kind=STAYED if then and now else ENTERED if now else LEFT,
        ticker=shown["ticker"],
        asset_name=shown["asset_name"],
        weight_before=then["weight_pct"] if then else None,
        weight_after=now["weight_pct"] if now else None,
        quantity_before=then["theoretical_quantity"] if then else None,
        quantity_after=now["theoretical_quantity"] if now else None,
    )


def in_force(
    session: dt.date,
    previews: Iterable[Row],
    shown: Iterable[dt.date],
    period_shown: Iterable[dt.date],
) -> tuple[dt.date, list[Row]] | None:
    """Return when the preview in force on a session was last shown, and its rows.

    One is in force if it was shown on the latest session, up to this one, on which the theoretical
    portfolio of the period was shown, or later. A row may be the same in two previews, and so span
    sessions on which none was looked at: the rows alone do not tell when a preview was shown.

    Args:
        session: The session.
        previews: Rows of `portfolio_preview` of one index.
        shown: The sessions on which one was shown.
        period_shown: Those on which the theoretical portfolio was.

    Returns:
        None where none was in force.
    """
    last = max((day for day in shown if day <= session), default=None)
    if last is None or any(last < day <= session for day in period_shown):
        return None
    return last, [row for row in previews if row["first_session"] <= last <= row["last_session"]]
