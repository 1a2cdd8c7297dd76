"""Which shares an index holds on a day, and how many of each, before the session's small changes.

B3 makes indices anew every four months; in between only what leaves the exchange leaves them. Here
the members are drawn for each index, and what is told below changes them: on 4 August 2025 one
share replaces another in the middle of a period, and with the period from 1 September 2025 on two
leave (in an index of 84 invented shares take their place) and the IBOV counts another number of
two that stay.
"""

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from infra.local.b3.constituents import LISTED_SHARES, ListedShare
from infra.local.b3.shares import draw, invent_share, usual_quantity

REBALANCED_ON = dt.date(2025, 9, 1)
"""The first session of the period whose portfolios differ from those before."""
ENTRIES = {"CURY3": dt.date(2025, 8, 4)}
"""First session of shares that come to the exchange."""
EXITS = {"STBP3": dt.date(2025, 8, 4), "CVCB3": REBALANCED_ON, "PETZ3": REBALANCED_ON}
"""First session without a share that leaves."""
RECOUNTED = {"IBOV": {"B3SA3": 79_000, "WEGE3": 52_000}}
"""Market values, in millions of reais, that an index counts from `REBALANCED_ON` on."""

_INDEX_LEVEL = 133_000


@dataclass(frozen=True)
class Composition:
    """What an index is made of.

    Attributes:
        shares: Its members, each with the market value that this index counts.
        divisor: Reais of market value for one point of the index, 8 decimals.
    """

    shares: tuple[ListedShare, ...]
    divisor: Decimal


def composition_on(index_code: str, count: int, day: dt.date) -> Composition:
    """Return the composition of an index of so many constituents on a day."""
    not_yet = {ticker for ticker, entry in ENTRIES.items() if day < entry}
    gone = {ticker for ticker, exit_ in EXITS.items() if exit_ <= day}
    return _compose(index_code, count, frozenset(not_yet | gone), is_recounted=day >= REBALANCED_ON)


@functools.lru_cache(maxsize=512)
def _compose(
    index_code: str, count: int, unlisted: frozenset[str], *, is_recounted: bool
) -> Composition:
    listed = [share for share in LISTED_SHARES if share.ticker not in unlisted]
    listed.sort(key=lambda share: draw(2**64, "member", index_code, share.ticker))
    values = RECOUNTED.get(index_code, {}) if is_recounted else {}
    members = (
        share._replace(value_brl_millions=values.get(share.ticker, share.value_brl_millions))
        for share in listed[:count]
    )
    invented = (invent_share(number) for number in range(1, count - len(listed) + 1))
    shares = (*members, *invented)
    return Composition(shares, _index_divisor(shares))


def _index_divisor(shares: Sequence[ListedShare]) -> Decimal:
    centavos = sum(usual_quantity(share) * share.price_centavos for share in shares)
    return (Decimal(centavos).scaleb(-2) / _INDEX_LEVEL).quantize(Decimal("1E-8"))
