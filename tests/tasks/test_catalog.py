from typing import Any

import boto3
import pytest

from tasks import catalog, retries
from tasks.catalog import find_location, list_locations, point_partition, register_partitions
from tasks.core.errors import NotConfiguredError, RetryableError
from tests.tasks.toy import BUCKET, DAILY, DATABASE, MONTH, RAW, Toy

HERE = f"s3://{BUCKET}/refined/toy_daily/run_id=r/attempt=a/month={MONTH}/"
THERE = HERE.replace("attempt=a", "attempt=b")


def point(location: str = HERE, *, is_there: bool = False) -> bool:
    return point_partition(
        DATABASE, DAILY.name, MONTH, location, is_there=is_there, parameters={"b3_commit": "1"}
    )


def partition(table: str = DAILY.name, value: str = MONTH) -> Any:
    client = boto3.client("glue")
    found = client.get_partition(DatabaseName=DATABASE, TableName=table, PartitionValues=[value])
    return found["Partition"]


def cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every answer of Glue be one that was cut off."""
    from botocore.client import BaseClient

    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *_: {})
    monkeypatch.setattr(boto3.client("glue"), "get_paginator", lambda _: Paginator())


class Paginator:
    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{}]


def test_a_partition_that_is_not_there_points_nowhere(toy: Toy) -> None:
    assert find_location(DATABASE, DAILY.name, MONTH) is None


def test_a_partition_is_created_with_the_columns_of_its_table(toy: Toy) -> None:
    assert point() is True
    made = partition()
    assert made["StorageDescriptor"]["Location"] == HERE
    assert made["StorageDescriptor"]["Columns"] == [{"Name": "value", "Type": "int"}]
    assert made["Parameters"] == {"b3_commit": "1"}
    assert find_location(DATABASE, DAILY.name, MONTH) == HERE


def test_a_partition_is_moved(toy: Toy) -> None:
    point()
    assert point(THERE, is_there=True) is True
    assert find_location(DATABASE, DAILY.name, MONTH) == THERE
    assert toy.asked("UpdatePartition") == [DAILY.name]


def test_a_partition_that_somebody_has_created_meanwhile_is_left_as_it_is(toy: Toy) -> None:
    point()
    assert point(THERE) is False
    assert find_location(DATABASE, DAILY.name, MONTH) == HERE


@pytest.mark.parametrize("location", [HERE, HERE.rstrip("/")])
def test_a_location_ends_with_a_slash_however_it_was_written(toy: Toy, location: str) -> None:
    point(location)
    assert find_location(DATABASE, DAILY.name, MONTH) == HERE
    assert list_locations(DATABASE, DAILY.name) == {MONTH: HERE}


def test_the_locations_of_every_partition_are_listed(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list_locations(DATABASE, DAILY.name) == {}
    pages = [
        {"Partitions": [{"Values": [v], "StorageDescriptor": {"Location": f"s3://b/{v}"}}]}
        for v in ("2025-07", "2025-08")
    ]
    asked: dict[str, Any] = {}

    class Pages:
        def paginate(self, **named: Any) -> Any:
            asked.update(named)
            return pages

    monkeypatch.setattr(boto3.client("glue"), "get_paginator", lambda _: Pages())
    assert list_locations(DATABASE, DAILY.name) == {
        "2025-07": "s3://b/2025-07/",
        "2025-08": "s3://b/2025-08/",
    }
    assert asked == {
        "DatabaseName": DATABASE,
        "TableName": DAILY.name,
        "ExcludeColumnSchema": True,  # of thousands of partitions, each with all columns
    }


@pytest.mark.parametrize(
    "call",
    [
        lambda: find_location(DATABASE, DAILY.name, MONTH),
        lambda: list_locations(DATABASE, DAILY.name),
        point,
    ],
    ids=["find", "list", "point"],
)
def test_an_answer_that_was_cut_off_is_asked_for_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, call: Any
) -> None:
    cut_off(monkeypatch)
    with pytest.raises(RetryableError, match="cut off"):
        call()


def test_a_table_that_is_not_there_is_named_with_its_setting(toy: Toy) -> None:
    said = rf"Expected table {DATABASE}\.nope in the Glue Data Catalog, found none.*B3_DATABASE"
    with pytest.raises(NotConfiguredError, match=said):
        point_partition(DATABASE, "nope", MONTH, HERE, is_there=False, parameters={})


def register(*values: str) -> None:
    register_partitions.fn(DATABASE, RAW, BUCKET, values)


def test_partitions_of_raw_are_registered_where_their_objects_lie(toy: Toy) -> None:
    register("2025-08-01", "2025-08-04")
    assert list_locations(DATABASE, RAW.name) == {
        day: f"s3://{BUCKET}/raw/toy/trading_date={day}/" for day in ("2025-08-01", "2025-08-04")
    }
    assert partition(RAW.name, "2025-08-01")["StorageDescriptor"]["Columns"]


def test_partitions_that_are_there_stay_as_they_are(toy: Toy) -> None:
    register("2025-08-01")
    before = partition(RAW.name, "2025-08-01")
    toy.passes(days=1)
    register("2025-08-01", "2025-08-04")
    assert partition(RAW.name, "2025-08-01") == before
    assert len(list_locations(DATABASE, RAW.name)) == 2


def test_many_partitions_are_registered_a_hundred_at_a_time(toy: Toy) -> None:
    values = [f"{year}-08-01" for year in range(1800, 2001)]
    register(*values)
    assert len(toy.asked("BatchCreatePartition")) == 3
    assert list(list_locations(DATABASE, RAW.name)) == values
    assert catalog._BATCH == 100  # the most that Glue takes


def test_a_partition_that_the_catalog_refuses_is_named(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = {"ErrorCode": "ResourceNumberLimitExceededException", "ErrorMessage": "too many"}
    errors = [
        {"PartitionValues": ["1"], "ErrorDetail": {"ErrorCode": "AlreadyExistsException"}},
        {"PartitionValues": ["2025-08-01"], "ErrorDetail": detail},
    ]
    client = boto3.client("glue")
    monkeypatch.setattr(client, "batch_create_partition", lambda **_: {"Errors": errors})
    with pytest.raises(NotConfiguredError, match=r"refused partition .*2025-08-01.*too many"):
        register("2025-08-01")


def test_only_the_partitions_that_glue_refused_for_now_are_sent_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = {"ErrorCode": "ConcurrentModificationException", "ErrorMessage": "at work"}
    answers: Any = iter(
        [{"Errors": [{"PartitionValues": ["2025-08-04"], "ErrorDetail": detail}]}, {"Errors": []}]
    )
    asked: list[list[str]] = []
    client = boto3.client("glue")

    def create(**parameters: Any) -> Any:
        asked.append([each["Values"][0] for each in parameters["PartitionInputList"]])
        return next(answers)

    monkeypatch.setattr(retries._again_for_the_rest, "sleep", lambda _seconds: None)
    monkeypatch.setattr(client, "batch_create_partition", create)
    register("2025-08-01", "2025-08-04")
    assert asked == [["2025-08-01", "2025-08-04"], ["2025-08-04"]]


def test_where_glue_does_not_say_which_partition_it_refused_all_are_sent_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = {"ErrorCode": "ConcurrentModificationException"}
    answers: Any = iter([{"Errors": [{"ErrorDetail": detail}]}, {}])
    asked: list[list[str]] = []
    client = boto3.client("glue")

    def create(**parameters: Any) -> Any:
        asked.append([each["Values"][0] for each in parameters["PartitionInputList"]])
        return next(answers)

    monkeypatch.setattr(retries._again_for_the_rest, "sleep", lambda _seconds: None)
    monkeypatch.setattr(client, "batch_create_partition", create)
    register("2025-08-01", "2025-08-04")
    assert asked == [["2025-08-01", "2025-08-04"]] * 2


def test_partitions_of_a_table_that_is_not_there_are_not_listed(toy: Toy) -> None:
    with pytest.raises(NotConfiguredError, match=rf"Expected table {DATABASE}\.nope"):
        list_locations(DATABASE, "nope")
