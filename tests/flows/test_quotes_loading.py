"""From B3's quotes files to raw, and a session of raw made again."""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from prefect import flow

from flows import quotes_loading
from flows.quotes_loading import landing_folder, load_quotes
from flows.quotes_mending import mend_quotes_session
from infra.local.b3.cotahist_files import write_quotes_zip
from infra.local.b3.replay import Replay
from tasks.core.errors import SourceHasNoDataError
from tasks.core.exchange import SAO_PAULO
from tasks.core.quotes.files import LoadedQuotes, QuotesPeriod
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES
from tests.flows.conftest import BUCKET, Lake
from tests.portfolios import FRIDAY, THURSDAY

NOW = dt.datetime(2025, 8, 4, 22, 0, tzinfo=SAO_PAULO)
DAY, MONTH = QuotesPeriod.day(THURSDAY), QuotesPeriod.month(2025, 7)
KEY = RAW_QUOTES.object_key(str(THURSDAY), QUOTES_OBJECT)


def load(lake: Lake, period: QuotesPeriod = DAY) -> LoadedQuotes:
    @flow
    def run() -> LoadedQuotes:
        return load_quotes(lake.settings, period, NOW)

    return run()


def mend(lake: Lake, key: str = KEY) -> str:
    @flow
    def run() -> str:
        return mend_quotes_session(lake.settings, NOW, key)

    return run()


def land(folder: Path, period: QuotesPeriod, seed: int = 1) -> str:
    """Put a file into landing; return its key."""
    path = write_quotes_zip(folder / f"{period}-{seed}", period, instrument_count=20, seed=seed)
    body = path.read_bytes()
    key = f"{landing_folder(period)}{hashlib.sha256(body).hexdigest()}.zip"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return key


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to AWS, in order: puts by key, and registrations."""
    made: list[str] = []
    make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: BaseClient, operation: str, parameters: Any) -> Any:
        if operation in ("PutObject", "BatchCreatePartition"):
            made.append(parameters.get("Key", operation))
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return made


def test_landing_comes_first_then_raw_then_its_partition_then_the_note(
    lake: Lake, operations: list[str]
) -> None:
    loaded = load(lake)
    assert loaded.trading_dates == (THURSDAY,)
    folder = "landing/quotes/COTAHIST_D31072025.ZIP/"
    assert operations == [
        f"{folder}{loaded.sha256}.zip",
        KEY,
        "BatchCreatePartition",
        f"{folder}loaded.json",
    ]
    assert KEY == "raw/quotes/trading_date=2025-07-31/quotes.parquet"
    assert lake.partitions("raw_quotes") == {
        "2025-07-31": "s3://b3-lake/raw/quotes/trading_date=2025-07-31/"
    }


def test_a_file_that_has_not_changed_is_not_loaded_again_and_stays_registered(
    lake: Lake, operations: list[str]
) -> None:
    first = load(lake)
    operations.clear()
    assert load(lake) == first
    assert operations == ["BatchCreatePartition"]


def test_a_file_is_loaded_again_where_raw_has_lost_what_it_brought(lake: Lake) -> None:
    first = load(lake)
    before = lake.etags("raw/")
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=KEY)
    assert load(lake) == first
    assert lake.etags("raw/") == before


def test_a_session_is_made_again_from_the_file_in_landing(lake: Lake, replay: Replay) -> None:
    loaded = load(lake)
    before = lake.etags("raw/")
    asked = len(replay.requests)
    for damage in (b"", b"PAR1 garbage PAR1"):
        lake.put(KEY, damage)
        said = mend(lake)
        folder = "landing/quotes/COTAHIST_D31072025.ZIP/"
        assert said == f"made again from {folder}{loaded.sha256}.zip"
        assert lake.etags("raw/") == before
    assert len(replay.requests) == asked


def test_only_that_session_is_written(lake: Lake, tmp_path: Path, operations: list[str]) -> None:
    key = land(tmp_path, MONTH)
    operations.clear()
    assert mend(lake) == f"made again from {key}"
    assert operations == [KEY, "BatchCreatePartition"]
    assert list(lake.partitions("raw_quotes")) == ["2025-07-31"]


@pytest.mark.parametrize("latest", ["D", "M"])
def test_the_file_that_was_landed_last_is_taken(
    lake: Lake, tmp_path: Path, latest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"D": land(tmp_path, DAY), "M": land(tmp_path, MONTH, seed=2)}
    times = {keys["D"]: 1, keys["M"]: 2} if latest == "M" else {keys["D"]: 2, keys["M"]: 1}
    monkeypatch.setattr(
        "flows.quotes_mending.list_zips",
        lambda _bucket, folder: {
            key: NOW + dt.timedelta(hours=hours)
            for key, hours in times.items()
            if key.startswith(folder)
        },
    )
    assert mend(lake) == f"made again from {keys[latest]}"


def test_a_landed_file_that_is_damaged_is_passed_over(lake: Lake, tmp_path: Path) -> None:
    good = land(tmp_path, MONTH)
    lake.put(f"{landing_folder(DAY)}ab.zip", b"PK no zip")
    assert mend(lake) == f"made again from {good}"


def test_a_session_that_landing_lacks_is_fetched_whatever_is_noted(
    lake: Lake, replay: Replay
) -> None:
    loaded = load(lake)
    before = lake.etags("raw/")
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=f"{landing_folder(DAY)}{loaded.sha256}.zip")
    lake.put(KEY, b"")
    assert mend(lake) == "fetched again from B3"
    assert lake.etags("raw/") == before


def test_what_neither_has_is_named(
    lake: Lake, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotes_loading, "files_with", lambda day: [QuotesPeriod.day(day)])
    replay.misbehave("http_404")
    with pytest.raises(SourceHasNoDataError, match=rf"^s3://b3-lake/{KEY} .*404") as raised:
        mend(lake)
    assert "landing holds no file of it" in str(raised.value)


@pytest.mark.parametrize(
    "key",
    [
        "raw/quotes/trading_date=2025-07-31/other.parquet",
        "raw/quotes/trading_date=2025-07-99/quotes.parquet",
        "raw/quotes/quotes.parquet",
    ],
)
def test_an_object_that_is_no_session_is_named(lake: Lake, replay: Replay, key: str) -> None:
    with pytest.raises(SourceHasNoDataError, match=f"s3://b3-lake/{key} "):
        mend(lake, key)
    assert replay.requests == []


def test_the_smallest_files_are_asked_first() -> None:
    names = [period.file_stem for period in quotes_loading.files_with(FRIDAY)]
    assert names == ["COTAHIST_D01082025", "COTAHIST_M082025", "COTAHIST_A2025"]
