"""The instruments that the generated quotes files are made of: a market of any size, by rule.

The shares of `infra.local.b3.constituents` come first, so that a portfolio always finds its
constituents on the cash market; a market that has them all has beside it the shares that large
indices are filled up with. Invented shares, funds and receipts fill up. In a market of real size
about 85 of 100 records are options, as in B3's files. A month has one set of instruments; its
options expire in the three months after it.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import NamedTuple

from infra.local.b3.constituents import LISTED_SHARES, ListedShare
from infra.local.b3.shares import index_shares

CALL_MONTHS, PUT_MONTHS = "ABCDEFGHIJKL", "MNOPQRSTUVWX"
FORWARD_DAYS = ("030", "060", "090", "018", "120", "361")

_CASH_SHARE, _ODD_LOT_SHARE, _FORWARD_SHARE, _FUND_SHARE = 0.035, 0.035, 0.05, 0.02
_OPTION_UNDERLYINGS = 120
_CLASS_IN_ISIN = {"ON": "ACNOR", "PN": "ACNPR", "PNA": "ACNPA", "PNB": "ACNPB", "UNT": "CDAM1"}


class Instrument(NamedTuple):
    """One line of every session of a month.

    Attributes:
        bdi: CODBDI.
        market: TPMERC.
        ticker: CODNEG.
        name: NOMRES, at most 12 characters.
        specification: ESPECI, at most 10 characters.
        isin: CODISI.
        price: What one quotation lot costs about, in centavos.
        lot: The quantity is a multiple of it.
        term: PRAZOT, forward days.
        strike: PREEXE, in centavos.
        expiry: DATVEN; None for no expiry.
        factor: FATCOT, how many pieces the price is for.
        points: PTOEXE, in points.
        distribution: DISMES.
        usual_trades: How many trades it sees on an ordinary session.
    """

    bdi: str
    market: str
    ticker: str
    name: str
    specification: str
    isin: str
    price: int
    lot: int
    term: str = ""
    strike: int = 0
    expiry: dt.date | None = None
    factor: int = 1
    points: int = 0
    distribution: int = 101
    usual_trades: int = 6


def list_instruments(first_of_month: dt.date, count: int) -> list[Instrument]:
    """Return a month's instruments, in the order in which B3's files list them.

    Args:
        first_of_month: The month.
        count: How many instruments, at least 10. In small markets the listed shares get at
            most two fifths of them.
    """
    if count < 10:
        raise ValueError(f"A market has at least 10 instruments; asked for {count}.")
    cash_count = max(round(count * _CASH_SHARE), min(len(LISTED_SHARES), count * 2 // 5))
    invented = (_invent_share(number) for number in range(cash_count - len(LISTED_SHARES)))
    cash = [*LISTED_SHARES, *invented][:cash_count]
    groups = [
        [_cash(share) for share in cash],
        [_odd_lot(share) for share in cash[: round(count * _ODD_LOT_SHARE)]],
        list(islice(_forwards(cash), round(count * _FORWARD_SHARE))),
        list(islice(_funds(), round(count * _FUND_SHARE))),
    ]
    rest = count - sum(map(len, groups))
    index_count = rest // 80
    groups.append(list(islice(_index_options(first_of_month), index_count)))
    groups.append(list(islice(_options(cash, first_of_month), rest - index_count)))
    instruments = [instrument for group in groups for instrument in group]
    return sorted(instruments, key=lambda one: (one.bdi, one.name, one.ticker, one.term))


def list_index_shares(count: int) -> list[Instrument]:
    """Return what a market of so many instruments has beside them: shares of large indices."""
    return (
        [_cash(share) for share in index_shares()] if count * 2 // 5 >= len(LISTED_SHARES) else []
    )


def _invent_share(number: int) -> ListedShare:
    letters = "".join(chr(ord("A") + number // 26**power % 26) for power in (1, 0))
    price = 200 + number * 977 % 7_900
    return ListedShare(f"ZX{letters}3", f"EMPRESA {number}", "ON", "NM", 500, price, "")


def _specification(share: ListedShare) -> str:
    return f"{share.share_class:<8}{share.listing_segment or ''}"


def _isin(share: ListedShare) -> str:
    return f"BR{share.ticker[:4]}{_CLASS_IN_ISIN[share.share_class]}{len(share.asset_name) % 10}"


def _cash(share: ListedShare) -> Instrument:
    names = (share.ticker, share.asset_name, _specification(share), _isin(share))
    return Instrument(
        "02",
        "010",
        *names,
        share.price_centavos,
        100,
        distribution=100 + share.price_centavos % 150,
        usual_trades=50 + share.value_brl_millions // 4,
    )


def _odd_lot(share: ListedShare) -> Instrument:
    return _cash(share)._replace(
        bdi="96", market="020", ticker=f"{share.ticker}F", lot=1, usual_trades=200
    )


def _forwards(shares: Sequence[ListedShare]) -> Iterator[Instrument]:
    for term in FORWARD_DAYS:
        for share in shares:
            forward = _cash(share)._replace(bdi="62", market="030", ticker=f"{share.ticker}T")
            yield forward._replace(term=term, usual_trades=6)


def _funds() -> Iterator[Instrument]:
    """Yield funds and receipts without end; one of twenty is quoted for a thousand pieces."""
    kinds = (("12", "FII FUNDO", "CI  ER"), ("34", "BDR", "DRN"), ("14", "ETF", "CI"))
    for number, (bdi, name, specification) in enumerate(cycle(kinds)):
        root = "".join(chr(ord("A") + number // 26**power % 26) for power in (2, 1, 0))
        is_per_thousand = number % 20 == 5
        yield Instrument(
            bdi,
            "010",
            f"Y{root}{34 if bdi == '34' else 11}",
            f"{name} {number % 100}",
            specification,
            f"BRY{root}CTF00{number % 10}",
            40 + number % 60 if is_per_thousand else 900 + number * 613 % 14_000,
            1000 if is_per_thousand else 1,
            factor=1000 if is_per_thousand else 1,
            usual_trades=120,
        )


def _options(shares: Sequence[ListedShare], first_of_month: dt.date) -> Iterator[Instrument]:
    """Yield options without end: round by round, a new strike on each underlying and side."""
    for number in range(1, 100_000):
        expiry = _third_friday(first_of_month, 1 + number % 3)
        steps = number // 6 + 1
        for share in shares[:_OPTION_UNDERLYINGS]:
            is_call = number % 2 == 0
            away = steps if number % 4 < 2 else -steps
            strike = max(1, round(share.price_centavos * (1 + 0.02 * away)))
            letter = (CALL_MONTHS if is_call else PUT_MONTHS)[expiry.month - 1]
            in_the_money = max(0, (share.price_centavos - strike) * (1 if is_call else -1))
            yield _cash(share)._replace(
                bdi="78" if is_call else "82",
                market="070" if is_call else "080",
                ticker=f"{share.ticker[:4]}{letter}{share.ticker[4:]}{number}",
                name=f"{share.ticker[:4]}E",
                specification=share.share_class,
                price=in_the_money + max(1, share.price_centavos // (20 + 4 * steps)),
                term="000",
                strike=strike,
                expiry=expiry,
                usual_trades=6,
            )


def _index_options(first_of_month: dt.date) -> Iterator[Instrument]:
    for number in range(100_000):
        expiry = _third_friday(first_of_month, 2)
        is_call = number % 2 == 0
        points = 80_000 + 1_000 * number
        letter = (CALL_MONTHS if is_call else PUT_MONTHS)[expiry.month - 1]
        yield Instrument(
            "74" if is_call else "75",
            "070" if is_call else "080",
            f"IBOV{letter}{points // 1000}",
            "IBOVE",
            "IBO",
            "BRIBOVINDM18",
            price=50_000 + 900 * (number % 50),
            lot=1,
            term="000",
            strike=points * 100,
            expiry=expiry,
            points=points,
        )


def _third_friday(first_of_month: dt.date, months_later: int) -> dt.date:
    year, month = divmod(first_of_month.year * 12 + first_of_month.month - 1 + months_later, 12)
    first = dt.date(year, month + 1, 1)
    return first + dt.timedelta((4 - first.weekday()) % 7 + 14)
