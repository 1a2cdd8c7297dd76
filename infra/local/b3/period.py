"""The four months that an index is made for: their theoretical portfolio, and previews of the next.

A period is January to April, May to August or September to December; its portfolio is in force
from the first Monday of its first month, or the next session, to the session before the next
period's. In the month before, three previews of the next one are shown: from its first session on,
from the session after the 15th, and on the last session of the old portfolio.

What is in force is the same on all of a period's sessions: usual quantities of the members on the
first of them, by the prices of the session before. A preview has the quantities of the period that
it is of, by the prices of its own day. The divisor of each keeps the level at the close by whose
prices it weighs. The weights of about one in three sum to 99.999.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from infra.local.b3.composition import composition_on
from infra.local.b3.divisors import divisor_that_keeps_level
from infra.local.b3.sessions import Portfolio, weigh
from infra.local.b3.shares import closing_price, draw, price_on, usual_quantity
from tasks.core.exchange import is_session, next_session, previous_session

_MONTHS = 4
_SHORT_NAMES = ("Jan. a Abr.", "Mai. a Ago.", "Set. a Dez.")
_WEIGHT_UNITS = 100_000


@dataclass(frozen=True)
class Period:
    """Four months.

    Attributes:
        year: Their year.
        number: Which of the year's, from 0.
    """

    year: int
    number: int

    @property
    def first_session(self) -> dt.date:
        """The session from which on its portfolio is in force."""
        first = dt.date(self.year, self.number * _MONTHS + 1, 1)
        monday = first + dt.timedelta(days=-first.weekday() % 7)
        return _session_from(monday)

    @property
    def name(self) -> str:
        """What B3 calls it in Portuguese, e.g. `Mai. a Ago. 2025`."""
        return f"{_SHORT_NAMES[self.number]} {self.year}"

    def next(self) -> "Period":
        """Return the period after it."""
        return _numbered(self.year * 3 + self.number + 1)

    def previews(self) -> tuple[dt.date, dt.date, dt.date]:
        """Return the sessions on which the three previews of it are made."""
        last = previous_session(self.first_session)
        start = dt.date(self.year, self.number * _MONTHS + 1, 1)
        month = (start - dt.timedelta(days=1)).replace(day=1)
        return _session_from(month), next_session(month.replace(day=15)), last


@dataclass(frozen=True)
class Preview:
    """One preview of the portfolio of a period.

    Attributes:
        period: The period, which comes after that of the preview's day.
        made_on: The first session on which it is shown, by whose prices it weighs.
    """

    period: Period
    made_on: dt.date


def period_of(session: dt.date) -> Period:
    """Return the period whose portfolio is in force; the first days of January are of the old."""
    months = _numbered(session.year * 3 + (session.month - 1) // _MONTHS)
    if session >= months.first_session:
        return months
    return _numbered(months.year * 3 + months.number - 1)


def theoretical_portfolio(index_code: str, session: dt.date, count: int) -> Portfolio:
    """Make the portfolio of the period of a session.

    Args:
        index_code: The index.
        session: Any session of the period.
        count: How many constituents the index has.

    Returns:
        The portfolio, in the order of its tickers; it names the period's first session.
    """
    start = period_of(session).first_session
    return _made_for(index_code, count, start, previous_session(start), start)


def preview_in_force(session: dt.date) -> Preview | None:
    """Return the preview of the next period in force on a session; None for none."""
    preview = preview_shown(session)
    return preview if preview.period != period_of(session) else None


def preview_shown(session: dt.date) -> Preview:
    """Return what B3 answers for a preview: that in force, or the last that was, however old."""
    period = period_of(session)
    *_, latest = (one for one in _previews(period, period.next()) if one.made_on <= session)
    return latest


def next_preview(session: dt.date) -> Preview:
    """Return the first preview that is made after a session."""
    period = period_of(session).next()
    return next(one for one in _previews(period, period.next()) if one.made_on > session)


def preview_portfolio(index_code: str, preview: Preview, count: int) -> Portfolio:
    """Make what a preview shows of an index.

    Returns:
        The portfolio, in the order of its tickers; it names the day on which it was made.
    """
    day = preview.made_on
    return _made_for(index_code, count, preview.period.first_session, day, day)


def _previews(*periods: Period) -> Iterator[Preview]:
    return (Preview(period, day) for period in periods for day in period.previews())


def _made_for(
    index_code: str, count: int, start: dt.date, priced_on: dt.date, described_on: dt.date
) -> Portfolio:
    """Make the portfolio of the period that starts on a session, as it is shown on another."""
    made_of = composition_on(index_code, count, start)
    quantities = [usual_quantity(share) for share in made_of.shares]
    is_short = draw(3, "weights sum to less", index_code, priced_on, start) == 0
    units = _WEIGHT_UNITS - is_short
    prices = [price_on(share, priced_on) for share in made_of.shares]
    rows = weigh(made_of.shares, quantities, prices, described_on, units)
    closes = [closing_price(share, priced_on) for share in made_of.shares]
    value = sum(quantity * close for quantity, close in zip(quantities, closes, strict=True))
    return Portfolio(
        index_code=index_code,
        trading_date=described_on,
        constituents=tuple(sorted(rows, key=lambda row: row.ticker)),
        index_divisor=divisor_that_keeps_level(index_code, count, priced_on, value),
    )


def _numbered(number: int) -> Period:
    """Return a period by how many came before it."""
    return Period(*divmod(number, 3))


def _session_from(day: dt.date) -> dt.date:
    return day if is_session(day) else next_session(day)
