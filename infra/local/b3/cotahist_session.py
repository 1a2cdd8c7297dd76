"""The quotes of one session, as the lines of a COTAHIST file: the same arguments, the same bytes.

A session depends on its date, the number of instruments and the seed alone, so the file of a
day holds the same records as that of its month or year. Listed shares, and those invented for
large indices, close on the cash market at the prices that the portfolios are made of; other prices
move by up to 3 % around a fixed value. What is invented for indices comes last and is drawn by
itself. The price range holds the average but for one record in some thousands, as at B3; volume
is the average price times the quantity, by the quote factor.
"""

import datetime as dt
import functools
from collections.abc import Sequence

import numpy as np

from infra.local.b3.constituents import LISTED_SHARES, ListedShare
from infra.local.b3.cotahist_market import Instrument, list_index_shares, list_instruments
from infra.local.b3.shares import closing_price, index_shares
from tasks.core.quotes.record import FIELDS, LINE_BYTES

_POSITIONS = {field.name: (field.start - 1, field.end) for field in FIELDS}
_UNTRADED_SHARE = 0.05
_LIQUID_TRADES = 50


def session_lines(trading_date: dt.date, instrument_count: int, seed: int) -> np.ndarray:
    """Return a session's records as a matrix of bytes, one line of 247 a row.

    Args:
        trading_date: The session.
        instrument_count: Instruments of the market; about one option or forward in twenty goes
            untraded and has no record.
        seed: Another seed gives other numbers.
    """
    day = trading_date.toordinal()
    market = _month_of_lines(trading_date.replace(day=1), instrument_count)
    lines = _draw_lines(trading_date, market, [seed, day])
    if not list_index_shares(instrument_count):
        return lines
    beside = _lines_of_index_shares(instrument_count)
    return np.concatenate([lines, _draw_lines(trading_date, beside, [seed, day, len(beside[0])])])


_Lines = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Lines without their numbers, what `_draw_values` needs of each, and whose closing price it has:
which share of `_priced_shares` each is on the cash market, from 1; 0 for none."""


def _draw_lines(trading_date: dt.date, market: _Lines, seed: list[int]) -> np.ndarray:
    lines, usual, share_numbers = market
    rng = np.random.default_rng(seed)
    is_cash = lines[:, _POSITIONS["PRAZOT"][0]] == ord(" ")
    is_traded = is_cash | (rng.random(len(lines)) >= _UNTRADED_SHARE)
    traded: np.ndarray = lines[is_traded]
    closes = np.array([0, *(closing_price(share, trading_date) for share in _priced_shares())])
    values = _draw_values(rng, closes[share_numbers[is_traded]], *usual[:, is_traded])
    values["DATA"] = np.full(len(traded), int(f"{trading_date:%Y%m%d}"))
    for name, numbers in values.items():
        _put_number(traded, name, numbers)
    return traded


def _priced_shares() -> tuple[ListedShare, ...]:
    return (*LISTED_SHARES, *index_shares())


@functools.lru_cache(maxsize=2)
def _month_of_lines(first_of_month: dt.date, instrument_count: int) -> _Lines:
    return _lines_of(list_instruments(first_of_month, instrument_count))


@functools.lru_cache(maxsize=2)
def _lines_of_index_shares(instrument_count: int) -> _Lines:
    return _lines_of(list_index_shares(instrument_count))


def _lines_of(instruments: Sequence[Instrument]) -> _Lines:
    text = "".join(map(_line, instruments)).encode("latin-1")
    lines: np.ndarray = np.frombuffer(text, np.uint8).reshape(-1, LINE_BYTES)
    usual = [(one.price, one.usual_trades, one.lot, one.factor) for one in instruments]
    numbers = {share.ticker: number for number, share in enumerate(_priced_shares(), start=1)}
    is_cash = [one.market == "010" for one in instruments]
    listed = [numbers.get(one.ticker, 0) for one in instruments]
    return lines, np.array(usual).T, np.array(listed) * is_cash


def _line(one: Instrument) -> str:
    expiry = f"{one.expiry:%Y%m%d}" if one.expiry else "99991231"
    return (
        f"01{'0' * 8}{one.bdi}{one.ticker:<12}{one.market}{one.name[:12]:<12}"
        f"{one.specification:<10}{one.term:<3}R$  {'0' * 91}{'0' * 5}{'0' * 18}{'0' * 18}"
        f"{one.strike:013}0{expiry}{one.factor:07}{one.points * 10**6:013}{one.isin}"
        f"{one.distribution:03}\r\n"
    )


def _draw_values(
    rng: np.random.Generator,
    known_closes: np.ndarray,
    prices: np.ndarray,
    usual_trades: np.ndarray,
    lots: np.ndarray,
    factors: np.ndarray,
) -> dict[str, np.ndarray]:
    """Draw each instrument's numbers of the day; prices and volumes in centavos.

    A close that is known is not drawn; 0 is one that is not.
    """
    count = len(prices)
    spread = np.where(usual_trades < _LIQUID_TRADES, 1.8, 0.4)
    trades = np.clip(usual_trades * rng.lognormal(0, spread), 1, 99_999).astype(np.int64)
    quantity = lots * np.maximum(trades, (trades * rng.lognormal(1.5, 1.2, count)).astype(int))
    close = np.where(known_closes, known_closes, _move(rng, prices, 0.03))
    has_range = trades > 1
    opening = np.where(has_range, _move(rng, close, 0.01), close)
    low = np.where(has_range, _move(rng, np.minimum(opening, close), 0.01, up=0), close)
    high = np.where(has_range, _move(rng, np.maximum(opening, close), 0.01, down=0), close)
    average = (low + high + (rng.random(count) < 0.0003) * (high + 2)) // 2
    has_bid, has_ask = rng.random((2, count)) < 0.8
    return {
        "PREABE": opening,
        "PREMAX": high,
        "PREMIN": low,
        "PREMED": average,
        "PREULT": close,
        "PREOFC": np.where(has_bid, _move(rng, close, 0.01, up=0), 0),
        "PREOFV": np.where(has_ask, _move(rng, close, 0.01, down=0), 0),
        "TOTNEG": trades,
        "QUATOT": quantity,
        "VOLTOT": average * quantity // factors,
    }


def _move(
    rng: np.random.Generator, prices: np.ndarray, by: float, *, down: int = 1, up: int = 1
) -> np.ndarray:
    """Return prices moved by up to `by` of themselves, of at least one centavo."""
    moves = rng.uniform(-by * down, by * up, len(prices))
    moved: np.ndarray = np.maximum(1, np.rint(prices * (1 + moves))).astype(np.int64)
    return moved


def _put_number(lines: np.ndarray, name: str, numbers: np.ndarray) -> None:
    start, end = _POSITIONS[name]
    for position in range(end - 1, start - 1, -1):
        numbers, digits = np.divmod(numbers, 10)
        lines[:, position] = digits + ord("0")
