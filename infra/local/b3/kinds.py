"""The kinds of portfolio that B3 shows of an index: of the day, of the period, of the next one."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from infra.local.b3.period import (
    next_preview,
    period_of,
    preview_portfolio,
    preview_shown,
    theoretical_portfolio,
)
from infra.local.b3.sessions import Portfolio, generate_portfolio


@dataclass(frozen=True)
class Kind:
    """One kind of portfolio.

    Attributes:
        make: Makes the one that is shown of an index on a session, of so many constituents.
        following: Returns the session on which B3 shows another than that of a session.
        title: Names what is shown on a session in its file; None where its date does.
    """

    make: Callable[[str, dt.date, int], Portfolio]
    following: Callable[[dt.date], dt.date]
    title: Callable[[dt.date], str] | None = None


def _next_weekday(session: dt.date) -> dt.date:
    return session + dt.timedelta(days=3 if session.weekday() == 4 else 1)


DAY = Kind(generate_portfolio, _next_weekday)
THEORETICAL = Kind(
    theoretical_portfolio,
    lambda session: period_of(session).next().first_session,
    lambda session: f"Carteira {period_of(session).name}",
)
PREVIEW = Kind(
    lambda index_code, session, count: preview_portfolio(index_code, preview_shown(session), count),
    lambda session: next_preview(session).made_on,
    lambda session: f"Prévia da Carteira {preview_shown(session).period.name}",
)
