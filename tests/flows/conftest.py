"""A lake inside this process and a replay of B3, at a fixed clock; publishing is recorded."""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

import flows.command
from flows import (
    freshness,
    import_portfolio,
    levels,
    portfolio,
    portfolio_loading,
    portfolio_mending,
)
from flows.period_loading import CollectedBeside
from flows.settings import Settings
from infra.local.b3.replay import Replay, start
from tasks import download, site
from tasks.core.datasets import TABLES
from tasks.core.exchange import SAO_PAULO
from tasks.core.month import PublishedMonths
from tasks.core.plan import Subject
from tasks.objects import list_etags, read_object
from tests.portfolios import FRIDAY

BUCKET, DATABASE = "b3-lake", "b3"
RUN_ID = "0123456789abcdef"


@dataclass
class Lake:
    """What lies in the lake, and what flows asked to be published.

    Attributes:
        settings: The settings that flows read.
        asked: The months that were asked for, one list a call.
        force: Whether the last call was forced.
        mend: What the last call brought for raw that cannot be read.
        is_up_to_date: What publishing answers.
        failures: Likewise.
    """

    settings: Settings
    asked: list[list[str]] = field(default_factory=list)
    force: bool = False
    mend: Callable[[str], str] = str
    is_up_to_date: bool = False
    failures: dict[str, Any] = field(default_factory=dict)

    def publish_months(
        self, subject: Subject, months: list[str], *, force: bool, mend: Callable[[str], str]
    ) -> PublishedMonths:
        assert (subject.bucket, subject.database) == (BUCKET, DATABASE)
        self.asked.append(list(months))
        self.force, self.mend = force, mend
        result = PublishedMonths()
        for month in months:
            if month in self.failures:
                result.failures[month] = self.failures[month]
            elif self.is_up_to_date:
                result.up_to_date.append(month)
            else:
                result.published[month] = RUN_ID
        return result

    def list_keys(self, prefix: str = "") -> list[str]:
        return list(list_etags(BUCKET, prefix))

    def etags(self, prefix: str = "") -> dict[str, str]:
        return list_etags(BUCKET, prefix)

    def put(self, key: str, body: bytes) -> None:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def delete(self, key: str) -> None:
        boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)

    def put_rows(self, key: str, rows: list[dict[str, Any]]) -> None:
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), buffer)
        self.put(key, buffer.getvalue())

    def rows(self, key: str) -> list[dict[str, Any]]:
        body = read_object(BUCKET, key)
        assert body is not None
        rows: list[dict[str, Any]] = pq.read_table(
            io.BytesIO(body), coerce_int96_timestamp_unit="ms"
        ).to_pylist()
        return rows

    def partitions(self, table: str) -> dict[str, str]:
        """`{value: location}` of what is registered."""
        answer = boto3.client("glue").get_partitions(DatabaseName=DATABASE, TableName=table)
        return {
            each["Values"][0]: each["StorageDescriptor"]["Location"]
            for each in answer["Partitions"]
        }


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start(session=FRIDAY) as running:
        yield running


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what asks B3 tried again as often as always, and without a pause."""
    for step in (
        download.download_indices,
        download.download_portfolio,
        download.download_index_levels,
    ):
        monkeypatch.setattr(step, "retry_delay_seconds", 0)
        monkeypatch.setattr(step, "retry_jitter_factor", None)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.datetime], None]:
    """Set what time it is, in São Paulo and everywhere."""

    def set_to(now: dt.datetime) -> None:
        monkeypatch.setattr(site, "_now", lambda: now)
        here = now.astimezone(SAO_PAULO)
        for module in (flows.command, levels, freshness):
            monkeypatch.setattr(module, "now_in_sao_paulo", lambda: here)
        for module in (
            flows.command,
            portfolio,
            portfolio_loading,
            portfolio_mending,
            import_portfolio,
            freshness,
        ):
            monkeypatch.setattr(module, "today_in_sao_paulo", here.date)

    return set_to


@pytest.fixture
def lake(
    replay: Replay,
    prefect_server: None,
    set_clock: Callable[[dt.datetime], None],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lake]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    values = {
        "B3_LAKE_BUCKET": BUCKET,
        "B3_DATABASE": DATABASE,
        "B3_GLUE_JOB": "b3-refine",
        "B3_INDEX_URL": replay.url,
        "B3_QUOTES_URL": f"{replay.url}/InstDados/SerHist",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    set_clock(dt.datetime(2025, 8, 1, 15, tzinfo=dt.UTC))
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        glue: Any = boto3.client("glue")
        glue.create_database(DatabaseInput={"Name": DATABASE})
        for table in TABLES:
            glue.create_table(
                DatabaseName=DATABASE, TableInput={"Name": table.name, "StorageDescriptor": {}}
            )
        lake = Lake(Settings())
        monkeypatch.setattr(portfolio, "publish_months", lake.publish_months)
        # What comes beside the portfolios of the day has tests of its own: test_period.py.
        monkeypatch.setattr(portfolio, "collect_period", lambda *_, **__: CollectedBeside())
        monkeypatch.setattr(import_portfolio, "publish_months", lake.publish_months)
        yield lake
