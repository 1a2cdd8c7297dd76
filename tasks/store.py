"""Objects of the lake's bucket, of whatever table: landed, listed, read, written, removed.

Every write is one PUT of one object, so that a reader sees the old one or the new one.
"""

import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import boto3
from prefect import get_run_logger, task
from prefect.assets import add_asset_metadata, materialize

from tasks.assets import asset_of
from tasks.core.dataset import Table
from tasks.core.errors import B3PipelineError
from tasks.core.vacuum import StoredObject
from tasks.objects import list_etags, read_object, read_rows, read_table
from tasks.retries import OVER_AWS

Rows = list[dict[str, Any]]
Values = tuple[str, ...]
_CONTENT_TYPES = {"json": "application/json", "csv": "text/csv; charset=iso-8859-1"}
_BATCH = 1000  # keys in one DeleteObjects


class RemovalError(B3PipelineError):
    """S3 refused to remove an object; what was removed before stays removed. Run it again."""


@task(name="land", **OVER_AWS)
def land(
    bucket: str, folder: str, bodies: Sequence[bytes], suffix: Literal["json", "csv"] = "json"
) -> None:
    """Keep answers or files byte for byte, compressed, named by their bytes.

    Safe to repeat: the same bytes give the same key and the same object.

    Args:
        bucket: The lake's bucket.
        folder: Where to keep them, with a slash at its end.
        bodies: What came, byte for byte.
        suffix: What the bytes are.
    """
    client = boto3.client("s3")
    for body in bodies:
        client.put_object(
            Bucket=bucket,
            Key=f"{folder}{hashlib.sha256(body).hexdigest()}.{suffix}.gz",
            Body=gzip.compress(body, mtime=0),
            ContentType=_CONTENT_TYPES[suffix],
            ContentEncoding="gzip",
        )
    get_run_logger().info("Landed %d answer(s) in s3://%s/%s", len(bodies), bucket, folder)


@task(name="land-zip", **OVER_AWS)
def land_zip(bucket: str, folder: str, path: Path, sha256: str) -> None:
    """Keep a ZIP file byte for byte, named by its bytes.

    Safe to repeat: the same bytes give the same key and the same object.
    """
    key = f"{folder}{sha256}.zip"
    with path.open("rb") as file:
        boto3.client("s3").put_object(
            Bucket=bucket, Key=key, Body=file, ContentType="application/zip"
        )
    get_run_logger().info("Landed s3://%s/%s", bucket, key)


@task(name="list-raw", **OVER_AWS)
def list_raw(bucket: str, table: Table, values: Values, span: str) -> dict[str, str]:
    """Return `{key: ETag}` of the raw objects of one month or year.

    Costs one listing, however long the history is; arguments as `Table.span_prefix`.
    """
    return list_etags(bucket, table.span_prefix(values, span))


def list_sessions(bucket: str, table: Table, values: Values, span: str) -> set[dt.date]:
    """Return the sessions that raw holds of a month or year; arguments as `list_raw`."""
    return set(map(table.session_of, list_raw(bucket, table, values, span)))


@task(name="read-raw", **OVER_AWS)
def read_raw(bucket: str, table: Table, values: Values) -> Rows:
    """Return the rows of one raw object; none where raw does not hold it."""
    return read_rows(bucket, [table.object_key(values)])


@task(name="has-objects", **OVER_AWS)
def has_objects(bucket: str, prefixes: Sequence[str]) -> bool:
    """Return whether something lies under each of the prefixes."""
    client = boto3.client("s3")
    return all(
        client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"]
        for prefix in prefixes
    )


def write_raw(bucket: str, table: Table, values: Values, rows: Rows) -> None:
    """Write the rows of one raw object: a step that makes the table's asset; see `put_rows`."""
    step = materialize(asset_of(table), name="write-raw", **OVER_AWS)(put_rows)
    step(bucket, table, values, rows)


def put_rows(bucket: str, table: Table, values: Values, rows: Rows) -> None:
    """Write rows as the one object of a raw partition.

    Safe to repeat: one PUT of one object, which replaces the one before it.
    """
    # awswrangler and pandas take a second to import, which only the steps that use them pay.
    import awswrangler as wr
    import pandas as pd

    path, types = f"s3://{bucket}/{table.object_key(values)}", table.types()
    wr.s3.to_parquet(pd.DataFrame(rows, columns=list(types)), path=path, index=False, dtype=types)
    partition = "/".join(values)
    add_asset_metadata(
        asset_of(table), {"partition": partition, "row_count": len(rows), "path": path}
    )
    get_run_logger().info("Wrote %s: %d rows", path, len(rows))


def write_raw_files(bucket: str, table: Table, files: Mapping[Values, Path]) -> None:
    """Write raw objects from files: a step that makes the table's asset; see `put_files`."""
    step = materialize(asset_of(table), name="write-raw", **OVER_AWS)(put_files)
    step(bucket, table, files)


def put_files(bucket: str, table: Table, files: Mapping[Values, Path]) -> None:
    """Write Parquet files as objects of raw partitions.

    Safe to repeat: one PUT of one object a partition, and none where raw holds the same rows.

    Args:
        bucket: The lake's bucket.
        table: The raw table.
        files: `{partition's values: file}`, at least one.
    """
    # Imported here: pyarrow takes its time, which steps that write no files need not wait.
    import pyarrow.parquet as pq

    client = boto3.client("s3")
    written = 0
    for values, path in files.items():
        key = table.object_key(values)
        if not _holds_the_rows(bucket, key, path, table):
            client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
            written += 1
    row_count = sum(pq.read_metadata(path).num_rows for path in files.values())
    first, last = ("/".join(values) for values in (min(files), max(files)))
    add_asset_metadata(
        asset_of(table), {"partitions": f"{first} to {last}", "row_count": row_count}
    )
    get_run_logger().info(
        "%s %s to %s: %d of %d objects written, %d rows in all",
        table.name,
        first,
        last,
        written,
        len(files),
        row_count,
    )


def _holds_the_rows(bucket: str, key: str, path: Path, table: Table) -> bool:
    """Return whether an object holds the rows of a file, in whatever order."""
    stored = read_table(bucket, key)
    if stored is None:
        return False
    import pyarrow.parquet as pq

    new = pq.read_table(path)
    if stored.schema != new.schema or len(stored) != len(new):
        return False
    order = [(name, "ascending") for name in table.key if name in new.schema.names]
    return bool(stored.sort_by(order).equals(new.sort_by(order)))


@task(name="read-note", **OVER_AWS)
def read_note(bucket: str, key: str) -> dict[str, Any] | None:
    """Return what was noted at a key; None where nothing was."""
    body = read_object(bucket, key)
    return json.loads(body) if body else None


@task(name="write-note", **OVER_AWS)
def write_note(bucket: str, key: str, note: Mapping[str, Any]) -> None:
    """Note something for later runs, as JSON.

    Safe to repeat: one PUT of one object, which replaces the one before it.
    """
    body = json.dumps(note, indent=1).encode()
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


@task(name="list-objects", **OVER_AWS)
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


@task(name="remove-objects", **OVER_AWS)
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
