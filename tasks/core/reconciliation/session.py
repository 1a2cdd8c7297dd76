"""What is held against each other of one session: portfolio, quotes and levels, side by side."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Rows = list[dict[str, Any]]
CASH_MARKET = "010"
CLOSE_COLUMNS = ("codneg", "tpmerc", "preult", "fatcot", "voltot")
"""What is read of the raw quotes."""


@dataclass(frozen=True)
class Close:
    """The close of a ticker on the cash market.

    Attributes:
        price: Price of the last trade, in reais for `factor` pieces.
        factor: The quote factor.
    """

    price: Decimal
    factor: int


@dataclass(frozen=True)
class Member:
    """A constituent, as the portfolio of the session has it; units as in `tables`."""

    ticker: str
    type: str
    quantity: int
    weight_pct: Decimal


@dataclass(frozen=True)
class Shown:
    """What raw holds of an index on a session.

    Attributes:
        members: The constituents; none where raw holds no portfolio.
        divisor: That of the portfolio; None where there is none.
        level: B3's level at the close; None where raw holds none.
    """

    members: tuple[Member, ...] = ()
    divisor: Decimal | None = None
    level: Decimal | None = None


@dataclass(frozen=True)
class Market:
    """The closes of the cash market on a session, and before it."""

    closes: Mapping[str, Close] = field(default_factory=dict)
    previous: Mapping[str, Close] = field(default_factory=dict)


def closes_of(records: Iterable[Mapping[str, Any]]) -> dict[str, Close]:
    """Return the closes of round lots on the cash market, by ticker.

    Where a ticker stands on two boards, that of the greater volume closes it.

    Args:
        records: Of the raw quotes, with at least `CLOSE_COLUMNS`.
    """
    cash = [each for each in records if each["tpmerc"] == CASH_MARKET and each["preult"] > 0]
    cash.sort(key=lambda each: (each["voltot"], each["preult"]))
    return {each["codneg"]: Close(each["preult"], each["fatcot"]) for each in cash}


def put_side_by_side(index_code: str, shown: Shown, before: Shown, market: Market) -> Rows:
    """Return the raw rows of an index on a session.

    Args:
        index_code: The index.
        shown: What raw holds of it on the session.
        before: Likewise of the session before.
        market: The closes of both.

    Returns:
        One row a constituent, by ticker; a single one without a ticker where raw has a level
        alone.
    """
    types = {member.ticker: member.type for member in before.members}
    common = {
        "index_code": index_code,
        "index_divisor": shown.divisor,
        "level": shown.level,
        "previous_level": before.level,
        "quote_count": len(market.closes),
    }
    members = sorted(shown.members, key=lambda one: one.ticker)
    rows = [common | _describe(one, types.get(one.ticker), market) for one in members]
    return rows or [common | dict.fromkeys(_OF_MEMBER)]


_OF_MEMBER = (
    *("ticker", "type", "previous_type", "theoretical_quantity", "weight_pct"),
    *("close", "quote_factor", "previous_close", "previous_quote_factor"),
)


def _describe(one: Member, previous_type: str | None, market: Market) -> dict[str, Any]:
    values = (
        *(one.ticker, one.type, previous_type, Decimal(one.quantity), one.weight_pct),
        *_price(market.closes, one.ticker),
        *_price(market.previous, one.ticker),
    )
    return dict(zip(_OF_MEMBER, values, strict=True))


def _price(closes: Mapping[str, Close], ticker: str) -> tuple[Decimal | None, Decimal | None]:
    close = closes.get(ticker)
    return (close.price, Decimal(close.factor)) if close else (None, None)
