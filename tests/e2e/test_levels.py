"""B3's published levels of an index in the lake."""

import datetime as dt
from decimal import Decimal

import pytest

from infra.local.b3.levels import levels_of_year
from infra.queries import documented_queries
from tests.e2e.cloud import Cloud

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SERVED = levels_of_year("IBOV", 2025, dt.date(2025, 12, 31))
SUBJECT = f"IBOV levels 2025, {len(SERVED)} sessions"


@pytest.fixture
def lake(cloud: Cloud) -> Cloud:
    """The lake with the levels of 2025."""
    outcome = cloud.run_flow("levels", "--year", "2025")
    assert outcome.code == 0, outcome.error
    assert outcome.last_line in (f"published {SUBJECT}", f"up to date {SUBJECT}")
    return cloud


def test_what_athena_answers_is_what_was_served(lake: Cloud) -> None:
    rows = lake.query(
        "SELECT trading_date, level FROM index_levels "
        "WHERE index_code = 'IBOV' AND year = '2025' ORDER BY trading_date"
    )
    found = [(dt.date.fromisoformat(day), Decimal(level)) for day, level in rows]
    assert found == list(SERVED.items())


def test_a_second_run_changes_nothing(lake: Cloud) -> None:
    before = lake.objects()
    outcome = lake.run_flow("levels", "--year", "2025")
    assert (outcome.code, outcome.last_line) == (0, f"up to date {SUBJECT}")
    assert lake.objects() == before


def test_a_partition_that_was_never_registered_is_by_the_next_run(lake: Cloud) -> None:
    place = {"DatabaseName": "b3", "TableName": "index_levels"}
    lake.client("glue").delete_partition(**place, PartitionValues=["2025"])
    assert lake.run_flow("levels", "--year", "2025").code == 0
    assert lake.query("SELECT count(*) FROM index_levels") == [(str(len(SERVED)),)]


def test_the_implied_move_is_a_query_that_runs_beside_them(lake: Cloud) -> None:
    (query,) = [query for query in documented_queries() if query.title == "Implied index move"]
    assert "index_levels" in query.sql
    lake.query(query.sql)


def test_an_index_without_levels_fails_and_writes_no_raw(cloud: Cloud) -> None:
    outcome = cloud.run_flow("levels", "--index", "XXXX", "--year", "2025")
    assert outcome.code == 1
    assert "B3 publishes no level of XXXX in 2025" in outcome.error
    assert not [key for key in cloud.objects("raw/index_levels/") if "XXXX" in key]


def test_a_year_to_come_is_wrong_usage(cloud: Cloud) -> None:
    outcome = cloud.run_flow("levels", "--year", "2099")
    assert outcome.code == 2
    assert "Expected a year from 1986 to" in outcome.error
