"""The SQL of views, and what they are chosen over."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.attempt import Output
from tasks.core.commit import Commit
from tasks.core.dataset import Column, Dataset, Refined, Table
from tasks.core.datasets import TABLES
from tasks.core.errors import CommitError, InvalidInputError
from tasks.core.views import (
    ABOUT,
    Part,
    choose_number,
    create_about,
    create_view,
    describe_moment,
    duckdb_type,
    group_files,
    is_readable,
    is_whole_among,
    read_moment,
    read_plan_columns,
)

NOON = dt.datetime(2025, 8, 1, 12, tzinfo=dt.UTC)
DAILY = Table(
    name="daily",
    description="What's daily.",
    grain="one day",
    key=("ticker",),
    prefix="refined/daily/",
    columns=(
        Column("ticker", "string", "The ticker, it's said."),
        Column("weight_pct", "decimal(6,3)", "The weight."),
        Column("read_at", "timestamp", "When it was read."),
    ),
    partition_key=Column("month", "string", "The month."),
)
RAW = Table(
    name="raw_daily",
    description="",
    grain="",
    key=(),
    prefix="raw/daily/",
    columns=(Column("x", "int", ""),),
    partition_key=Column("trading_date", "date", ""),
)
YEARLY = Table("yearly", "", "", (), "raw/yearly/", RAW.columns, Column("year", "string", ""))
DATASET = Dataset(
    name="toy",
    raw=RAW,
    refined=(Refined(DAILY, "", (), ""),),
    audit=lambda _raw, _refined: [],
    refine_seconds_a_month=1,
)
TODAY = tuple(DAILY.types().items())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-08-01T12:00", NOON),
        ("2025-08-01 12:00", NOON),
        ("2025-08-01T12:00:00", NOON),
        ("2025-08-01T12:00Z", NOON),
        ("2025-08-01T09:00-03:00", NOON),
        ("2025-08-01T09:00:30-03:00", NOON.replace(second=30)),
        ("2025-08-01T14:30+02:30", NOON),
    ],
)
def test_a_moment_is_in_utc_unless_it_says_otherwise(text: str, moment: dt.datetime) -> None:
    found = read_moment(text, NOON + dt.timedelta(days=1))
    assert (found, found.tzinfo) == (moment, dt.UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-08-01",
        "2025-08-01T12",
        "12:00",
        "yesterday",
        "2025-13-01T12:00",
        "2025-08-01T25:00",
        "2025-08-01T12:00-0300",
        "2025-08-01T12:00 ",
        "2025-08-01T12:00:00.5",
        "٢025-08-01T12:00",
        "0001-01-01T00:00+03:00",
    ],
)
def test_what_is_no_moment_is_refused_with_the_form_of_one(text: str) -> None:
    with pytest.raises(InvalidInputError, match="expected a moment YYYY-MM-DDTHH:MM, in UTC"):
        read_moment(text, NOON)


def test_a_moment_to_come_is_refused_and_now_is_not() -> None:
    assert read_moment("2025-08-01T12:00", NOON) == NOON
    with pytest.raises(InvalidInputError, match="found 2025-08-01 12:01:00 UTC: now it is"):
        read_moment("2025-08-01T12:01", NOON)
    with pytest.raises(InvalidInputError, match="that has been"):
        read_moment("2025-08-01T12:00-00:01", NOON)


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_a_moment_round_trips(moment: dt.datetime) -> None:
    whole = moment.replace(microsecond=0)
    found = read_moment(whole.isoformat(), dt.datetime.max.replace(tzinfo=dt.UTC))
    assert found == whole
    assert describe_moment(found) == f"{whole:%Y-%m-%d %H:%M:%S} UTC"


def test_the_highest_commit_that_was_there_is_chosen() -> None:
    hour = dt.timedelta(hours=1)
    since = {1: NOON, 2: NOON + hour, 3: NOON + 2 * hour}
    assert choose_number(since) == 3
    assert choose_number(since, NOON + hour) == 2
    assert choose_number(since, NOON + hour - dt.timedelta(seconds=1)) == 1
    assert choose_number(since, NOON - hour) is None
    assert choose_number({}) is None


def commit(tables: dict[str, Output]) -> Commit:
    return Commit(1, "2025-08", "d", "s", (), "r", "a", tables, NOON, "f")


def test_a_commit_is_whole_where_each_of_its_files_is_there_in_its_size() -> None:
    shown = commit({"daily": Output({"k": 3, "l": 4}, 1), "of_another_time": Output({"m": 1}, 1)})
    assert is_whole_among(shown, DATASET, {"k": 3, "l": 4, "more": 1})
    assert not is_whole_among(shown, DATASET, {"k": 3})
    assert not is_whole_among(shown, DATASET, {"k": 3, "l": 5})
    assert is_whole_among(commit({}), DATASET, {})


def test_a_plan_says_with_which_columns_it_was_made() -> None:
    plan = {"tables": [{"name": "daily", "columns": [["a", "int"], ["b", "string"]]}]}
    assert read_plan_columns(json.dumps(plan).encode(), "k") == {
        "daily": (("a", "int"), ("b", "string"))
    }


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"tables": [{}]}', b'{"tables": [1]}'])
def test_what_is_no_plan_is_an_error_that_names_it(body: bytes) -> None:
    with pytest.raises(CommitError, match=r"runs/x/plan\.json"):
        read_plan_columns(body, "runs/x/plan.json")


@pytest.mark.parametrize(
    ("table", "key", "is_one"),
    [
        (RAW, "raw/daily/trading_date=2025-08-01/IBOV.parquet", True),
        (RAW, "raw/daily/trading_date=2025-08-01/part/IBOV.parquet", True),
        (RAW, "raw/daily/trading_date=2025-02-30/IBOV.parquet", False),
        (RAW, "raw/daily/trading_date=20250801/IBOV.parquet", False),
        (RAW, "raw/daily/trading_date=someday/IBOV.parquet", False),
        (RAW, "raw/daily/trading_date=/IBOV.parquet", False),
        (RAW, "raw/daily/month=2025-08-01/IBOV.parquet", False),
        (RAW, "raw/daily/IBOV.parquet", False),
        (RAW, "raw/daily/trading_date=2025-08-01.parquet", False),
        (RAW, "raw/daily/trading_date=2025-08-01/IBOV.csv", False),
        (RAW, "raw/daily/trading_date=2025-08-01/.parquet", False),
        (RAW, "raw/daily/trading_date=2025-08-01/_temporary/IBOV.parquet", False),
        (RAW, "raw/daily/trading_date=2025-08-01/trading_date=2025-08-04/IBOV.parquet", False),
        (RAW, "raw/daily/trading_date=2025-08-01/*.parquet", False),
        (RAW, "raw/daily/trading_date=2025-08-01/[I]BOV.parquet", False),
        (YEARLY, "raw/yearly/year=2025/IBOV.parquet", True),
        (YEARLY, "raw/yearly/trading_date=2025-08-01/IBOV.parquet", False),
    ],
)
def test_a_raw_object_is_one_whose_partition_can_be_told(
    table: Table, key: str, is_one: bool
) -> None:
    assert is_readable(table, key) == is_one


def test_files_are_grouped_by_their_columns_in_order() -> None:
    a, b = (("x", "int"),), (("y", "int"),)
    assert group_files([(a, "1"), (b, "2"), (a, "3")]) == (Part(a, ("1", "3")), Part(b, ("2",)))
    assert group_files([]) == ()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A folder whose own name looks like a partition, and holds a quote."""
    folder = tmp_path / "month=1999-01" / "it's"
    folder.mkdir(parents=True)
    return folder


def put(lake: Path, month: str, rows: pa.Table, **how: Any) -> str:
    path = lake / "refined" / "daily" / "run_id=7" / "attempt=08" / f"month={month}" / "x.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(rows, path, **how)
    return str(path)


def shown(parts: list[Part], *, zone: str = "UTC") -> tuple[list[tuple[str, str]], list[Any]]:
    with duckdb.connect() as connection:
        for statement in create_view(DAILY, parts):
            connection.execute(statement)
        connection.execute(f"SET TimeZone = '{zone}'")
        described = connection.execute("DESCRIBE daily").fetchall()
        rows = connection.execute("FROM daily ORDER BY ALL").fetchall()
        return [(name, kind) for name, kind, *_ in described], rows


TYPES = [
    ("ticker", "VARCHAR"),
    ("weight_pct", "DECIMAL(6,3)"),
    ("read_at", "TIMESTAMP"),
    ("month", "VARCHAR"),
]
AT = NOON.replace(tzinfo=None)


def rows_of_today(ticker: str, read_at: pa.Array) -> pa.Table:
    weight = pa.array([Decimal("1.500")], pa.decimal128(6, 3))
    return pa.table({"read_at": read_at, "ticker": [ticker], "weight_pct": weight})


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo"])
def test_columns_are_the_tables_whatever_the_files_order_and_kind_of_timestamp(
    lake: Path, zone: str
) -> None:
    naive = pa.array([AT], pa.timestamp("us"))
    urls = [
        put(lake, "2025-07", rows_of_today("A", naive), use_deprecated_int96_timestamps=True),
        put(lake, "2025-08", rows_of_today("B", naive)),
    ]
    aware = put(lake, "2025-09", rows_of_today("C", pa.array([NOON], pa.timestamp("us", "UTC"))))
    nanos = put(lake, "2025-10", rows_of_today("D", pa.array([AT], pa.timestamp("ns"))))
    parts = [Part(TODAY, tuple(urls)), Part(TODAY, (aware,)), Part(TODAY, (nanos,))]
    columns, rows = shown(parts, zone=zone)
    assert columns == TYPES
    months = [("A", "2025-07"), ("B", "2025-08"), ("C", "2025-09"), ("D", "2025-10")]
    assert rows == [(ticker, Decimal("1.500"), AT, month) for ticker, month in months]


def test_older_columns_are_shown_as_todays(lake: Path) -> None:
    older = pa.table({"ticker": ["A", "B"], "weight_pct": ["2.25", None], "dropped": [1, 2]})
    columns = (("ticker", "string"), ("weight_pct", "string"), ("dropped", "bigint"))
    text = pa.table({"read_at": [str(AT)], "weight_pct": [1]})
    texts = (("read_at", "string"), ("weight_pct", "int"))
    parts = [
        Part(columns, (put(lake, "2025-07", older),)),
        Part(texts, (put(lake, "2025-06", text),)),
    ]
    found, rows = shown(parts)
    assert found == TYPES
    assert rows == [
        ("A", Decimal("2.250"), None, "2025-07"),
        ("B", None, None, "2025-07"),
        (None, Decimal("1.000"), AT, "2025-06"),
    ]


def test_a_table_without_files_is_empty_and_has_its_types() -> None:
    assert shown([]) == (TYPES, [])


def test_a_view_says_what_it_and_its_columns_are() -> None:
    with duckdb.connect() as connection:
        for statement in create_view(DAILY, []):
            connection.execute(statement)
        comments = connection.execute(
            "SELECT comment FROM duckdb_views() WHERE view_name = 'daily' UNION ALL "
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'daily'"
        ).fetchall()
    texts = ["What's daily. A row is one day.", *(each.description for each in DAILY.columns)]
    assert [text for (text,) in comments] == [*texts, "The month."]


def test_every_type_of_the_lake_is_known_to_duckdb() -> None:
    with duckdb.connect() as connection:
        for table in TABLES:
            for statement in create_view(table, []):
                connection.execute(statement)
    assert duckdb_type("decimal(18,2)") == "DECIMAL(18,2)"


def test_what_the_file_says_of_itself_are_tables() -> None:
    with duckdb.connect() as connection:
        for statement in create_about():
            connection.execute(statement)
        found = connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
    assert dict(found) == {name: comment for name, (comment, _) in ABOUT.items()}
