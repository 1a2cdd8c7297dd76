import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tasks.core.portfolio.landed import Landed, find_latest
from tasks.core.portfolio.model import Portfolio, RawSession
from tests.portfolios import (
    BPAC11,
    FRIDAY,
    PETR4,
    THURSDAY,
    VALE3,
    answer,
    portfolio,
    to_bytes,
)
from tests.unit.portfolio.test_reconcile import without_sectors, write_csv

NOON = dt.datetime(2025, 8, 1, 15, 0, 0, 500, tzinfo=dt.UTC)
ROWS = (VALE3, PETR4, BPAC11)
CORRECTED = portfolio(
    replace(VALE3, weight_pct=Decimal("59.999")),
    replace(PETR4, weight_pct=Decimal("39.501")),
    BPAC11,
)


def at(hours: int) -> dt.datetime:
    return NOON + dt.timedelta(hours=hours)


def landed(body: bytes, hours: int = 0, suffix: str = "json") -> Landed:
    return Landed(f"landing/portfolio/received=2025-08-01/IBOV/ab.{suffix}.gz", body, at(hours))


def page(number: int, hours: int = 0, shown: Portfolio | None = None, **header: Any) -> Landed:
    shown = shown or portfolio()
    rows = shown.constituents[number - 1 : number]
    return landed(to_bytes(answer(shown, rows=rows, page=(number, 3), **header)), hours)


def pages(hours: int = 0, shown: Portfolio | None = None, **header: Any) -> list[Landed]:
    return [page(number, hours, shown, **header) for number in (1, 2, 3)]


def find(*kept: Landed) -> RawSession | None:
    return find_latest(kept, "IBOV", FRIDAY)


def found(*kept: Landed) -> Portfolio:
    session = find(*kept)
    assert session
    return session.portfolio


def test_a_session_is_made_again_as_it_came() -> None:
    session = find(landed(to_bytes(answer())))
    assert session == RawSession(portfolio(), dt.datetime(2025, 8, 1, 15))  # noqa: DTZ001


def test_pages_are_put_together_whatever_their_order() -> None:
    first, second, third = pages()
    assert found(third, first, second) == portfolio()


def test_the_time_is_that_of_the_last_page() -> None:
    session = find(page(1, 0), page(2, 1), page(3, 2))
    assert session
    assert session.extracted_at.hour == 17


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_set_that_lacks_a_page_is_none(missing: int) -> None:
    kept = pages()
    del kept[missing]
    assert find(*kept) is None


def test_nothing_is_found_in_nothing_or_in_other_sessions() -> None:
    assert find() is None
    other = portfolio(trading_date=THURSDAY)
    assert find(landed(to_bytes(answer(other)))) is None
    assert find(landed(write_csv(other), suffix="csv")) is None
    assert find(landed(write_csv(portfolio(index_code="IBXX")), suffix="csv")) is None


def test_the_latest_complete_set_is_taken() -> None:
    assert found(*pages(0), *pages(1, CORRECTED)) == CORRECTED
    assert found(*pages(1), *pages(0, CORRECTED)) == portfolio()


def test_a_later_set_that_is_not_complete_leaves_the_one_before() -> None:
    assert found(*pages(0), *pages(1, CORRECTED)[:1]) == portfolio()
    assert found(*pages(0), *pages(1, CORRECTED, reductor="1,00000000")[:2]) == portfolio()


def test_what_b3_showed_with_another_header_is_another_set() -> None:
    other = portfolio(index_divisor=Decimal("1.00000000"))
    assert found(*pages(0), *pages(1, other)) == other
    assert found(*pages(1), *pages(0, other)) == portfolio()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Object reference not set", id="no-json"),
        pytest.param(b'{"page": 7}', id="other-form"),
        pytest.param(to_bytes(answer(date="31/06/25")), id="no-date"),
        pytest.param(to_bytes(answer(part="99,999")), id="a-check-fails"),
        pytest.param(to_bytes(answer(part="100.000")), id="another-language"),
        pytest.param(to_bytes(answer(portfolio(BPAC11))), id="weights-do-not-sum"),
        pytest.param(to_bytes(answer(rows=ROWS[:2])), id="a-row-is-missing"),
    ],
)
def test_what_was_refused_when_it_came_is_passed_over(body: bytes) -> None:
    assert find(landed(body, 1)) is None
    assert found(landed(to_bytes(answer())), landed(body, 1)) == portfolio()


def test_a_set_with_fewer_rows_than_b3_counts_was_refused() -> None:
    payload = answer()
    payload["page"]["totalRecords"] += 1
    assert find(landed(to_bytes(payload))) is None


def test_pages_that_do_not_go_together_are_no_set() -> None:
    first = page(1)
    repeated = landed(to_bytes(answer(rows=portfolio().constituents[:1], page=(2, 2))))
    again = landed(to_bytes(answer(rows=portfolio().constituents[:1], page=(1, 2))))
    assert find(first, repeated, again) is None


def test_a_session_past_the_next_one_was_refused_on_the_day_it_came() -> None:
    early = NOON - dt.timedelta(days=3)
    assert find(Landed("a.json.gz", to_bytes(answer()), early)) is None
    assert find(Landed("a.csv.gz", write_csv(portfolio()), early)) is None


def test_a_saved_file_is_read_and_takes_its_sectors_from_what_came_before() -> None:
    file = landed(write_csv(portfolio()), 1, "csv")
    assert found(file) == without_sectors(portfolio())
    assert found(landed(to_bytes(answer())), file) == portfolio()
    assert found(file, landed(to_bytes(answer()), 2)) == portfolio()


def test_a_saved_file_that_came_later_is_taken() -> None:
    file = landed(write_csv(CORRECTED, with_sectors=True), 1, "csv")
    assert found(landed(to_bytes(answer())), file) == CORRECTED
    assert found(landed(to_bytes(answer()), 2), file) == portfolio()


def test_what_b3_shows_takes_no_sectors_from_a_file() -> None:
    bare = without_sectors(portfolio())
    file = landed(write_csv(portfolio(), with_sectors=True), 0, "csv")
    assert found(file, landed(to_bytes(answer(bare)), 1)) == bare


def test_a_saved_file_that_cannot_be_read_is_passed_over() -> None:
    assert find(landed(b"<html>", suffix="csv")) is None


OTHER_INDEX = portfolio(
    *(replace(row, ticker=f"{row.ticker[:4]}9") for row in ROWS),
    index_divisor=Decimal("7.00000000"),
)


def test_an_answer_that_holds_another_index_than_the_session_before_is_passed_over() -> None:
    kept = [landed(to_bytes(answer())), landed(to_bytes(answer(OTHER_INDEX)), 1)]
    before = portfolio(trading_date=THURSDAY)
    assert found(*kept) == OTHER_INDEX
    session = find_latest(kept, "IBOV", FRIDAY, before)
    assert session == RawSession(portfolio(), dt.datetime(2025, 8, 1, 15))  # noqa: DTZ001
    assert find_latest(kept[1:], "IBOV", FRIDAY, before) is None


def test_a_saved_file_names_its_index_whatever_the_session_before_held() -> None:
    file = landed(write_csv(OTHER_INDEX, with_sectors=True), 1, "csv")
    before = portfolio(trading_date=THURSDAY)
    session = find_latest([landed(to_bytes(answer())), file], "IBOV", FRIDAY, before)
    assert session
    assert session.portfolio == OTHER_INDEX


def test_other_objects_are_passed_over() -> None:
    assert find(Landed("landing/portfolio/notes.txt", to_bytes(answer()), NOON)) is None
