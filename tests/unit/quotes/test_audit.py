import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tasks.core.checks import Check
from tasks.core.quotes.audit import audit_quotes_month
from tasks.core.quotes.expected import expected_daily, expected_monthly
from tasks.core.quotes.record import SCHEMA
from tasks.core.quotes.tables import QUOTES_DAILY, QUOTES_MONTHLY
from tests.cotahist_text import RECORD

D = Decimal
FIRST, SECOND = dt.date(2022, 2, 3), dt.date(2022, 2, 4)


def type_in_parquet(type_: pa.DataType) -> pa.DataType:
    """What Parquet gives back of a type that was written."""
    if pa.types.is_dictionary(type_):
        return pa.string()
    return pa.decimal128(type_.precision, type_.scale) if pa.types.is_decimal(type_) else type_


TYPES = pa.schema([(field.name, type_in_parquet(field.type)) for field in SCHEMA])
PRICES = {
    "open_price": "preabe",
    "high_price": "premax",
    "low_price": "premin",
    "average_price": "premed",
    "close_price": "preult",
    "best_bid_price": "preofc",
    "best_ask_price": "preofv",
}
VALE: dict[str, Any] = RECORD | {"codneg": "VALE3", "nomres": "VALE", "especi": "ON      NM"}
OPTION: dict[str, Any] = RECORD | {
    "codneg": "PETRB320",
    "codbdi": "78",
    "tpmerc": "070",
    "prazot": "000",
    "preexe": D("32.00"),
    "datven": dt.date(2022, 2, 18),
    "preofc": D("0.00"),
}
THOUSAND: dict[str, Any] = RECORD | {"codneg": "FNAM11", "codbdi": "14", "fatcot": 1000}


def session(date: dt.date, *records: dict[str, Any]) -> tuple[dt.date, pa.Table]:
    return date, pa.Table.from_pylist([record | {"data": date} for record in records], TYPES)


RAW = [
    session(FIRST, RECORD, VALE, OPTION, THOUSAND),
    session(SECOND, VALE | {"preult": D("31.99")}, RECORD | {"tpmerc": "020"}),
]


def unit_price(price: Decimal, factor: int, name: str) -> Decimal | None:
    if not price and name.startswith("best"):
        return None
    return (price / factor).quantize(D("1e-8"))


def daily_rows(sessions: list[tuple[dt.date, pa.Table]] = RAW) -> list[dict[str, Any]]:
    """What a right run makes of sessions."""
    rows = []
    for _, raw in sessions:
        for record, row in zip(raw.to_pylist(), expected_daily(raw).to_pylist(), strict=True):
            prices = {
                name: unit_price(record[source], record["fatcot"], name)
                for name, source in PRICES.items()
            }
            rows.append(row | prices)
    return rows


def to_daily(rows: list[dict[str, Any]]) -> pa.Table:
    fields = list(expected_daily(RAW[0][1]).schema)
    fields += [pa.field(name, pa.decimal128(19, 8)) for name in PRICES]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def failed(rows: list[dict[str, Any]], monthly: pa.Table | None = None) -> dict[str, str]:
    daily = to_daily(rows)
    month = monthly if monthly is not None else expected_monthly(daily)
    checks = audit_quotes_month(RAW, daily, month)
    return {check.name: check.found for check in checks if not check.has_passed}


def test_a_right_month_passes_in_any_order_of_its_rows() -> None:
    assert failed(daily_rows()) == {}
    assert failed(daily_rows()[::-1]) == {}


def test_checks_that_pass_say_what_was_counted() -> None:
    daily = to_daily(daily_rows())
    checks = audit_quotes_month(RAW, daily, expected_monthly(daily))
    assert {check.name: (check.expected, check.found) for check in checks} == {
        "daily_has_the_sessions_of_raw": (
            "every session of raw, and no other",
            "2 of 2 sessions",
        ),
        "record_count_equals_raw": ("6 rows", "6 rows"),
        "quantities_sum_to_raw": ("306,001,200", "306,001,200 in 6 rows"),
        "volumes_sum_to_raw": ("9,960,339,060.00", "9,960,339,060.00 in 6 rows"),
        "quotes_daily_key_is_unique": ("no key twice", "no key twice in 6 rows"),
        "quotes_monthly_key_is_unique": ("no key twice", "no key twice in 3 rows"),
        "daily_equals_raw": ("the records of raw", "6 of 6 rows equal"),
        "monthly_agrees_with_daily": ("daily's figures", "3 of 3 rows equal"),
    }


def test_a_record_becomes_a_row_in_the_fields_terms() -> None:
    option = daily_rows()[2]
    assert (option["instrument_kind"], option["lot"], option["forward_days"]) == ("call", "none", 0)
    assert option["strike_price"] == D("32.00")
    assert option["strike_points"] is None
    assert option["expiry_date"] == dt.date(2022, 2, 18)
    assert option["best_bid_price"] is None
    share = daily_rows()[0]
    assert (share["instrument_kind"], share["lot"], share["forward_days"]) == (
        "share",
        "round",
        None,
    )
    assert (share["strike_price"], share["expiry_date"]) == (None, None)


def test_prices_are_for_one_piece() -> None:
    assert daily_rows()[3]["open_price"] == D("0.03210000")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("open_price", D("32.10000001")),
        ("close_price", None),
        ("best_bid_price", None),
        ("open_price", None),
        ("quote_factor", 10**9),
        ("quantity", 51_000_201),
        ("volume", D("1660056510.01")),
        ("trade_count", 0),
        ("issuer_name", "OTHER"),
        ("instrument_kind", "unit"),
        ("lot", "odd"),
        ("expiry_date", FIRST),
        ("strike_price", D("1.00")),
        ("isin", None),
    ],
)
def test_a_value_that_is_not_raws_is_found(column: str, value: object) -> None:
    rows = daily_rows()
    rows[0][column] = value
    assert f"2022-02-03: {column} of PETR4" in failed(rows)["daily_equals_raw"]


def test_no_bid_is_null_and_no_price_is_zero() -> None:
    raw = [session(FIRST, RECORD | {"preofc": D("0.00"), "preabe": D("0.00")})]
    (row,) = daily_rows(raw)
    for changes, passes in (
        ({}, True),
        ({"best_bid_price": D("0.00000000")}, False),
        ({"open_price": None}, False),
    ):
        daily = to_daily([row | changes])
        checks = audit_quotes_month(raw, daily, expected_monthly(daily))
        assert all(each.has_passed for each in checks) is passes


def test_sums_are_compared_exactly() -> None:
    rows = daily_rows()
    rows[0]["quantity"] += 1
    rows[0]["volume"] += D("0.01")
    found = failed(rows)
    assert {"quantities_sum_to_raw", "volumes_sum_to_raw"} <= found.keys()


def test_quantities_that_overflow_64_bits_together_are_summed() -> None:
    raw = [session(FIRST, *(RECORD | {"codneg": f"A{n}", "quatot": 10**18 - 1} for n in range(12)))]
    (_, table) = raw[0]
    prices = {name: table[source].cast(pa.decimal128(19, 8)) for name, source in PRICES.items()}
    expected = expected_daily(table)
    daily = pa.table({name: expected[name] for name in expected.column_names} | prices)
    monthly = expected_monthly(daily)
    assert all(check.has_passed for check in audit_quotes_month(raw, daily, monthly))


def test_a_lost_record_is_found() -> None:
    found = failed(daily_rows()[1:])
    assert found["record_count_equals_raw"] == "5 rows"
    assert found["daily_equals_raw"] == "2022-02-03: 4 records in raw, 3 in the run"


def test_a_doubled_record_is_found() -> None:
    rows = [*daily_rows(), daily_rows()[0]]
    assert failed(rows)["quotes_daily_key_is_unique"] == "2022-02-03 PETR4 010"


def test_a_key_that_comes_more_than_twice_is_named_once() -> None:
    rows = [*daily_rows(), daily_rows()[2], daily_rows()[2]]
    assert failed(rows)["quotes_daily_key_is_unique"] == "2022-02-03 PETRB320 070 0"
    monthly = expected_monthly(to_daily(daily_rows()))
    doubled = pa.concat_tables([monthly, monthly.slice(0, 1)])
    found = failed(daily_rows(), doubled)["quotes_monthly_key_is_unique"]
    assert found == f"{monthly['ticker'][0]} R$"


REPEATED = [
    session(
        FIRST,
        VALE | {"preofc": D("0.00"), "preult": D("31.00"), "nomres": "VALE B"},
        VALE | {"fatcot": 1000, "preult": D("29.00"), "voltot": D("1.00")},
        VALE | {"preult": D("30.00"), "voltot": D("2.00"), "preabe": D("5.00")},
        RECORD,
    ),
    session(
        SECOND,
        VALE | {"voltot": D("5.00"), "preabe": D("7.00")},
        VALE | {"voltot": D("4.00"), "preult": D("40.00"), "nomres": "VALE Z"},
    ),
]
KEYS = "2022-02-03 VALE3 010, 2022-02-04 VALE3 010"


def checked(rows: list[dict[str, Any]]) -> dict[str, Check]:
    daily = to_daily(rows)
    return {
        each.name: each for each in audit_quotes_month(REPEATED, daily, expected_monthly(daily))
    }


@pytest.mark.parametrize("step", [1, -1])
def test_a_key_that_raw_repeats_with_other_figures_is_told_and_is_no_failure(step: int) -> None:
    checks = checked(daily_rows(REPEATED)[::step])
    assert [each for each in checks.values() if not each.has_passed] == []
    assert checks["quotes_daily_key_is_unique"] == Check(
        "quotes_daily_key_is_unique",
        "no key twice that raw holds once",
        "2 keys repeated as in raw, in 6 rows",
        has_passed=True,
        remark=f"raw itself repeats {KEYS}",
    )


def test_a_key_that_comes_more_often_than_in_raw_is_found() -> None:
    rows = daily_rows(REPEATED)
    assert checked([*rows, rows[0]])["quotes_daily_key_is_unique"].found == "2022-02-03 VALE3 010"
    assert checked([*rows, rows[3]])["quotes_daily_key_is_unique"].found == "2022-02-03 PETR4 010"


@pytest.mark.parametrize("number", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("column", ["close_price", "trade_count", "issuer_name"])
def test_a_figure_of_a_key_that_raw_repeats_is_compared(number: int, column: str) -> None:
    rows = daily_rows(REPEATED)
    value = "OTHER" if column == "issuer_name" else rows[number][column] + 1
    rows[number][column] = value
    assert f"{column} of VALE3" in checked(rows)["daily_equals_raw"].found


def test_a_month_with_a_repeated_key_has_each_session_once_and_the_greater_volume_at_its_ends() -> (
    None
):
    (_, vale) = expected_monthly(to_daily(daily_rows(REPEATED))).to_pylist()
    assert vale["ticker"] == "VALE3"
    assert vale["session_count"] == 2
    assert (vale["open_price"], vale["close_price"]) == (D("32.10000000"), D("32.80000000"))
    assert vale["issuer_name"] == "VALE"
    assert vale["trade_count"] == 5 * RECORD["totneg"]


def test_a_quotient_that_has_no_end_may_differ_by_less_than_its_last_decimal() -> None:
    raw = [session(FIRST, RECORD | {"fatcot": 3})]
    rows = daily_rows(raw)
    assert rows[0]["open_price"] == D("10.70000000")
    assert rows[0]["average_price"] == D("10.85000000")
    assert rows[0]["low_price"] == D("10.66333333")
    for value, passes in ((D("10.66333334"), True), (D("10.66333335"), False)):
        daily = to_daily([rows[0] | {"low_price": value}])
        checks = audit_quotes_month(raw, daily, expected_monthly(daily))
        assert all(each.has_passed for each in checks) is passes


def test_a_row_of_no_session_is_found() -> None:
    rows = daily_rows()
    rows[0]["trading_date"] = None
    assert failed(rows)["daily_equals_raw"] == "2022-02-03: 4 records in raw, 3 in the run"


def test_a_month_without_the_cash_market_has_no_rows() -> None:
    raw = [session(FIRST, OPTION)]
    daily = to_daily([row for row in daily_rows() if row["ticker"] == OPTION["codneg"]])
    checks = audit_quotes_month(raw, daily, expected_monthly(daily))
    assert [check.name for check in checks if not check.has_passed] == []


def test_a_lost_session_is_found() -> None:
    found = failed(daily_rows()[:4])
    assert found["daily_has_the_sessions_of_raw"] == "2022-02-04 is missing"


def test_a_session_too_many_is_found() -> None:
    rows = daily_rows()
    rows[0]["trading_date"] = dt.date(2022, 2, 7)
    found = failed(rows)
    assert found["daily_has_the_sessions_of_raw"] == "2022-02-07 is not in raw"


def test_a_session_that_raw_gives_twice_is_found() -> None:
    daily = to_daily(daily_rows())
    checks = audit_quotes_month([*RAW, RAW[0]], daily, expected_monthly(daily))
    failures = {check.name: check.found for check in checks if not check.has_passed}
    assert failures["daily_has_the_sessions_of_raw"] == "2022-02-03 is missing"


def test_a_run_without_rows_fails() -> None:
    assert failed([], monthly=pa.table({})) == {"daily_has_rows": "no row"}


def test_the_month_is_that_of_the_cash_market() -> None:
    rows = {row["ticker"]: row for row in expected_monthly(to_daily(daily_rows())).to_pylist()}
    assert sorted(rows) == ["FNAM11", "PETR4", "VALE3"]
    vale = rows["VALE3"]
    assert (vale["session_count"], vale["first_trading_date"], vale["last_trading_date"]) == (
        2,
        FIRST,
        SECOND,
    )
    assert (vale["open_price"], vale["close_price"]) == (D("32.10000000"), D("31.99000000"))
    assert (vale["quantity"], vale["volume"]) == (2 * 51_000_200, 2 * D("1660056510.00"))


def test_a_wrong_month_is_found() -> None:
    daily = to_daily(daily_rows())
    rows = expected_monthly(daily).to_pylist()
    schema = expected_monthly(daily).schema
    rows[0]["close_price"] = D("1.00000000")
    wrong = pa.Table.from_pylist(rows, schema)
    ticker = rows[0]["ticker"]
    assert failed(daily_rows(), wrong)["monthly_agrees_with_daily"] == f"close_price of {ticker}"
    short = pa.Table.from_pylist(rows[1:], schema)
    assert "3 tickers expected, 2 found" in failed(daily_rows(), short)["monthly_agrees_with_daily"]


def test_every_column_that_is_published_is_expected() -> None:
    daily = expected_daily(RAW[0][1])
    assert {*daily.column_names, *PRICES} == set(QUOTES_DAILY.types())
    assert expected_monthly(to_daily(daily_rows())).column_names == list(QUOTES_MONTHLY.types())
