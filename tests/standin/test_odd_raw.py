"""Whatever the readers accept is refined, and passes the audit."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from tasks.core.checks import Check
from tasks.core.dataset import Dataset
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.tables import QUOTES_DAILY, QUOTES_MONTHLY
from tests.standin.glue import Jobs
from tests.standin.lake import Objects, execute, put_plan, put_raw, raw_table, read_outputs
from tests.standin.odd_raw import (
    EXTREME_MONTH,
    NO_TERMS,
    REPEATED_MONTH,
    TERMS,
    extreme_records,
    odd_portfolios,
    odd_quotes,
)

Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def raw() -> Objects:
    return odd_quotes()


@pytest.fixture
def made(raw: Objects, jobs: Jobs) -> dict[str, Tables]:
    """The refined tables of each month."""
    put_raw(QUOTES, raw)
    outcome = execute(put_plan(QUOTES))
    assert outcome.failures == {}
    return {
        month: {table.name: read_outputs(outcome, table, month) for table in QUOTES.refined_tables}
        for month in outcome.months
    }


def audit(raw: Objects, month: str, refined: Tables, dataset: Dataset = QUOTES) -> list[Check]:
    objects = [
        (table, table.session_of(key), raw_table(table, rows))
        for table in dataset.raw_tables
        for key, rows in raw.items()
        if key.startswith(table.span_prefix(month))
    ]
    return dataset.audit(objects, refined)


def test_the_extremes_of_every_field_are_refined_and_pass_the_audit(
    raw: Objects, made: dict[str, Tables]
) -> None:
    checks = audit(raw, EXTREME_MONTH, made[EXTREME_MONTH])
    assert [check for check in checks if not check.has_passed] == []
    assert len(made[EXTREME_MONTH][QUOTES_DAILY.name]) == 3 * len(extreme_records())


def test_the_extremes_of_every_field_of_a_portfolio_pass_the_audit(jobs: Jobs) -> None:
    raw = odd_portfolios()
    put_raw(PORTFOLIO, raw)
    outcome = execute(put_plan(PORTFOLIO))
    assert outcome.failures == {}
    refined = {table.name: read_outputs(outcome, table) for table in PORTFOLIO.refined_tables}
    checks = audit(raw, "2025-07", refined, PORTFOLIO)
    assert [check for check in checks if not check.has_passed] == []
    assert [len(rows) for rows in refined.values()] == [6, 2, 3, 5, 5]


def test_a_term_that_is_unreadable_is_null_and_raw_keeps_its_bytes(
    raw: Objects, made: dict[str, Tables]
) -> None:
    rows = made[EXTREME_MONTH][QUOTES_DAILY.name].to_pylist()
    found = {row["ticker"]: row["forward_days"] for row in rows}
    expected = {
        f"prazot{n}": days for n, days in enumerate([*TERMS.values(), *[None] * len(NO_TERMS)])
    }
    assert {ticker: found[ticker] for ticker in expected} == expected
    kept = {row["codneg"]: row["prazot"] for rows in raw.values() for row in rows}
    for number, term in enumerate([*TERMS, *NO_TERMS]):
        assert kept[f"prazot{number}"] == term


def test_a_key_that_raw_repeats_is_published_as_often_and_told(
    raw: Objects, made: dict[str, Tables]
) -> None:
    refined = made[REPEATED_MONTH]
    checks = {check.name: check for check in audit(raw, REPEATED_MONTH, refined)}
    assert [check for check in checks.values() if not check.has_passed] == []
    told = checks["quotes_daily_key_is_unique"]
    rows = len(refined[QUOTES_DAILY.name])
    assert told.found == f"3 keys repeated as in raw, in {rows} rows"
    assert told.remark == (
        "raw itself repeats 1986-10-10 PET 4 010, 1986-10-10 VGO 2 030 60, 1986-10-13 PET 4 010"
    )
    closes = [
        row["close_price"]
        for row in refined[QUOTES_DAILY.name].to_pylist()
        if row["ticker"] == "VGO 2"
    ]
    assert sorted(closes) == [Decimal("17.50000000"), Decimal("19.00000000")]


def test_a_month_with_repeated_keys_opens_and_closes_with_the_greater_volume(
    made: dict[str, Tables],
) -> None:
    (row,) = made[REPEATED_MONTH][QUOTES_MONTHLY.name].to_pylist()
    assert (row["ticker"], row["issuer_name"]) == ("PET 4", "PETRO A")
    assert row["session_count"] == 2
    assert (row["first_trading_date"], row["last_trading_date"]) == (
        dt.date(1986, 10, 10),
        dt.date(1986, 10, 13),
    )
    assert (row["open_price"], row["close_price"]) == (Decimal(2), Decimal(4))
    assert (row["quantity"], row["volume"]) == (4, Decimal("100.00"))


def test_a_key_that_only_refined_rows_repeat_fails_the_audit(
    raw: Objects, made: dict[str, Tables]
) -> None:
    refined = made[REPEATED_MONTH]
    daily = refined[QUOTES_DAILY.name]
    again = pa.concat_tables([daily, daily.slice(0, 1)])
    checks = audit(raw, REPEATED_MONTH, refined | {QUOTES_DAILY.name: again})
    failed = {check.name: check.found for check in checks if not check.has_passed}
    assert failed["quotes_daily_key_is_unique"] == "1986-10-10 PET 4 010"


def test_a_figure_of_a_repeated_key_that_is_not_raws_fails_the_audit(
    raw: Objects, made: dict[str, Tables]
) -> None:
    refined = made[REPEATED_MONTH]
    rows = refined[QUOTES_DAILY.name].to_pylist()
    schema = refined[QUOTES_DAILY.name].schema
    for row in rows:
        changed = [other | {"trade_count": 1} if other is row else other for other in rows]
        daily = pa.Table.from_pylist(changed, schema)
        checks = audit(raw, REPEATED_MONTH, refined | {QUOTES_DAILY.name: daily})
        (found,) = [check.found for check in checks if check.name == "daily_equals_raw"]
        assert f"trade_count of {row['ticker']}" in found
