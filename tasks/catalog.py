"""The Glue Data Catalog by plain calls: where the partitions of a table point to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from prefect import task

from tasks.core.dataset import Table
from tasks.core.errors import NotConfiguredError
from tasks.retries import OVER_AWS, answered, ask_in_batches

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_BATCH = 100  # partitions in one BatchCreatePartition


def find_location(database: str, table: str, value: str) -> str | None:
    """Return where a partition points to, with a slash at its end; None where there is none."""
    found = _find_partition(database, table, value)
    return None if found is None else _with_slash(found["StorageDescriptor"]["Location"])


def find_parameters(database: str, table: str, value: str) -> dict[str, str]:
    """Return what else a partition says of itself; nothing where there is none."""
    found = _find_partition(database, table, value) or {}
    return dict(found.get("Parameters", {}))


def _find_partition(database: str, table: str, value: str) -> dict[str, Any] | None:
    client = boto3.client("glue")
    try:
        answer = client.get_partition(
            DatabaseName=database, TableName=table, PartitionValues=[value]
        )
    except client.exceptions.EntityNotFoundException:
        return None
    return dict(answered(answer, "Partition"))


def point_partition(
    database: str,
    table: str,
    value: str,
    location: str,
    *,
    is_there: bool,
    parameters: Mapping[str, str],
) -> bool:
    """Have a partition point to a location; return whether it was done.

    It was not where somebody has created or removed the partition meanwhile: look again.

    Args:
        database: The database.
        table: The table; the partition takes over its columns and format.
        value: Of the partition key.
        location: Where to.
        is_there: Whether the partition was there when it was last looked at.
        parameters: What else the partition says of itself.
    """
    client = boto3.client("glue")
    partition: Any = {
        "Values": [value],
        "StorageDescriptor": _descriptor(client, database, table) | {"Location": location},
        "Parameters": dict(parameters),
    }
    where: Any = {"DatabaseName": database, "TableName": table}
    try:
        if is_there:
            client.update_partition(**where, PartitionValueList=[value], PartitionInput=partition)
        else:
            client.create_partition(**where, PartitionInput=partition)
    except (client.exceptions.AlreadyExistsException, client.exceptions.EntityNotFoundException):
        return False
    return True


def list_locations(database: str, table: str) -> dict[str, str]:
    """Return `{value: where its partition points to}`, each with a slash at its end.

    Raises:
        NotConfiguredError: The table is not there.
    """
    client = boto3.client("glue")
    pages = client.get_paginator("get_partitions").paginate(
        DatabaseName=database, TableName=table, ExcludeColumnSchema=True
    )
    try:
        found = [partition for page in pages for partition in answered(page, "Partitions")]
    except client.exceptions.EntityNotFoundException as error:
        raise _no_table(database, table) from error
    return {
        partition["Values"][0]: _with_slash(partition["StorageDescriptor"]["Location"])
        for partition in found
    }


@task(
    name="register-partitions",
    task_run_name="register partitions of {table.name}",
    **OVER_AWS,
)
def register_partitions(database: str, table: Table, bucket: str, values: Collection[str]) -> None:
    """Create the partitions of a raw table that are not there yet.

    Safe to repeat: a partition that is there stays as it is.

    Args:
        database: The database in the Glue Data Catalog.
        table: A raw table, whose partitions never move.
        bucket: The lake's bucket.
        values: Of the partition key.

    Raises:
        NotConfiguredError: The table is not there, or the catalog refused a partition.
    """
    client = boto3.client("glue")
    descriptor = _descriptor(client, database, table.name)
    inputs: list[Any] = [
        {
            "Values": [value],
            "StorageDescriptor": descriptor | {"Location": f"s3://{bucket}/{table.folder(value)}"},
        }
        for value in values
    ]
    where: Any = {"DatabaseName": database, "TableName": table.name}

    def create(batch: list[Any]) -> dict[int, tuple[str, str]]:
        answer = client.batch_create_partition(**where, PartitionInputList=batch)
        return _refused(batch, answer.get("Errors", []))

    ask_in_batches(
        inputs,
        _BATCH,
        create,
        lambda partition, said: NotConfiguredError(
            f"Glue refused partition {partition['Values']} of {database}.{table.name}: {said}"
        ),
    )


def _refused(batch: Sequence[Any], errors: Iterable[Any]) -> dict[int, tuple[str, str]]:
    """Return which partitions Glue did not create, but for those that were there."""
    places = {tuple(partition["Values"]): at for at, partition in enumerate(batch)}
    refused: dict[int, tuple[str, str]] = {}
    for error in errors:
        detail = error.get("ErrorDetail", {})
        if detail.get("ErrorCode") != "AlreadyExistsException":
            said = (str(detail.get("ErrorCode")), str(detail.get("ErrorMessage")))
            at = places.get(tuple(error.get("PartitionValues", ())))
            # Of which one it is not said: any may be the one.
            refused |= dict.fromkeys(range(len(batch)) if at is None else [at], said)
    return refused


def _with_slash(location: str) -> str:
    return location.rstrip("/") + "/"


def _descriptor(client: "GlueClient", database: str, table: str) -> dict[str, Any]:
    try:
        found = client.get_table(DatabaseName=database, Name=table)
    except client.exceptions.EntityNotFoundException as error:
        raise _no_table(database, table) from error
    return dict(answered(found, "Table")["StorageDescriptor"])


def _no_table(database: str, table: str) -> NotConfiguredError:
    return NotConfiguredError(
        f"Expected table {database}.{table} in the Glue Data Catalog, found none. Create it with "
        f"the infrastructure, or check B3_DATABASE."
    )
