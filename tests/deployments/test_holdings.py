from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployments.holdings import Holding, describe_holdings, find_holdings


@pytest.fixture
def s3() -> Any:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="lake")
        enabled: Any = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket="lake", VersioningConfiguration=enabled)
        yield client


def put(s3: Any, key: str, size: int) -> None:
    s3.put_object(Bucket="lake", Key=key, Body=b"x" * size)


def test_each_zone_is_counted_with_what_it_held_before(s3: Any) -> None:
    for key, size in (("landing/a", 10), ("landing/a", 3), ("landing/b", 4), ("raw/a", 5)):
        put(s3, key, size)
    put(s3, "refined/gone", 100)
    s3.delete_object(Bucket="lake", Key="refined/gone")
    put(s3, "published/1.json", 1)
    put(s3, "notes.txt", 2)
    put(s3, "archive/x", 6)
    put(s3, "reports/portfolio/2025-08.html", 7)
    put(s3, "jobs/refine.py", 1000)

    found = find_holdings("lake", s3)

    assert list(found.items()) == [
        ("landing", Holding(objects=2, bytes=7, earlier=1)),
        ("raw", Holding(objects=1, bytes=5, earlier=0)),
        ("refined", Holding(objects=0, bytes=0, earlier=2)),
        ("published", Holding(objects=1, bytes=1, earlier=0)),
        ("reports", Holding(objects=1, bytes=7, earlier=0)),
        ("archive", Holding(objects=1, bytes=6, earlier=0)),
        ("notes.txt", Holding(objects=1, bytes=2, earlier=0)),
    ]


def test_every_page_is_counted(s3: Any) -> None:
    for number in range(1005):
        put(s3, f"inbox/{number}", 1)
    assert find_holdings("lake", s3) == {"inbox": Holding(objects=1005, bytes=1005, earlier=0)}


def test_a_lake_of_the_jobs_script_alone_and_one_that_is_gone_hold_nothing(s3: Any) -> None:
    put(s3, "jobs/refine.py", 1000)
    assert find_holdings("lake", s3) == {}
    assert find_holdings("no-such-lake", s3) == {}


def test_zones_are_shown_as_a_table() -> None:
    holdings = {"landing": Holding(12345, 6789012345, 0), "runs": Holding(1, 2, 33)}
    assert describe_holdings(holdings).splitlines() == [
        "  zone     objects          bytes  earlier versions",
        "  landing   12,345  6,789,012,345                 0",
        "  runs           1              2                33",
    ]
