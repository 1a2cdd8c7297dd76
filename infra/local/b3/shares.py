"""What a share is on a session, drawn by rule: its price, its quantity, its event.

Every draw is a hash of what it is drawn for, so it does not depend on what was drawn before. What
many portfolios and levels need is kept once it is drawn: a year of all levels takes a second.
"""

import datetime as dt
import functools
import hashlib

from infra.local.b3.constituents import SECTORS, ListedShare
from tasks.core.exchange import previous_session

_SEED = "b3-replay-1"
_EVENTS = ("EJ", "ED", "EJ", "EDJ", "ATZ", "EB")
_CASH_EVENTS = frozenset({"EJ", "ED", "EDJ"})

_INVENTED_IN_INDICES = 140  # ITAG has 222 constituents, and the exchange at least 82 shares


def draw(limit: int, *subject: object) -> int:
    """Return an integer from 0 to `limit` - 1 that depends on the subject alone."""
    digest = hashlib.sha256("|".join([_SEED, *map(str, subject)]).encode()).digest()
    return int.from_bytes(digest, "big") % limit


@functools.cache
def invent_share(number: int) -> ListedShare:
    """Return a share with an invented name, for an index that holds more than are listed."""
    tens, last = divmod(number, 26)
    return ListedShare(
        ticker=f"QX{chr(ord('A') + tens)}{chr(ord('A') + last)}3",
        asset_name=f"EMPRESA {number:03}",
        share_class="ON",
        listing_segment="NM",
        value_brl_millions=900 + draw(9_000, "value", number),
        price_centavos=300 + draw(6_000, "price", number),
        sector=SECTORS[draw(len(SECTORS), "sector", number)],
    )


@functools.cache
def index_shares() -> tuple[ListedShare, ...]:
    """Return the invented shares that the largest published index needs, and so the market has."""
    return tuple(invent_share(number) for number in range(1, _INVENTED_IN_INDICES + 1))


@functools.cache
def usual_quantity(share: ListedShare) -> int:
    """Return how many of a share an index counts on most sessions."""
    rounded = share.value_brl_millions * 100_000_000 // share.price_centavos
    return rounded + draw(rounded // 100, "quantity", share.ticker)


@functools.lru_cache(maxsize=2**17)  # a year of every share in an index
def quantity_on(share: ListedShare, day: dt.date) -> int:
    """Return how many of a share an index counts on a session."""
    quantity = usual_quantity(share)
    if draw(20, "is another quantity", share.ticker, day):
        return quantity
    return quantity + draw(quantity // 200, "another quantity", share.ticker, day)


@functools.lru_cache(maxsize=2**17)
def price_on(share: ListedShare, day: dt.date) -> int:
    """Return a share's price before it is rounded, in ten-thousandths of a centavo."""
    return share.price_centavos * (9_850 + draw(301, "price", share.ticker, day))


def closing_price(share: ListedShare, trading_date: dt.date) -> int:
    """Return a share's price at the close of a session, in centavos."""
    return (price_on(share, trading_date) + 5_000) // 10_000


@functools.lru_cache(maxsize=2**17)
def value_at_close(share: ListedShare, day: dt.date) -> int:
    """Return what those shares are worth at the close of a session, in centavos."""
    return quantity_on(share, day) * closing_price(share, day)


@functools.lru_cache(maxsize=2**17)
def event_on(share: ListedShare, day: dt.date) -> str | None:
    """Return a share's corporate event on a session; None for none."""
    if draw(12, "is event", share.ticker, day):
        return None
    return _EVENTS[draw(len(_EVENTS), "event", share.ticker, day)]


def dividend_on(share: ListedShare, day: dt.date) -> int:
    """Return the cash that a share goes ex on a session, in centavos; 0 for none.

    It goes ex where its event is one of cash and was not that of the session before.
    """
    event = event_on(share, day)
    if event not in _CASH_EVENTS or event == event_on(share, previous_session(day)):
        return 0
    return max(1, share.price_centavos * (10 + draw(50, "dividend", share.ticker, day)) // 10_000)


def price_before(share: ListedShare, day: dt.date) -> int:
    """Return the theoretical price before a session, in centavos: the close, less what goes ex."""
    return closing_price(share, previous_session(day)) - dividend_on(share, day)


@functools.lru_cache(maxsize=2**17)
def value_before(share: ListedShare, day: dt.date) -> int:
    """Return what a session's number of a share is worth before it, in centavos."""
    return quantity_on(share, day) * price_before(share, day)
