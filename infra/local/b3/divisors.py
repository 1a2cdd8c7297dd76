"""The divisors and levels of the generated indices, by B3's own rule.

The level at the close is the sum of theoretical quantity times closing price over the divisor of
that session's own portfolio, cut to two decimals. Where members or quantities change, or cash goes
ex, the divisor changes so that the new quantities at the theoretical prices before the session
(`shares.price_before`) give the level of the session before, uncut.

A year is a chain of its own, so that no session needs all of the past: its first session starts
with the composition's divisor.
"""

import datetime as dt
import functools
from decimal import ROUND_DOWN, Context, Decimal

from infra.local.b3.composition import composition_on
from infra.local.b3.shares import value_at_close, value_before
from tasks.core.exchange import previous_session, sessions_between

_DAY = dt.timedelta(days=1)
_EXACT = Context(prec=60)
_EIGHT_DECIMALS, _TWO_DECIMALS = Decimal("1E-8"), Decimal("0.01")


def divisor_on(index_code: str, count: int, day: dt.date) -> Decimal:
    """Return the divisor of an index of so many constituents: reais a point, 8 decimals."""
    chain = _chain(index_code, count, day.year)
    known_to = max(list(chain), default=dt.date(day.year, 1, 1) - _DAY)
    for session in sessions_between(known_to + _DAY, day):
        chain[session] = _step(index_code, count, chain, session)
    return chain[day] if day in chain else _step(index_code, count, chain, day)


def level_on(index_code: str, count: int, day: dt.date) -> Decimal:
    """Return the level at the close of a session: points, cut to 2 decimals."""
    return _uncut_level(index_code, count, day).quantize(_TWO_DECIMALS, ROUND_DOWN)


def divisor_that_keeps_level(index_code: str, count: int, day: dt.date, centavos: int) -> Decimal:
    """Return the divisor by which other members, or quantities, give a session's closing level.

    Args:
        index_code: The index.
        count: How many constituents it has.
        day: The session.
        centavos: What the others are worth at its close.
    """
    exact = _EXACT.divide(Decimal(centavos).scaleb(-2), _uncut_level(index_code, count, day))
    return exact.quantize(_EIGHT_DECIMALS)


@functools.lru_cache(maxsize=256)  # some years of all indices
def _chain(_index_code: str, _count: int, _year: int) -> dict[dt.date, Decimal]:
    """Return the divisors of a year's sessions that are known so far."""
    return {}


def _step(index_code: str, count: int, chain: dict[dt.date, Decimal], day: dt.date) -> Decimal:
    """Return the divisor of a day after that of the session before it."""
    before = previous_session(day)
    if before not in chain:
        return composition_on(index_code, count, day).divisor
    shares = composition_on(index_code, count, day).shares
    product = _EXACT.multiply(chain[before], sum(value_before(share, day) for share in shares))
    exact = _EXACT.divide(product, _value_at_close(index_code, count, before))
    return exact.quantize(_EIGHT_DECIMALS)


def _uncut_level(index_code: str, count: int, day: dt.date) -> Decimal:
    value = Decimal(_value_at_close(index_code, count, day)).scaleb(-2)
    return _EXACT.divide(value, divisor_on(index_code, count, day))


def _value_at_close(index_code: str, count: int, day: dt.date) -> int:
    """Return what the shares of an index are worth at the close of a session, in centavos."""
    shares = composition_on(index_code, count, day).shares
    return sum(value_at_close(share, day) for share in shares)
