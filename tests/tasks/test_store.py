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
from tasks.core.errors import UnreadableRawError
from tasks.core.portfolio.model import from_raw_rows, to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.objects import land_bytes, list_etags, read_landed, read_table
from tasks.retries import may_pass
from tests.portfolios import EXTRACTED_AT, FRIDAY, portfolio, raw_session

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
DAY = str(FRIDAY)
KEY = RAW_PORTFOLIO.object_key(DAY, "IBOV")
FOLDER = RAW_PORTFOLIO.landing_folder(FRIDAY, "IBOV")


@pytest.fixture
def assets() -> Iterator[AssetContext]:
    with AssetContext(downstream_assets={asset_of(RAW_PORTFOLIO)}) as context:
        yield context


def put(key: str, body: bytes = b"") -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def get(key: str) -> bytes:
    return boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def write(name: str = "IBOV") -> None:
    rows = to_raw_rows(portfolio(index_code=name), EXTRACTED_AT)
    store.put_rows(BUCKET, RAW_PORTFOLIO, {(DAY, name): rows})


def read(*names: str) -> dict[str, store.Rows | UnreadableRawError]:
    return store.read_raw(BUCKET, RAW_PORTFOLIO, DAY, names)


def to_parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def test_a_saved_file_is_kept_as_it_came_and_says_what_it_is() -> None:
    body = "\u00e7\r\n".encode("latin-1")
    store.land_csvs.fn(BUCKET, [(FOLDER, body)])
    key = f"landing/portfolio/received=2025-08-01/IBOV/{hashlib.sha256(body).hexdigest()}.csv.gz"
    assert list(list_etags(BUCKET, "")) == [key]
    assert gzip.decompress(get(key)) == read_landed(BUCKET, key) == body
    head = boto3.client("s3").head_object(Bucket=BUCKET, Key=key)
    assert head["ContentType"] == "text/csv"
    assert head["ContentEncoding"] == "gzip"


def test_several_saved_files_are_kept_each_where_it_belongs() -> None:
    other = RAW_PORTFOLIO.landing_folder(FRIDAY, "IBXX")
    store.land_csvs.fn(BUCKET, [(FOLDER, b"a"), (other, b"b"), (FOLDER, b"c")])
    found = {key: read_landed(BUCKET, key) for key in list_etags(BUCKET, "")}
    assert sorted(body for key, body in found.items() if body and key.startswith(FOLDER)) == [
        b"a",
        b"c",
    ]
    assert [body for key, body in found.items() if key.startswith(other)] == [b"b"]


def test_an_answer_is_kept_with_what_was_said_of_it() -> None:
    land_bytes(BUCKET, FOLDER, b"body", "json", {"request": "/a", "page": "1"})
    (key,) = list_etags(BUCKET, "")
    assert key == f"{FOLDER}{hashlib.sha256(b'body').hexdigest()}.json.gz"
    head = boto3.client("s3").head_object(Bucket=BUCKET, Key=key)
    assert (head["ContentType"], head["ContentEncoding"]) == ("application/json", "gzip")
    assert head["Metadata"] == {"request": "/a", "page": "1"}


def test_landing_the_same_bytes_again_later_changes_nothing(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    land_bytes(BUCKET, FOLDER, b"body", "json", {})
    (key,) = list_etags(BUCKET, "landing/")
    stored = get(key)
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    land_bytes(BUCKET, FOLDER, b"body", "json", {})
    assert get(key) == stored == gzip.compress(b"body", mtime=0)
    assert calls.count("PutObject") == 2
    assert list(list_etags(BUCKET, "landing/")) == [key]


@pytest.mark.parametrize("damage", [None, b"", b"no gzip", gzip.compress(b"body", mtime=0)[:-9]])
def test_landed_bytes_that_are_gone_or_damaged_are_none(damage: bytes | None) -> None:
    if damage is not None:
        put("landing/x.json.gz", damage)
    assert read_landed(BUCKET, "landing/x.json.gz") is None


@pytest.mark.usefixtures("assets")
def test_raw_survives_writing_and_reading_to_the_last_type() -> None:
    write()
    rows = read("IBOV")["IBOV"]
    assert isinstance(rows, list)
    assert from_raw_rows(FRIDAY, rows) == raw_session()
    assert rows == to_raw_rows(portfolio(), EXTRACTED_AT)
    assert [row["cod"] for row in rows] == ["BPAC11", "PETR4", "VALE3"]


@pytest.mark.usefixtures("assets")
def test_raws_columns_have_the_types_of_the_table() -> None:
    rows = to_raw_rows(portfolio(), dt.datetime(2025, 8, 1, tzinfo=dt.UTC))
    store.put_rows(BUCKET, RAW_PORTFOLIO, {(DAY, "IBOV"): rows})
    schema = pq.read_schema(io.BytesIO(get(KEY)))
    assert schema.names == list(RAW_PORTFOLIO.types())
    for field in schema:
        expected = athena_types.athena2pyarrow(RAW_PORTFOLIO.types()[field.name])
        if pa.types.is_timestamp(expected):
            assert pa.types.is_timestamp(field.type)
        else:
            assert field.type == expected


def test_raw_is_one_put_of_one_object(calls: list[str], assets: AssetContext) -> None:
    write()
    assert [name for name in calls if not name.startswith(("Get", "List", "Head"))] == ["PutObject"]
    assert list(list_etags(BUCKET, "")) == [KEY]
    assert assets.materialization_metadata["b3://raw_portfolio"]["row_count"] == 3


def test_sessions_of_several_indices_are_written_as_an_object_each(
    calls: list[str], assets: AssetContext
) -> None:
    rows = {
        (day, code): to_raw_rows(portfolio(index_code=code), EXTRACTED_AT)
        for day, code in ((DAY, "IBXX"), (DAY, "IBOV"), ("2025-07-31", "IBOV"))
    }
    store.put_rows(BUCKET, RAW_PORTFOLIO, rows)
    assert calls.count("PutObject") == 3
    assert set(list_etags(BUCKET, "")) == {RAW_PORTFOLIO.object_key(*each) for each in rows}
    assert read("IBOV", "IBXX") == {code: rows[DAY, code] for code in ("IBOV", "IBXX")}
    assert assets.materialization_metadata["b3://raw_portfolio"] == {
        "partitions": "2025-07-31, 2025-08-01",
        "names": "IBOV, IBXX",
        "row_count": 9,
    }


@pytest.mark.usefixtures("assets")
def test_writing_a_session_twice_equals_writing_it_once() -> None:
    write()
    once = list_etags(BUCKET, "raw/")
    write()
    assert list_etags(BUCKET, "raw/") == once


@pytest.mark.usefixtures("assets")
def test_indices_of_a_session_are_objects_beside_each_other() -> None:
    write("IBOV")
    write("IBXX")
    assert list(list_etags(BUCKET, "")) == [
        "raw/portfolio/trading_date=2025-08-01/IBOV.parquet",
        "raw/portfolio/trading_date=2025-08-01/IBXX.parquet",
    ]
    rows = read("IBXX")["IBXX"]
    assert isinstance(rows, list)
    assert {row["index_code"] for row in rows} == {"IBXX"}
    assert store.list_names(BUCKET, RAW_PORTFOLIO, DAY) == {"IBOV", "IBXX"}


@pytest.mark.usefixtures("assets")
def test_of_a_session_what_raw_does_not_hold_is_left_out_and_not_asked_for(
    calls: list[str],
) -> None:
    assert read("IBOV") == {}
    assert store.list_names(BUCKET, RAW_PORTFOLIO, DAY) == set()
    write("IBOV")
    write("IBXX")
    calls.clear()
    assert read("IBOV", "SMLL").keys() == {"IBOV"}
    assert calls == ["ListObjectsV2", "GetObject"]


def test_what_is_gone_between_listing_and_reading_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "list_etags", lambda *_: {KEY: "etag"})
    assert read("IBOV") == {}


def test_only_parquet_files_have_names() -> None:
    put(KEY)
    put(f"{RAW_PORTFOLIO.folder(DAY)}_SUCCESS")
    assert store.list_names(BUCKET, RAW_PORTFOLIO, DAY) == {"IBOV"}


SOUND = to_parquet(pa.Table.from_pylist(to_raw_rows(portfolio(), EXTRACTED_AT)))


def received_at(when: Any) -> bytes:
    """A sound row, and when it came: what Python has no day for, where a bit was flipped."""
    row = pa.Table.from_pylist(to_raw_rows(portfolio(), EXTRACTED_AT)).slice(0, 1)
    place = row.schema.get_field_index("extracted_at")
    return to_parquet(row.set_column(place, "extracted_at", when))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(SOUND[: len(SOUND) // 2], id="cut"),
        pytest.param(SOUND[:-1], id="cut-by-a-byte"),
        pytest.param(b"PAR1" + b"\0" * 90 + b"PAR1", id="garbage"),
        pytest.param(b"<html>", id="a-page"),
        pytest.param(SOUND.replace(b"VALE3", b"VAL\xff3"), id="no-text"),
        pytest.param(to_parquet(pa.table({"other": [1]})), id="another-table"),
        pytest.param(to_parquet(pa.Table.from_pylist([], schema=pa.schema([]))), id="no-columns"),
        pytest.param(
            to_parquet(pa.Table.from_pylist(to_raw_rows(portfolio(), EXTRACTED_AT)).slice(0, 0)),
            id="no-rows",
        ),
        pytest.param(received_at(pa.array([2**31 - 1], pa.int32()).cast(pa.date32())), id="no-day"),
        pytest.param(received_at(pa.array([2**62], pa.timestamp("us"))), id="no-time"),
    ],
)
def test_a_raw_object_that_cannot_be_read_is_named(body: bytes) -> None:
    put(KEY, body)
    put(RAW_PORTFOLIO.object_key(DAY, "IBXX"), SOUND)
    found = read("IBOV", "IBXX")
    unreadable = found["IBOV"]
    assert isinstance(unreadable, UnreadableRawError)
    assert f"s3://{BUCKET}/{KEY}" in str(unreadable)
    assert unreadable.key == KEY
    assert not may_pass(unreadable)
    assert isinstance(found["IBXX"], list)


def test_the_raw_objects_of_a_month_are_listed_in_one_call(calls: list[str]) -> None:
    days = ("2025-07-31", "2025-08-01", "2025-08-29", "2025-09-01")
    keys = [RAW_PORTFOLIO.object_key(day, "IBOV") for day in days]
    other = RAW_PORTFOLIO.object_key(DAY, "IBXX")
    for key in [*keys, other, f"{RAW_PORTFOLIO.folder(DAY)}_SUCCESS"]:
        put(key)
    calls.clear()
    etags = store.list_raw(BUCKET, RAW_PORTFOLIO, "2025-08")
    assert list(etags) == [keys[1], other, keys[2]]
    assert all(etags.values())
    assert calls == ["ListObjectsV2"]


def test_the_sessions_of_a_month_are_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IBOV", "IBXX"):
        put(RAW_PORTFOLIO.object_key(DAY, name))
    put(RAW_PORTFOLIO.object_key("2025-08-29", "IBOV"))
    monkeypatch.setattr(store, "list_raw", store.list_raw)
    assert store.list_sessions(BUCKET, RAW_PORTFOLIO, "2025-08") == {FRIDAY, dt.date(2025, 8, 29)}


@pytest.mark.parametrize("is_int96", [True, False])
def test_timestamps_are_read_alike_in_both_of_parquets_forms(is_int96: bool) -> None:
    table = pa.table({"extracted_at": pa.array([EXTRACTED_AT, None], pa.timestamp("us"))})
    put("t.parquet", to_parquet(table, use_deprecated_int96_timestamps=is_int96))
    rows = read_table(BUCKET, "t.parquet").to_pylist()
    assert rows == [{"extracted_at": EXTRACTED_AT}, {"extracted_at": None}]


def test_why_an_object_cannot_be_read_is_said_in_few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise pa.ArrowInvalid("a\n" + "b" * 300)

    monkeypatch.setattr(pq, "ParquetFile", refuse)
    put("t.parquet", b"12345")
    with pytest.raises(UnreadableRawError) as raised:
        read_table(BUCKET, "t.parquet")
    assert f"5 bytes that cannot be read: a {'b' * 198}" in str(raised.value)
    assert "b" * 199 not in str(raised.value)
