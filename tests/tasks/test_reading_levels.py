import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from decimal import Decimal

import boto3
import pytest
from prefect.context import AssetContext

from infra.local.b3.replay import Replay
from infra.local.b3.sessions import index_level
from tasks import download
from tasks.assets import asset_of
from tasks.core.errors import BadDataError, RetryableError
from tasks.core.levels.answer import (
    IndexLevel,
    from_raw_rows,
    read_answer,
    request_path,
    to_raw_rows,
)
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.objects import list_etags, read_landed
from tasks.reading import read_levels
from tasks.store import put_rows, read_raw
from tests.portfolios import EXTRACTED_AT, FRIDAY
from tests.tasks.conftest import Server

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
LEVELS = (
    IndexLevel(dt.date(2025, 7, 31), Decimal("133071.05")),
    IndexLevel(FRIDAY, Decimal("132437.30")),
)


@pytest.fixture
def bucket(aws: None) -> Iterator[None]:
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create()
    yield
    bucket.objects.delete()
    bucket.delete()


def stored(year: str) -> tuple[IndexLevel, ...]:
    return from_raw_rows(read_raw.fn(BUCKET, INDEX_LEVELS, year, "IBOV"))


def test_raw_gives_back_what_was_written_and_nothing_where_there_is_none() -> None:
    assert stored("2025") == ()
    with AssetContext(downstream_assets={asset_of(INDEX_LEVELS)}):
        rows = to_raw_rows("IBOV", LEVELS, EXTRACTED_AT)
        put_rows(BUCKET, INDEX_LEVELS, "2025", "IBOV", rows)
    assert stored("2025") == LEVELS
    assert stored("2024") == ()
    key = "raw/index_levels/year=2025/IBOV.parquet"
    assert list(list_etags(BUCKET, "")) == [key]
    row, _ = read_raw.fn(BUCKET, INDEX_LEVELS, "2025", "IBOV")
    assert list(row) == list(INDEX_LEVELS.types())
    assert str(row["level"]) == "133071.05"
    assert row["extracted_at"] == EXTRACTED_AT.replace(tzinfo=None)


def test_b3s_year_is_read_and_passes_its_checks(replay: Replay) -> None:
    answered = download.download_index_levels.fn(replay.url, "IBOV", 2025, BUCKET)
    (answer,) = answered.pages
    levels = read_levels.fn("IBOV", 2025, answer, (), answered.day_in_sao_paulo)
    found = {each.trading_date: each.level for each in levels}
    assert found[FRIDAY] == index_level("IBOV", FRIDAY)
    assert {day.year for day in found} == {2025}


def test_levels_that_fail_a_check_are_refused_with_the_reason(replay: Replay) -> None:
    (answer,) = download.download_index_levels.fn(replay.url, "IBOV", 2025, BUCKET).pages
    with pytest.raises(BadDataError, match=r"no_level_of_a_day_to_come: .* found 2025-08-04"):
        read_levels.fn("IBOV", 2025, answer, (), FRIDAY)


@pytest.mark.parametrize(("status", "body"), [(200, b""), (503, b"busy"), (200, b"<html></html>")])
def test_what_may_pass_by_itself_may_be_asked_again(
    server: Callable[..., Server], status: int, body: bytes
) -> None:
    with pytest.raises(RetryableError):
        download.download_index_levels.fn(server(status, body).url, "IBOV", 2025, BUCKET)
    assert list_etags(BUCKET, "") == {}


def test_an_answer_is_kept_byte_for_byte_by_the_day_it_came_and_what_was_asked(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = dt.datetime(2025, 8, 2, 2, 59, tzinfo=dt.UTC)
    monkeypatch.setattr(download, "_now", lambda: late)
    answered = download.download_index_levels.fn(replay.url, "IBOV", 2025, BUCKET)
    assert answered.received_at == late
    (key,) = list_etags(BUCKET, "")
    body = read_landed(BUCKET, key)
    assert body
    name = f"{hashlib.sha256(body).hexdigest()}.json.gz"
    assert key == f"landing/index_levels/received=2025-08-01/IBOV-2025/{name}"
    assert read_answer(body, "IBOV") == answered.pages[0]
    assert boto3.client("s3").head_object(Bucket=BUCKET, Key=key)["Metadata"] == {
        "request": request_path("IBOV", 2025),
        "page": "1",
        "order": "1",
    }


def test_an_answer_of_an_unknown_form_is_kept_before_it_is_refused(
    server: Callable[..., Server],
) -> None:
    url = server(200, b'{"other": 1}').url
    with pytest.raises(BadDataError, match="Landing keeps the bytes"):
        download.download_index_levels.fn(url, "IBOV", 2025, BUCKET)
    (key,) = list_etags(BUCKET, "")
    assert read_landed(BUCKET, key) == b'{"other": 1}'
