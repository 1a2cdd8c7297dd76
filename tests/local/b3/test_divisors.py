"""The replay's levels, weights and divisors keep B3's rule, held against its own files."""

import datetime as dt
from decimal import ROUND_DOWN, Decimal

import pytest

from infra.local.b3.composition import REBALANCED_ON, composition_on
from infra.local.b3.divisors import divisor_on, level_on
from infra.local.b3.sessions import INDEX_SIZES, WITHOUT_PORTFOLIO, published_portfolio
from infra.local.b3.shares import closing_price, dividend_on, event_on, price_before, quantity_on
from tasks.core.exchange import previous_session, sessions_between
from tasks.core.reconciliation.expected import imply_price, judge_index
from tests.reconciliations import quoted, replayed

CODES = sorted(INDEX_SIZES.keys() - WITHOUT_PORTFOLIO)
PERIOD = sessions_between(REBALANCED_ON - dt.timedelta(days=4), REBALANCED_ON + dt.timedelta(1))
SIZE = INDEX_SIZES["IBOV"]


@pytest.mark.parametrize("day", PERIOD, ids=str)
def test_every_index_is_equal_over_a_rebalancing(day: dt.date) -> None:
    verdicts = [judge_index(day, replayed(code, day)) for code in CODES]
    assert {(one.verdict, one.reason) for one in verdicts} == {("equal", None)}
    assert sum(one.quoted_count for one in verdicts) == sum(INDEX_SIZES[code] for code in CODES)


def test_about_half_of_the_levels_are_another_number_where_they_are_rounded() -> None:
    rounded = 0
    for code in CODES:
        portfolio = published_portfolio(code, REBALANCED_ON)
        assert portfolio
        closes = quoted(REBALANCED_ON)
        value = sum(
            row.theoretical_quantity * closes[row.ticker].price for row in portfolio.constituents
        )
        exact = value / portfolio.index_divisor
        level = level_on(code, INDEX_SIZES[code], REBALANCED_ON)
        assert level == exact.quantize(Decimal("0.01"), ROUND_DOWN)
        rounded += level != round(exact, 2)
    assert len(CODES) / 4 < rounded < len(CODES) * 3 / 4


@pytest.mark.parametrize("day", PERIOD, ids=str)
def test_theoretical_prices_give_the_level_before(day: dt.date) -> None:
    before = previous_session(day)
    shares = composition_on("IBOV", SIZE, day).shares
    value = sum(quantity_on(share, day) * price_before(share, day) for share in shares)
    level = Decimal(value).scaleb(-2) / divisor_on("IBOV", SIZE, day)
    assert level.quantize(Decimal("0.01"), ROUND_DOWN) == level_on("IBOV", SIZE, before)


def test_a_year_starts_with_the_divisor_of_its_composition() -> None:
    first = dt.date(2025, 1, 2)
    assert divisor_on("IBOV", SIZE, first) == composition_on("IBOV", SIZE, first).divisor
    assert divisor_on("IBOV", SIZE, dt.date(2025, 1, 3)) != divisor_on("IBOV", SIZE, first)


def test_a_day_that_is_no_session_has_a_divisor_all_the_same() -> None:
    assert divisor_on("IBOV", SIZE, dt.date(2025, 8, 2)) > 0


def test_who_is_outside_the_tolerance_went_ex_by_about_the_difference() -> None:
    found = 0
    for day in PERIOD:
        shares = {share.ticker: share for share in composition_on("IBOV", SIZE, day).shares}
        for row in replayed("IBOV", day):
            share, implied = shares[row["ticker"]], imply_price(row)
            assert implied
            difference = row["previous_close"] / row["previous_quote_factor"] - Decimal(
                implied.price.numerator
            ) / Decimal(implied.price.denominator)
            dividend = Decimal(dividend_on(share, day)).scaleb(-2)
            tolerance = Decimal(float(implied.tolerance))
            assert abs(difference - dividend) <= tolerance
            if abs(difference) > tolerance:
                assert dividend
                found += 1
    assert found


def test_who_goes_ex_has_an_event_that_it_had_not_on_the_session_before() -> None:
    shares = composition_on("IBOV", SIZE, PERIOD[0]).shares
    ex = [(share, day) for share in shares for day in PERIOD if dividend_on(share, day)]
    assert ex
    for share, day in ex:
        assert event_on(share, day) in {"ED", "EJ", "EDJ"}
        assert event_on(share, day) != event_on(share, previous_session(day))
        assert 0 < dividend_on(share, day) < closing_price(share, day) / 50
