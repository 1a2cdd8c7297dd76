"""Look for what no partition points to, and remove it."""

from collections.abc import Sequence

import boto3
from prefect import get_run_logger, task

from tasks.core.errors import B3PipelineError
from tasks.core.vacuum import StoredObject
from tasks.retries import OVER_AWS

_BATCH = 1000  # keys in one DeleteObjects


class RemovalError(B3PipelineError):
    """S3 refused to remove an object; what was removed before stays removed. Run it again."""


@task(
    name="list-objects",
    **OVER_AWS,
)
def list_objects(bucket: str, prefix: str) -> list[StoredObject]:
    """Return every object under a prefix. Safe to repeat: it only reads."""
    pages = (
        boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    )
    return [
        StoredObject(item["Key"], item["Size"], item["LastModified"])
        for page in pages
        for item in page.get("Contents", [])
    ]


@task(
    name="list-published-prefixes",
    **OVER_AWS,
)
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


@task(
    name="remove-objects",
    **OVER_AWS,
)
def remove_objects(bucket: str, keys: Sequence[str]) -> None:
    """Remove objects. Safe to repeat: one that is gone already is no error.

    Raises:
        RemovalError: S3 refused one.
    """
    client = boto3.client("s3")
    for start in range(0, len(keys), _BATCH):
        batch = [{"Key": key} for key in keys[start : start + _BATCH]]
        answer = client.delete_objects(
            Bucket=bucket,
            Delete={"Objects": batch, "Quiet": True},  # type: ignore[typeddict-item]
        )
        for error in answer.get("Errors", []):
            raise RemovalError(
                f"S3 did not remove s3://{bucket}/{error.get('Key')}: {error.get('Message')}. "
                f"Run it again."
            )
    get_run_logger().info("Removed %d objects", len(keys))
