from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from prefect.context import AssetContext

from infra.local.cotahist_files import write_quotes_zip
from tasks import quotes_lake
from tasks.assets import asset_of
from tasks.core.layout import raw_quotes_key
from tasks.core.quotes.convert import QuotesFile, convert_quotes
from tasks.core.quotes.files import LoadedQuotes, QuotesPeriod
from tasks.core.quotes.tables import RAW_QUOTES
from tasks.objects import list_etags
from tests.portfolios import FRIDAY, THURSDAY

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


def test_raw_is_one_object_a_session(convert: Convert) -> None:
    file = convert(MONTH)
    assert quotes_lake.write_raw_quotes.fn(BUCKET, file.sessions) == 23
    keys = [raw_quotes_key(session.trading_date) for session in file.sessions]
    assert list(list_etags(BUCKET, "")) == keys
    assert keys[-1] == "raw/quotes/trading_date=2025-07-31/quotes.parquet"


def test_rows_that_raw_holds_are_not_written_again_whichever_file_brings_them(
    convert: Convert,
) -> None:
    quotes_lake.write_raw_quotes.fn(BUCKET, convert(MONTH).sessions)
    before = list_etags(BUCKET, "")
    assert quotes_lake.write_raw_quotes.fn(BUCKET, convert(DAY).sessions) == 0
    assert list_etags(BUCKET, "") == before


def test_rows_that_differ_replace_those_of_raw(convert: Convert) -> None:
    quotes_lake.write_raw_quotes.fn(BUCKET, convert(DAY).sessions)
    before = list_etags(BUCKET, "")
    assert quotes_lake.write_raw_quotes.fn(BUCKET, convert(DAY, seed=2).sessions) == 1
    assert list_etags(BUCKET, "") != before


def test_landing_keeps_the_file_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK...")
    key = quotes_lake.land_quotes.fn(BUCKET, DAY, path, "ab12")
    assert key == "landing/quotes/COTAHIST_D31072025.ZIP/ab12.zip"
    assert quotes_lake.land_quotes.fn(BUCKET, DAY, path, "ab12") == key
    assert boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"PK..."


def test_it_is_noted_which_file_raw_was_loaded_from() -> None:
    note = LoadedQuotes('"e"', "ab12", (THURSDAY,), 19)
    assert quotes_lake.read_loaded_quotes.fn(BUCKET, DAY) is None
    quotes_lake.note_loaded_quotes.fn(BUCKET, DAY, note)
    assert quotes_lake.read_loaded_quotes.fn(BUCKET, DAY) == note
    assert quotes_lake.read_loaded_quotes.fn(BUCKET, QuotesPeriod.day(FRIDAY)) is None


def test_a_month_or_a_year_of_raw_is_listed() -> None:
    for day in ("2025-07-31", "2025-08-01", "2024-08-01"):
        key = f"raw/quotes/trading_date={day}/quotes.parquet"
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert len(quotes_lake.list_raw_quotes.fn(BUCKET, "2025-08")) == 1
    assert len(quotes_lake.list_raw_quotes.fn(BUCKET, "2025")) == 2
