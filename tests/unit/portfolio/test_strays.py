from dataclasses import replace
from decimal import Decimal

import pytest

from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.strays import find_strays
from tests.portfolios import BPAC11, PETR4, THURSDAY, VALE3, portfolio

ADVICE = "If it is right all the same, import a saved file of it, which names its index."
DIVISORS = {code: Decimal(number) for number, code in enumerate(("IBOV", "IBXX", "IDIV"), start=1)}


def shown(code: str, *tickers: str) -> Portfolio:
    """What B3 shows of an index, with a divisor of its own."""
    rows = [replace(VALE3, ticker=ticker) for ticker in tickers]
    return portfolio(*rows, index_code=code, index_divisor=DIVISORS[code])


IBOV, IBXX = shown("IBOV", "A", "B", "C", "D"), shown("IBXX", "A", "B", "C", "D", "E")
MEMBERS = {"IBOV": frozenset("ABCD"), "IBXX": frozenset("ABCDE")}


def before(one: Portfolio, *tickers: str) -> dict[str, Portfolio]:
    code = one.index_code
    return {code: replace(shown(code, *tickers), trading_date=THURSDAY)}


@pytest.mark.parametrize("members", [{}, MEMBERS])
@pytest.mark.parametrize("known", [{}, before(IBOV, *"ABCD")])
def test_what_is_as_it_should_be_is_no_stray(
    members: dict[str, frozenset[str]], known: dict[str, Portfolio]
) -> None:
    assert find_strays({"IBOV": IBOV, "IBXX": IBXX}, members, known) == {}


def test_nothing_shown_is_nothing_strayed() -> None:
    assert find_strays({}, MEMBERS, before(IBOV, "A")) == {}


def test_what_is_listed_for_another_index_is_refused_with_what_to_do() -> None:
    found = find_strays({"IBOV": replace(IBXX, index_code="IBOV")}, MEMBERS, {})
    assert found == {
        "IBOV": (
            "Expected B3 to answer with the portfolio of IBOV, found that its tickers are exactly "
            "those of IBXX, and 4 of its 5 tickers are listed for IBOV: it is taken for another "
            f"index. {ADVICE}"
        )
    }


def test_what_has_turned_over_since_the_session_before_is_refused() -> None:
    found = find_strays({"IBOV": IBOV}, {}, before(IBOV, *"AXYZ"))
    said = "1 of its 4 tickers were in it on 2025-07-31, when it had 4: it is taken for another"
    assert said in found["IBOV"]


def test_a_few_tickers_may_change_from_one_session_to_the_next() -> None:
    assert find_strays({"IBOV": IBOV}, {}, before(IBOV, *"ABCX")) == {}


def test_the_session_before_of_another_index_says_nothing() -> None:
    assert find_strays({"IBOV": IBOV}, {}, before(IBXX, "X")) == {}


def test_what_the_list_says_goes_before_what_was_known() -> None:
    strayed = {"IBOV": replace(IBXX, index_code="IBOV")}
    found = find_strays(strayed, MEMBERS, before(IBOV, "X"))
    assert "exactly those of IBXX" in found["IBOV"]


@pytest.mark.parametrize("members", [{}, {"IBOV": frozenset("ABCD"), "IBXX": frozenset("ABCD")}])
def test_the_same_for_two_indices_is_none_of_either(members: dict[str, frozenset[str]]) -> None:
    twins = {code: replace(IBOV, index_code=code) for code in ("IBOV", "IBXX", "IDIV")}
    twins["IDIV"] = shown("IDIV", "A", "B", "C", "D")
    found = find_strays(twins, members, {})
    assert found.keys() == {"IBOV", "IBXX"}
    assert "found that the same came for IBXX: it is taken for another" in found["IBOV"]
    assert "found that the same came for IBOV: it is taken for another" in found["IBXX"]


def test_all_others_are_named_where_the_same_came_for_several() -> None:
    same = {code: replace(IBOV, index_code=code) for code in DIVISORS}
    assert "the same came for IBXX, IDIV:" in find_strays(same, {}, {})["IBOV"]


def test_the_one_that_it_is_of_is_kept_where_the_other_is_known_to_have_strayed() -> None:
    shown_twice = {"IBOV": IBOV, "IBXX": replace(IBOV, index_code="IBXX")}
    assert find_strays(shown_twice, MEMBERS, {}).keys() == {"IBXX"}
    assert find_strays(shown_twice, {}, before(IBXX, *"VWXYZ")).keys() == {"IBXX"}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(portfolio(index_divisor=Decimal("1.00000000")), id="divisor"),
        pytest.param(portfolio(trading_date=THURSDAY), id="session"),
        pytest.param(
            portfolio(replace(VALE3, theoretical_quantity=1), PETR4, BPAC11), id="quantity"
        ),
    ],
)
def test_what_differs_in_something_is_not_the_same(other: Portfolio) -> None:
    both = {"IBOV": portfolio(), "IBXX": replace(other, index_code="IBXX")}
    assert find_strays(both, {}, {}) == {}
