"""What a file of views shows while months are published, revised and lost."""

import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.views import make_views
from tasks.core.commit import commit_key
from tasks.core.datasets import TABLES
from tasks.core.errors import (
    BadDataError,
    CommitError,
    IncompleteError,
    InvalidInputError,
    NotConfiguredError,
)
from tasks.core.plan import plan_key
from tasks.core.portfolio import PORTFOLIO
from tasks.core.views import duckdb_type
from tasks.shelf import read_latest
from tests.protocol.lake import DAYS, MONTH, SUBJECT, Lake, divisor, seen
from tests.protocol.stage import Stage, before
from tests.standin.glue import BUCKET, DATABASE, JOB

D1, D2, *_ = DAYS
DAILY, SUMMARY, MONTHLY = (table.name for table in PORTFOLIO.refined_tables[:3])
RAW = PORTFOLIO.raw.name


class Analyst:
    """Has the lake as a folder, makes files of views and reads them."""

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.folder = folder / "month=2020-01" / "trading_date=2020-01-02" / "year=2020" / "la'ke"
        self.files = folder
        self._lake = lake

    def copy_lake(self) -> None:
        """Have what lies in the bucket in the folder: the local cloud's lake is one."""
        keys = self._lake.keys()
        there = {key for key in keys if not key.endswith("/")}  # what marks a folder is one here
        for key in there:
            path = self.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._lake.body(key))
        for path in self.folder.rglob("*"):
            if path.is_file() and path.relative_to(self.folder).as_posix() not in there:
                path.unlink()

    def make(
        self,
        name: str = "lake.duckdb",
        as_of: dt.datetime | None = None,
        *,
        without_gone: bool = False,
    ) -> Path:
        """Make a file of views of the lake as it is."""
        self.copy_lake()
        self.said = make_views(self.files / name, as_of, without_gone=without_gone)
        return self.files / name

    def seen(self, path: Path) -> dict[dt.date, int]:
        """`{session: revision}` that a file shows; as `Lake.seen`."""
        days = {day for (day,) in ask(path, f"SELECT DISTINCT trading_date FROM {DAILY}")}
        ends = ask(path, f"SELECT min(first_trading_date), max(last_trading_date) FROM {MONTHLY}")
        summary = ask(path, f"SELECT trading_date, index_divisor FROM {SUMMARY}")
        assert days == {day for day, _ in summary}
        assert ends == [(min(days), max(days)) if days else (None, None)]
        return {day: int(value - divisor(0)) for day, value in summary}


def plain(value: Any) -> Any:
    """A value as DuckDB gives it: moments without a zone, which are UTC."""
    if isinstance(value, dt.datetime):
        return dt.datetime.fromisoformat(value.isoformat()).replace(tzinfo=None)
    return value


def objects_of(lake: Lake, table: str) -> list[str]:
    """The files of a table that readers see: none where the commit does not name it."""
    tables = lake.latest.tables
    return list(tables[table].objects) if table in tables else []


def now() -> dt.datetime:
    """What time it is by S3's clock."""
    return read_latest(SUBJECT, MONTH).at


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
        return rows


@pytest.fixture
def analyst(stage: Stage, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Analyst:
    analyst = Analyst(lake, tmp_path)
    settings = {"LAKE_BUCKET": BUCKET, "DATABASE": DATABASE, "GLUE_JOB": JOB}
    for name, value in (settings | {"LAKE_FOLDER": str(analyst.folder)}).items():
        monkeypatch.setenv(f"B3_{name}", value)
    return analyst


@pytest.fixture
def publish(stage: Stage, lake: Lake) -> Callable[..., None]:
    """Publishes sessions of the month, a minute after and before all else by S3's clock."""

    def act(*days: dt.date, revision: int = 0) -> None:
        lake.passes(minutes=1)
        lake.write(*days, revision=revision)
        stage.flow(f"flow-{now():%H%M%S}-{len(lake.keys())}").ends()
        lake.passes(minutes=1)

    return act


@pytest.mark.parametrize("held_before", [SUMMARY, MONTHLY])
def test_all_tables_of_a_month_are_of_one_commit_while_its_partitions_move(
    stage: Stage,
    lake: Lake,
    analyst: Analyst,
    publish: Callable[..., None],
    held_before: str,
) -> None:
    publish(D1)
    earlier = analyst.make("earlier.duckdb")
    locations = lake.locations()
    lake.write(D1, D2, revision=1)
    a = stage.flow("a")
    a.goes_to(
        lambda event: (
            event.when == "before"
            and event.what == "glue:UpdatePartition"
            and event.parameters["TableName"] == held_before
        )
    )
    moved = {table for table, at in lake.locations().items() if at != locations[table]}
    assert DAILY in moved
    assert held_before not in moved  # so Athena shows tables of two commits

    later = analyst.make("later.duckdb")
    assert analyst.seen(later) == seen(D1, D2, revision=1)
    assert analyst.seen(earlier) == seen(D1)
    a.ends()
    assert analyst.seen(analyst.make("last.duckdb")) == lake.seen() == seen(D1, D2, revision=1)
    assert analyst.seen(earlier) == seen(D1)


def test_a_commit_is_seen_from_its_put_on_and_not_before(
    stage: Stage, lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before("s3:PutObject", "published/"))
    assert analyst.seen(analyst.make()) == seen(D1)
    a.ends()
    assert analyst.seen(analyst.make()) == seen(D1, D2)


def test_each_view_has_the_rows_columns_and_types_of_its_files(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1, D2)
    path = analyst.make()
    for table in TABLES:
        columns = {**table.types(), table.partition_key.name: table.partition_key.type}
        found = [(name, kind) for name, kind, *_ in ask(path, f"DESCRIBE {table.name}")]
        assert found == [(name, duckdb_type(kind)) for name, kind in columns.items()]
    for table in PORTFOLIO.refined_tables:
        in_files = [
            (*map(plain, row.values()), MONTH)
            for key in objects_of(lake, table.name)
            for row in lake.rows(key)
        ]
        assert sorted(map(str, ask(path, f"FROM {table.name}"))) == sorted(map(str, in_files))
    in_raw = [
        (*map(plain, row.values()), day)
        for day in (D1, D2)
        for row in lake.rows(PORTFOLIO.raw.object_key(str(day), "IBOV"))
    ]
    assert sorted(map(str, ask(path, f"FROM {RAW}"))) == sorted(map(str, in_raw))
    assert ask(path, "SELECT count(*) FROM quotes_daily") == [(0,)]


def test_a_condition_on_the_partition_says_which_files_are_read(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1, D2)
    path = analyst.make()
    ((_, plan),) = ask(path, f"EXPLAIN ANALYZE FROM {RAW} WHERE trading_date = DATE '{D1}'")
    assert "Scanning Files: 1/2" in plan
    ((_, plan),) = ask(path, f"EXPLAIN ANALYZE FROM {DAILY} WHERE month = '1999-01'")
    assert "Scanning Files: 0/1" in plan


def test_as_of_shows_what_readers_saw_then(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    before_all = now() - dt.timedelta(days=1)
    publish(D1)
    between = now()
    lake.passes(days=1)
    publish(D1, D2, revision=1)

    assert analyst.seen(analyst.make("now.duckdb")) == seen(D1, D2, revision=1)
    assert analyst.seen(analyst.make("after.duckdb", now())) == seen(D1, D2, revision=1)
    then = analyst.make("then.duckdb", between)
    assert analyst.seen(then) == seen(D1)
    assert analyst.said == (
        f"wrote {then}: {sum(table.is_refined for table in TABLES)} views, portfolio 1 month, "
        f"quotes 0 months, reconciliation 0 months, as of {between:%Y-%m-%d %H:%M:%S} UTC, without "
        f"the tables that keep no history (raw_ tables, index_levels)"
    )
    assert ask(then, "SELECT as_of FROM about_file") == [(between.replace(tzinfo=None),)]
    names = {
        name for (name,) in ask(then, "SELECT view_name FROM duckdb_views() WHERE NOT internal")
    }
    assert names == {table.name for table in TABLES if table.is_refined}
    assert analyst.seen(analyst.make("none.duckdb", before_all)) == {}


def test_a_commit_is_seen_from_the_very_second_of_its_object_on(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    path = analyst.make()
    ((since,),) = ask(path, "SELECT seen_since FROM about_commits")
    since = since.replace(tzinfo=dt.UTC)
    assert analyst.seen(analyst.make("at.duckdb", since)) == seen(D1)
    second = dt.timedelta(seconds=1)
    assert analyst.seen(analyst.make("before.duckdb", since - second)) == {}


def test_a_commit_that_was_restored_is_seen_since_then_no_later_than_the_next(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    lake.passes(days=1)
    publish(D1, D2, revision=1)
    second = now()
    lake.passes(days=1)
    publish(D1, D2, revision=2)
    lake.passes(days=1)
    restored = commit_key(PORTFOLIO, MONTH, 2)
    lake.put(restored, lake.body(restored))
    # Since when the second was there is not known any more, but that it was before the third.
    assert analyst.seen(analyst.make("then.duckdb", second)) == seen(D1)
    third = analyst.make("now.duckdb")
    ((since,),) = ask(third, "SELECT seen_since FROM about_commits")
    at_third = analyst.make("third.duckdb", since.replace(tzinfo=dt.UTC))
    assert analyst.seen(at_third) == seen(D1, D2, revision=2)


def test_files_gone_of_an_earlier_commit_are_an_error_that_names_what_can_be_shown(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    first, then = lake.latest, now()
    publish(D2)
    kept = analyst.make()
    lake.delete([next(iter(first.tables[SUMMARY].objects))])
    body = kept.read_bytes()

    with pytest.raises(IncompleteError) as error:
        analyst.make(as_of=then)
    ((since,),) = ask(kept, "SELECT seen_since FROM about_commits WHERE number = 2")
    earliest = f"the earliest that can be shown is 2, of {since:%Y-%m-%d %H:%M:%S} UTC"
    assert str(error.value).splitlines() == [
        "Files of 1 month are gone; nothing was written:",
        f"  portfolio {MONTH}: files of commit 1 are gone; {earliest}",
        "With --without-gone those months are left out.",
    ]
    assert kept.read_bytes() == body
    assert analyst.seen(analyst.make("now.duckdb")) == seen(D1, D2)

    path = analyst.make(as_of=then, without_gone=True)
    assert analyst.seen(path) == {}
    assert analyst.said.endswith(f"; left out, files are gone: portfolio {MONTH}")
    assert ask(path, "SELECT month, number, is_gone FROM about_commits") == [(MONTH, 1, True)]
    assert ask(path, "SELECT gone_months FROM about_file") == [(1,)]


def test_files_gone_of_the_latest_commit_are_an_error_that_says_to_run_the_flow(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    key = next(iter(lake.latest.tables[DAILY].objects))
    body = lake.body(key)
    lake.put(key, body[:-1])  # another size: not the file that the commit names
    with pytest.raises(IncompleteError, match=f"portfolio {MONTH}.*run the flow again"):
        analyst.make()
    lake.put(key, body)
    assert analyst.seen(analyst.make()) == seen(D1)


def test_the_file_says_when_it_was_made_and_of_which_commits(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    publish(D2)
    path = analyst.make()
    commit = lake.latest
    assert ask(path, "SELECT * EXCLUDE (seen_since, published_at) FROM about_commits") == [
        ("portfolio", MONTH, 2, commit.run_id, commit.attempt, commit.flow_run, False)
    ]
    ((made_at, as_of, where, gone, views),) = ask(path, "FROM about_file")
    assert abs(made_at - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < dt.timedelta(minutes=5)
    assert (as_of, where, gone) == (None, str(analyst.folder), 0)
    assert views == [table.name for table in TABLES]
    comments = dict(ask(path, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert all(comments[table.name].startswith(table.description) for table in TABLES)
    first = PORTFOLIO.refined_tables[0]
    columns = f"SELECT comment FROM duckdb_columns() WHERE table_name = '{DAILY}'"
    assert [text for (text,) in ask(path, columns)] == [
        each.description for each in (*first.columns, first.partition_key)
    ]


def made_otherwise(lake: Lake, rows: pa.Table, columns: list[list[str]], month: str) -> None:
    """Publish a month of `portfolio_daily` alone, as an older version of the code would have."""
    key = f"refined/{DAILY}/run_id=older/attempt=a/month={month}/part.parquet"
    body = io.BytesIO()
    pq.write_table(rows, body)
    lake.put(key, body.getvalue())
    tables = [{"name": DAILY, "columns": columns}]
    lake.put(plan_key("older"), json.dumps({"tables": tables}).encode())
    latest = max(lake.keys(f"published/portfolio/{MONTH}/"))
    document = json.loads(lake.body(latest)) | {
        "number": 1,
        "month": month,
        "statements": "older",
        "run_id": "older",
        "attempt": "a",
        "tables": {
            DAILY: {"objects": [{"key": key, "size": len(body.getvalue())}], "rows": len(rows)}
        },
    }
    lake.put(commit_key(PORTFOLIO, month, 1), json.dumps(document).encode())


def test_a_month_that_was_made_otherwise_is_shown_in_todays_columns(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    rows = pa.table({"weight_pct": ["1.5", None], "ticker": ["OLD3", "OLD4"], "gone": [1, 2]})
    columns = [["weight_pct", "string"], ["ticker", "string"], ["gone", "bigint"]]
    made_otherwise(lake, rows, columns, "2025-07")
    path = analyst.make()

    older = f"FROM {DAILY} WHERE month = '2025-07' ORDER BY ticker"
    assert ask(path, f"SELECT ticker, weight_pct, sector, theoretical_quantity {older}") == [
        ("OLD3", Decimal("1.500"), None, None),
        ("OLD4", None, None, None),
    ]
    assert ask(path, f"SELECT DISTINCT month FROM {DAILY} ORDER BY 1") == [("2025-07",), (MONTH,)]
    assert ask(path, f"SELECT DISTINCT month FROM {SUMMARY}") == [(MONTH,)]
    kinds = [kind for _, kind, *_ in ask(path, f"DESCRIBE {DAILY}")]
    today = [*PORTFOLIO.refined_tables[0].types().values(), "string"]
    assert kinds == list(map(duckdb_type, today))


def test_a_month_that_was_made_otherwise_is_an_error_where_its_plan_is_gone(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    made_otherwise(lake, pa.table({"ticker": ["OLD3"]}), [["ticker", "string"]], "2025-07")
    lake.delete([plan_key("older")])
    with pytest.raises(CommitError, match=r"runs/older/plan\.json"):
        analyst.make()
    assert not list(analyst.files.glob("*duckdb*"))


def test_what_is_no_raw_object_is_named_and_left_out(
    lake: Lake,
    analyst: Analyst,
    publish: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish(D1)
    odd = [
        "raw/portfolio/readme.txt",
        "raw/portfolio/trading_date=someday/IBOV.parquet",
        "raw/portfolio/trading_date=2025-08-01/IBOV.parquet.bak",
        "raw/index_levels/session=2025/IBOV.parquet",
    ]
    odd.append("raw/portfolio/trading_date=2025-08-01/ZERO.parquet")
    for key in odd:
        lake.put(key, b"PAR1")
    path = analyst.make()
    told = " ".join(capsys.readouterr().err.split())
    assert [key for key in odd if f"left out: {key} " not in told] == []
    assert ask(path, f"SELECT DISTINCT trading_date FROM {RAW}") == [(D1,)]


def test_a_folder_that_is_not_the_lake_is_an_error(
    lake: Lake, analyst: Analyst, publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(D1)
    monkeypatch.setenv("B3_LAKE_FOLDER", str(analyst.files / "elsewhere"))
    with pytest.raises(NotConfiguredError, match="B3_LAKE_FOLDER"):
        analyst.make()
    assert not list(analyst.files.glob("*duckdb*"))


def test_a_file_that_is_no_parquet_is_an_error_and_the_older_file_stays(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    path = analyst.make()
    body = path.read_bytes()
    lake.put("raw/index_levels/year=2025/IBOV.parquet", b"garbage, and long enough to be read")
    with pytest.raises(BadDataError, match="Nothing was written"):
        analyst.make()
    assert path.read_bytes() == body
    assert [each.name for each in analyst.files.glob("*duckdb*")] == [path.name]


def test_an_older_file_of_its_own_is_replaced_and_no_other(
    lake: Lake, analyst: Analyst, publish: Callable[..., None]
) -> None:
    publish(D1)
    path = analyst.make()
    publish(D2)
    assert analyst.seen(analyst.make()) == seen(D1, D2)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE VIEW mine AS SELECT 1")
    body = path.read_bytes()
    with pytest.raises(InvalidInputError, match=r"mine.*Name another --to"):
        analyst.make()
    assert path.read_bytes() == body
