import datetime as dt
import gzip
import io
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from awswrangler import _data_types as athena_types
from botocore.client import BaseClient
from prefect.context import AssetContext

from tasks import lake
from tasks.assets import asset_of
from tasks.core.layout import raw_portfolio_key
from tasks.core.portfolio.model import to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tests.portfolios import EXTRACTED_AT, FRIDAY, THURSDAY, portfolio, raw_session

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
KEY = raw_portfolio_key("IBOV", FRIDAY)


@pytest.fixture
def bucket(aws: None) -> Iterator[None]:
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create()
    yield
    bucket.objects.delete()
    bucket.delete()


@pytest.fixture
def calls(bucket: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls to AWS from now on, by name."""
    made: list[str] = []
    make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: BaseClient, operation: str, parameters: Any) -> Any:
        made.append(operation)
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return made


@pytest.fixture
def assets() -> Iterator[AssetContext]:
    with AssetContext(downstream_assets={asset_of(RAW_PORTFOLIO)}) as context:
        yield context


def put(key: str, body: bytes = b"") -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def get(key: str) -> bytes:
    return boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def to_parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def test_landing_keeps_the_bytes_as_they_came() -> None:
    bodies = [b'{"page": 1}', "\u00e7\r\n".encode("latin-1")]
    keys = lake.land_answers.fn(BUCKET, "IBOV", FRIDAY, bodies)
    assert [gzip.decompress(get(key)) for key in keys] == bodies


def test_landing_the_same_bytes_again_later_changes_nothing(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lake.land_answers.fn(BUCKET, "IBOV", FRIDAY, [b"body"])
    stored = get(first[0])
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert lake.land_answers.fn(BUCKET, "IBOV", FRIDAY, [b"body"]) == first
    assert get(first[0]) == stored
    assert calls.count("PutObject") == 2
    assert list(lake.list_etags(BUCKET, "landing/")) == first


@pytest.mark.usefixtures("assets")
def test_raw_survives_writing_and_reading_to_the_last_type() -> None:
    lake.write_raw_portfolio.fn(BUCKET, portfolio(), EXTRACTED_AT)
    assert lake.read_raw_portfolio.fn(BUCKET, "IBOV", FRIDAY) == raw_session()
    assert lake.read_rows(BUCKET, [KEY]) == to_raw_rows(portfolio(), EXTRACTED_AT)


@pytest.mark.usefixtures("assets")
def test_raws_columns_have_the_types_of_the_table() -> None:
    lake.write_raw_portfolio.fn(BUCKET, portfolio(), dt.datetime(2025, 8, 1, tzinfo=dt.UTC))
    schema = pq.read_schema(io.BytesIO(get(KEY)))
    assert schema.names == list(RAW_PORTFOLIO.types())
    for field in schema:
        expected = athena_types.athena2pyarrow(RAW_PORTFOLIO.types()[field.name])
        if pa.types.is_timestamp(expected):
            assert pa.types.is_timestamp(field.type)
        else:
            assert field.type == expected


def test_raw_is_one_put_of_one_object(calls: list[str], assets: AssetContext) -> None:
    lake.write_raw_portfolio.fn(BUCKET, portfolio(), EXTRACTED_AT)
    assert [name for name in calls if not name.startswith(("Get", "List", "Head"))] == ["PutObject"]
    assert list(lake.list_etags(BUCKET, "")) == [KEY]
    assert assets.materialization_metadata["b3://raw_portfolio"]["row_count"] == 3


@pytest.mark.usefixtures("assets")
def test_writing_a_session_twice_equals_writing_it_once() -> None:
    lake.write_raw_portfolio.fn(BUCKET, portfolio(), EXTRACTED_AT)
    once = lake.list_etags(BUCKET, "raw/")
    lake.write_raw_portfolio.fn(BUCKET, portfolio(), EXTRACTED_AT)
    assert lake.list_etags(BUCKET, "raw/") == once


def test_a_session_that_raw_does_not_hold_is_none() -> None:
    assert lake.read_raw_portfolio.fn(BUCKET, "IBOV", FRIDAY) is None


def test_the_raw_objects_of_a_month_are_listed_in_one_call(calls: list[str]) -> None:
    months = ("2025-07-31", "2025-08-01", "2025-08-29", "2025-09-01")
    keys = [raw_portfolio_key("IBOV", dt.date.fromisoformat(day)) for day in months]
    for key in [*keys, raw_portfolio_key("IBXX", FRIDAY)]:
        put(key)
    calls.clear()
    etags = lake.list_raw_month.fn(BUCKET, "IBOV", "2025-08")
    assert list(etags) == keys[1:3]
    assert all(etags.values())
    assert calls == ["ListObjectsV2"]


@pytest.mark.usefixtures("assets")
def test_the_sessions_of_a_month_are_read_from_their_keys() -> None:
    for day in (THURSDAY, FRIDAY):
        lake.write_raw_portfolio.fn(BUCKET, portfolio(trading_date=day), EXTRACTED_AT)
    keys = [raw_portfolio_key("IBOV", day) for day in (THURSDAY, FRIDAY)]
    assert lake.read_raw_month.fn(BUCKET, "IBOV", keys) == [
        raw_session(trading_date=THURSDAY),
        raw_session(),
    ]


def test_refined_rows_are_read_from_every_parquet_object_and_from_nothing_else() -> None:
    put("refined/t/run_id=1/month=2025-08/_SUCCESS")
    for number in (1, 2):
        body = to_parquet(pa.table({"n": [number]}))
        put(f"refined/t/run_id=1/month=2025-08/part-{number}.snappy.parquet", body)
    put("refined/t/run_id=1/month=2025-09/part-3.parquet", to_parquet(pa.table({"n": [3]})))
    rows = lake.read_refined.fn(BUCKET, "refined/t/run_id=1/month=2025-08/")
    assert rows == [{"n": 1}, {"n": 2}]
    assert lake.read_refined.fn(BUCKET, "refined/t/run_id=2/") == []


@pytest.mark.parametrize("is_int96", [True, False])
def test_timestamps_are_read_alike_in_both_of_parquets_forms(is_int96: bool) -> None:
    table = pa.table({"extracted_at": pa.array([EXTRACTED_AT, None], pa.timestamp("us"))})
    put("t.parquet", to_parquet(table, use_deprecated_int96_timestamps=is_int96))
    rows = lake.read_rows(BUCKET, ["t.parquet"])
    assert rows == [{"extracted_at": EXTRACTED_AT}, {"extracted_at": None}]


@pytest.mark.parametrize(
    ("prefixes", "expected"),
    [(["a/"], True), (["a/", "b/"], True), (["a/", "c/"], False), (["c/"], False)],
)
def test_output_is_there_when_something_lies_under_each_prefix(
    prefixes: list[str], expected: bool
) -> None:
    put("a/1.parquet")
    put("b/1.parquet")
    assert lake.has_objects.fn(BUCKET, prefixes) is expected
