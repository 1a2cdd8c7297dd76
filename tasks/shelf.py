"""What readers see: the partitions of the Glue Data Catalog.

A partition's location is the commit: one call moves readers from one run's prefix to another's.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from prefect import get_run_logger, task
from prefect.assets import add_asset_metadata, materialize

from tasks.assets import asset_of
from tasks.core.dataset import Table
from tasks.core.errors import NotConfiguredError, PublishConflictError
from tasks.core.published import PUBLISHED_AT, RAW_DIGEST, RUN_ID, Published
from tasks.retries import OVER_AWS

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_BATCH = 100  # partitions in one BatchCreatePartition


@task(name="read-published", **OVER_AWS)
def read_published(
    database: str, tables: Sequence[str], values: Sequence[str]
) -> dict[str, Published | None]:
    """Return what each table's partition shows now; None where there is none.

    Args:
        database: The database in the Glue Data Catalog.
        tables: Names of tables.
        values: The partition's values, in the order of the partition keys.
    """
    client = boto3.client("glue")
    return {table: _published(_get_partition(client, database, table, values)) for table in tables}


@task(name="register-partitions", **OVER_AWS)
def register_partitions(
    database: str, table: str, locations: Mapping[tuple[str, ...], str]
) -> None:
    """Create the partitions that are not there yet.

    Safe to repeat: a partition that is there stays as it is.

    Args:
        database: The database in the Glue Data Catalog.
        table: A table whose partitions never move.
        locations: `{partition values: S3 location}`.

    Raises:
        NotConfiguredError: The table is not there, or the catalog refused a partition.
    """
    client = boto3.client("glue")
    descriptor = _storage_descriptor(client, database, table)
    inputs = [
        {"Values": list(values), "StorageDescriptor": descriptor | {"Location": location}}
        for values, location in locations.items()
    ]
    for start in range(0, len(inputs), _BATCH):
        answer = client.batch_create_partition(
            DatabaseName=database,
            TableName=table,
            PartitionInputList=inputs[start : start + _BATCH],  # type: ignore[arg-type]
        )
        for error in answer.get("Errors", []):
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") != "AlreadyExistsException":
                raise NotConfiguredError(
                    f"Glue refused partition {error.get('PartitionValues')} of {database}.{table}: "
                    f"{detail.get('ErrorMessage')}"
                )


def publish_month(
    tables: Sequence[Table],
    database: str,
    values: Sequence[str],
    *,
    new: Mapping[str, Published],
    expected: Mapping[str, Published | None],
    row_counts: Mapping[str, int],
) -> None:
    """Show readers a month: a step that makes the tables' assets; see `move_partitions`."""
    step = materialize(*map(asset_of, tables), name="publish-month", **OVER_AWS)(move_partitions)
    step(database, values, new=new, expected=expected, row_counts=row_counts)


def move_partitions(
    database: str,
    values: Sequence[str],
    *,
    new: Mapping[str, Published],
    expected: Mapping[str, Published | None],
    row_counts: Mapping[str, int],
) -> None:
    """Show readers what a run made of one month, table by table: the commit.

    Safe to repeat: killed between two tables, the same run publishes the rest.

    Args:
        database: The database in the Glue Data Catalog.
        values: The partition's values, in the order of the partition keys.
        new: `{table: what it is to show}`.
        expected: `{table: what it showed when the audit began}`.
        row_counts: `{table: rows}`, for the assets.

    Raises:
        PublishConflictError: Another run published meanwhile; what it published stays.
    """
    for table, published in new.items():
        publish_partition(database, table, values, new=published, expected=expected[table])
        add_asset_metadata(
            f"b3://{table}",
            {
                "partition": "/".join(values),
                "row_count": row_counts[table],
                "run_id": published.run_id,
                "location": published.location,
            },
        )


def publish_partition(
    database: str,
    table: str,
    values: Sequence[str],
    *,
    new: Published,
    expected: Published | None,
) -> None:
    """Point one partition at a new run's prefix: the commit of one table.

    Safe to repeat: a partition that shows the new run already stays as it is.

    Args:
        database: The database in the Glue Data Catalog.
        table: The table.
        values: The partition's values, in the order of the partition keys.
        new: What it is to show.
        expected: What it showed when the audit began.

    Raises:
        PublishConflictError: It shows something else by now; what another run published stays.
    """
    client = boto3.client("glue")
    found = _published(_get_partition(client, database, table, values))
    if found == new:
        return
    if found != expected:
        raise PublishConflictError(
            f"{database}.{table} {'/'.join(values)}: expected {_name(expected)} to be published, "
            f"found {_name(found)}. Another run published meanwhile; run again."
        )
    partition: Any = {
        "Values": list(values),
        "StorageDescriptor": _storage_descriptor(client, database, table)
        | {"Location": new.location},
        "Parameters": {
            RUN_ID: new.run_id,
            RAW_DIGEST: new.raw_digest,
            PUBLISHED_AT: dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        },
    }
    where = {"DatabaseName": database, "TableName": table}
    if found is None:
        try:
            client.create_partition(**where, PartitionInput=partition)
        except client.exceptions.AlreadyExistsException as error:
            raise PublishConflictError(
                f"{database}.{table} {'/'.join(values)}: another run published it at this moment; "
                f"run again."
            ) from error
    else:
        client.update_partition(**where, PartitionValueList=list(values), PartitionInput=partition)
    get_run_logger().info("%s %s now shows run %s", table, "/".join(values), new.run_id)


def _name(published: Published | None) -> str:
    return f"run {published.run_id or published.location}" if published else "nothing"


def _published(partition: Mapping[str, Any] | None) -> Published | None:
    if partition is None:
        return None
    parameters = partition.get("Parameters", {})
    return Published(
        location=partition["StorageDescriptor"]["Location"],
        run_id=parameters.get(RUN_ID, ""),
        raw_digest=parameters.get(RAW_DIGEST, ""),
    )


def _get_partition(
    client: "GlueClient", database: str, table: str, values: Sequence[str]
) -> Mapping[str, Any] | None:
    try:
        answer = client.get_partition(
            DatabaseName=database, TableName=table, PartitionValues=list(values)
        )
    except client.exceptions.EntityNotFoundException:
        return None
    return answer["Partition"]


def _storage_descriptor(client: "GlueClient", database: str, table: str) -> dict[str, Any]:
    try:
        found = client.get_table(DatabaseName=database, Name=table)["Table"]
    except client.exceptions.EntityNotFoundException as error:
        raise NotConfiguredError(
            f"Expected table {database}.{table} in the Glue Data Catalog, found none. Create it "
            f"with the infrastructure, or check B3_DATABASE."
        ) from error
    return dict(found["StorageDescriptor"])


@task(name="list-published-prefixes", **OVER_AWS)
def list_published_prefixes(bucket: str, database: str, table: str) -> set[str]:
    """Return the prefixes that a table's partitions point to. Safe to repeat: it only reads."""
    pages = (
        boto3.client("glue")
        .get_paginator("get_partitions")
        .paginate(DatabaseName=database, TableName=table, ExcludeColumnSchema=True)
    )
    locations = [
        partition["StorageDescriptor"]["Location"]
        for page in pages
        for partition in page["Partitions"]
    ]
    return {location.removeprefix(f"s3://{bucket}/").rstrip("/") + "/" for location in locations}
