import dataclasses
import datetime as dt
import hashlib
import subprocess
import sys
from decimal import Decimal

import exchange_calendars
import pytest

from infra.local.b3.composition import ENTRIES, EXITS, REBALANCED_ON
from infra.local.b3.constituents import LISTED_SHARES
from infra.local.b3.sessions import (
    INDEX_SIZES,
    SESSIONS,
    WITHOUT_PORTFOLIO,
    Constituent,
    Portfolio,
    generate_portfolio,
    index_level,
    published_portfolio,
)

IBOV = [generate_portfolio("IBOV", session) for session in SESSIONS]
EVERY_PORTFOLIO = [
    generate_portfolio(index_code, session, count)
    for index_code, count in INDEX_SIZES.items()
    for session in SESSIONS
]


KNOWN_PETR4 = Constituent(
    ticker="PETR4",
    asset_name="PETROBRAS",
    share_class="PN",
    corporate_event=None,
    listing_segment="N2",
    sector="Petróleo, Gás e Biocombustíveis",
    theoretical_quantity=4_525_919_630,
    weight_pct=Decimal("6.610"),
)


def by_ticker(portfolio: Portfolio) -> dict[str, Constituent]:
    return {row.ticker: row for row in portfolio.constituents}


@pytest.fixture(params=EVERY_PORTFOLIO, ids=lambda p: f"{p.index_code}-{p.trading_date}")
def portfolio(request: pytest.FixtureRequest) -> Portfolio:
    chosen = request.param
    assert isinstance(chosen, Portfolio)
    return chosen


def test_sessions_are_sessions_of_the_exchange_in_two_months() -> None:
    calendar = exchange_calendars.get_calendar("BVMF")
    assert all(calendar.is_session(session.isoformat()) for session in SESSIONS)
    assert {session.month for session in SESSIONS} == {7, 8}


def test_weights_sum_to_exactly_100(portfolio: Portfolio) -> None:
    assert sum(row.weight_pct for row in portfolio.constituents) == Decimal("100.000")
    assert portfolio.total_weight_pct == Decimal("100.000")


def test_weights_are_positive_with_three_decimals(portfolio: Portfolio) -> None:
    weights = [row.weight_pct for row in portfolio.constituents]
    assert min(weights) > 0
    assert {weight.as_tuple().exponent for weight in weights} == {-3}


def test_quantities_are_positive_and_make_the_total(portfolio: Portfolio) -> None:
    quantities = [row.theoretical_quantity for row in portfolio.constituents]
    assert min(quantities) > 0
    assert portfolio.total_theoretical_quantity == sum(quantities)


def test_tickers_are_unique_and_well_formed(portfolio: Portfolio) -> None:
    tickers = [row.ticker for row in portfolio.constituents]
    assert len(set(tickers)) == len(tickers) == INDEX_SIZES[portfolio.index_code]
    assert all(ticker[:4].isalnum() and ticker[4:].isdigit() for ticker in tickers)


def test_divisor_is_positive_with_eight_decimals(portfolio: Portfolio) -> None:
    assert portfolio.index_divisor > 0
    assert portfolio.index_divisor.as_tuple().exponent == -8


def test_short_names_and_types_fit_the_columns_of_the_exchange() -> None:
    for row in generate_portfolio("ITAG", SESSIONS[0], 600).constituents:
        assert len(row.asset_name) <= 12
        assert len(row.share_class) <= 3
        assert len(row.corporate_event or "") <= 3
        assert len(row.listing_segment or "") <= 2


def test_constituents_stand_in_the_order_of_their_names(portfolio: Portfolio) -> None:
    names = [(row.asset_name, row.ticker) for row in portfolio.constituents]
    assert names == sorted(names)


def test_the_heaviest_are_vale_itau_and_petrobras() -> None:
    for session in IBOV:
        ranked = sorted(session.constituents, key=lambda row: row.weight_pct, reverse=True)
        assert [row.ticker for row in ranked[:3]] == ["VALE3", "ITUB4", "PETR4"]


def test_one_constituent_leaves_and_one_enters_on_the_last_session() -> None:
    first, second, last = (set(by_ticker(portfolio)) for portfolio in IBOV)
    assert first == second
    assert second - last == {ticker for ticker, day in EXITS.items() if day == SESSIONS[-1]}
    assert last - second == set(ENTRIES)
    assert (second - last, last - second) == ({"STBP3"}, {"CURY3"})
    assert len(first) == len(last) == 84


def test_with_the_new_period_shares_leave_and_one_index_counts_others_anew() -> None:
    old = by_ticker(generate_portfolio("IBOV", REBALANCED_ON - dt.timedelta(days=3)))
    new = by_ticker(generate_portfolio("IBOV", REBALANCED_ON))
    assert old.keys() - new.keys() == {"CVCB3", "PETZ3"}
    assert len(new.keys() - old.keys()) == 2
    changes = {
        ticker: new[ticker].theoretical_quantity / old[ticker].theoretical_quantity
        for ticker in old.keys() & new.keys()
    }
    assert {ticker for ticker, change in changes.items() if not 0.99 < change < 1.01} == {
        "B3SA3",
        "WEGE3",
    }
    other_old = by_ticker(generate_portfolio("IBRA", REBALANCED_ON - dt.timedelta(days=3), 120))
    other_new = by_ticker(generate_portfolio("IBRA", REBALANCED_ON, 120))
    for ticker in ("B3SA3", "WEGE3"):
        quantities = [other[ticker].theoretical_quantity for other in (other_old, other_new)]
        assert 0.99 < quantities[1] / quantities[0] < 1.01


@pytest.mark.parametrize("field", ["weight_pct", "corporate_event", "theoretical_quantity"])
def test_sessions_differ_from_one_another(field: str) -> None:
    values = [
        {ticker: getattr(row, field) for ticker, row in by_ticker(portfolio).items()}
        for portfolio in IBOV
    ]
    assert values[0] != values[1] != values[2]


def test_weights_move_only_a_little_from_session_to_session() -> None:
    before, after = by_ticker(IBOV[0]), by_ticker(IBOV[1])
    for ticker, row in before.items():
        assert abs(after[ticker].weight_pct / row.weight_pct - 1) < Decimal("0.12")


def test_the_divisor_changes_where_quantities_change_or_cash_goes_ex() -> None:
    assert len({portfolio.index_divisor for portfolio in IBOV}) == len(IBOV)


def test_another_process_makes_the_same_session() -> None:
    program = (
        "from infra.local.b3.sessions import *\nprint(generate_portfolio('ITAG', SESSIONS[1], 222))"
    )
    there = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert there.stdout.strip() == str(generate_portfolio("ITAG", SESSIONS[1], 222))


def test_a_known_session_stays_as_it_is() -> None:
    assert by_ticker(IBOV[2])["PETR4"] == KNOWN_PETR4


def test_known_indices_hold_what_they_held_when_they_were_the_only_ones() -> None:
    made = "\n".join(
        f"{published_portfolio(index_code, session)}{index_level(index_code, session)}"
        for index_code in ("IBOV", "IBXX", "SMLL", "IDIV", "ITAG")
        for session in SESSIONS
    )
    assert hashlib.sha256(made.encode()).hexdigest().startswith("c2dc87d0b078ec88")


@pytest.mark.parametrize("count", [1, 83, 84, 85, 222, 600])
def test_a_portfolio_has_as_many_constituents_as_asked_for(count: int) -> None:
    made = generate_portfolio("ABCD", dt.date(2024, 2, 29), count)
    assert len(by_ticker(made)) == count
    assert made.total_weight_pct == Decimal("100.000")
    assert min(row.weight_pct for row in made.constituents) > 0


@pytest.mark.parametrize("count", [0, -1, 601])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 600 constituents"):
        generate_portfolio("IBOV", SESSIONS[0], count)


def test_40_indices_are_listed_and_one_needs_a_second_page() -> None:
    assert len(INDEX_SIZES) == 40
    assert min(INDEX_SIZES.values()) == 20
    assert [code for code, size in INDEX_SIZES.items() if size > 120] == ["ITAG"]
    assert len(INDEX_SIZES.keys() - WITHOUT_PORTFOLIO) == 39


def test_indices_of_one_size_hold_different_shares() -> None:
    assert INDEX_SIZES["IDIV"] == INDEX_SIZES["IVBX"]
    one, other = (published_portfolio(code, SESSIONS[0]) for code in ("IDIV", "IVBX"))
    assert one
    assert other
    assert by_ticker(one).keys() != by_ticker(other).keys()


@pytest.mark.parametrize("index_code", ["XXXX", *WITHOUT_PORTFOLIO])
def test_an_index_that_is_not_published_has_no_portfolio(index_code: str) -> None:
    assert published_portfolio(index_code, SESSIONS[0]) is None
    assert index_level(index_code, SESSIONS[0]) is None
    assert published_portfolio("IBOV", SESSIONS[0]) == IBOV[0]


def test_no_invented_share_has_the_ticker_of_a_listed_one() -> None:
    listed = {share.ticker for share in LISTED_SHARES}
    assert len(listed) == len(LISTED_SHARES) == 85
    everyone = set(by_ticker(generate_portfolio("ITAG", SESSIONS[0], 600)))
    assert len(everyone - listed) == 600 - 84


def test_a_session_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        IBOV[0].index_code = "SMLL"  # type: ignore[misc]
