"""Portfolio sessions made by rule: the same arguments give the same session on any machine.

What a session holds is plain values; in which form a server shows them is not known here. All
numbers are integers and decimals. Every draw is a hash of what it is drawn for (`_draw`), so
a session does not depend on which others were made before it.

Prices move by up to 1.5 % around a fixed value from session to session, and weights with them.
About one share in twelve is marked with a corporate event, and about one in twenty has another
quantity than usual. The divisor changes only when the members of the index do.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from infra.local.b3.constituents import LISTED_SHARES, SECTORS, ListedShare

SESSIONS = (dt.date(2025, 7, 31), dt.date(2025, 8, 1), dt.date(2025, 8, 4))
INDEX_SIZES = {"IBOV": 84, "IBXX": 100, "SMLL": 110, "IDIV": 50, "ITAG": 222}
ENTRIES = {"CURY3": SESSIONS[-1]}
EXITS = {"STBP3": SESSIONS[-1]}

_SEED = "b3-replay-1"
_INDEX_LEVEL = 133_000
_WEIGHT_UNITS = 100_000
_MAX_CONSTITUENTS = 600
_EVENTS = ("EJ", "ED", "EJ", "EDJ", "ATZ", "EB")


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
            the weights sum to exactly 100.000.
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
    """Return the portfolio of an index of `INDEX_SIZES`; None for any other index."""
    if index_code not in INDEX_SIZES:
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
    shares = _choose_members(index_code, trading_date, constituent_count)
    quantities = [_quantity_on(share, trading_date) for share in shares]
    values = [
        quantity * _price_on(share, trading_date)
        for share, quantity in zip(shares, quantities, strict=True)
    ]
    rows = zip(shares, quantities, _apportion_weights(values), strict=True)
    constituents = (_constituent(*row, trading_date) for row in rows)
    return Portfolio(
        index_code=index_code,
        trading_date=trading_date,
        constituents=tuple(sorted(constituents, key=lambda row: (row.asset_name, row.ticker))),
        index_divisor=_index_divisor(shares),
    )


def index_level(index_code: str, trading_date: dt.date) -> Decimal | None:
    """Return what an index of `INDEX_SIZES` is at the close; None for any other index.

    It is the sum of quantity times closing price over the divisor, in points with two decimals.
    """
    if index_code not in INDEX_SIZES:
        return None
    shares = _choose_members(index_code, trading_date, INDEX_SIZES[index_code])
    centavos = sum(
        _quantity_on(share, trading_date) * closing_price(share, trading_date) for share in shares
    )
    return (Decimal(centavos).scaleb(-2) / _index_divisor(shares)).quantize(Decimal("0.01"))


def closing_price(share: ListedShare, trading_date: dt.date) -> int:
    """Return a share's price at the close of a session, in centavos."""
    return (_price_on(share, trading_date) + 5_000) // 10_000


def _draw(limit: int, *subject: object) -> int:
    """Return an integer from 0 to `limit` - 1 that depends on the subject alone."""
    digest = hashlib.sha256("|".join([_SEED, *map(str, subject)]).encode()).digest()
    return int.from_bytes(digest, "big") % limit


def _choose_members(index_code: str, day: dt.date, count: int) -> list[ListedShare]:
    listed = [share for share in LISTED_SHARES if _is_listed_on(share.ticker, day)]
    listed.sort(key=lambda share: _draw(2**64, "member", index_code, share.ticker))
    return listed[:count] + [_invent_share(number) for number in range(1, count - len(listed) + 1)]


def _is_listed_on(ticker: str, day: dt.date) -> bool:
    return ENTRIES.get(ticker, dt.date.min) <= day < EXITS.get(ticker, dt.date.max)


def _invent_share(number: int) -> ListedShare:
    tens, last = divmod(number, 26)
    return ListedShare(
        ticker=f"QX{chr(ord('A') + tens)}{chr(ord('A') + last)}3",
        asset_name=f"EMPRESA {number:03}",
        share_class="ON",
        listing_segment="NM",
        value_brl_millions=900 + _draw(9_000, "value", number),
        price_centavos=300 + _draw(6_000, "price", number),
        sector=SECTORS[_draw(len(SECTORS), "sector", number)],
    )


def _usual_quantity(share: ListedShare) -> int:
    rounded = share.value_brl_millions * 100_000_000 // share.price_centavos
    return rounded + _draw(rounded // 100, "quantity", share.ticker)


def _quantity_on(share: ListedShare, day: dt.date) -> int:
    quantity = _usual_quantity(share)
    if _draw(20, "is another quantity", share.ticker, day):
        return quantity
    return quantity + _draw(quantity // 200, "another quantity", share.ticker, day)


def _price_on(share: ListedShare, day: dt.date) -> int:
    """Return the price in ten-thousandths of a centavo."""
    return share.price_centavos * (9_850 + _draw(301, "price", share.ticker, day))


def _event_on(share: ListedShare, day: dt.date) -> str | None:
    if _draw(12, "is event", share.ticker, day):
        return None
    return _EVENTS[_draw(len(_EVENTS), "event", share.ticker, day)]


def _apportion_weights(values: Sequence[int]) -> list[Decimal]:
    """Share 100.000 % out by value, in thousandths, the largest remainders rounded up."""
    total = sum(values)
    units = [value * _WEIGHT_UNITS // total for value in values]
    by_remainder = sorted(
        range(len(values)), key=lambda place: -(values[place] * _WEIGHT_UNITS % total)
    )
    for place in by_remainder[: _WEIGHT_UNITS - sum(units)]:
        units[place] += 1
    return [Decimal(unit).scaleb(-3) for unit in units]


def _index_divisor(shares: Sequence[ListedShare]) -> Decimal:
    centavos = sum(_usual_quantity(share) * share.price_centavos for share in shares)
    return (Decimal(centavos).scaleb(-2) / _INDEX_LEVEL).quantize(Decimal("1E-8"))


def _constituent(
    share: ListedShare, quantity: int, weight_pct: Decimal, day: dt.date
) -> Constituent:
    return Constituent(
        ticker=share.ticker,
        asset_name=share.asset_name,
        share_class=share.share_class,
        corporate_event=_event_on(share, day),
        listing_segment=share.listing_segment,
        sector=share.sector,
        theoretical_quantity=quantity,
        weight_pct=weight_pct,
    )
