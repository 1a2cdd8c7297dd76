"""A stand-in for Glue's Spark: the same plan, executed in this process, in milliseconds."""

import atexit
import datetime as dt
import functools
import io
import re
import uuid
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from awswrangler._data_types import athena2pyarrow

from tests.standin.sql import MACROS, to_duckdb


@functools.cache
def _database() -> Any:
    """One for all runs of this process; what a run reads by name is seen by itself alone."""
    database = duckdb.connect(config={"threads": 1})
    database.execute(MACROS)
    atexit.register(_database.cache_clear)  # while there is still a Python to close it
    return database


class StandIn:
    """An engine for `infra.glue.refine.main`; one a run.

    It reads raw anew for every statement that names it, as Spark does, and stores what Spark
    stores by S3A: one object a table, sorted, with exactly the types of the plan, and beside it
    `_SUCCESS` and the marker of the folder.

    Attributes:
        version: Which Spark it stands in for.
    """

    version = "3.5.6"

    def __init__(self) -> None:
        self._s3: Any = boto3.client("s3")
        self._raw: dict[str, tuple[str, list[str]]] = {}
        self._empty: dict[str, pa.Table] = {}
        self._made: dict[str, pa.Table] = {}

    def read(self, view: str, base: str, paths: list[str]) -> None:
        """Let statements read Parquet files, with what the folders after `base` say, by a name."""
        self._raw[view] = (base, paths)
        self._empty.pop(view, None)
        self._read_object(base, paths[0])

    def read_nothing(self, view: str, columns: list[list[str]]) -> None:
        """Let statements read a table without rows by a name."""
        as_read = {"date": pa.date32(), "timestamp": pa.timestamp("us")}
        kinds = [(name, as_read.get(kind) or athena2pyarrow(kind)) for name, kind in columns]
        self._empty[view] = pa.schema(kinds).empty_table()
        self._raw.pop(view, None)

    def write(self, table: dict[str, Any], folder: str) -> int:
        """Write what a table's statement gives as one file, let others read it, count its rows."""
        rows = self._ask(table)
        bucket, prefix = _split(folder)
        if self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"]:
            raise FileExistsError(f"[PATH_ALREADY_EXISTS] Path {folder} already exists.")
        body = io.BytesIO()
        pq.write_table(
            rows, body, use_deprecated_int96_timestamps=True, store_decimal_as_integer=True
        )
        names = (f"part-00000-{uuid.uuid4()}-c000.snappy.parquet", "_SUCCESS", "")
        for name, content in zip(names, (body.getvalue(), b"", b""), strict=True):
            self._s3.put_object(Bucket=bucket, Key=prefix + name, Body=content)
        self._made[table["name"]] = rows
        return int(rows.num_rows)

    def _ask(self, table: dict[str, Any]) -> pa.Table:
        raw = {
            view: pa.concat_tables([self._read_object(base, path) for path in paths])
            for view, (base, paths) in self._raw.items()
            if re.search(rf"\b{view}\b", table["statement"])
        }
        order = ", ".join(f"{column} NULLS FIRST" for column in table["order"])
        with _database().cursor() as connection:
            types = []
            for name, rows in (self._empty | raw | self._made).items():
                connection.register(name, rows)
                types.append((name, tuple(map(tuple, _columns(connection.table(name))))))
            query = to_duckdb(table["statement"], tuple(types))
            found = connection.sql(f"SELECT * FROM ({query}) ORDER BY {order}")
            if _columns(found) != table["columns"]:
                raise ValueError(
                    f"expected the columns {table['columns']}, found {_columns(found)}"
                )
            return found.to_arrow_table()

    def _read_object(self, base: str, path: str) -> pa.Table:
        bucket, key = _split(path)
        body = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        rows = pq.read_table(io.BytesIO(body), coerce_int96_timestamp_unit="us")
        for folder in path.removeprefix(base).split("/")[:-1]:
            name, _, value = folder.partition("=")
            date = pa.scalar(dt.date.fromisoformat(value))
            rows = rows.append_column(name, pa.repeat(date, len(rows)))
        return rows


def _split(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _columns(relation: Any) -> list[list[str]]:
    """Return the names and types as Spark says them."""
    kinds = (str(kind).lower() for kind in relation.types)
    kinds = ({"varchar": "string", "integer": "int"}.get(kind, kind) for kind in kinds)
    return [list(column) for column in zip(relation.columns, kinds, strict=True)]
