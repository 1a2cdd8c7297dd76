import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws
from prefect.context import AssetContext

from infra.local.b3.cotahist_files import write_quotes_zip
from tasks import store
from tasks.assets import asset_of
from tasks.core.quotes.convert import QuotesFile, convert_quotes
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES
from tasks.objects import list_etags
from tests.portfolios import THURSDAY

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
Convert = Callable[..., QuotesFile]
DAY, MONTH = QuotesPeriod.day(THURSDAY), QuotesPeriod.month(2025, 7)


@pytest.fixture
def bucket() -> Iterator[None]:
    with mock_aws(), AssetContext(downstream_assets={asset_of(RAW_QUOTES)}):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    def run(period: QuotesPeriod, seed: int = 1) -> QuotesFile:
        folder = tmp_path / f"{period}-{seed}"
        path = write_quotes_zip(folder, period, instrument_count=20, seed=seed)
        return convert_quotes(path, folder / "sessions", period)

    return run


def put(file: QuotesFile) -> None:
    files = {str(session.trading_date): session.path for session in file.sessions}
    store.put_files(BUCKET, RAW_QUOTES, QUOTES_OBJECT, files)


def test_raw_is_one_object_a_session(convert: Convert) -> None:
    file = convert(MONTH)
    put(file)
    assert len(file.sessions) == 23
    keys = [
        RAW_QUOTES.object_key(str(session.trading_date), QUOTES_OBJECT) for session in file.sessions
    ]
    assert list(list_etags(BUCKET, "")) == keys
    assert keys[-1] == "raw/quotes/trading_date=2025-07-31/quotes.parquet"


def test_the_asset_is_told_the_sessions_and_the_rows(convert: Convert) -> None:
    file = convert(MONTH)
    put(file)
    context = AssetContext.get()
    assert context
    assert context.materialization_metadata["b3://raw_quotes"] == {
        "partitions": "2025-07-01 to 2025-07-31",
        "row_count": file.record_count,
    }


def test_rows_that_raw_holds_are_not_written_again_whichever_file_brings_them(
    convert: Convert, calls: list[str]
) -> None:
    put(convert(MONTH))
    before = list_etags(BUCKET, "")
    calls.clear()
    put(convert(DAY))
    assert "PutObject" not in calls
    assert list_etags(BUCKET, "") == before


def test_rows_that_differ_replace_those_of_raw(convert: Convert, calls: list[str]) -> None:
    put(convert(DAY))
    before = list_etags(BUCKET, "")
    calls.clear()
    put(convert(DAY, seed=2))
    assert calls.count("PutObject") == 1
    assert list_etags(BUCKET, "") != before


def test_an_object_of_other_columns_is_written_anew(convert: Convert) -> None:
    file = convert(DAY)
    put(file)
    before = list_etags(BUCKET, "")
    (key,) = before
    other = io.BytesIO()
    pq.write_table(pa.table({"other": [1] * file.record_count}), other)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=other.getvalue())
    put(file)
    assert list_etags(BUCKET, "") == before


def test_it_is_told_how_many_objects_were_written(
    convert: Convert, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store, "get_run_logger", lambda: logging.getLogger("store"))
    with caplog.at_level(logging.INFO, "store"):
        put(convert(MONTH))
        other = convert(DAY, seed=2)
        put(other)
        put(other)
    assert [each.partition(",")[0] for each in caplog.messages] == [
        "raw_quotes 2025-07-01 to 2025-07-31: 23 of 23 objects written",
        "raw_quotes 2025-07-31: 1 of 1 object written",
        "raw_quotes 2025-07-31: 0 of 1 object written",
    ]


@pytest.mark.parametrize("damage", [b"", b"garbage", None], ids=["empty", "garbage", "cut"])
def test_an_object_that_cannot_be_read_is_written_anew(
    convert: Convert, damage: bytes | None
) -> None:
    file = convert(DAY)
    put(file)
    before = list_etags(BUCKET, "")
    (key,) = before
    body = file.sessions[0].path.read_bytes()[:-100] if damage is None else damage
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    put(file)
    assert list_etags(BUCKET, "") == before


def test_landed_files_are_listed_with_their_times_and_fetched(tmp_path: Path) -> None:
    folder = "landing/quotes/COTAHIST_D31072025.ZIP/"
    for name in ("ab12.zip", "loaded.json"):
        boto3.client("s3").put_object(Bucket=BUCKET, Key=folder + name, Body=name.encode())
    found = store.list_zips(BUCKET, folder)
    assert list(found) == [f"{folder}ab12.zip"]
    assert all(at.tzinfo for at in found.values())
    store.fetch_zip(BUCKET, f"{folder}ab12.zip", tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == b"ab12.zip"


def test_landing_keeps_the_file_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK...")
    folder = "landing/quotes/COTAHIST_D31072025.ZIP/"
    for _ in range(2):
        store.land_zip.fn(BUCKET, folder, path, "ab12")
    key = "landing/quotes/COTAHIST_D31072025.ZIP/ab12.zip"
    assert list(list_etags(BUCKET, "")) == [key]
    assert boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"PK..."


def test_a_month_or_a_year_of_raw_is_listed() -> None:
    for day in ("2025-07-31", "2025-08-01", "2024-08-01"):
        key = f"raw/quotes/trading_date={day}/quotes.parquet"
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert len(store.list_raw(BUCKET, RAW_QUOTES, "2025-08")) == 1
    assert len(store.list_raw(BUCKET, RAW_QUOTES, "2025")) == 2
