"""Forty indices in one run, as commands, with Athena; and whether they were had."""

import datetime as dt
import re

import pytest

from infra.local.b3.sessions import INDEX_SIZES, SESSIONS, WITHOUT_PORTFOLIO
from tasks.core.exchange import next_session
from tests.e2e.cloud import DAILY_COLUMNS, Cloud, daily_tuples, expected_daily, served

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

BEFORE, SESSION = SESSIONS[-2:]
MORROW = next_session(SESSION)
MONTH = "2025-08"
FAILED, ROLLED_OVER = "SMLL", "IBXX"
PUBLISHED = INDEX_SIZES.keys() - WITHOUT_PORTFOLIO
Rows = set[tuple[object, ...]]


def rows_of(codes: set[str], day: dt.date) -> Rows:
    return set().union(*(expected_daily(served(code, day)) for code in codes))


def seen_in_files(cloud: Cloud) -> Rows:
    codes = sorted(PUBLISHED)
    rows = [
        row
        for code in codes
        for row in daily_tuples(cloud.published_rows("portfolio_daily", code, MONTH))
    ]
    assert len(rows) == len(set(rows))
    return set(rows)


def seen_by_athena(cloud: Cloud) -> Rows:
    rows = cloud.query(f"SELECT {', '.join(DAILY_COLUMNS)} FROM portfolio_daily")
    assert len(rows) == len(set(rows))
    return set(rows)


def as_texts(rows: Rows) -> Rows:
    return {tuple(None if value is None else str(value) for value in row) for row in rows}


def test_forty_indices_are_one_run_and_what_failed_is_noticed_and_filled(cloud: Cloud) -> None:
    cloud.show(BEFORE)
    assert cloud.run_portfolio("--index", ROLLED_OVER, FAILED).code == 0
    cloud.show(SESSION)
    asked = cloud.request_count()
    cloud.show(MORROW, index=ROLLED_OVER)
    cloud.misbehave("wrong_weight", index=FAILED)
    first = cloud.run_portfolio("--index", "all")
    assert first.code == 1
    # Beside each of 38: a preview, whether there is one, the period's, twice the session.
    beside = 5 * 38 + 2  # two second pages
    assert cloud.request_count() == asked + 1 + len(INDEX_SIZES) + 1 + beside  # list, second page
    assert "1 of 40 indices failed; published 38 indices of 2025-08-04 and " in first.error
    assert f"\n  {FAILED}: B3's portfolio {FAILED} {SESSION} failed" in first.error
    assert [run["JobRunState"] for run in cloud.glue_runs()] == ["SUCCEEDED"] * 2
    assert [commit["number"] for commit in cloud.commits("portfolio", MONTH)] == [1, 2]
    others = {ROLLED_OVER, FAILED}
    expected = rows_of(others, BEFORE) | rows_of({ROLLED_OVER}, MORROW)
    expected |= rows_of(set(PUBLISHED - others), SESSION)
    assert seen_in_files(cloud) == expected
    assert seen_by_athena(cloud) == as_texts(expected)

    day = ["--dataset", "portfolio", "--trading-date", str(SESSION)]
    noticed = cloud.run_flow("freshness", *day)
    assert noticed.code == 1
    missing = re.findall(r"^  (\w+) portfolio", noticed.error, re.MULTILINE)
    assert missing == [ROLLED_OVER, FAILED], noticed.error

    cloud.behave()
    filled = cloud.run_portfolio("--index", ROLLED_OVER, FAILED.lower())
    assert filled.last_line.startswith(f"published 2 indices of {SESSION}, run "), filled.error
    assert seen_by_athena(cloud) == as_texts(expected | rows_of(others, SESSION))
    content = cloud.run_flow("freshness", *day)
    assert content.last_line == f"up to date portfolio {SESSION} (39 indices)", content.error


def test_levels_of_every_index_that_has_any_come_in_one_run(cloud: Cloud) -> None:
    outcome = cloud.run_flow("levels", "--index", "all", "--year", "2025")
    assert outcome.last_line == (
        "published levels of 39 indices in 2025 (B3 publishes none of AGFS)"
    ), outcome.error
    counted = cloud.query(
        "SELECT count(DISTINCT index_code), count(*) FROM index_levels WHERE year = '2025'"
    )
    ((indices, rows),) = counted
    assert (indices, int(rows) % 39) == ("39", 0)
