import datetime as dt

import pytest

from tasks.core.exchange import SAO_PAULO
from tasks.core.freshness import (
    ANY_INDEX,
    Beside,
    Gap,
    Kind,
    due_session,
    find_gaps_beside,
    find_level_gaps,
    find_portfolio_gaps,
    find_quotes_gap,
    tabulate_gaps,
)
from tests.portfolios import FRIDAY, THURSDAY

MONDAY = dt.date(2025, 8, 4)
SATURDAY = dt.date(2025, 8, 2)


def at(day: dt.date, time: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(time), SAO_PAULO)


@pytest.mark.parametrize(
    ("dataset", "now", "expected"),
    [
        ("portfolio", at(FRIDAY, "08:59"), THURSDAY),
        ("portfolio", at(FRIDAY, "09:00"), FRIDAY),
        ("portfolio", at(SATURDAY, "12:00"), FRIDAY),
        ("portfolio", at(MONDAY, "08:00"), FRIDAY),
        ("quotes", at(FRIDAY, "20:59"), THURSDAY),
        ("quotes", at(FRIDAY, "21:00"), FRIDAY),
        ("levels", at(FRIDAY, "07:45"), THURSDAY),
    ],
)
def test_a_session_is_due_at_an_hour(dataset: Kind, now: dt.datetime, expected: dt.date) -> None:
    assert due_session(dataset, now) == expected


def test_what_is_expected_and_not_published_is_missing() -> None:
    gaps = find_portfolio_gaps(
        FRIDAY, {"IBOV", "SMLL", "IDIV"}, {"IBOV", "IEEX"}, {"SMLL"}, at(FRIDAY, "09:15")
    )
    assert [gap.index_code for gap in gaps] == ["IDIV", "SMLL"]
    shown, stored = gaps
    assert str(shown) == (
        "IDIV portfolio 2025-08-01: B3 shows it: python -m flows.portfolio --index IDIV "
        "(until 2025-08-01 20:00 in São Paulo)"
    )
    assert str(stored) == (
        "SMLL portfolio 2025-08-01: raw holds it: python -m flows.portfolio --trading-date "
        "2025-08-01 --index SMLL (at any time)"
    )


@pytest.mark.parametrize(
    ("now", "is_shown"),
    [
        (at(THURSDAY, "21:00"), True),
        (at(FRIDAY, "00:00"), True),
        (at(FRIDAY, "19:59"), True),
        (at(FRIDAY, "20:00"), False),
        (at(SATURDAY, "09:00"), False),
        (at(dt.date(2025, 7, 30), "21:00"), False),
    ],
)
def test_b3_shows_a_session_until_the_evening(now: dt.datetime, is_shown: bool) -> None:
    (gap,) = find_portfolio_gaps(FRIDAY, {"IBOV"}, set(), set(), now)
    assert gap.advice.startswith("B3 shows it: ") == is_shown
    assert ("python -m flows.import_portfolio FILE" in gap.advice) == (not is_shown)


def test_where_nothing_is_known_any_index_is_missing() -> None:
    (gap,) = find_portfolio_gaps(FRIDAY, set(), set(), set(), at(FRIDAY, "09:15"))
    assert (gap.index_code, gap.advice) == (
        ANY_INDEX,
        "B3 shows it: python -m flows.portfolio --index all",
    )
    (gap,) = find_level_gaps(FRIDAY, set(), set())
    assert gap.advice == "python -m flows.levels --year 2025 --index all"
    assert find_portfolio_gaps(FRIDAY, set(), {"IBOV"}, set(), at(FRIDAY, "09:15")) == []


def test_levels_and_quotes_can_be_had_later() -> None:
    (level,) = find_level_gaps(FRIDAY, {"IBOV", "SMLL"}, {"IBOV"})
    assert str(level) == (
        "SMLL levels 2025-08-01: python -m flows.levels --year 2025 --index SMLL "
        "(at any time: B3 keeps it)"
    )
    assert find_quotes_gap(FRIDAY, {FRIDAY, THURSDAY}) == []
    (quotes,) = find_quotes_gap(FRIDAY, {THURSDAY})
    assert str(quotes) == (
        "quotes 2025-08-01: python -m flows.quotes --trading-date 2025-08-01 "
        "(for months: B3 keeps the day's file)"
    )


def test_gaps_become_the_rows_of_a_table_in_order() -> None:
    gaps = [
        Gap("quotes", FRIDAY, "", "do this", "now"),
        Gap("levels", FRIDAY, "IBOV", "do that", "later"),
    ]
    assert tabulate_gaps(gaps) == [
        {
            "data": "levels",
            "session": "2025-08-01",
            "index": "IBOV",
            "do": "do that",
            "until": "later",
        },
        {"data": "quotes", "session": "2025-08-01", "index": "", "do": "do this", "until": "now"},
    ]


THEORETICAL: Beside = "theoretical portfolio"


def test_a_theoretical_portfolio_that_was_had_lately_is_missing() -> None:
    expected, published, now = {"SMLL", "IBOV", "IDIV"}, {"IBOV"}, at(FRIDAY, "09:15")
    shown, stored = find_gaps_beside(THEORETICAL, FRIDAY, expected, published, {"SMLL"}, now)
    assert str(shown) == (
        "IDIV theoretical portfolio 2025-08-01: B3 shows it: python -m flows.portfolio --index "
        "IDIV (until 2025-08-01 20:00 in São Paulo)"
    )
    assert str(stored) == (
        "SMLL theoretical portfolio 2025-08-01: raw holds it: python -m flows.portfolio "
        "--trading-date 2025-08-01 --index SMLL (at any time)"
    )
    assert find_gaps_beside(THEORETICAL, FRIDAY, published, expected, set(), now) == []


def test_what_b3_shows_no_more_can_come_from_a_file_of_the_period_or_not_at_all() -> None:
    night = at(FRIDAY, "20:00")
    (period,) = find_gaps_beside(THEORETICAL, FRIDAY, {"IBOV"}, set(), set(), night)
    assert str(period) == (
        "IBOV theoretical portfolio 2025-08-01: a saved file of the period: python -m "
        "flows.import_portfolio --period-of 2025-08-01 FILE (if there is one)"
    )
    (preview,) = find_gaps_beside("preview", FRIDAY, {"IBOV"}, set(), set(), night)
    assert str(preview) == ("IBOV preview 2025-08-01: B3 shows it no more (nothing brings it back)")
