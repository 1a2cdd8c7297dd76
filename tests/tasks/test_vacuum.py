"""The vacuum against a bucket and a catalog in this process."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from prefect.logging import disable_run_logger

from tasks.vacuum import list_objects, list_published_prefixes, remove_objects

BUCKET, DATABASE, TABLE = "lake-under-test", "b3", "portfolio_daily"
OLD, NEW = (f"refined/portfolio_daily/run_id={run}/index_code=IBOV/month=2025-08/" for run in "ab")


@pytest.fixture
def lake() -> Iterator[Any]:
    with mock_aws(), disable_run_logger():
        s3, glue = boto3.client("s3"), boto3.client("glue")
        s3.create_bucket(Bucket=BUCKET)
        for prefix in (OLD, NEW):
            s3.put_object(Bucket=BUCKET, Key=f"{prefix}part-0.parquet", Body=b"rows")
        glue.create_database(DatabaseInput={"Name": DATABASE})
        keys: Any = [{"Name": name, "Type": "string"} for name in ("index_code", "month")]
        glue.create_table(DatabaseName=DATABASE, TableInput={"Name": TABLE, "PartitionKeys": keys})
        glue.create_partition(
            DatabaseName=DATABASE,
            TableName=TABLE,
            PartitionInput={
                "Values": ["IBOV", "2025-08"],
                "StorageDescriptor": {"Location": f"s3://{BUCKET}/{NEW.rstrip('/')}"},
            },
        )
        yield s3


def test_objects_come_with_size_and_age(lake: Any) -> None:
    found = list_objects.fn(BUCKET, "refined/portfolio_daily/")
    assert [stored.key for stored in found] == [f"{p}part-0.parquet" for p in (OLD, NEW)]
    assert {stored.size_bytes for stored in found} == {4}
    assert all(dt.datetime.now(dt.UTC) >= stored.modified_at for stored in found)


def test_published_prefixes_end_with_a_slash_however_they_are_written(lake: Any) -> None:
    assert list_published_prefixes.fn(BUCKET, DATABASE, TABLE) == {NEW}


def test_removing_twice_is_removing_once_and_nothing_else_goes(lake: Any) -> None:
    for _ in range(2):
        remove_objects.fn(BUCKET, [f"{OLD}part-0.parquet"])
    left = lake.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [item["Key"] for item in left] == [f"{NEW}part-0.parquet"]
