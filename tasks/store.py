"""Objects of the lake's bucket, of whatever table: landed, listed, read, written.

Every write is one PUT of one object, so that a reader sees the old one or the new one.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from prefect import get_run_logger, task
from prefect.assets import add_asset_metadata, materialize

from tasks.assets import asset_of
from tasks.core.dataset import Table
from tasks.core.errors import UnreadableRawError
from tasks.core.wording import count, name_span
from tasks.objects import (
    land_bytes,
    list_at,
    list_etags,
    parse_table,
    read_object,
    read_table,
)
from tasks.retries import OVER_AWS, tried_again
from tasks.side_by_side import READS_AT_ONCE, side_by_side

Rows = list[dict[str, Any]]
Objects = Mapping[tuple[str, str], Rows]


@task(name="land-files", task_run_name="land saved files", **OVER_AWS)
def land_csvs(bucket: str, files: Sequence[tuple[str, bytes]]) -> list[str]:
    """Keep saved files byte for byte, compressed, named by their bytes; return their keys.

    Safe to repeat: the same bytes give the same key and the same object.

    Args:
        bucket: The lake's bucket.
        files: Of each where to keep it, with a slash at its end, and its bytes.
    """
    keys = [land_bytes(bucket, folder, body, "csv", {}) for folder, body in files]
    for key in keys:
        get_run_logger().debug("Landed s3://%s/%s", bucket, key)
    get_run_logger().info("%s kept in landing", count(len(files), "saved file"))
    return keys


@task(name="land-zip", task_run_name="land {path.name}", **OVER_AWS)
def land_zip(bucket: str, folder: str, path: Path, sha256: str) -> None:
    """Keep a ZIP file byte for byte, named by its bytes.

    Safe to repeat: the same bytes give the same key and the same object.
    """
    key = f"{folder}{sha256}.zip"
    with path.open("rb") as file:
        boto3.client("s3").put_object(
            Bucket=bucket, Key=key, Body=file, ContentType="application/zip"
        )
    size = path.stat().st_size
    get_run_logger().info("%s: %s kept in landing", path.name, count(size, "byte"))
    get_run_logger().debug("Landed s3://%s/%s", bucket, key)


@tried_again
def list_zips(bucket: str, folder: str) -> dict[str, dt.datetime]:
    """Return `{key: when it was landed}` of the ZIP files in a folder. It only reads."""
    found, _ = list_at(bucket, folder)
    return {each.key: each.modified_at for each in found if each.key.endswith(".zip")}


@tried_again
def fetch_zip(bucket: str, key: str, path: Path) -> None:
    """Bring a landed ZIP file to this machine's disk. Safe to repeat: it writes one file."""
    boto3.client("s3").download_file(bucket, key, str(path))


@tried_again
def list_raw(bucket: str, table: Table, span: str) -> dict[str, str]:
    """Return `{key: ETag}` of the raw objects of one month or year.

    Costs one listing, however long the history is; arguments as `Table.span_prefix`.
    """
    found = list_etags(bucket, table.span_prefix(span))
    return {key: etag for key, etag in found.items() if key.endswith(".parquet")}


def list_sessions(bucket: str, table: Table, span: str) -> set[dt.date]:
    """Return the sessions that raw holds something of; arguments as `list_raw`."""
    return set(map(table.session_of, list_raw(bucket, table, span)))


@tried_again
def list_names(bucket: str, table: Table, value: str) -> set[str]:
    """Return the names of the objects of one raw partition. It only reads."""
    found = list_etags(bucket, table.folder(value))
    return {table.name_of(key) for key in found if key.endswith(".parquet")}


@tried_again
def read_raw(
    bucket: str,
    table: Table,
    value: str,
    names: Collection[str],
    columns: Sequence[str] | None = None,
) -> dict[str, Rows | UnreadableRawError]:
    """Return the rows of objects of one raw partition, by their names; those that are there.

    Safe to repeat: it only reads; arguments as `Table.object_key`, and which columns, None for
    all. Decimals stay decimals, dates dates, nulls None; timestamps are in UTC. One that is empty,
    cut, garbage or of another form gives the error that says so.
    """
    wanted = {table.object_key(value, name): name for name in names}
    there = [key for key in list_etags(bucket, table.folder(value)) if key in wanted]
    client = boto3.client("s3")
    bodies = side_by_side(lambda key: read_object(bucket, key, client), there, READS_AT_ONCE)
    return {
        wanted[key]: _read_rows(bucket, table, key, body, columns)
        for key, body in zip(there, bodies, strict=True)
        if body is not None
    }


def _read_rows(
    bucket: str, table: Table, key: str, body: bytes, columns: Sequence[str] | None
) -> Rows | UnreadableRawError:
    try:
        rows = parse_table(bucket, key, body, columns)
    except UnreadableRawError as error:
        return error
    missing = ", ".join(
        column for column in columns or table.types() if column not in rows.column_names
    )
    if missing or not len(rows):
        return UnreadableRawError(bucket, key, f"no column {missing}" if missing else "no rows")
    return list(rows.to_pylist())


def _writing(table: Table, values: Iterable[str]) -> Callable[..., Any]:
    """Make of a function a step that makes the table's asset, of some partitions."""
    named = f"write {table.name} {name_span(values)}"
    return materialize(asset_of(table), name="write-raw", task_run_name=named, **OVER_AWS)


def write_raw(bucket: str, table: Table, objects: Objects) -> None:
    """Write raw objects from rows: a step that makes the table's asset; see `put_rows`."""
    step = _writing(table, (value for value, _ in objects))(put_rows)
    step(bucket, table, objects)


def put_rows(bucket: str, table: Table, objects: Objects) -> None:
    """Write rows as objects of raw partitions.

    Safe to repeat: one PUT of one object each, which replaces the one before it.

    Args:
        bucket: The lake's bucket.
        table: The raw table.
        objects: `{(partition's value, name): rows}`, at least one; see `Table.object_key`.
    """
    # awswrangler and pandas take a second to import, which only the steps that use them pay.
    import awswrangler as wr
    import pandas as pd

    types = table.types()
    for (value, name), rows in objects.items():
        path = f"s3://{bucket}/{table.object_key(value, name)}"
        frame = pd.DataFrame(rows, columns=list(types))
        wr.s3.to_parquet(frame, path=path, index=False, dtype=types)
        get_run_logger().debug("Wrote %s: %d rows", path, len(rows))
    span, row_count = name_span(value for value, _ in objects), sum(map(len, objects.values()))
    get_run_logger().info(
        "%s %s: %s written, %s",
        table.name,
        span,
        count(len(objects), "object"),
        count(row_count, "row"),
    )
    described = {
        "partitions": ", ".join(sorted({value for value, _ in objects})),
        "names": ", ".join(sorted({name for _, name in objects})),
        "row_count": row_count,
    }
    add_asset_metadata(asset_of(table), described)


def write_raw_files(bucket: str, table: Table, name: str, files: Mapping[str, Path]) -> None:
    """Write raw objects from files: a step that makes the table's asset; see `put_files`."""
    step = _writing(table, files)(put_files)
    step(bucket, table, name, files)


def put_files(bucket: str, table: Table, name: str, files: Mapping[str, Path]) -> None:
    """Write Parquet files as objects of raw partitions.

    Safe to repeat: one PUT of one object a partition, and none where raw holds the same rows.

    Args:
        bucket: The lake's bucket.
        table: The raw table.
        name: Which object of each partition they are.
        files: `{partition's value: file}`, at least one.
    """
    # Imported here: pyarrow takes its time, which steps that write no files need not wait.
    import pyarrow.parquet as pq

    client = boto3.client("s3")
    written = 0
    for value, path in files.items():
        key = table.object_key(value, name)
        if not _holds_the_rows(bucket, key, path, table):
            client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
            written += 1
    row_count = sum(pq.read_metadata(path).num_rows for path in files.values())
    span = name_span(files)
    add_asset_metadata(asset_of(table), {"partitions": span, "row_count": row_count})
    said = f"{written} of {count(len(files), 'object')} written, {count(row_count, 'row')}"
    get_run_logger().info("%s %s: %s", table.name, span, said)


def _holds_the_rows(bucket: str, key: str, path: Path, table: Table) -> bool:
    """Return whether an object can be read and holds the rows of a file, in whatever order."""
    try:
        stored = read_table(bucket, key)
    except UnreadableRawError as error:
        get_run_logger().warning("%s It is written anew.", error)
        return False
    if stored is None:
        return False
    import pyarrow.parquet as pq

    new = pq.read_table(path)
    if stored.schema != new.schema:
        return False
    order = [(name, "ascending") for name in table.key if name in new.schema.names]
    return bool(stored.sort_by(order).equals(new.sort_by(order)))
