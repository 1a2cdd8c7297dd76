"""What the drill's lake holds: kept and put back, and what readers see of it, both ways.

Through Athena a reader finds each table by its partitions; through views all tables of a month by
the month's latest commit.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import boto3
import pyarrow.parquet as pq

from tests.standin.glue import BUCKET, DATABASE

Rows = Counter[str]
TableRows = dict[str, Rows]
_WHEN_READ = {"extracted_at": None}  # it differs from run to run, and is nobody's data


@dataclass(frozen=True)
class Kept:
    """A lake that was prepared once.

    Attributes:
        objects: Every object's bytes, by key.
        partitions: The partitions of each table, as Glue takes them.
    """

    objects: dict[str, bytes]
    partitions: dict[str, list[dict[str, Any]]]


def _body(key: str) -> bytes:
    body: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def _partitions(table: str) -> list[dict[str, Any]]:
    glue: Any = boto3.client("glue")
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=table)
    return [partition for page in pages for partition in page["Partitions"]]


def keep(tables: Iterable[str]) -> Kept:
    """Return what the lake holds now."""
    fields = ("Values", "StorageDescriptor", "Parameters")
    partitions = {
        table: [
            {name: each[name] for name in fields if name in each} for each in _partitions(table)
        ]
        for table in tables
    }
    return Kept({key: _body(key) for key, _ in _list("")}, partitions)


def put_back(kept: Kept) -> None:
    """Fill an empty lake with what another one held."""
    glue: Any = boto3.client("glue")
    for key, body in kept.objects.items():
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    for table, partitions in kept.partitions.items():
        if partitions:
            glue.batch_create_partition(
                DatabaseName=DATABASE, TableName=table, PartitionInputList=partitions
            )


def _list(prefix: str) -> list[tuple[str, str]]:
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=BUCKET, Prefix=prefix)
    return [(each["Key"], each["ETag"]) for page in found for each in page.get("Contents", [])]


def rows_in(key: str, etag: str) -> Rows:
    """The rows of a Parquet file, without when they were read; read once as long as it is same."""
    if (key, etag) not in _read:
        rows = pq.read_table(io.BytesIO(_body(key))).to_pylist()
        _read[key, etag] = Counter(str(row | _WHEN_READ) for row in rows)
    return _read[key, etag]


_read: dict[tuple[str, str], Rows] = {}


def _rows_at(prefix: str) -> Rows:
    files = [(key, etag) for key, etag in _list(prefix) if key.endswith(".parquet")]
    if not files:
        raise LookupError(f"no file lies at {prefix}, where a partition points to")
    return sum((rows_in(*each) for each in files), Counter())


def seen_by_athena(tables: Iterable[str]) -> TableRows:
    """The rows of each table, by its partitions.

    Raises:
        LookupError: A partition points to where nothing lies.
    """
    found: TableRows = {}
    for table in tables:
        places = [each["StorageDescriptor"]["Location"] for each in _partitions(table)]
        prefixes = [place.removeprefix(f"s3://{BUCKET}/") for place in places]
        found[table] = sum(map(_rows_at, prefixes), Counter())
    return found


def seen_by_views(dataset: str) -> TableRows:
    """The rows of each refined table of a dataset, by the latest commit of each month.

    Raises:
        LookupError: A file that a commit names is gone.
    """
    latest: dict[str, str] = {}
    for key, _ in sorted(_list(f"published/{dataset}/")):
        latest[key.split("/")[2]] = key
    found: TableRows = {}
    for key in latest.values():
        for table, made in json.loads(_body(key))["tables"].items():
            there = dict(_list(made["location"].removeprefix(f"s3://{BUCKET}/")))
            for each in made["objects"]:
                if each["key"] not in there:
                    raise LookupError(f"{key} names {each['key']}, which is gone")
                rows = rows_in(each["key"], there[each["key"]])
                found[table] = found.get(table, Counter()) + rows
    return found
