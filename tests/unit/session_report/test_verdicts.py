from dataclasses import replace
from decimal import Decimal

import pytest

from tasks.core.session_report.language import LANGUAGES
from tasks.core.session_report.model import Levels, Reconciliation, SessionReport
from tasks.core.session_report.verdicts import find_warnings, tell_reason, tell_reconciliation
from tests.session_reports import first_session, session_report

ENGLISH = LANGUAGES["en"]
EQUAL = Reconciliation("equal", Decimal("1.20"), Decimal("1.20"), Decimal("0.00"), None, 0)
DIFFERS = Reconciliation("differs", Decimal("1.19"), Decimal("1.20"), Decimal("-0.01"), None, 0)
INCOMPLETE = Reconciliation("incomplete", Decimal("1.19"), None, None, "no level", 0)


def with_levels(implied: str | None, published: str | None, **changes: object) -> SessionReport:
    made = session_report(3)
    assert made.market
    market = replace(
        made.market,
        implied=Levels(None, implied and Decimal(implied)),  # type: ignore[arg-type]
        published=Levels(None, published and Decimal(published)),  # type: ignore[arg-type]
    )
    return replace(made, market=market, **changes)  # type: ignore[arg-type]


def test_nothing_is_warned_of_where_all_is_fine() -> None:
    assert find_warnings(session_report(3), ENGLISH) == []


def test_a_session_of_the_morning_is_fine_but_for_what_cannot_be_read() -> None:
    made = first_session()
    assert find_warnings(replace(made, stated=made.held), ENGLISH) == []
    assert find_warnings(made, ENGLISH) == ["B3's own totals could not be read."]


def test_totals_that_differ_are_named() -> None:
    made = session_report(3)
    stated = replace(made.held, constituent_count=4, theoretical_quantity=1)
    assert find_warnings(replace(made, stated=stated), ENGLISH) == [
        (
            "The lake's totals are not those that B3 states: number of constituents, theoretical "
            "quantity."
        )
    ]


def test_a_reconciliation_that_differs_says_by_how_much() -> None:
    assert find_warnings(session_report(3, reconciliation=DIFFERS), ENGLISH) == [
        "The computed level differs from the one that B3 published: −0.01, in points."
    ]


def test_an_incomplete_reconciliation_says_why() -> None:
    assert find_warnings(session_report(3, reconciliation=INCOMPLETE), ENGLISH) == [
        "The reconciliation of the level is incomplete: the lake holds no level published by B3."
    ]


def test_constituents_without_a_close_are_counted() -> None:
    made = session_report(3)
    assert made.market
    market = replace(made.market, quoted_count=1)
    assert find_warnings(replace(made, market=market), ENGLISH) == [
        "2 constituents have no close on this session."
    ]


@pytest.mark.parametrize(
    ("implied", "published", "warned"),
    [("1.20", "1.20", False), ("1.21", "1.20", True), (None, "1.20", False), ("1", None, False)],
)
def test_an_implied_level_that_is_not_the_published_one_is_told(
    implied: str | None, published: str | None, *, warned: bool
) -> None:
    expected = "The level that the portfolio implies, 1.21, is not the one that B3 published, 1.20."
    found = find_warnings(with_levels(implied, published, reconciliation=None), ENGLISH)
    assert found == ([expected] if warned else [])


def test_what_the_reconciliation_tells_is_told_once() -> None:
    assert len(find_warnings(with_levels("1.19", "1.20", reconciliation=DIFFERS), ENGLISH)) == 1


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            EQUAL,
            [
                (
                    "Equal: quantities, prices and divisor give 1.20 points, the level that B3 "
                    "published, to the hundredth."
                )
            ],
        ),
        (
            replace(DIFFERS, outside_count=1),
            [
                (
                    "Differs: the computed level is 1.19 points and B3's is 1.20, a difference of "
                    "−0.01."
                ),
                (
                    "For 1 constituent the weight implies a price before the session that is not "
                    "the quoted one, beyond the tolerance, as on an ex-date."
                ),
            ],
        ),
        (
            INCOMPLETE,
            [
                (
                    "Incomplete: the lake holds no level published by B3. Computed level: 1.19; "
                    "published by B3: not known."
                )
            ],
        ),
        (None, [ENGLISH.text("no_reconciliation")]),
    ],
    ids=["equal", "differs", "incomplete", "none"],
)
def test_a_reconciliation_in_words(found: Reconciliation | None, told: list[str]) -> None:
    assert tell_reconciliation(found, ENGLISH) == told


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("no portfolio", "there is no portfolio"),
        ("no quotes", "there are no quotes"),
        ("no divisor", "there is no usable divisor"),
        ("no level", "the lake holds no level published by B3"),
        ("2 of 1084 constituents without a close", "2 of 1,084 constituents without a close"),
        ("something new", "something new"),
        (None, ""),
    ],
)
def test_a_reason_in_words(reason: str | None, told: str) -> None:
    assert tell_reason(reason, ENGLISH) == told
