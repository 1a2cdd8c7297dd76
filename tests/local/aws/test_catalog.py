import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.up import LocalCloud


def partition(month: str, run: str) -> dict[str, Any]:
    return {
        "Values": ["IBOV", month],
        "StorageDescriptor": {"Location": f"s3://b3-lake/refined/x/run_id={run}/month={month}/"},
        "Parameters": {"run_id": run},
    }


def described(glue: Any, table: str) -> list[tuple[list[str], str]]:
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName="b3", TableName=table)
    return [
        (each["Values"], each["Parameters"]["run_id"])
        for page in pages
        for each in page["Partitions"]
    ]


Change = Callable[[Any, dict[str, str]], Any]
CHANGES: dict[str, tuple[Change, list[tuple[list[str], str]]]] = {
    "CreatePartition": (
        lambda glue, table: glue.create_partition(
            **table, PartitionInput=partition("2025-03", "c")
        ),
        [(["IBOV", "2025-01"], "a"), (["IBOV", "2025-02"], "b"), (["IBOV", "2025-03"], "c")],
    ),
    "UpdatePartition": (
        lambda glue, table: glue.update_partition(
            **table,
            PartitionValueList=["IBOV", "2025-01"],
            PartitionInput=partition("2025-01", "z"),
        ),
        [(["IBOV", "2025-01"], "z"), (["IBOV", "2025-02"], "b")],
    ),
    "BatchUpdatePartition": (
        lambda glue, table: glue.batch_update_partition(
            **table,
            Entries=[
                {
                    "PartitionValueList": ["IBOV", "2025-02"],
                    "PartitionInput": partition("2025-02", "y"),
                }
            ],
        ),
        [(["IBOV", "2025-01"], "a"), (["IBOV", "2025-02"], "y")],
    ),
    "DeletePartition": (
        lambda glue, table: glue.delete_partition(**table, PartitionValues=["IBOV", "2025-01"]),
        [(["IBOV", "2025-02"], "b")],
    ),
    "BatchDeletePartition": (
        lambda glue, table: glue.batch_delete_partition(
            **table,
            PartitionsToDelete=[{"Values": ["IBOV", "2025-01"]}, {"Values": ["IBOV", "2025-02"]}],
        ),
        [],
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_is_on_disk_once_it_is_answered(
    change: tuple[Change, list[tuple[list[str], str]]], glue: Any, cloud: LocalCloud
) -> None:
    table = {"DatabaseName": "b3", "TableName": "changing"}
    glue.create_table(DatabaseName="b3", TableInput={"Name": "changing"})
    glue.batch_create_partition(
        **table, PartitionInputList=[partition("2025-01", "a"), partition("2025-02", "b")]
    )

    change[0](glue, table)

    path = cloud.state.catalog / "b3/changing.json"
    kept = [
        (each["input"]["Values"], each["input"]["Parameters"]["run_id"])
        for each in json.loads(path.read_text())["partitions"]
    ]
    assert kept == change[1] == described(glue, "changing")
    glue.delete_table(DatabaseName="b3", Name="changing")
    assert not path.exists()


def test_database_is_deleted_with_its_tables(glue: Any, cloud: LocalCloud) -> None:
    glue.create_database(DatabaseInput={"Name": "other"})
    glue.create_table(DatabaseName="other", TableInput={"Name": "one"})
    assert (cloud.state.catalog / "other/one.json").exists()

    glue.delete_database(Name="other")

    assert not list(cloud.state.catalog.glob("other*"))


def test_name_of_a_table_does_not_lead_out_of_the_catalog(glue: Any, cloud: LocalCloud) -> None:
    glue.create_table(DatabaseName="b3", TableInput={"Name": "../../evil"})

    assert not list(cloud.state.root.glob("*evil*"))
    glue.delete_table(DatabaseName="b3", Name="../../evil")


def test_catalog_is_restored_at_the_next_start(tmp_path: Path, up: Callable[..., Any]) -> None:
    first = up(tmp_path)
    glue = first.client("glue")
    inputs = [partition(f"20{n:02}-01", str(n)) for n in range(90)]
    glue.batch_create_partition(
        DatabaseName="b3", TableName="portfolio_daily", PartitionInputList=inputs
    )
    name = {"DatabaseName": "b3", "Name": "portfolio_daily"}
    definition = glue.get_table(**name)["Table"]
    partitions = described(glue, "portfolio_daily")
    first.kill()

    glue = up(tmp_path).client("glue")

    assert described(glue, "portfolio_daily") == partitions
    assert glue.get_table(**name)["Table"] == definition
