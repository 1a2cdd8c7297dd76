"""What a backfill finds in raw, and what it says that it would do."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from flows import backfill_plan
from flows.backfill_plan import add_traded, describe_plan, find_held, register_held
from tasks.core.dataset import Table
from tasks.core.plan import Subject
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.files import QuotesPeriod

DAY = dt.timedelta(days=1)
FIRST, MIDDLE, LAST = dt.date(2024, 12, 30), dt.date(2025, 1, 2), dt.date(2025, 1, 6)
BEFORE, AFTER = FIRST - DAY, LAST + DAY
ALL = (BEFORE, FIRST, MIDDLE, LAST, AFTER)
NOTHING = "nothing was changed"


def subject(dataset: Any = PORTFOLIO) -> Subject:
    return Subject(dataset, "b3-lake", "b3", "b3-refine")


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """`{table: the keys of raw}`; what is listed and registered is recorded beside."""
    found: dict[str, list[str]] = {"listed": [], "registered": []}

    def list_raw(_bucket: str, table: Table, span: str) -> list[str]:
        found["listed"].append(f"{table.name} {span}")
        keys = found.get(table.name, [])
        return [key for key in keys if key.startswith(f"{table.prefix}trading_date={span}")]

    def register(_database: str, table: Table, _bucket: str, values: list[str]) -> None:
        found["registered"] += [f"{table.name} {value}" for value in values]

    monkeypatch.setattr(backfill_plan, "list_raw", list_raw)
    monkeypatch.setattr(backfill_plan, "register_partitions", register)
    return found


def put(raw: dict[str, list[str]], table: Table, *days: object, name: str = "IBOV") -> None:
    raw.setdefault(table.name, []).extend(table.object_key(str(day), name) for day in days)


def test_what_traded_is_a_session_within_the_range_alone() -> None:
    assert add_traded([MIDDLE], set(ALL), FIRST, LAST) == [FIRST, MIDDLE, LAST]


def test_sessions_are_held_by_any_object_or_by_that_of_an_index(
    raw: dict[str, list[str]],
) -> None:
    put(raw, PORTFOLIO.raw, FIRST, LAST)
    put(raw, PORTFOLIO.raw, MIDDLE, name="SMLL")
    assert find_held(subject(), FIRST, LAST, None) == {FIRST, MIDDLE, LAST}
    assert find_held(subject(), FIRST, LAST, "IBOV") == {FIRST, LAST}
    assert find_held(subject(), FIRST, LAST, "SMLL") == {MIDDLE}


def test_a_year_takes_one_listing(raw: dict[str, list[str]]) -> None:
    find_held(subject(), FIRST, LAST, None)
    assert raw["listed"] == ["raw_portfolio 2024", "raw_portfolio 2025"]
    raw["listed"].clear()
    register_held(subject(QUOTES), FIRST, LAST)
    assert raw["listed"] == ["raw_quotes 2024", "raw_quotes 2025"]


def test_what_raw_holds_of_the_range_is_registered_of_every_table_and_no_more(
    raw: dict[str, list[str]],
) -> None:
    beside = PORTFOLIO.beside[0]
    put(raw, PORTFOLIO.raw, *ALL, "2025-01-99")
    put(raw, beside, LAST, AFTER)
    assert register_held(subject(), FIRST, LAST) == {"2024-12", "2025-01"}
    assert raw["registered"] == [
        *(f"raw_portfolio {day}" for day in (FIRST, MIDDLE, LAST)),
        f"{beside.name} {LAST}",
    ]
    assert register_held(subject(), MIDDLE, MIDDLE) == {"2025-01"}


@pytest.mark.parametrize(("count", "shown", "more"), [(6, 6, ""), (7, 6, ", …")])
def test_files_are_named_up_to_six_and_counted(
    count: int, shown: int, more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill_plan, "look_at_month", lambda *_, **__: pytest.fail("a look"))
    files = [QuotesPeriod.month(2025, month) for month in range(1, count + 1)]
    days = [dt.date(2025, month, 10) for month in range(1, count + 1)]
    names = ", ".join(f"COTAHIST_M{month:02}2025.ZIP" for month in range(1, shown + 1))
    said = describe_plan(subject(QUOTES), days, set(), files)
    assert said.startswith(
        f"would ask B3 for {count} file(s) ({names}{more}): {count} request(s); find 0 of {count} "
        f"sessions in raw, {count} missing; refine {count} month(s), one Glue run of about "
    )
    assert said.endswith(f"; {NOTHING}")


def test_months_that_readers_do_not_see_as_raw_has_them_would_be_refined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[tuple[str, bool]] = []

    def look(_subject: Subject, month: str, *, mends: bool) -> Any:
        looked_at.append((month, mends))
        return SimpleNamespace(month=month, is_up_to_date=month != "2025-03")

    monkeypatch.setattr(backfill_plan, "look_at_month", look)
    *held, last = [dt.date(2025, month, 10) for month in (1, 2, 3, 4)]
    file = [QuotesPeriod.month(2025, 4)]
    asked = "ask B3 for 1 file(s) (COTAHIST_M042025.ZIP): 1 request(s); "
    found = "find 3 of 4 sessions in raw, 1 missing; refine"
    assert describe_plan(subject(QUOTES), [*held, last], set(held), file).startswith(
        f"would {asked}{found} 2 month(s), one Glue run of about "
    )
    # Nothing can be asked for: what is missing stays so, and its month is looked at no more.
    assert describe_plan(subject(), [*held, last], set(held), []).startswith(
        f"would {found} 1 month(s), one Glue run of about "
    )
    months = ("2025-01", "2025-02", "2025-03")
    assert looked_at == [(month, False) for month in months] * 2  # a dry run mends nothing
