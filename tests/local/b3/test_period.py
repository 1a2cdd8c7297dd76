"""The period's portfolio and the previews of the next one, as they are made."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest

from infra.local.b3.composition import composition_on
from infra.local.b3.divisors import level_on
from infra.local.b3.period import (
    Period,
    Preview,
    next_preview,
    period_of,
    preview_in_force,
    preview_portfolio,
    preview_shown,
    theoretical_portfolio,
)
from infra.local.b3.sessions import INDEX_SIZES, Constituent, Portfolio, generate_portfolio
from infra.local.b3.shares import closing_price
from tasks.core.exchange import sessions_between

JANUARY, MAY, SEPTEMBER = (Period(2025, number) for number in range(3))
PERIOD = sessions_between(dt.date(2025, 5, 5), dt.date(2025, 8, 29))


def ibov(day: dt.date) -> Portfolio:
    return theoretical_portfolio("IBOV", day, 84)


def previews_of(period: Period) -> list[Portfolio]:
    return [preview_portfolio("IBOV", Preview(period, day), 84) for day in period.previews()]


def by_ticker(portfolio: Portfolio) -> dict[str, Constituent]:
    return {row.ticker: row for row in portfolio.constituents}


def quantities(portfolio: Portfolio) -> dict[str, int]:
    return {row.ticker: row.theoretical_quantity for row in portfolio.constituents}


@pytest.mark.parametrize(
    ("day", "first_session", "name"),
    [
        (dt.date(2025, 5, 2), dt.date(2025, 1, 6), "Jan. a Abr. 2025"),
        (dt.date(2025, 5, 5), dt.date(2025, 5, 5), "Mai. a Ago. 2025"),
        (dt.date(2025, 8, 29), dt.date(2025, 5, 5), "Mai. a Ago. 2025"),
        (dt.date(2025, 9, 1), dt.date(2025, 9, 1), "Set. a Dez. 2025"),
        (dt.date(2026, 1, 2), dt.date(2025, 9, 1), "Set. a Dez. 2025"),
        (dt.date(2024, 1, 2), dt.date(2024, 1, 2), "Jan. a Abr. 2024"),  # Monday was a holiday
    ],
    ids=str,
)
def test_a_period_starts_on_the_first_monday_or_the_session_after(
    day: dt.date, first_session: dt.date, name: str
) -> None:
    period = period_of(day)
    assert (period.first_session, period.name) == (first_session, name)


def test_periods_follow_one_another_over_the_year() -> None:
    assert [JANUARY.next(), MAY.next(), SEPTEMBER.next()] == [MAY, SEPTEMBER, Period(2026, 0)]


def test_three_previews_are_made_in_the_month_before() -> None:
    assert MAY.previews() == (dt.date(2025, 4, 1), dt.date(2025, 4, 16), dt.date(2025, 5, 2))
    assert SEPTEMBER.previews() == (
        dt.date(2025, 8, 1),
        dt.date(2025, 8, 18),
        dt.date(2025, 8, 29),
    )
    assert Period(2026, 0).previews() == (
        dt.date(2025, 12, 1),
        dt.date(2025, 12, 16),
        dt.date(2026, 1, 2),
    )


def test_from_may_to_september_a_preview_is_in_force_in_august_alone() -> None:
    days = sessions_between(dt.date(2025, 5, 2), dt.date(2025, 9, 30))
    made_on = {day: preview.made_on for day in days if (preview := preview_in_force(day))}
    august = [day for day in days if day.month == 8]
    assert list(made_on) == [dt.date(2025, 5, 2), *august]
    assert [made_on[day].day for day in august] == [1] * 11 + [18] * 9 + [29]
    assert preview_in_force(dt.date(2025, 8, 15)) == Preview(SEPTEMBER, dt.date(2025, 8, 1))


@pytest.mark.parametrize("day", [dt.date(2025, 5, 5), dt.date(2025, 7, 31)], ids=str)
def test_where_none_is_in_force_the_last_that_was_is_shown(day: dt.date) -> None:
    assert preview_in_force(day) is None
    assert preview_shown(day) == Preview(MAY, dt.date(2025, 5, 2))


def test_the_next_preview_is_of_the_next_period_or_of_the_one_after() -> None:
    made_on = [next_preview(day).made_on for day in SEPTEMBER.previews()]
    assert made_on == [dt.date(2025, 8, 18), dt.date(2025, 8, 29), dt.date(2025, 12, 1)]
    assert next_preview(dt.date(2025, 5, 5)) == Preview(SEPTEMBER, dt.date(2025, 8, 1))


def test_the_portfolio_of_the_period_is_the_same_on_all_of_its_sessions() -> None:
    assert len(PERIOD) == 84
    assert {repr(ibov(day)) for day in PERIOD} == {repr(ibov(PERIOD[0]))}
    assert ibov(dt.date(2025, 5, 2)).constituents != ibov(PERIOD[0]).constituents
    assert ibov(dt.date(2025, 9, 1)).constituents != ibov(PERIOD[0]).constituents


@pytest.mark.parametrize("period", [MAY, SEPTEMBER], ids=lambda period: period.name)
def test_it_is_that_of_the_periods_first_session_but_for_quantities_weights_and_divisor(
    period: Period,
) -> None:
    made = ibov(period.first_session)
    day = generate_portfolio("IBOV", period.first_session, 84)
    assert made.trading_date == period.first_session
    assert 0 < abs(made.index_divisor / day.index_divisor - 1) < Decimal("0.006")
    same = ("asset_name", "share_class", "corporate_event", "listing_segment", "sector")
    ours, theirs = by_ticker(made), by_ticker(day)
    assert ours.keys() == theirs.keys()
    for ticker, row in ours.items():
        assert [getattr(row, name) for name in same] == [
            getattr(theirs[ticker], name) for name in same
        ]
        assert 0 <= theirs[ticker].theoretical_quantity / row.theoretical_quantity - 1 < 0.006
        assert abs(theirs[ticker].weight_pct / row.weight_pct - 1) < Decimal("0.12")
    others = {t for t, q in quantities(made).items() if q != theirs[t].theoretical_quantity}
    assert 0 < len(others) < 15


def test_what_left_the_exchange_stays_in_the_portfolio_of_the_period() -> None:
    assert "STBP3" in quantities(ibov(dt.date(2025, 8, 4)))
    assert "CURY3" not in quantities(ibov(dt.date(2025, 8, 4)))
    assert "STBP3" not in quantities(generate_portfolio("IBOV", dt.date(2025, 8, 4), 84))


def test_previews_have_the_quantities_of_the_next_period_and_weights_of_their_day() -> None:
    previews, new = previews_of(SEPTEMBER), ibov(dt.date(2025, 9, 1))
    for preview in previews:
        assert quantities(preview) == quantities(new)
    assert [preview.trading_date for preview in previews] == list(SEPTEMBER.previews())
    weights = [[row.weight_pct for row in preview.constituents] for preview in previews]
    assert weights[0] != weights[1] != weights[2] != weights[0]


@pytest.mark.parametrize(
    ("made", "priced_on"),
    [
        (ibov(dt.date(2025, 9, 1)), dt.date(2025, 8, 29)),
        *zip(previews_of(SEPTEMBER), SEPTEMBER.previews(), strict=True),
    ],
    ids=["period", "first preview", "second preview", "third preview"],
)
def test_its_divisor_keeps_the_level_at_the_close_by_which_it_weighs(
    made: Portfolio, priced_on: dt.date
) -> None:
    members = composition_on("IBOV", 84, dt.date(2025, 9, 1)).shares
    value = sum(
        quantities(made)[share.ticker] * closing_price(share, priced_on) for share in members
    )
    level = Decimal(value).scaleb(-2) / made.index_divisor
    assert abs(level - level_on("IBOV", 84, priced_on)) < Decimal("0.01")


def test_a_preview_says_what_the_next_rebalancing_changes() -> None:
    preview, now = quantities(previews_of(SEPTEMBER)[0]), quantities(ibov(dt.date(2025, 8, 1)))
    assert now.keys() - preview.keys() == {"CVCB3", "PETZ3", "STBP3"}
    assert preview.keys() - now.keys() == {"CURY3", "QXAB3", "QXAC3"}
    changed = {t for t in preview.keys() & now.keys() if preview[t] != now[t]}
    assert changed == {"B3SA3", "WEGE3"}


def test_rows_stand_in_the_order_of_their_tickers_each_once() -> None:
    for made in (ibov(dt.date(2025, 8, 1)), *previews_of(SEPTEMBER)):
        tickers = [row.ticker for row in made.constituents]
        assert tickers == sorted(set(tickers))
        assert len(tickers) == 84


def test_weights_sum_to_100_or_of_some_indices_to_a_thousandth_less() -> None:
    sums: Counter[str] = Counter()
    day = dt.date(2025, 8, 18)
    for index_code, count in INDEX_SIZES.items():
        for made in (
            theoretical_portfolio(index_code, day, count),
            preview_portfolio(index_code, preview_shown(day), count),
        ):
            assert min(row.weight_pct for row in made.constituents) > 0
            sums[str(made.total_weight_pct)] += 1
    assert sums.keys() == {"99.999", "100.000"}
    assert 10 < sums["99.999"] < 45
