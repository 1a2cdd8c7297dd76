import datetime as dt
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
from tasks.core.levels.answer import IndexLevel, from_raw_rows, to_raw_rows
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.objects import list_etags, read_rows
from tasks.reading import read_levels
from tasks.store import put_rows, read_raw
from tests.portfolios import EXTRACTED_AT, FRIDAY
from tests.tasks.conftest import Server

pytestmark = pytest.mark.usefixtures("no_run_logger")

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
    return from_raw_rows(read_raw.fn(BUCKET, INDEX_LEVELS, ("IBOV", year)))


@pytest.mark.usefixtures("bucket")
def test_raw_gives_back_what_was_written_and_nothing_where_there_is_none() -> None:
    assert stored("2025") == ()
    with AssetContext(downstream_assets={asset_of(INDEX_LEVELS)}):
        put_rows(BUCKET, INDEX_LEVELS, ("IBOV", "2025"), to_raw_rows(LEVELS, EXTRACTED_AT))
    assert stored("2025") == LEVELS
    assert stored("2024") == ()
    key = "raw/index_levels/index_code=IBOV/year=2025/levels.parquet"
    assert list(list_etags(BUCKET, "")) == [key]
    row, _ = read_rows(BUCKET, [key])
    assert list(row) == list(INDEX_LEVELS.types())
    assert str(row["level"]) == "133071.05"
    assert row["extracted_at"] == EXTRACTED_AT.replace(tzinfo=None)


def test_b3s_year_is_read_and_passes_its_checks(replay: Replay) -> None:
    answered = download.download_index_levels.fn(replay.url, "IBOV", 2025)
    (body,) = answered.bodies
    levels = read_levels.fn("IBOV", 2025, body, (), answered.day_in_sao_paulo)
    found = {each.trading_date: each.level for each in levels}
    assert found[FRIDAY] == index_level("IBOV", FRIDAY)
    assert {day.year for day in found} == {2025}


def test_levels_that_fail_a_check_are_refused_with_the_reason(replay: Replay) -> None:
    (body,) = download.download_index_levels.fn(replay.url, "IBOV", 2025).bodies
    with pytest.raises(BadDataError, match=r"no_level_of_a_day_to_come: .* found 2025-08-04"):
        read_levels.fn("IBOV", 2025, body, (), FRIDAY)


@pytest.mark.parametrize(("status", "body"), [(200, b""), (503, b"busy"), (200, b"<html></html>")])
def test_what_may_pass_by_itself_may_be_asked_again(
    server: Callable[..., Server], status: int, body: bytes
) -> None:
    with pytest.raises(RetryableError):
        download.download_index_levels.fn(server(status, body).url, "IBOV", 2025)


def test_an_answer_of_an_unknown_form_is_kept_before_it_is_refused(
    server: Callable[..., Server],
) -> None:
    answered = download.download_index_levels.fn(server(200, b'{"other": 1}').url, "IBOV", 2025)
    assert answered.bodies == (b'{"other": 1}',)
