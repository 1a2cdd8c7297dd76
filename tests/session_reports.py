"""Made-up reports of sessions, of any number of constituents."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate
from typing import Any

from infra.local.b3.constituents import LISTED_SHARES, ListedShare
from infra.local.b3.shares import draw, invent_share
from tasks.core.session_report.model import (
    Concentration,
    Constituent,
    Levels,
    Market,
    MonthSession,
    Origin,
    Reconciliation,
    Return,
    SessionReport,
    Totals,
)
from tasks.core.session_report.moves import ENTERED, LEFT, STAYED, Move, Moves

MONDAY = dt.date(2025, 8, 18)
FRIDAY = dt.date(2025, 8, 15)
MONTH_AGO = dt.date(2025, 7, 18)
PREVIEWED = dt.date(2025, 8, 1)
DIVISOR = Decimal("16036751.16744128")


def weigh(count: int, tilt: int = 0) -> list[tuple[ListedShare, Decimal]]:
    """Shares with weights that make 100.000, the heaviest first; `tilt` draws others."""
    shares = [*LISTED_SHARES[:count], *map(invent_share, range(1, count - len(LISTED_SHARES) + 1))]
    values = {
        each: each.value_brl_millions
        * (1000 + (draw(41, "tilt", tilt, each.ticker) if tilt else 20))
        for each in shares
    }
    total = sum(values.values())
    units = {each: value * 100_000 // total for each, value in values.items()}
    ordered = sorted(shares, key=lambda each: (-units[each], each.ticker))
    units[ordered[0]] += 100_000 - sum(units.values())
    return [(each, Decimal(units[each]).scaleb(-3)) for each in ordered]


def quantity(share: ListedShare) -> int:
    return share.value_brl_millions * 100_000_000 // share.price_centavos


def constituents(count: int) -> tuple[Constituent, ...]:
    return tuple(
        Constituent(
            rank,
            share.ticker,
            share.asset_name,
            share.share_class,
            {3: "EJ", 7: "ED"}.get(rank),
            None if rank == 5 else share.sector,
            quantity(share),
            weight,
        )
        for rank, (share, weight) in enumerate(weigh(count), 1)
    )


def concentration(day: dt.date, weights: list[Decimal]) -> Concentration:
    running = [Decimal("0.000"), *accumulate(weights)]
    squares = sum((each * each for each in weights), Decimal(0))
    return Concentration(
        day,
        len(weights),
        running[min(5, len(weights))],
        running[min(10, len(weights))],
        squares.quantize(Decimal("0.001")),
        tuple(weights),
    )


def moves(rows: tuple[Constituent, ...], since: dt.date, tilt: int) -> Moves:
    """The last constituent entered, one left, the second has another quantity."""
    before = {share.ticker: weight for share, weight in weigh(len(rows), tilt)}
    found = [
        Move(
            STAYED,
            each.ticker,
            each.asset_name,
            before[each.ticker],
            each.weight_pct,
            each.theoretical_quantity - (1_234_567 if each is rows[1] else 0),
            each.theoretical_quantity,
        )
        for each in rows[:-1]
        if before[each.ticker] != each.weight_pct
    ]
    found.sort(key=lambda each: (-abs(each.weight_change), each.ticker))
    new = rows[-1]
    entered = Move(
        ENTERED,
        new.ticker,
        new.asset_name,
        None,
        new.weight_pct,
        None,
        new.theoretical_quantity,
    )
    left = Move(LEFT, "STBP3", "SANTOS BRP", Decimal("0.212"), None, 431_273_811, None)
    return Moves(since, (entered, left, *found))


def market(rows: tuple[Constituent, ...]) -> Market:
    returns = []
    for each in rows:
        before = Decimal(500 + draw(7_000, "price", each.ticker)).scaleb(-2)
        close = before + Decimal(draw(61, "close", each.ticker) - 30).scaleb(-2)
        return_pct = (100 * (close / before - 1)).quantize(Decimal("0.001"))
        returns.append(
            Return(
                each.ticker,
                each.corporate_event,
                each.weight_pct,
                before,
                close,
                return_pct,
                (each.weight_pct * return_pct / 100).quantize(Decimal("0.0001")),
            )
        )
    returns.sort(key=lambda each: (-each.contribution_pp, each.ticker))
    levels = Levels(Decimal("132437.39"), Decimal("132971.20"))
    return Market(FRIDAY, len(rows), tuple(returns), levels, levels)


def month(count: int) -> tuple[MonthSession, ...]:
    days = (dt.date(2025, 8, day) for day in (1, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15))
    level = Decimal("132437.39")
    found = []
    for number, day in enumerate((*days, MONDAY)):
        level += Decimal(draw(200_001, "level", day) - 90_000).scaleb(-2)
        top5 = Decimal("33.1") + Decimal(number * 7 % 11).scaleb(-3)
        found.append(MonthSession(day, count, DIVISOR + number, top5, level))
    return (*found[:-1], replace(found[-1], level=Decimal("132971.20")))


def session_report(count: int = 84, **changes: Any) -> SessionReport:
    """A report in which everything is there and fine, of so many constituents."""
    rows = constituents(count)
    totals = Totals(
        count,
        sum(each.theoretical_quantity for each in rows),
        Decimal("100.000"),
        DIVISOR,
    )
    level = Decimal("132971.20")
    made = SessionReport(
        index_code="IBOV",
        trading_date=MONDAY,
        origin=Origin(
            "2025-08",
            7,
            "3f9a1c0de5b2" + "0" * 52,
            dt.datetime(2025, 8, 18, 22, 41, 5),  # noqa: DTZ001 - the lake keeps UTC without a zone
            dt.datetime(2025, 8, 18, 12, 30, 59),  # noqa: DTZ001
        ),
        held=totals,
        stated=totals,
        constituents=rows,
        concentration=concentration(MONDAY, [each.weight_pct for each in rows]),
        month_ago=concentration(
            MONTH_AGO, [weight for _, weight in weigh(max(count - 1, 1), tilt=3)]
        ),
        moves=moves(rows, FRIDAY, tilt=1),
        market=market(rows),
        reconciliation=Reconciliation("equal", level, level, Decimal("0.00"), None, 0),
        month=month(count),
        rebalancing=moves(rows, PREVIEWED, tilt=2),
    )
    return replace(made, **changes)


def first_session() -> SessionReport:
    """The first session of an index that the lake holds, on its morning."""
    made = session_report(84)
    last = replace(made.month[-1], level=None)
    return replace(
        made,
        stated=None,
        month_ago=None,
        moves=None,
        market=None,
        reconciliation=None,
        month=(last,),
        rebalancing=None,
    )


def differing() -> SessionReport:
    """A session of which the level that comes out is not the published one."""
    made = session_report(84)
    assert made.market
    computed, published = Decimal("132971.21"), Decimal("132971.20")
    return replace(
        made,
        stated=replace(made.held, index_divisor=DIVISOR + 1),
        market=replace(
            made.market,
            quoted_count=83,
            implied=replace(made.market.implied, level=computed),
        ),
        reconciliation=Reconciliation(
            "differs", computed, published, computed - published, None, 2
        ),
    )


def with_names(*names: str) -> SessionReport:
    """A report in which the heaviest have these tickers and names."""
    made = session_report(84)
    named = dict(zip([each.ticker for each in made.constituents], names, strict=False))

    def rename(row: Any) -> Any:
        name = named.get(row.ticker)
        if name is None:
            return row
        return replace(
            row, ticker=name, **({"asset_name": name} if hasattr(row, "asset_name") else {})
        )

    def rename_moves(of: Moves | None) -> Moves | None:
        return of and replace(of, rows=tuple(map(rename, of.rows)))

    assert made.market
    return replace(
        made,
        constituents=tuple(map(rename, made.constituents)),
        moves=rename_moves(made.moves),
        rebalancing=rename_moves(made.rebalancing),
        market=replace(made.market, returns=tuple(map(rename, made.market.returns))),
    )
