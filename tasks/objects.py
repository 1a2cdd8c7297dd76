"""S3 read and listed by plain calls: what steps that are about more than one object are made of."""

import io
from collections.abc import Sequence
from typing import Any

import boto3


def list_etags(bucket: str, prefix: str) -> dict[str, str]:
    """Return `{key: ETag}` of the objects under a prefix."""
    pages = (
        boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    )
    return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}


def list_parquet(bucket: str, prefix: str) -> list[str]:
    """Return the keys of the Parquet objects under a prefix, in order."""
    return [key for key in list_etags(bucket, prefix) if key.endswith(".parquet")]


def read_object(bucket: str, key: str) -> bytes | None:
    """Return an object's bytes; None where it is not there."""
    client = boto3.client("s3")
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except client.exceptions.NoSuchKey:
        return None


def read_table(bucket: str, key: str, columns: Sequence[str] | None = None) -> Any:
    """Return a Parquet object as a `pyarrow.Table`; None where it is not there.

    Args:
        bucket: The bucket.
        key: The object.
        columns: Which columns; None for all.
    """
    # Imported here: pyarrow takes its time, which steps that read nothing need not wait.
    import pyarrow.parquet as pq

    body = read_object(bucket, key)
    if body is None:
        return None
    names = list(columns) if columns is not None else None
    return pq.read_table(io.BytesIO(body), columns=names, coerce_int96_timestamp_unit="ms")


def read_rows(bucket: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Read the rows of Parquet objects, as plain Python values; keys that are not there have none.

    Decimals stay decimals, dates dates, nulls None; timestamps are in UTC.
    """
    tables = [read_table(bucket, key) for key in keys]
    return [row for table in tables if table is not None for row in table.to_pylist()]
