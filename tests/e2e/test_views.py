"""Views, Athena and the files themselves agree; what the page for analysts shows runs.

So does the notebook, which shows the same either way.
"""

import datetime as dt
import decimal
import itertools
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awswrangler as wr
import duckdb
import nbformat
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from infra.local import demo
from infra.local.b3.sessions import SESSIONS, index_level
from infra.notebook import NOTEBOOK, run_notebook
from infra.queries import Query, documented_queries
from tasks.core.dataset import Table
from tasks.core.datasets import DATASETS, TABLES
from tasks.core.portfolio import PORTFOLIO
from tasks.duckdb_file import open_s3
from tests.documented import blocks
from tests.e2e.cloud import ROOT, Cloud, Outcome, run_module, served, wait_until
from tests.e2e.notebooks import charts_of, make_database, outputs_of, tables_of, words_of

pytestmark = [pytest.mark.e2e, pytest.mark.spark, pytest.mark.timeout(600)]

# Python of every page; SQL of this one, as that of others is asked in files of its own.
WITH_SQL = "ANALYSTS.md"
EXAMPLES = [
    (name, block.language, block.text)
    for block in blocks()
    for name in [Path(block.page).name]
    if block.language == "python" or (block.language == "sql" and name == WITH_SQL)
]
# Lakes that the notebook is run on: without anything, with a first session alone, the demo's.
EMPTY, FIRST, DEMO = "empty", "first", "demo"
STORED = nbformat.read(NOTEBOOK, as_version=4)
BLUE = (0, 114, 178)
Row = tuple[Any, ...]
Rows = Counter[Row]


@pytest.fixture(scope="module")
def lake(whole_cloud: Cloud) -> Cloud:
    """The demo's lake: portfolios of three indices, quotes, levels, and all three reconciled."""
    indices = ["--index", *demo._INDICES]
    for session in SESSIONS:
        whole_cloud.show(session)
        arguments = ["--trading-date", str(session), *indices]
        assert whole_cloud.run_portfolio(*arguments).code == 0
    span = ["--start", str(SESSIONS[0]), "--end", str(SESSIONS[-1])]
    assert whole_cloud.run_flow("backfill", "--dataset", "quotes", *span).code == 0
    assert whole_cloud.run_flow("levels", "--year", str(SESSIONS[-1].year), *indices).code == 0
    assert whole_cloud.run_flow("reconcile", *span).code == 0
    return whole_cloud


@pytest.fixture
def aws(lake: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process uses the cloud too."""
    for name, value in lake.env.items():
        if name.startswith(("AWS_", "B3_")):
            monkeypatch.setenv(name, value)


def make(lake: Cloud, to: Path, *arguments: str, from_s3: bool = False) -> Outcome:
    without = {"B3_LAKE_FOLDER"} if from_s3 else set()
    environment = {name: value for name, value in lake.env.items() if name not in without}
    return run_module("flows.views", ["--to", str(to), *arguments], environment)


@pytest.fixture(scope="module")
def file(lake: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of views over the cloud's folder."""
    path = tmp_path_factory.mktemp("views") / "lake.duckdb"
    outcome = make(lake, path)
    assert outcome.code == 0, outcome.error
    months = len({str(day)[:7] for day in SESSIONS})
    word = "month" if months == 1 else "months"
    held = ", ".join(f"{dataset.name} {months} {word}" for dataset in DATASETS)
    assert outcome.last_line == f"wrote {path}: {len(TABLES)} views, {held}"
    assert "nanobind" not in outcome.error
    return path


@pytest.fixture
def views(file: Path) -> Iterator[Any]:
    with duckdb.connect(str(file), read_only=True) as connection:
        yield connection


def counted(rows: Any) -> Rows:
    return Counter(tuple(map(plain, row)) for row in rows)


def plain(value: Any) -> Any:
    """A value of any reader: a missing one None, a number exact, a moment in UTC."""
    if pd.isna(value):
        return None
    if isinstance(value, dt.datetime):
        value = dt.datetime.fromisoformat(value.isoformat())
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, dt.date | str | decimal.Decimal):
        return value
    return decimal.Decimal(repr(float(value))) if float(value) != int(value) else int(value)


def from_athena(sql: str) -> list[Row]:
    frame = wr.athena.read_sql_query(
        sql,
        database=os.environ["B3_DATABASE"],
        workgroup=os.environ["B3_WORKGROUP"],
        ctas_approach=False,
    )
    rows = frame.astype(object).itertuples(index=False, name=None)
    return [tuple(map(plain, row)) for row in rows]


def without_empty_text(row: Row) -> Row:
    """A row as awswrangler reads it from Athena's CSV, where an empty text is a missing one."""
    return tuple(None if value == "" else value for value in row)


def from_files(lake: Cloud, table: Table) -> Rows:
    """The rows of a table, from the objects that commits name or that lie in raw."""
    rows: Rows = Counter()
    if not table.is_refined:
        for key in lake.objects(table.prefix):
            rows += read(lake, key, table.value_of(key), table)
        return rows
    (dataset,) = [each for each in DATASETS if table in each.refined_tables]
    months = {key.split("/")[2] for key in lake.objects(f"published/{dataset.name}/")}
    for month in months:
        for each in lake.commits(dataset.name, month)[-1]["tables"][table.name]["objects"]:
            rows += read(lake, each["key"], month, table)
    return rows


def read(lake: Cloud, key: str, value: str, table: Table) -> Rows:
    path = lake.state / "lake" / "b3-lake" / key
    found = pq.ParquetFile(path, coerce_int96_timestamp_unit="us").read().to_pylist()
    is_date = table.partition_key.type == "date"
    partition = dt.date.fromisoformat(value) if is_date else value
    return counted((*(row[name] for name in table.types()), partition) for row in found)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_views_athena_and_files_agree_in_every_row(lake: Cloud, views: Any, table: Table) -> None:
    in_files = from_files(lake, table)
    assert counted(views.execute(f"FROM {table.name}").fetchall()) == in_files
    columns = ", ".join([*table.types(), table.partition_key.name])
    expected = Counter(map(without_empty_text, in_files.elements()))
    assert Counter(from_athena(f"SELECT {columns} FROM {table.name}")) == expected


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("query", documented_queries(), ids=lambda query: query.title)
def test_each_documented_query_gives_in_the_file_what_athena_gives(
    lake: Cloud, views: Any, query: Query
) -> None:
    found = [tuple(map(plain, row)) for row in views.execute(query.sql).fetchall()]
    expected = from_athena(query.sql)
    assert Counter(found) == Counter(expected)
    assert found == expected  # each query says how its rows are ordered, to the last of them


def test_each_documented_query_has_an_answer_but_for_those_on_what_is_not_there(
    views: Any,
) -> None:
    empty = [
        query.title for query in documented_queries() if not views.execute(query.sql).fetchall()
    ]
    assert empty == []


@pytest.mark.usefixtures("aws")
def test_over_s3_the_views_show_the_same(lake: Cloud, views: Any, tmp_path: Path) -> None:
    path = tmp_path / "s3.duckdb"
    outcome = make(lake, path, from_s3=True)
    assert outcome.code == 0, outcome.error
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.register_filesystem(open_s3())
        (where,) = connection.execute("SELECT lake FROM about_file").fetchone()
        assert where == "s3://b3-lake"
        (sql,) = connection.execute(
            "SELECT sql FROM duckdb_views() WHERE view_name = 'portfolio_daily'"
        ).fetchone()
        assert "'s3://b3-lake/refined/portfolio_daily/" in sql
        for table in TABLES:
            question = f"FROM {table.name}"
            found = counted(connection.execute(question).fetchall())
            assert found == counted(views.execute(question).fetchall())


def test_as_of_before_and_after_another_commit(lake: Cloud, file: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(file), read_only=True) as connection:
        (since,) = connection.execute(
            "SELECT max(seen_since) FROM about_commits WHERE dataset = 'portfolio'"
        ).fetchone()
    day = since.replace(microsecond=0) - dt.timedelta(days=1)
    before = make(lake, tmp_path / "before.duckdb", "--as-of", f"{day:%Y-%m-%dT%H:%M:%S}")
    assert before.code == 0, before.error
    assert "portfolio 0 months" in before.last_line
    now = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    after = make(lake, tmp_path / "after.duckdb", "--as-of", now)
    assert after.code == 0, after.error
    with (
        duckdb.connect(str(file), read_only=True) as latest,
        duckdb.connect(str(tmp_path / "after.duckdb"), read_only=True) as then,
    ):
        question = "FROM portfolio_daily ORDER BY ALL"
        assert then.execute(question).fetchall() == latest.execute(question).fetchall()


def test_killed_half_way_the_old_file_stays(lake: Cloud, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "lake.duckdb"
    path.write_bytes(file.read_bytes())
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.views", "--to", str(path)],
        cwd=ROOT,
        env=lake.env,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: process.poll() is not None or len(list(tmp_path.iterdir())) > 1, "begun")
    process.kill()
    assert process.wait() in (0, -signal.SIGKILL)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("FROM portfolio_daily").fetchall()
    assert make(lake, path).code == 0


def test_no_answer_of_aws_is_one_clear_line(lake: Cloud, tmp_path: Path) -> None:
    environment = lake.env | {"B3_LAKE_BUCKET": "another-lake"}
    outcome = run_module("flows.views", ["--to", str(tmp_path / "x.duckdb")], environment)
    assert (outcome.code, outcome.last_line) == (1, "")
    assert outcome.error.count("failed: ") == 1
    assert "Check B3_LAKE_BUCKET" in outcome.error
    assert "Traceback" not in outcome.error
    assert list(tmp_path.iterdir()) == []


def test_the_page_shows_each_way_to_read() -> None:
    python = "\n".join(text for _, language, text in EXAMPLES if language == "python")
    for way in ("duckdb.connect(", ".pl()", "wr.athena.read_sql_query(", "wr.s3.read_parquet("):
        assert way in python
    assert "sql" in {language for _, language, _ in EXAMPLES}
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize(
    ("page", "example"),
    [(page, text) for page, language, text in EXAMPLES if language == "python"],
    ids=lambda value: value.split("\n", 1)[0],
)
def test_each_python_example_runs(
    lake: Cloud, file: Path, tmp_path: Path, page: str, example: str
) -> None:
    (tmp_path / "lake.duckdb").write_bytes(file.read_bytes())
    ended = subprocess.run(
        [sys.executable, "-c", f"{example}\nprint(len(frame))"],
        cwd=tmp_path,
        env=lake.env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout.split()[-1]) > 0, page


@pytest.mark.parametrize("example", [text for _, language, text in EXAMPLES if language == "sql"])
def test_each_sql_example_is_answered_or_at_least_read(
    lake: Cloud, views: Any, example: str
) -> None:
    statements = [each.query.strip() for each in duckdb.extract_statements(example)]
    if "SECRET" in example:  # it needs the network, and an account
        assert [each.partition(" ")[0] for each in statements] == [
            *["INSTALL", "LOAD"] * 2,
            "CREATE",
        ]
        return
    for statement in statements:
        assert views.execute(statement).fetchall()
        assert lake.query(statement)


@pytest.fixture(scope="module")
def notebooks(
    lake: Cloud, file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """What the notebook shows of lakes: over views, then through Athena, but of an empty one."""
    folder = tmp_path_factory.mktemp("notebook")
    with duckdb.connect(str(file), read_only=True) as connection:
        (first,) = connection.execute(
            "SELECT seen_since FROM about_commits WHERE dataset = 'portfolio' ORDER BY month"
        ).fetchone()
    views = {EMPTY: folder / "empty.duckdb", FIRST: folder / "first.duckdb", DEMO: file}
    for name, moment in ((EMPTY, first - dt.timedelta(days=1)), (FIRST, first)):
        outcome = make(lake, views[name], "--as-of", f"{moment:%Y-%m-%dT%H:%M:%S}")
        assert outcome.code == 0, outcome.error
    month = {table.name: [f"{SESSIONS[0]:%Y-%m}"] for table in PORTFOLIO.refined_tables[:3]}
    make_database(lake, "first", {table.name: [] for table in TABLES} | month)
    environment = lake.env | {"WR_ATHENA_QUERY_WAIT_POLLING_DELAY": "0.05"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "jupyter"))  # else the person's own
        found = {
            name: [run_notebook(environment | {"B3_VIEWS": str(path)}, folder)]
            for name, path in views.items()
        }
        for name, database in ((FIRST, "first"), (DEMO, "b3")):
            found[name].append(run_notebook(environment | {"B3_DATABASE": database}, folder))
    return found


@pytest.mark.parametrize("which", [FIRST, DEMO])
def test_the_notebook_shows_the_same_either_way(
    notebooks: dict[str, list[Any]], which: str
) -> None:
    over_views, through_athena = map(outputs_of, notebooks[which])
    assert over_views.pop("connect") == ["Asking a file of views.\n"]
    assert through_athena.pop("connect") == ["Asking Athena.\n"]
    assert over_views == through_athena


def test_what_ran_is_what_is_stored_with_what_the_demos_lake_gives(
    notebooks: dict[str, list[Any]],
) -> None:
    for ran in itertools.chain(*notebooks.values()):
        assert [cell.source for cell in ran.cells] == [cell.source for cell in STORED.cells]
        assert all(cell.execution_count for cell in ran.cells if cell.cell_type == "code")
    over_views, _ = notebooks[DEMO]
    assert outputs_of(STORED) == outputs_of(over_views), "run: python -m infra.notebook"


@pytest.mark.parametrize(
    ("which", "drawn"),
    [
        (EMPTY, []),
        (FIRST, ["heaviest", "concentration"]),
        (DEMO, ["heaviest", "concentration", "returns", "levels"]),
    ],
)
def test_the_notebook_draws_what_there_is(
    notebooks: dict[str, list[Any]], which: str, drawn: list[str]
) -> None:
    for ran in notebooks[which]:
        charts = charts_of(ran)
        assert list(charts) == drawn
        for chart in charts.values():
            is_blue = (np.asarray(chart.convert("RGB")) == BLUE).all(axis=2)
            assert chart.width >= 600
            assert is_blue.sum() >= 500  # pixels, more than a legend has


def test_the_notebook_says_what_is_not_there(notebooks: dict[str, list[Any]]) -> None:
    (empty,), (first, _) = notebooks[EMPTY], notebooks[FIRST]
    assert "holds no portfolio of IBOV: take an index" in words_of(empty, "sessions")
    assert "no portfolio of IBOV" in words_of(empty, "heaviest")
    assert "no portfolio of IBOV, IBXX, IDIV, SMLL" in words_of(empty, "concentration")
    assert words_of(first, "sessions") + words_of(first, "heaviest") == ""
    for ran in (empty, first):
        assert "holds no session of IBOV before" in words_of(ran, "moves")
        assert "`python -m flows.quotes` brings them" in words_of(ran, "returns")
        assert "`python -m flows.levels` brings them" in words_of(ran, "levels")


def test_the_notebooks_portfolio_and_levels_are_those_that_were_served(
    notebooks: dict[str, list[Any]],
) -> None:
    over_views, _ = notebooks[DEMO]
    (portfolio,), (levels,) = (tables_of(over_views, name) for name in ("portfolio", "levels"))
    constituents = served("IBOV", SESSIONS[-1]).constituents
    by_weight = sorted(constituents, key=lambda each: (-each.weight_pct, each.ticker))
    assert [(row[1], row[4], row[5]) for row in portfolio] == [
        (each.ticker, str(each.theoretical_quantity), str(each.weight_pct))
        for each in by_weight[:10]
    ]
    assert [(row[0], row[1], row[3], row[5]) for row in levels[-len(SESSIONS) :]] == [
        (str(each), *[str(index_level("IBOV", each))] * 2, "equal") for each in SESSIONS
    ]


def test_the_notebooks_moves_are_the_differences_of_what_was_served(
    notebooks: dict[str, list[Any]],
) -> None:
    then, now = (
        {each.ticker: each for each in served("IBOV", session).constituents}
        for session in SESSIONS[-2:]
    )
    members, stays = tables_of(notebooks[DEMO][0], "moves")
    assert [(row[0], row[2], row[3]) for row in members] == [
        *((each, "entered", str(now[each].weight_pct)) for each in sorted(now.keys() - then)),
        *((each, "left", str(-then[each].weight_pct)) for each in sorted(then.keys() - now)),
    ]
    changes = {
        each: (
            now[each].weight_pct - then[each].weight_pct,
            now[each].theoretical_quantity - then[each].theoretical_quantity,
        )
        for each in now.keys() & then
    }
    largest = sorted(changes, key=lambda each: (-abs(changes[each][0]), each))[:10]
    assert [(row[0], row[3], row[4]) for row in stays] == [
        (each, *map(str, changes[each])) for each in largest
    ]


def test_the_notebooks_returns_are_those_of_the_documented_query(
    notebooks: dict[str, list[Any]], views: Any
) -> None:
    (sql,) = [
        query.sql for query in documented_queries() if query.title == "Returns and contributions"
    ]
    expected = views.execute(sql).fetchall()
    over_views, _ = notebooks[DEMO]
    (table,) = tables_of(over_views, "returns")
    assert [(row[0], float(row[4]), float(row[5])) for row in table] == [
        (row[0], row[4], row[5]) for row in (*expected[:8], *expected[-8:])
    ]
    said = words_of(over_views, "returns")
    assert f"{len(expected)} constituents have both closes" in said
    assert f"{sum(row[5] for row in expected):+.3f} percentage points" in said
