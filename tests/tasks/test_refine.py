"""The audit of a month over the objects that lie in the lake."""

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.checks import Check
from tasks.core.plan import Month, Subject
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.audit import expected_daily, expected_monthly, expected_summary
from tasks.core.portfolio.model import RawSession, to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.published import Published
from tasks.refine import audit_month
from tests.portfolios import EXTRACTED_AT, FRIDAY, raw_session

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
MONDAY = dt.date(2025, 8, 4)
SUBJECT = Subject(PORTFOLIO, ("IBOV",), BUCKET, "b3", "b3-refine-portfolio")
SESSIONS = [raw_session(), raw_session(trading_date=MONDAY)]


@pytest.fixture
def bucket(aws: None) -> Iterator[None]:
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create()
    yield
    bucket.objects.delete()
    bucket.delete()


def put(key: str, rows: Any) -> None:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue())


def refine(sessions: list[RawSession], run_id: str) -> dict[str, str]:
    """Put what a right run makes of some sessions, in two objects a table; return the prefixes."""
    daily = [row for session in sessions for row in expected_daily(session)]
    tables = {
        "portfolio_daily": daily,
        "portfolio_daily_summary": list(map(expected_summary, sessions)),
        "portfolio_monthly": list(expected_monthly(daily).values()),
    }
    prefixes = month().prefixes(run_id)
    for table, rows in tables.items():
        whole = pa.Table.from_pylist(rows)
        for number, part in enumerate((whole.slice(0, 1), whole.slice(1))):
            put(f"{prefixes[table]}part-{number}.snappy.parquet", part)
        for left in ("_SUCCESS", "part-9.crc"):
            boto3.client("s3").put_object(Bucket=BUCKET, Key=prefixes[table] + left, Body=b"")
    return prefixes


def month(published: str | None = None) -> Month:
    """The month with both sessions in raw, of which readers see the run `published`."""
    keys = []
    for session in SESSIONS:
        key = RAW_PORTFOLIO.object_key(("IBOV", str(session.portfolio.trading_date)))
        put(key, pa.Table.from_pylist(to_raw_rows(session.portfolio, EXTRACTED_AT)))
        keys.append(key)
    shown: dict[str, Published | None] = dict.fromkeys(SUBJECT.tables)
    if published:
        for table in PORTFOLIO.refined:
            prefix = table.run_prefix(published, ("IBOV", "2025-08"))
            shown[table.name] = Published(f"s3://{BUCKET}/{prefix}", published, "digest")
    return Month(SUBJECT, "2025-08", tuple(keys), "digest", shown)


def failed(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.found for check in checks if not check.has_passed}


def test_a_right_run_passes_whatever_else_lies_beside_its_rows_and_its_rows_are_counted() -> None:
    prefixes = refine(SESSIONS, "run-1")
    checks, row_counts = audit_month.fn(month(), prefixes)
    assert failed(checks) == {}
    assert row_counts == {
        "portfolio_daily": 6,
        "portfolio_daily_summary": 2,
        "portfolio_monthly": 3,
    }


def test_a_run_that_left_a_session_out_is_found() -> None:
    prefixes = refine(SESSIONS[:1], "run-1")
    checks, _ = audit_month.fn(month(), prefixes)
    assert failed(checks)["daily_has_the_sessions_of_raw"] == str(FRIDAY)


def test_a_run_that_wrote_nothing_is_found() -> None:
    checks, row_counts = audit_month.fn(month(), month().prefixes("run-1"))
    assert failed(checks)["daily_has_the_sessions_of_raw"] == "none"
    assert set(row_counts.values()) == {0}


def test_what_readers_see_now_must_be_in_the_new_run() -> None:
    refine([*SESSIONS, raw_session(trading_date=dt.date(2025, 8, 5))], "run-1")
    checks, _ = audit_month.fn(month(published="run-1"), refine(SESSIONS, "run-2"))
    assert failed(checks) == {"published_sessions_stay": "2025-08-05"}
