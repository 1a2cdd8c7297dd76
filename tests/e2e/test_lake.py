"""What the lake holds after the sessions of the demo, read from its files and through Athena."""

import datetime as dt
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from infra.local.b3.sessions import SESSIONS
from infra.queries import Query, documented_queries
from tasks.core.exchange import month_of
from tests.e2e.cloud import (
    DAILY_COLUMNS,
    ROOT,
    Cloud,
    daily_tuples,
    expected_daily,
    months,
    run_module,
    served,
)

Expected = dict[dt.date, set[tuple[object, ...]]]
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
WAYS_TO_READ = [
    (page, example)
    for page in ("OPERATIONS.md",)  # those of ANALYSTS.md: test_views.py
    for example in _PYTHON.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
]

pytestmark = [pytest.mark.e2e, pytest.mark.spark]


@pytest.fixture(scope="module")
def expected() -> Expected:
    return {day: expected_daily(served("IBOV", day)) for day in SESSIONS}


@pytest.fixture(scope="module")
def filled_cloud(whole_cloud: Cloud) -> Cloud:
    """The lake with every session published."""
    for session in SESSIONS:
        whole_cloud.show(session)
        outcome = whole_cloud.run_portfolio("--trading-date", str(session))
        assert outcome.code == 0, outcome.error
        assert outcome.last_line.startswith(f"published IBOV {session}")
    return whole_cloud


@pytest.fixture
def lake(filled_cloud: Cloud, cloud: Cloud) -> Cloud:
    """That lake, with B3's replay well behaved."""
    return cloud


def test_every_row_served_is_published_and_no_other(lake: Cloud, expected: Expected) -> None:
    for month in months():
        rows = daily_tuples(lake.published_rows("portfolio_daily", "IBOV", month))
        in_month = [expected[day] for day in SESSIONS if month_of(day) == month]
        assert len(rows) == len(set(rows))
        assert set(rows) == set().union(*in_month)


def test_athena_and_duckdb_over_the_files_agree_with_the_sessions_in_every_row(
    lake: Cloud, expected: Expected
) -> None:
    columns = ", ".join(DAILY_COLUMNS)
    from_athena = lake.query(f"SELECT {columns} FROM portfolio_daily WHERE index_code = 'IBOV'")
    texts = {
        tuple(None if value is None else str(value) for value in row)
        for rows in expected.values()
        for row in rows
    }
    assert len(from_athena) == len(texts)
    assert set(from_athena) == texts

    locations = {
        partition["StorageDescriptor"]["Location"].replace(
            "s3://b3-lake", str(lake.state / "lake" / "b3-lake")
        )
        for partition in lake.client("glue").get_partitions(
            DatabaseName="b3", TableName="portfolio_daily"
        )["Partitions"]
    }
    files = [f"{location}*.parquet" for location in locations]
    from_files = duckdb.sql(f"SELECT {columns} FROM read_parquet({files})").fetchall()
    assert len(from_files) == len(texts)
    assert set(from_files) == set().union(*expected.values())


def test_summary_and_month_agree_with_the_sessions(lake: Cloud) -> None:
    for session in SESSIONS:
        portfolio = served("IBOV", session)
        ((count, quantity, weight, divisor, top5),) = lake.query(
            "SELECT constituent_count, total_theoretical_quantity, total_weight_pct, "
            "index_divisor, top5_weight_pct FROM portfolio_daily_summary "
            f"WHERE index_code = 'IBOV' AND trading_date = DATE '{session}'"
        )
        heaviest = sorted((c.weight_pct for c in portfolio.constituents), reverse=True)[:5]
        assert int(count) == len(portfolio.constituents)
        assert int(quantity) == portfolio.total_theoretical_quantity
        assert (weight, divisor) == ("100.000", str(portfolio.index_divisor))
        assert Decimal(top5) == sum(heaviest)
    august = {
        ticker: (int(count), Decimal(mean))
        for ticker, count, mean in lake.query(
            "SELECT ticker, session_count, avg_weight_pct FROM portfolio_monthly "
            "WHERE index_code = 'IBOV' AND month = '2025-08'"
        )
    }
    portfolios = [served("IBOV", day) for day in SESSIONS if day.month == 8]
    weights = [{c.ticker: c.weight_pct for c in p.constituents} for p in portfolios]
    assert august.keys() == set().union(*weights)
    for ticker, (count, mean) in august.items():
        own = [day[ticker] for day in weights if ticker in day]
        assert (count, mean * count) == (len(own), sum(own))


def test_raw_holds_each_session_in_one_object_and_answers_in_athena(lake: Cloud) -> None:
    keys = sorted(lake.objects("raw/portfolio/"))
    assert keys == [f"raw/portfolio/trading_date={day}/IBOV.parquet" for day in SESSIONS]
    counted = lake.query(
        "SELECT trading_date, count(*), sum(part) FROM raw_portfolio "
        "WHERE index_code = 'IBOV' GROUP BY trading_date ORDER BY trading_date"
    )
    sizes = [len(served("IBOV", day).constituents) for day in SESSIONS]
    assert counted == [
        (str(day), str(size), "100.000") for day, size in zip(SESSIONS, sizes, strict=True)
    ]


def test_a_session_again_is_up_to_date_and_costs_no_request_and_no_glue_run(lake: Cloud) -> None:
    runs, requests_before = len(lake.glue_runs()), lake.request_count()
    before = lake.objects()
    outcome = lake.run_portfolio("--trading-date", str(SESSIONS[0]))
    assert (outcome.code, outcome.last_line) == (0, f"up to date IBOV {SESSIONS[0]}")
    assert (len(lake.glue_runs()), lake.request_count()) == (runs, requests_before)
    assert lake.objects() == before


@pytest.mark.parametrize(
    "query",
    [query for query in documented_queries() if not re.search("quotes_|reconciliation", query.sql)],
    ids=lambda query: query.title,
)
def test_each_documented_query_answers(lake: Cloud, query: Query) -> None:
    assert lake.query(query.sql)


@pytest.mark.parametrize(("page", "example"), WAYS_TO_READ, ids=range(len(WAYS_TO_READ)))
def test_each_documented_way_to_read_shows_what_is_published(
    lake: Cloud, expected: Expected, tmp_path: Path, page: str, example: str
) -> None:
    (tmp_path / ".local").symlink_to(lake.state)
    counted = "\nprint(len(frame), frame['trading_date'].nunique())"
    ended = subprocess.run(
        [sys.executable, "-c", example + counted],
        cwd=tmp_path,
        env=lake.env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    # Commits of a month are one a session here: the page on operations reads the first.
    august = [len(rows) for day, rows in sorted(expected.items()) if day.month == 8]
    assert ended.stdout.split() == [str(august[0]), "1"], page


def test_the_documented_ways_to_read_are_found() -> None:
    assert [page for page, _ in WAYS_TO_READ] == ["OPERATIONS.md"]


def test_entries_and_exits_name_who_came_and_went(lake: Cloud) -> None:
    (query,) = [q for q in documented_queries() if q.title == "Entries and exits"]
    assert [row[:2] for row in lake.query(query.sql)] == [
        ("entered", "CURY3"),
        ("left", "STBP3"),
    ]


def test_the_preview_and_the_theoretical_portfolio_say_who_comes_and_goes(lake: Cloud) -> None:
    queries = {query.title: query.sql for query in documented_queries()}
    changes = lake.query(queries["What the next rebalancing changes"])
    assert [row[:2] for row in changes if row[0] != "stays"] == [
        ("enters", "QXAC3"),
        ("enters", "QXAB3"),
        ("leaves", "PETZ3"),
        ("leaves", "CVCB3"),
    ]
    drift = lake.query(queries["Drift since the last rebalancing"])
    assert [row[:2] for row in drift if row[1] != "stays"] == [
        ("STBP3", "left"),
        ("CURY3", "entered"),
    ]
    ((*_, entered, left, _),) = lake.query(queries["Drift in one figure"])
    assert (entered, left) == ("1", "1")


def test_the_command_line_prints_its_outcome_as_the_last_line(lake: Cloud) -> None:
    outcome = run_module("flows.portfolio", ["--trading-date", str(SESSIONS[-1])], lake.env)
    assert (outcome.code, outcome.last_line) == (0, f"up to date IBOV {SESSIONS[-1]}")
