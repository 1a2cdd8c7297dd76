import copy
import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tasks.core.dataset import RawRows, Table
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.audit import audit_portfolio_month
from tasks.core.portfolio.expected import expected_daily, expected_monthly, expected_summary
from tasks.core.portfolio.model import Constituent, RawSession, to_raw_rows
from tasks.core.portfolio.period_tables import PORTFOLIO_THEORETICAL, RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import PORTFOLIO_DAILY_SUMMARY, PORTFOLIO_MONTHLY, RAW_PORTFOLIO
from tests.portfolios import EXTRACTED_AT, raw_session

D = Decimal
Refined = dict[str, list[dict[str, Any]]]
FIRST, SECOND, THIRD = dt.date(2025, 7, 29), dt.date(2025, 7, 30), dt.date(2025, 7, 31)


def row(ticker: str, weight: str, quantity: int) -> Constituent:
    return Constituent(ticker, f"{ticker} SA", "ON  ED  NM", "Setor", D(weight), quantity)


IBOV = (
    raw_session(
        row("AAAA3", "50.000", 10),
        row("BBBB3", "25.000", 20),
        row("CCCC3", "25.000", 30),
        trading_date=FIRST,
    ),
    raw_session(
        row("AAAA3", "60.001", 11),
        row("BBBB3", "39.999", 20),
        trading_date=SECOND,
    ),
    raw_session(
        row("AAAA3", "40.001", 11),
        row("BBBB3", "30.000", 20),
        row("DDDD3", "29.999", 1),
        trading_date=THIRD,
    ),
)


OTHER = raw_session(
    row("AAAA3", "70.000", 5), row("ZZZZ3", "30.000", 6), index_code="IBXX", trading_date=SECOND
)
RAW = (*IBOV, OTHER)


A60, A99, A100 = row("AAAA3", "60.000", 10), row("AAAA3", "99.999", 7), row("AAAA3", "100.000", 5)
B20, B21 = row("BBBB3", "40.000", 20), row("BBBB3", "40.000", 21)
THEORETICAL = (  # a quantity changes and comes back; an index enters on the last session
    raw_session(A60, B20, trading_date=FIRST),
    raw_session(A60, B21, trading_date=SECOND),
    raw_session(A60, B20, trading_date=THIRD),
    raw_session(A100, index_code="IBXX", trading_date=THIRD),
)
PREVIEW = (raw_session(A99, trading_date=SECOND), raw_session(A99, trading_date=THIRD))


def stored(sessions: Iterable[RawSession] = RAW, table: Table = RAW_PORTFOLIO) -> Iterator[RawRows]:
    """Raw objects as the audit is given them: one at a time."""
    for session in sessions:
        rows = to_raw_rows(session.portfolio, session.extracted_at)
        columns = list(table.types())
        yield table, session.portfolio.trading_date, pa.Table.from_pylist(rows).select(columns)


def all_stored() -> Iterator[RawRows]:
    """`RAW`, and what lies beside it, in the order of their keys."""
    yield from stored()
    yield from stored(PREVIEW, RAW_PREVIEW)
    yield from stored(THEORETICAL, RAW_THEORETICAL)


def span(
    shown: Constituent, first: dt.date, last: dt.date, index_code: str = "IBOV"
) -> dict[str, Any]:
    """A row of what B3 showed from one session to another."""
    return {
        "index_code": index_code,
        "ticker": shown.ticker,
        "asset_name": f"{shown.ticker} SA",
        "type": "ON  ED  NM",
        "theoretical_quantity": shown.theoretical_quantity,
        "weight_pct": shown.weight_pct,
        "first_session": first,
        "last_session": last,
    }


@pytest.fixture
def refined() -> Refined:
    """What a right run makes of `RAW`: rows 0 to 7 are IBOV's, 8 and 9 IBXX's."""
    daily = [daily_row for session in RAW for daily_row in expected_daily(session)]
    return {
        "portfolio_daily": daily,
        "portfolio_daily_summary": [expected_summary(session) for session in RAW],
        "portfolio_monthly": expected_monthly(daily),
        "portfolio_theoretical": [
            span(A60, FIRST, THIRD),
            span(B20, FIRST, THIRD),
            span(B21, SECOND, SECOND),
            span(A100, THIRD, THIRD, "IBXX"),
        ],
        "portfolio_preview": [span(A99, SECOND, THIRD)],
    }


def to_tables(refined: Refined) -> dict[str, pa.Table]:
    """Rows as they are read from the lake; without rows, the names of the columns alone."""
    return {
        table.name: (
            pa.Table.from_pylist(refined[table.name])
            if refined.get(table.name)
            else pa.table({name: pa.array([], pa.null()) for name in table.types()})
        )
        for table in PORTFOLIO.refined_tables
    }


def failed(refined: Refined) -> dict[str, str]:
    return failed_of(all_stored(), refined)


def failed_of(raw: Iterable[RawRows], refined: Refined) -> dict[str, str]:
    checks = audit_portfolio_month(raw, to_tables(refined))
    return {check.name: check.found for check in checks if not check.has_passed}


def test_a_daily_row_is_a_row_of_raw_split_and_ranked(refined: Refined) -> None:
    assert refined["portfolio_daily"][1] == {
        "index_code": "IBOV",
        "trading_date": FIRST,
        "ticker": "BBBB3",
        "asset_name": "BBBB3 SA",
        "share_class": "ON",
        "corporate_event": "ED",
        "listing_segment": "NM",
        "sector": "Setor",
        "theoretical_quantity": 20,
        "weight_pct": D("25.000"),
        "weight_rank": 2,
        "extracted_at": EXTRACTED_AT,
    }


def test_equal_weights_share_a_rank(refined: Refined) -> None:
    ranks = {r["ticker"]: r["weight_rank"] for r in refined["portfolio_daily"][:3]}
    assert ranks == {"AAAA3": 1, "BBBB3": 2, "CCCC3": 2}


def test_a_summary_row_is_the_header_with_count_and_top_five() -> None:
    weights = ["30.000", "20.000", "20.000", "10.000", "10.000", "9.999", "0.001"]
    session = raw_session(*(row(f"A{n}", weight, n + 1) for n, weight in enumerate(weights)))
    assert expected_summary(session) == {
        "index_code": "IBOV",
        "trading_date": dt.date(2025, 8, 1),
        "constituent_count": 7,
        "total_theoretical_quantity": 28,
        "total_weight_pct": D("100.000"),
        "index_divisor": D("16036751.16744128"),
        "top5_weight_pct": D("90.000"),
        "extracted_at": EXTRACTED_AT,
    }


def test_a_monthly_row_is_worked_out_from_the_sessions_that_held_it(refined: Refined) -> None:
    keys = [(r["index_code"], r["ticker"]) for r in refined["portfolio_monthly"]]
    assert keys == [
        *(("IBOV", ticker) for ticker in ("AAAA3", "BBBB3", "CCCC3", "DDDD3")),
        ("IBXX", "AAAA3"),
        ("IBXX", "ZZZZ3"),
    ]
    rows = dict(zip(keys, refined["portfolio_monthly"], strict=True))
    assert rows["IBOV", "AAAA3"] == {
        "index_code": "IBOV",
        "ticker": "AAAA3",
        "asset_name": "AAAA3 SA",
        "session_count": 3,
        "first_trading_date": FIRST,
        "last_trading_date": THIRD,
        "days_between": 2,
        "avg_weight_pct": D("50.0006667"),
        "min_weight_pct": D("40.001"),
        "max_weight_pct": D("60.001"),
        "avg_theoretical_quantity": D("10.6667"),
        "min_theoretical_quantity": 10,
        "max_theoretical_quantity": 11,
    }
    once = rows["IBOV", "CCCC3"]
    assert (once["session_count"], once["days_between"]) == (1, 0)
    assert rows["IBXX", "AAAA3"]["max_weight_pct"] == D("70.000")


def test_a_monthly_row_takes_its_name_from_the_last_session_in_any_row_order() -> None:
    rows = [
        expected_daily(
            raw_session(Constituent("A", name, "ON", None, D("1.000"), 1), trading_date=d)
        )[0]
        for d, name in ((SECOND, "OLD"), (THIRD, "NEW"), (FIRST, "OLDER"))
    ]
    assert [r["asset_name"] for r in expected_monthly(rows)] == ["NEW"]


def test_a_right_run_passes_every_check(refined: Refined) -> None:
    assert failed(refined) == {}
    names = [check.name for check in audit_portfolio_month(all_stored(), to_tables(refined))]
    assert len(names) == len(set(names)) == 15


def test_checks_that_pass_say_what_was_counted(refined: Refined) -> None:
    checks = audit_portfolio_month(all_stored(), to_tables(refined))
    assert {check.name: check.found for check in checks} == {
        "raw_objects_hold_rows": "rows in 10 of 10 raw objects",
        "columns_are_there": "49 of 49 columns",
        "daily_has_the_sessions_of_raw": "4 of 4 sessions, of 2 indices",
        "summary_has_the_sessions_of_raw": "4 of 4 sessions, of 2 indices",
        "portfolio_daily_key_is_unique": "no key twice in 10 rows",
        "portfolio_daily_summary_key_is_unique": "no key twice in 4 rows",
        "portfolio_monthly_key_is_unique": "no key twice in 6 rows",
        "portfolio_theoretical_key_is_unique": "no key twice in 4 rows",
        "portfolio_preview_key_is_unique": "no key twice in 1 row",
        "daily_weights_sum_to_100": "100.000 in 4 of 4 sessions",
        "daily_equals_raw": "10 of 10 rows equal",
        "summary_equals_header": "4 of 4 headers equal",
        "monthly_agrees_with_daily": "6 of 6 rows equal",
        "portfolio_theoretical_equals_raw": "4 of 4 rows equal",
        "portfolio_preview_equals_raw": "1 of 1 row equal",
    }


def test_a_month_without_anything_says_so() -> None:
    nothing: Refined = {table.name: [] for table in PORTFOLIO.refined_tables}
    found = {c.name: c.found for c in audit_portfolio_month([], to_tables(nothing))}
    assert found["daily_weights_sum_to_100"] == "100.000 in 0 of 0 sessions"
    assert found["daily_has_the_sessions_of_raw"] == "0 of 0 sessions, of 0 indices"
    assert found["portfolio_preview_equals_raw"] == "0 of 0 rows equal"


def test_the_order_of_rows_and_columns_does_not_matter(refined: Refined) -> None:
    turned = {
        table: [dict(reversed(each.items())) for each in rows[::-1]]
        for table, rows in refined.items()
    }
    assert failed(turned) == {}


def change(table: str, place: int, **values: object) -> Callable[[Refined], None]:
    return lambda refined: refined[table][place].update(values)


def drop(table: str, **values: object) -> Callable[[Refined], None]:
    def spoil(refined: Refined) -> None:
        refined[table] = [r for r in refined[table] if not values.items() <= r.items()]

    return spoil


def double(table: str, place: int) -> Callable[[Refined], None]:
    return lambda refined: refined[table].append(copy.copy(refined[table][place]))


def add(table: str, place: int, **values: object) -> Callable[[Refined], None]:
    """Add a row like another one."""
    return lambda refined: refined[table].append(refined[table][place] | values)


STRAY = dt.date(2025, 7, 28)


@pytest.mark.parametrize(
    ("spoil", "name", "found"),
    [
        pytest.param(
            drop("portfolio_daily", index_code="IBOV", trading_date=SECOND),
            "daily_has_the_sessions_of_raw",
            "IBOV 2025-07-30 is missing",
            id="daily-lacks-a-session-that-another-index-has",
        ),
        pytest.param(
            drop("portfolio_daily", index_code="IBXX"),
            "daily_has_the_sessions_of_raw",
            "IBXX 2025-07-30 is missing",
            id="daily-lacks-an-index",
        ),
        pytest.param(
            add("portfolio_daily", 0, trading_date=STRAY),
            "daily_has_the_sessions_of_raw",
            "IBOV 2025-07-28 is not in raw",
            id="daily-has-a-session-too-many",
        ),
        pytest.param(
            add("portfolio_daily", 0, index_code="SMLL"),
            "daily_has_the_sessions_of_raw",
            "SMLL 2025-07-29 is not in raw",
            id="daily-has-an-index-too-many",
        ),
        pytest.param(
            drop("portfolio_daily_summary", index_code="IBOV", trading_date=SECOND),
            "summary_has_the_sessions_of_raw",
            "IBOV 2025-07-30 is missing",
            id="summary-lacks-a-session",
        ),
        pytest.param(
            add("portfolio_daily_summary", 3, trading_date=STRAY),
            "summary_has_the_sessions_of_raw",
            "IBXX 2025-07-28 is not in raw",
            id="summary-has-a-session-too-many",
        ),
        pytest.param(
            double("portfolio_daily", 4),
            "portfolio_daily_key_is_unique",
            "IBOV 2025-07-30 BBBB3",
            id="a-daily-key-stands-twice",
        ),
        pytest.param(
            double("portfolio_daily", 4),
            "daily_equals_raw",
            "IBOV 2025-07-30 BBBB3",
            id="a-daily-row-stands-twice",
        ),
        pytest.param(
            double("portfolio_daily_summary", 0),
            "portfolio_daily_summary_key_is_unique",
            "IBOV 2025-07-29",
            id="a-session-is-summed-up-twice",
        ),
        pytest.param(
            double("portfolio_monthly", 3),
            "portfolio_monthly_key_is_unique",
            "IBOV DDDD3",
            id="a-ticker-stands-twice-in-the-month",
        ),
        pytest.param(
            double("portfolio_monthly", 3),
            "monthly_agrees_with_daily",
            "IBOV DDDD3",
            id="a-row-of-the-month-stands-twice",
        ),
        pytest.param(
            change("portfolio_daily", 8, weight_pct=D("70.001")),
            "daily_weights_sum_to_100",
            "IBXX 2025-07-30: 100.001",
            id="a-weight-changed",
        ),
        pytest.param(
            drop("portfolio_daily", ticker="CCCC3"),
            "daily_equals_raw",
            "IBOV 2025-07-29 CCCC3",
            id="a-constituent-is-missing",
        ),
        pytest.param(
            change("portfolio_daily", 8, index_code="IBOV"),
            "daily_equals_raw",
            "IBOV 2025-07-30 AAAA3, IBXX 2025-07-30 AAAA3",
            id="a-constituent-is-in-another-index",
        ),
        pytest.param(
            add("portfolio_daily", 0, trading_date=STRAY),
            "daily_equals_raw",
            "IBOV 2025-07-28 AAAA3",
            id="a-row-of-no-session-of-raw",
        ),
        pytest.param(
            drop("portfolio_monthly", ticker="DDDD3"),
            "monthly_agrees_with_daily",
            "IBOV DDDD3",
            id="the-month-lacks-a-ticker",
        ),
        pytest.param(
            add("portfolio_monthly", 3, index_code="IBXX"),
            "monthly_agrees_with_daily",
            "IBXX DDDD3",
            id="the-month-has-a-ticker-of-another-index",
        ),
        pytest.param(
            change("portfolio_monthly", 2, ticker="EEEE3"),
            "monthly_agrees_with_daily",
            "IBOV CCCC3, IBOV EEEE3",
            id="the-month-has-another-ticker",
        ),
        pytest.param(
            drop("portfolio_theoretical", index_code="IBXX"),
            "portfolio_theoretical_equals_raw",
            "IBXX AAAA3 2025-07-31",
            id="the-period-lacks-an-index",
        ),
        pytest.param(
            drop("portfolio_theoretical", theoretical_quantity=21),
            "portfolio_theoretical_equals_raw",
            "IBOV BBBB3 2025-07-30",
            id="the-period-lacks-a-value-of-one-session",
        ),
        pytest.param(
            double("portfolio_theoretical", 0),
            "portfolio_theoretical_equals_raw",
            "IBOV AAAA3 2025-07-29",
            id="a-row-of-the-period-stands-twice",
        ),
        pytest.param(
            double("portfolio_theoretical", 0),
            "portfolio_theoretical_key_is_unique",
            "IBOV AAAA3 2025-07-29",
            id="a-key-of-the-period-stands-twice",
        ),
        pytest.param(
            double("portfolio_preview", 0),
            "portfolio_preview_key_is_unique",
            "IBOV AAAA3 2025-07-30",
            id="a-key-of-previews-stands-twice",
        ),
        pytest.param(
            add("portfolio_theoretical", 3, index_code="SMLL"),
            "portfolio_theoretical_equals_raw",
            "SMLL AAAA3 2025-07-31",
            id="the-period-has-an-index-too-many",
        ),
        pytest.param(
            add("portfolio_preview", 0, ticker="STRAY3"),
            "portfolio_preview_equals_raw",
            "IBOV STRAY3 2025-07-30",
            id="previews-have-a-row-too-many",
        ),
        pytest.param(
            drop("portfolio_preview", ticker="AAAA3"),
            "portfolio_preview_equals_raw",
            "IBOV AAAA3 2025-07-30",
            id="previews-are-missing",
        ),
        pytest.param(
            change("portfolio_theoretical", 1, first_session=SECOND),
            "portfolio_theoretical_equals_raw",
            "IBOV BBBB3 2025-07-29, IBOV BBBB3 2025-07-30",
            id="a-first-session-has-moved",
        ),
        pytest.param(
            change("portfolio_preview", 0, last_session=SECOND),
            "portfolio_preview_equals_raw",
            "IBOV AAAA3 2025-07-30",
            id="a-last-session-has-moved",
        ),
        pytest.param(
            change("portfolio_preview", 0, weight_pct=None),
            "portfolio_preview_equals_raw",
            "IBOV AAAA3 2025-07-30",
            id="a-weight-of-a-preview-is-null",
        ),
    ],
)
def test_each_violation_fails_its_check(
    refined: Refined, spoil: Callable[[Refined], None], name: str, found: str
) -> None:
    spoil(refined)
    assert failed(refined)[name] == found


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("asset_name", "OTHER"),
        ("share_class", "PN"),
        ("corporate_event", None),
        ("listing_segment", "N1"),
        ("sector", None),
        ("theoretical_quantity", 21),
        ("weight_pct", D("39.998")),
        ("weight_rank", 1),
        ("extracted_at", dt.datetime(2025, 8, 2)),  # noqa: DTZ001
    ],
)
def test_every_daily_column_is_compared_with_raw(
    refined: Refined, column: str, value: object
) -> None:
    refined["portfolio_daily"][4][column] = value
    assert failed(refined)["daily_equals_raw"] == "IBOV 2025-07-30 BBBB3"


def other_value(value: Any) -> Any:
    """A value of the same type that is not the same."""
    step = {dt.date: dt.timedelta(1), dt.datetime: dt.timedelta(1), Decimal: D("0.001"), int: 1}
    return value + step.get(type(value), "X")


@pytest.mark.parametrize("column", list(PORTFOLIO_DAILY_SUMMARY.types())[2:])
def test_every_summary_column_is_compared_with_raw(refined: Refined, column: str) -> None:
    right = refined["portfolio_daily_summary"][1][column]
    refined["portfolio_daily_summary"][1][column] = other_value(right)
    assert failed(refined) == {
        "summary_equals_header": f"IBOV 2025-07-30 {column} {right}, not {other_value(right)}"
    }


@pytest.mark.parametrize("column", list(PORTFOLIO_MONTHLY.types())[2:])
def test_every_monthly_column_is_worked_out_again(refined: Refined, column: str) -> None:
    refined["portfolio_monthly"][0][column] = other_value(refined["portfolio_monthly"][0][column])
    assert failed(refined) == {"monthly_agrees_with_daily": "IBOV AAAA3"}


@pytest.mark.parametrize("table", ["portfolio_theoretical", "portfolio_preview"])
@pytest.mark.parametrize("column", list(PORTFOLIO_THEORETICAL.types()))
@pytest.mark.parametrize("other", [other_value, lambda _: None], ids=["other", "null"])
def test_every_column_of_what_b3_showed_is_compared_with_raw(
    refined: Refined, table: str, column: str, other: Callable[[Any], Any]
) -> None:
    refined[table][0][column] = other(refined[table][0][column])
    assert failed(refined).keys() == {f"{table}_equals_raw"}


def test_the_period_and_previews_are_not_taken_for_each_other(refined: Refined) -> None:
    period, preview = refined["portfolio_theoretical"], refined["portfolio_preview"]
    swapped = refined | {"portfolio_theoretical": preview, "portfolio_preview": period}
    assert failed(swapped).keys() == {
        "portfolio_theoretical_equals_raw",
        "portfolio_preview_equals_raw",
    }


def test_a_month_may_hold_the_period_and_no_day_at_all(refined: Refined) -> None:
    name = "portfolio_theoretical"
    raw = list(stored(THEORETICAL, RAW_THEORETICAL))
    alone = {name: refined[name]}
    assert failed_of(raw, alone) == {}
    assert failed_of([], alone).keys() == {"portfolio_theoretical_equals_raw"}
    assert failed_of(raw, {}).keys() == {"portfolio_theoretical_equals_raw"}
    assert failed_of(raw, refined | {"portfolio_preview": []}).keys() >= {
        "daily_has_the_sessions_of_raw",
        "daily_equals_raw",
    }


def test_the_order_of_sessions_does_not_matter_to_what_b3_showed(refined: Refined) -> None:
    assert failed_of(reversed(list(all_stored())), refined) == {}


def test_raw_of_the_period_needs_no_sector(refined: Refined) -> None:
    (_, _, rows) = next(stored(THEORETICAL, RAW_THEORETICAL))
    assert "segment" not in rows.column_names
    day = [(RAW_PORTFOLIO, THIRD, rows)]  # the day's portfolio does
    assert failed_of([*all_stored(), *day], refined) == {"raw_objects_hold_rows": "2025-07-31"}


@pytest.mark.parametrize("table", PORTFOLIO.refined_tables, ids=lambda table: table.name)
def test_every_column_must_be_there(refined: Refined, table: Table) -> None:
    for name in table.types():
        tables = to_tables(refined)
        tables[table.name] = tables[table.name].drop_columns([name])
        checks = {check.name: check for check in audit_portfolio_month(all_stored(), tables)}
        assert checks["columns_are_there"].found == f"{table.name}.{name}"
        assert not checks["columns_are_there"].has_passed


def test_nulls_are_found_and_stop_no_check(refined: Refined) -> None:
    refined["portfolio_daily"][4]["weight_pct"] = None
    assert failed(refined) == {
        "daily_weights_sum_to_100": "IBOV 2025-07-30: 60.001",
        "daily_equals_raw": "IBOV 2025-07-30 BBBB3",
        "monthly_agrees_with_daily": "IBOV BBBB3",
    }


def test_an_empty_run_fails(refined: Refined) -> None:
    nothing: Refined = {table: [] for table in refined}
    assert {
        "daily_has_the_sessions_of_raw",
        "summary_has_the_sessions_of_raw",
        "daily_equals_raw",
        "summary_equals_header",
        "portfolio_theoretical_equals_raw",
        "portfolio_preview_equals_raw",
    } <= failed(nothing).keys()


def test_a_session_that_raw_holds_twice_is_found(refined: Refined) -> None:
    refined["portfolio_daily"] += [dict(each) for each in refined["portfolio_daily"][8:]]
    assert "portfolio_daily_key_is_unique" in failed_of(stored((*RAW, OTHER)), refined)


def test_a_row_that_raw_of_the_period_repeats_is_one_row(refined: Refined) -> None:
    twice = stored(THEORETICAL, RAW_THEORETICAL)
    assert failed_of([*all_stored(), *twice], refined) == {}


@pytest.mark.parametrize("table", PORTFOLIO.raw_tables, ids=lambda table: table.name)
@pytest.mark.parametrize("rows", [pa.table({}), pa.table({"index_code": ["IBOV"]})])
def test_a_raw_object_without_rows_or_of_another_table_is_told(
    refined: Refined, rows: pa.Table, table: Table
) -> None:
    raw = [*all_stored(), (table, THIRD, rows)]
    assert failed_of(raw, refined) == {"raw_objects_hold_rows": "2025-07-31"}


@pytest.mark.parametrize("table", PORTFOLIO.raw_tables, ids=lambda table: table.name)
def test_a_raw_object_with_its_columns_and_no_rows_is_told(refined: Refined, table: Table) -> None:
    rows = pa.table({name: pa.array([], pa.null()) for name in table.types()})
    raw = [(table, FIRST, rows), *all_stored()]
    assert failed_of(raw, refined) == {"raw_objects_hold_rows": "2025-07-29"}


def test_raw_that_differs_from_its_own_header_is_told() -> None:
    raw = raw_session(row("AAAA3", "100.000", 10), total_theoretical_quantity=11)
    refined = {
        "portfolio_daily": expected_daily(raw),
        "portfolio_daily_summary": [expected_summary(raw) | {"total_theoretical_quantity": 10}],
        "portfolio_monthly": expected_monthly(expected_daily(raw)),
    }
    assert failed_of(stored([raw]), refined) == {
        "summary_equals_header": "IBOV 2025-08-01 total_theoretical_quantity 11, not 10"
    }


def test_a_month_of_forty_indices_takes_seconds() -> None:
    days = [dt.date(2025, 8, 1) + dt.timedelta(number) for number in range(22)]
    rows = [row(f"T{n:03}", "1.111" if n else "1.121", n + 1) for n in range(90)]
    raw = [
        raw_session(*rows, index_code=f"IX{number:02}", trading_date=day)
        for number in range(40)
        for day in days
    ]
    daily = [each for session in raw for each in expected_daily(session)]
    tables = to_tables(
        {
            "portfolio_daily": daily,
            "portfolio_daily_summary": [expected_summary(session) for session in raw],
            "portfolio_monthly": expected_monthly(daily),
            "portfolio_theoretical": [
                span(each, days[0], days[-1], f"IX{number:02}")
                for number in range(40)
                for each in rows
            ],
        }
    )
    objects = [*stored(raw), *stored(raw, RAW_THEORETICAL)]
    started = time.process_time()
    checks = audit_portfolio_month(objects, tables)
    assert time.process_time() - started < 20
    assert [check.name for check in checks if not check.has_passed] == []
    assert max(len(check.found) for check in checks) <= 60
