"""Portfolio sessions made by rule: the same arguments give the same session on any machine.

What a session holds is plain values; in which form a server shows them is not known here. All
numbers are integers and decimals. Every draw is a hash of what it is drawn for (`shares.draw`), so
a session does not depend on which others were made before it.

Prices move by up to 1.5 % around a fixed value from session to session. A session weighs by the
theoretical prices before it: the closes of the session before, less what goes ex. About one share
in twelve is marked with a corporate event, and about one in twenty has another quantity than
usual; how the divisor follows is told in `divisors`.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from infra.local.b3.composition import composition_on
from infra.local.b3.constituents import ListedShare
from infra.local.b3.divisors import divisor_on, level_on
from infra.local.b3.shares import event_on, price_before, quantity_on

SESSIONS = (dt.date(2025, 7, 31), dt.date(2025, 8, 1), dt.date(2025, 8, 4))
INDEX_SIZES = {
    "AGFS": 33,
    "BDRX": 118,
    "BNCO": 20,
    "GPTW": 53,
    "IBBC": 42,
    "IBBE": 36,
    "IBBR": 92,
    "IBEE": 20,
    "IBEP": 78,
    "IBEW": 87,
    "IBHB": 28,
    "IBLV": 28,
    "IBOV": 84,
    "IBRA": 120,
    "IBSD": 21,
    "IBST": 30,
    "IBXL": 50,
    "IBXX": 100,
    "ICO2": 64,
    "ICON": 70,
    "IDIV": 50,
    "IDVR": 82,
    "IEEX": 20,
    "IFES": 24,
    "IFIL": 70,
    "IFIX": 108,
    "IFNC": 20,
    "IGCT": 106,
    "IGCX": 114,
    "IGNM": 105,
    "IMAT": 21,
    "IMOB": 22,
    "INDX": 47,
    "ISEE": 76,
    "ITAG": 222,
    "IVBX": 50,
    "MLCX": 56,
    "SCSR": 40,
    "SMLL": 110,
    "UTIL": 21,
}
"""The indices that B3 lists, and how many constituents each has."""
WITHOUT_PORTFOLIO = frozenset({"AGFS"})
"""Of these neither portfolio nor levels are published."""

_WEIGHT_UNITS = 100_000
_MAX_CONSTITUENTS = 600


@dataclass(frozen=True)
class Constituent:
    """One share in the portfolio of an index on one session.

    Attributes:
        ticker: B3's code, e.g. `PETR4`.
        asset_name: B3's short name of the issuer.
        share_class: `ON`, `PN`, `PNA`, `PNB` or `UNT`.
        corporate_event: Event of the day such as `EJ`; None if there is none.
        listing_segment: `NM`, `N1`, `N2`; None outside of them.
        sector: B3's sector and subsector.
        theoretical_quantity: Shares that the index counts.
        weight_pct: Weight in the index in percent, 3 decimals.
    """

    ticker: str
    asset_name: str
    share_class: str
    corporate_event: str | None
    listing_segment: str | None
    sector: str
    theoretical_quantity: int
    weight_pct: Decimal


@dataclass(frozen=True)
class Portfolio:
    """The portfolio of an index on one session.

    Attributes:
        index_code: B3's code of the index.
        trading_date: The session.
        constituents: In the order of their short names, then tickers; tickers are unique and
            the weights sum to exactly 100.000 (of other portfolios see `period`).
        index_divisor: Reais of market value for one point of the index, 8 decimals.
    """

    index_code: str
    trading_date: dt.date
    constituents: tuple[Constituent, ...]
    index_divisor: Decimal

    @property
    def total_theoretical_quantity(self) -> int:
        """Sum of the constituents' quantities, in shares."""
        return sum(constituent.theoretical_quantity for constituent in self.constituents)

    @property
    def total_weight_pct(self) -> Decimal:
        """Sum of the constituents' weights, in percent."""
        return sum((constituent.weight_pct for constituent in self.constituents), Decimal("0.000"))


def published_portfolio(index_code: str, trading_date: dt.date) -> Portfolio | None:
    """Return the portfolio of an index of `INDEX_SIZES`; None where none is published."""
    if index_code not in INDEX_SIZES or index_code in WITHOUT_PORTFOLIO:
        return None
    return generate_portfolio(index_code, trading_date, INDEX_SIZES[index_code])


def generate_portfolio(
    index_code: str, trading_date: dt.date, constituent_count: int = INDEX_SIZES["IBOV"]
) -> Portfolio:
    """Make the portfolio of any index on any day.

    The members are listed shares; from 85 constituents on, shares with invented names fill up.

    Args:
        index_code: Part of every draw: another index holds other shares.
        trading_date: The session. Whether the exchange is open on it is not looked at.
        constituent_count: How many constituents, 1 to 600.

    Raises:
        ValueError: The count is out of range.
    """
    if not 1 <= constituent_count <= _MAX_CONSTITUENTS:
        raise ValueError(
            f"A portfolio has 1 to {_MAX_CONSTITUENTS} constituents; asked for {constituent_count}."
        )
    made_of = composition_on(index_code, constituent_count, trading_date)
    quantities = [quantity_on(share, trading_date) for share in made_of.shares]
    prices = [price_before(share, trading_date) for share in made_of.shares]
    constituents = weigh(made_of.shares, quantities, prices, trading_date)
    return Portfolio(
        index_code=index_code,
        trading_date=trading_date,
        constituents=tuple(sorted(constituents, key=lambda row: (row.asset_name, row.ticker))),
        index_divisor=divisor_on(index_code, constituent_count, trading_date),
    )


def index_level(index_code: str, trading_date: dt.date) -> Decimal | None:
    """Return what an index of `INDEX_SIZES` is at the close; None where none is published."""
    if index_code not in INDEX_SIZES or index_code in WITHOUT_PORTFOLIO:
        return None
    return level_on(index_code, INDEX_SIZES[index_code], trading_date)


def weigh(
    shares: Sequence[ListedShare],
    quantities: Sequence[int],
    prices: Sequence[int],
    described_on: dt.date,
    weight_units: int = _WEIGHT_UNITS,
) -> list[Constituent]:
    """Return the constituents that so many of each share make, in the order of the shares.

    Args:
        shares: The members.
        quantities: How many of each.
        prices: What one of each weighs by.
        described_on: The session whose corporate events they are marked with.
        weight_units: What the weights sum to, in thousandths of a percent.
    """
    values = [quantity * price for quantity, price in zip(quantities, prices, strict=True)]
    rows = zip(shares, quantities, _apportion_weights(values, weight_units), strict=True)
    return [_constituent(*row, described_on) for row in rows]


def _apportion_weights(values: Sequence[int], units: int) -> list[Decimal]:
    """Share thousandths of a percent out by value, the largest remainders rounded up."""
    total = sum(values)
    shared = [value * units // total for value in values]
    by_remainder = sorted(range(len(values)), key=lambda place: -(values[place] * units % total))
    for place in by_remainder[: units - sum(shared)]:
        shared[place] += 1
    return [Decimal(unit).scaleb(-3) for unit in shared]


def _constituent(
    share: ListedShare, quantity: int, weight_pct: Decimal, day: dt.date
) -> Constituent:
    return Constituent(
        ticker=share.ticker,
        asset_name=share.asset_name,
        share_class=share.share_class,
        corporate_event=event_on(share, day),
        listing_segment=share.listing_segment,
        sector=share.sector,
        theoretical_quantity=quantity,
        weight_pct=weight_pct,
    )
