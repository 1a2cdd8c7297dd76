"""The quotes of sessions in the lake, and what they answer together with the portfolio."""

import datetime as dt
import io
import zipfile
from decimal import Decimal

import pytest

from infra.local.b3.quotes import serve_quotes
from infra.local.b3.sessions import SESSIONS, index_level
from infra.queries import Query, documented_queries
from tasks.core.quotes.files import QuotesPeriod
from tests.cotahist_text import read_line
from tests.e2e.cloud import Cloud

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def served(day: dt.date) -> list[dict[str, object]]:
    """The records of a session that the replay serves, read the slow way."""
    with zipfile.ZipFile(io.BytesIO(serve_quotes(QuotesPeriod.day(day)).body)) as archive:
        lines = archive.read(archive.namelist()[0]).splitlines()
    return [read_line(line) for line in lines[1:-1]]


@pytest.fixture(scope="module")
def filled_cloud(whole_cloud: Cloud) -> Cloud:
    """The lake with portfolio and quotes of every session of the replay."""
    for session in SESSIONS:
        whole_cloud.show(session)
        assert whole_cloud.run_portfolio("--trading-date", str(session)).code == 0
    span = ["--start", str(SESSIONS[0]), "--end", str(SESSIONS[-1])]
    outcome = whole_cloud.run_flow("backfill", "--dataset", "quotes", *span)
    assert outcome.code == 0, outcome.error
    outcome = whole_cloud.run_flow("levels", "--index", "IBOV", "--year", str(SESSIONS[0].year))
    assert outcome.code == 0, outcome.error
    return whole_cloud


@pytest.fixture
def lake(filled_cloud: Cloud, cloud: Cloud) -> Cloud:
    """That lake, with B3's replay well behaved."""
    return cloud


def test_quotes_are_published_and_a_second_run_loads_nothing(lake: Cloud) -> None:
    day = SESSIONS[-1]
    before = lake.objects()
    folder = f"landing/quotes/COTAHIST_D{day:%d%m%Y}.ZIP/"
    landed, note = sorted(lake.objects(folder))
    assert landed.endswith(".zip")
    assert note == f"{folder}loaded.json"
    outcome = lake.run_flow("quotes", "--trading-date", str(day))
    assert (outcome.code, outcome.last_line) == (0, f"up to date quotes {day}")
    assert lake.objects() == before


def test_what_athena_answers_is_what_was_served(lake: Cloud) -> None:
    for day in SESSIONS:
        found = lake.query(
            "SELECT ticker, market_type, coalesce(CAST(forward_days AS varchar), ''), close_price, "
            f"quantity, volume FROM quotes_daily WHERE trading_date = DATE '{day}'"
        )
        expected = {
            (
                record["codneg"],
                record["tpmerc"],
                str(int(str(record["prazot"]))) if record["prazot"] else "",
                Decimal(str(record["preult"])) / int(str(record["fatcot"])),
                record["quatot"],
                record["voltot"],
            )
            for record in served(day)
        }
        rows = {(*row[:3], Decimal(row[3]), int(row[4]), Decimal(row[5])) for row in found}
        assert len(found) == len(rows)
        assert rows == expected


@pytest.mark.parametrize(
    "query",
    [
        query
        for query in documented_queries()
        if "quotes_" in query.sql and "_reconciliation" not in query.sql
    ],
    ids=lambda query: query.title,
)
def test_each_documented_query_over_quotes_answers(lake: Cloud, query: Query) -> None:
    assert lake.query(query.sql)


def test_the_implied_move_is_that_of_two_implied_levels(lake: Cloud) -> None:
    queries = {query.title: query.sql for query in documented_queries()}
    contributions = lake.query(queries["Returns and contributions"])
    ((_, count, quoted, before, level, move, *_),) = lake.query(queries["Implied index move"])
    assert len(contributions) == int(count) == int(quoted)
    assert float(move) == pytest.approx(100 * (float(level) / float(before) - 1), abs=0.001)


def test_the_published_levels_and_their_move_are_the_implied_ones(lake: Cloud) -> None:
    (sql,) = [query.sql for query in documented_queries() if query.title == "Implied index move"]
    outcome = lake.run_flow("levels", "--year", str(SESSIONS[-1].year))
    assert outcome.code == 0, outcome.error
    ((*_, before, implied, implied_move, previous, level, move),) = lake.query(sql)
    assert Decimal(previous) == index_level("IBOV", SESSIONS[-2])
    assert Decimal(level) == index_level("IBOV", SESSIONS[-1])
    assert (before, implied, implied_move) == (previous, level, move)  # though members changed


def test_levels_are_reconciled_to_the_cent_and_its_queries_answer(lake: Cloud) -> None:
    span = ["--start", str(SESSIONS[0]), "--end", str(SESSIONS[-1])]
    outcome = lake.run_flow("reconcile", "--index", "IBOV", *span)
    assert outcome.code == 0, outcome.error
    said = f"published reconciliation IBOV {SESSIONS[0]} to {SESSIONS[-1]}: "
    assert outcome.last_line.startswith(f"{said}{len(SESSIONS)} of {len(SESSIONS)} levels equal")
    queries = {query.title: query.sql for query in documented_queries()}
    ((code, day, verdict, computed, published, difference, *_),) = lake.query(
        queries["Levels to the cent"]
    )
    assert (code, day, verdict) == ("IBOV", str(SESSIONS[-1]), "equal")
    assert (computed, difference) == (published, "0.00")
    went_ex = lake.query(queries["Who went ex"])
    assert all(float(by) > float(tolerance) for _, _, _, by, tolerance, *_ in went_ex)
    again = lake.run_flow("reconcile", "--index", "IBOV", *span)
    assert again.last_line.startswith("up to date reconciliation IBOV")


def test_no_session_and_a_session_to_come_are_wrong_usage(cloud: Cloud) -> None:
    for day, said in (("2025-08-02", "is no session of B3"), ("2099-01-05", "has no quotes yet")):
        outcome = cloud.run_flow("quotes", "--trading-date", day)
        assert outcome.code == 2
        assert said in outcome.error


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(cloud: Cloud) -> None:
    before, requests = cloud.objects(), cloud.request_count()
    arguments = ("--dataset", "quotes", "--start", "2021-01-01", "--end", "2021-12-31")
    outcome = cloud.run_flow("backfill", *arguments, "--dry-run")
    assert outcome.code == 0, outcome.error
    assert "would ask B3 for 1 file(s) (COTAHIST_A2021.ZIP): 1 request(s)" in outcome.last_line
    assert "refine 12 month(s), one Glue run of about 4 min (0.44 USD × 2 DPU" in outcome.last_line
    assert (cloud.objects(), cloud.request_count()) == (before, requests)
