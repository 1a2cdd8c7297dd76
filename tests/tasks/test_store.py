import datetime as dt
import gzip
import hashlib
import io
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from awswrangler import _data_types as athena_types
from prefect.context import AssetContext

from tasks import store
from tasks.assets import asset_of
from tasks.core.portfolio.model import from_raw_rows, to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.objects import list_etags, read_rows
from tests.portfolios import EXTRACTED_AT, FRIDAY, portfolio, raw_session

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
VALUES = ("IBOV", str(FRIDAY))
KEY = RAW_PORTFOLIO.object_key(VALUES)
FOLDER = RAW_PORTFOLIO.landing_folder(VALUES)


@pytest.fixture
def bucket(aws: None) -> Iterator[None]:
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create()
    yield
    bucket.objects.delete()
    bucket.delete()


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
    store.land.fn(BUCKET, FOLDER, bodies)
    assert {gzip.decompress(get(key)) for key in list_etags(BUCKET, FOLDER)} == set(bodies)


def test_landing_names_the_bytes_by_their_digest_and_says_what_they_are() -> None:
    digest = hashlib.sha256(b"body").hexdigest()
    folder = "landing/portfolio/index_code=IBOV/trading_date=2025-08-01/"
    store.land.fn(BUCKET, FOLDER, [b"body"])
    store.land.fn(BUCKET, FOLDER, [b"body"], "csv")
    heads = [
        boto3.client("s3").head_object(Bucket=BUCKET, Key=f"{folder}{digest}.{suffix}.gz")
        for suffix in ("json", "csv")
    ]
    assert [(head["ContentType"], head["ContentEncoding"]) for head in heads] == [
        ("application/json", "gzip"),
        ("text/csv; charset=iso-8859-1", "gzip"),
    ]


def test_landing_the_same_bytes_again_later_changes_nothing(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.land.fn(BUCKET, FOLDER, [b"body"])
    (key,) = list_etags(BUCKET, "landing/")
    stored = get(key)
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    store.land.fn(BUCKET, FOLDER, [b"body"])
    assert get(key) == stored
    assert calls.count("PutObject") == 2
    assert list(list_etags(BUCKET, "landing/")) == [key]


@pytest.mark.usefixtures("assets")
def test_raw_survives_writing_and_reading_to_the_last_type() -> None:
    store.put_rows(BUCKET, RAW_PORTFOLIO, VALUES, to_raw_rows(portfolio(), EXTRACTED_AT))
    rows = store.read_raw.fn(BUCKET, RAW_PORTFOLIO, VALUES)
    assert from_raw_rows("IBOV", FRIDAY, rows) == raw_session()
    assert read_rows(BUCKET, [KEY]) == to_raw_rows(portfolio(), EXTRACTED_AT)


@pytest.mark.usefixtures("assets")
def test_raws_columns_have_the_types_of_the_table() -> None:
    rows = to_raw_rows(portfolio(), dt.datetime(2025, 8, 1, tzinfo=dt.UTC))
    store.put_rows(BUCKET, RAW_PORTFOLIO, VALUES, rows)
    schema = pq.read_schema(io.BytesIO(get(KEY)))
    assert schema.names == list(RAW_PORTFOLIO.types())
    for field in schema:
        expected = athena_types.athena2pyarrow(RAW_PORTFOLIO.types()[field.name])
        if pa.types.is_timestamp(expected):
            assert pa.types.is_timestamp(field.type)
        else:
            assert field.type == expected


def test_raw_is_one_put_of_one_object(calls: list[str], assets: AssetContext) -> None:
    store.put_rows(BUCKET, RAW_PORTFOLIO, VALUES, to_raw_rows(portfolio(), EXTRACTED_AT))
    assert [name for name in calls if not name.startswith(("Get", "List", "Head"))] == ["PutObject"]
    assert list(list_etags(BUCKET, "")) == [KEY]
    assert assets.materialization_metadata["b3://raw_portfolio"]["row_count"] == 3


@pytest.mark.usefixtures("assets")
def test_writing_a_session_twice_equals_writing_it_once() -> None:
    store.put_rows(BUCKET, RAW_PORTFOLIO, VALUES, to_raw_rows(portfolio(), EXTRACTED_AT))
    once = list_etags(BUCKET, "raw/")
    store.put_rows(BUCKET, RAW_PORTFOLIO, VALUES, to_raw_rows(portfolio(), EXTRACTED_AT))
    assert list_etags(BUCKET, "raw/") == once


def test_a_session_that_raw_does_not_hold_has_no_rows() -> None:
    assert store.read_raw.fn(BUCKET, RAW_PORTFOLIO, VALUES) == []


def test_the_raw_objects_of_a_month_are_listed_in_one_call(calls: list[str]) -> None:
    months = ("2025-07-31", "2025-08-01", "2025-08-29", "2025-09-01")
    keys = [RAW_PORTFOLIO.object_key(("IBOV", day)) for day in months]
    for key in [*keys, RAW_PORTFOLIO.object_key(("IBXX", str(FRIDAY)))]:
        put(key)
    calls.clear()
    etags = store.list_raw.fn(BUCKET, RAW_PORTFOLIO, ("IBOV",), "2025-08")
    assert list(etags) == keys[1:3]
    assert all(etags.values())
    assert calls == ["ListObjectsV2"]


@pytest.mark.parametrize("is_int96", [True, False])
def test_timestamps_are_read_alike_in_both_of_parquets_forms(is_int96: bool) -> None:
    table = pa.table({"extracted_at": pa.array([EXTRACTED_AT, None], pa.timestamp("us"))})
    put("t.parquet", to_parquet(table, use_deprecated_int96_timestamps=is_int96))
    rows = read_rows(BUCKET, ["t.parquet"])
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
    assert store.has_objects.fn(BUCKET, prefixes) is expected


def test_a_note_is_read_back_and_nothing_where_there_is_none() -> None:
    assert store.read_note.fn(BUCKET, "landing/x/loaded.json") is None
    store.write_note.fn(BUCKET, "landing/x/loaded.json", {"etag": "e", "dates": ["2025-08-01"]})
    note = store.read_note.fn(BUCKET, "landing/x/loaded.json")
    assert note == {"etag": "e", "dates": ["2025-08-01"]}


def test_objects_come_with_size_and_age() -> None:
    put("refined/t/b.parquet", b"rows")
    (found,) = store.list_objects.fn(BUCKET, "refined/t/")
    assert (found.key, found.size_bytes) == ("refined/t/b.parquet", 4)
    assert dt.datetime.now(dt.UTC) >= found.modified_at


def test_removing_twice_is_removing_once_and_nothing_else_goes() -> None:
    put("refined/t/a.parquet")
    put("refined/t/b.parquet")
    for _ in range(2):
        store.remove_objects.fn(BUCKET, ["refined/t/a.parquet"])
    assert list(list_etags(BUCKET, "")) == ["refined/t/b.parquet"]
