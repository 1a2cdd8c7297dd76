import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.portfolio.checks import check_portfolio
from tasks.core.portfolio.model import (
    Constituent,
    Portfolio,
    from_raw_rows,
    sort_constituents,
    to_raw_rows,
)
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tests.portfolios import BPAC11, EXTRACTED_AT, FRIDAY, PETR4, VALE3, portfolio


def failed(shown: Portfolio, **options: Any) -> dict[str, tuple[str, str]]:
    chosen: dict[str, Any] = {"record_count": 3, "today": FRIDAY} | options
    checks = check_portfolio(shown, **chosen)
    return {c.name: (c.expected, c.found) for c in checks if not c.has_passed}


def with_row(row: Constituent, **changes: Any) -> Portfolio:
    """Three constituents, one of them changed; the header stays as it was."""
    rows = [
        replace(other, **changes) if other is row else other for other in (VALE3, PETR4, BPAC11)
    ]
    return replace(portfolio(), constituents=sort_constituents(rows))


def test_a_right_portfolio_passes_every_check() -> None:
    assert failed(portfolio()) == {}
    assert failed(portfolio(), record_count=None, today=None) == {}


def test_checks_that_pass_say_what_was_counted() -> None:
    shown = portfolio()
    assert {c.name: c.found for c in check_portfolio(shown, record_count=3, today=FRIDAY)} == {
        "constituent_count": "3 constituents",
        "weights_sum_to_100": "100.000 in 3 constituents",
        "header_weight_is_100": "100.000 in the header",
        "quantities_sum_to_header": "8,735,932,630 in 3 constituents",
        "tickers_are_unique": "no ticker twice in 3 constituents",
        "tickers_have_their_form": "3 of 3 tickers in that form",
        "names_and_sectors_are_plain": "5 of 5 names and sectors in that form",
        "types_keep_their_columns": "3 of 3 types in that form",
        "weights_are_not_negative": "no weight below zero in 3 constituents",
        "quantities_are_positive": "3 of 3 quantities above zero",
        "divisor_is_positive": "16,036,751.16744128",
        "date_is_a_session": "2025-08-01, Friday",
        "date_is_not_past_next_session": "2025-08-01",
        "day_and_month_are_not_swapped": "2025-08-01",
    }


def test_a_weight_of_zero_passes() -> None:
    heavier = replace(VALE3, weight_pct=Decimal("60.500"))
    assert failed(portfolio(heavier, PETR4, replace(BPAC11, weight_pct=Decimal("0.000")))) == {}


@pytest.mark.parametrize(
    ("shown", "name", "expected", "found"),
    [
        pytest.param(
            portfolio(VALE3, replace(PETR4, weight_pct=Decimal("40.000"))),
            "constituent_count",
            "3 constituents",
            "2 constituents",
            id="a-constituent-is-missing",
        ),
        pytest.param(
            with_row(BPAC11, weight_pct=Decimal("0.501")),
            "weights_sum_to_100",
            "100.000",
            "100.001 in 3 constituents",
            id="weights-sum-to-more",
        ),
        pytest.param(
            with_row(BPAC11, weight_pct=Decimal("0.499")),
            "weights_sum_to_100",
            "100.000",
            "99.999 in 3 constituents",
            id="weights-sum-to-less",
        ),
        pytest.param(
            portfolio(total_weight_pct=Decimal("99.999")),
            "header_weight_is_100",
            "100.000",
            "99.999 in the header",
            id="the-header-states-another-weight",
        ),
        pytest.param(
            with_row(BPAC11, theoretical_quantity=735),
            "quantities_sum_to_header",
            "8,735,932,630",
            "8,735,932,631 in 3 constituents",
            id="quantities-sum-to-more",
        ),
        pytest.param(
            with_row(BPAC11, ticker="VALE3"),
            "tickers_are_unique",
            "no ticker twice",
            "VALE3",
            id="a-ticker-stands-twice",
        ),
        pytest.param(
            portfolio(
                replace(VALE3, weight_pct=Decimal("61.000")),
                PETR4,
                replace(BPAC11, weight_pct=Decimal("-0.500")),
            ),
            "weights_are_not_negative",
            "no weight below zero",
            "BPAC11 -0.500",
            id="a-weight-is-negative",
        ),
        pytest.param(
            portfolio(VALE3, PETR4, replace(BPAC11, theoretical_quantity=0)),
            "quantities_are_positive",
            "every quantity above zero",
            "BPAC11 0",
            id="a-quantity-is-zero",
        ),
        pytest.param(
            portfolio(VALE3, PETR4, replace(BPAC11, theoretical_quantity=-1)),
            "quantities_are_positive",
            "every quantity above zero",
            "BPAC11 -1",
            id="a-quantity-is-negative",
        ),
        pytest.param(
            with_row(BPAC11, type="UNIT N2"),
            "types_keep_their_columns",
            "class(3) event(3) listing segment(2), blanks between, in ASCII",
            "BPAC11 'UNIT N2'",
            id="a-type-leaves-its-columns",
        ),
        pytest.param(
            with_row(BPAC11, ticker="../raw\n"),
            "tickers_have_their_form",
            "4 to 12 capital letters and digits",
            r"'../raw\n'",
            id="a-ticker-is-a-path",
        ),
        pytest.param(
            with_row(BPAC11, asset_name="<b>"),
            "names_and_sectors_are_plain",
            "1 to 120 printable characters, not blank, no < or >",
            "BPAC11 asset_name '<b>'",
            id="a-name-is-a-tag",
        ),
        pytest.param(
            with_row(BPAC11, sector=""),
            "names_and_sectors_are_plain",
            "1 to 120 printable characters, not blank, no < or >",
            "BPAC11 sector ''",
            id="a-sector-is-empty",
        ),
        pytest.param(
            portfolio(index_divisor=Decimal("0.00000000")),
            "divisor_is_positive",
            "above zero",
            "0.00000000",
            id="the-divisor-is-zero",
        ),
        pytest.param(
            portfolio(index_divisor=Decimal("-1.00000000")),
            "divisor_is_positive",
            "above zero",
            "-1.00000000",
            id="the-divisor-is-negative",
        ),
        pytest.param(
            portfolio(trading_date=dt.date(2024, 12, 25)),
            "date_is_a_session",
            "a session of B3",
            "2024-12-25, Wednesday",
            id="the-date-is-a-holiday",
        ),
        pytest.param(
            portfolio(trading_date=dt.date(2025, 8, 5)),
            "date_is_not_past_next_session",
            "2025-08-04 or before",
            "2025-08-05",
            id="the-date-lies-past-the-next-session",
        ),
        pytest.param(
            portfolio(trading_date=dt.date(2025, 1, 8)),
            "day_and_month_are_not_swapped",
            "a session that B3 shows about 2025-08-01",
            "2025-01-08, which is 2025-08-01 with day and month swapped",
            id="day-and-month-are-swapped",
        ),
    ],
)
def test_each_violation_fails_its_own_check_alone(
    shown: Portfolio, name: str, expected: str, found: str
) -> None:
    assert failed(shown) == {name: (expected, found)}


def test_every_check_has_a_violation_in_the_table_above() -> None:
    table = test_each_violation_fails_its_own_check_alone.pytestmark[0]  # type: ignore[attr-defined]
    violated = {parameters.values[1] for parameters in table.args[1]}
    assert violated == {check.name for check in check_portfolio(portfolio(), today=FRIDAY)}


def test_every_bad_text_is_listed_with_its_ticker_in_few_words() -> None:
    names = ("\ud800", "\x1b[2J", "x" * 1_000_000)
    rows = [replace(VALE3, ticker=f"{name}3", asset_name=name, type=name) for name in names]
    found = failed(portfolio(*rows))
    assert found["names_and_sectors_are_plain"][1].count(" asset_name ") == 3
    for name in (
        "tickers_have_their_form",
        "names_and_sectors_are_plain",
        "types_keep_their_columns",
    ):
        said = found[name][1]
        assert said.isprintable()
        assert len(said) < 700
    assert "tickers_are_unique" not in found


def test_an_empty_portfolio_fails() -> None:
    empty = replace(portfolio(), constituents=())
    assert {"constituent_count", "weights_sum_to_100", "quantities_sum_to_header"} <= set(
        failed(empty)
    )


@pytest.mark.parametrize("day", [dt.date(2025, 8, 4), dt.date(2025, 7, 31), dt.date(2024, 1, 16)])
def test_the_next_session_and_any_older_one_pass(day: dt.date) -> None:
    assert failed(portfolio(trading_date=day)) == {}


def test_a_file_of_any_age_is_not_compared_with_today() -> None:
    assert failed(portfolio(trading_date=dt.date(2025, 8, 5)), today=None) == {}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ON      NM", ("ON", None, "NM")),
        ("PN  EJ  N1", ("PN", "EJ", "N1")),
        ("ON  EDJ NM", ("ON", "EDJ", "NM")),
        ("PNA     N1", ("PNA", None, "N1")),
        ("CI  ER", ("CI", "ER", None)),
        ("ON  ED", ("ON", "ED", None)),
        ("UNT", ("UNT", None, None)),
        ("ON", ("ON", None, None)),
        ("ON      MB", ("ON", None, "MB")),
    ],
)
def test_a_type_is_split_by_its_columns(text: str, parts: tuple[str | None, ...]) -> None:
    row = replace(VALE3, type=text)
    assert (row.share_class, row.corporate_event, row.listing_segment) == parts
    assert row.has_readable_type


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   EJ  N1",
        "ON  EJ N1",
        "ONEJ",
        "ON  EDJXNM",
        "ON      NM2",
        "PREF",
        "ON\tNM  N2",
        "<b> EJ  N1",
        "ON  E\nJ NM",
        "ON  É   NM",
        "ON  \ud800",
    ],
)
def test_a_type_of_other_columns_cannot_be_split(text: str) -> None:
    assert not replace(VALE3, type=text).has_readable_type


def test_a_portfolio_is_named_by_index_and_session() -> None:
    assert str(portfolio()) == "IBOV 2025-08-01"


constituents = st.builds(
    Constituent,
    ticker=st.text(max_size=6),
    asset_name=st.text(max_size=6),
    type=st.sampled_from(["ON", "PN  EJ  N1"]),
    sector=st.none() | st.text(min_size=1, max_size=6),
    weight_pct=st.decimals(0, 100, places=3),
    theoretical_quantity=st.integers(1, 2**62),
)


@given(rows=st.lists(constituents, min_size=1, max_size=5, unique_by=lambda row: row.ticker))
def test_a_portfolio_survives_raw_in_any_row_order(rows: list[Constituent]) -> None:
    written = portfolio(*rows)
    raw_rows = to_raw_rows(written, EXTRACTED_AT)
    assert all(list(row) == list(RAW_PORTFOLIO.types()) for row in raw_rows)
    assert [row["cod"] for row in raw_rows] == sorted(row.ticker for row in rows)
    assert from_raw_rows(FRIDAY, raw_rows).portfolio == written
    assert from_raw_rows(FRIDAY, raw_rows[::-1]).portfolio == written


def test_the_index_is_read_from_the_rows() -> None:
    rows = to_raw_rows(portfolio(index_code="IBXX"), EXTRACTED_AT)
    assert from_raw_rows(FRIDAY, rows).portfolio == portfolio(index_code="IBXX")
