"""Runs statements of Athena by DuckDB; an answer in Parquet goes to the lake and the catalog."""

import io
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from moto.glue.exceptions import GlueClientError
from sqlglot import exp

from infra.local.aws import s3
from infra.local.aws.athena.results import Result, athena_type, table_result
from infra.local.aws.athena.sql import (
    Statement,
    TableName,
    parse_statement,
    tables_of,
    to_duckdb,
    with_types,
)
from infra.local.aws.athena.tables import QueryError, find_table
from infra.local.aws.glue.catalog import Catalog, moto_glue
from infra.local.aws.lake_files import InvalidKeyError

PARQUET_STORAGE = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}
# A query sees what is registered and nothing else: no files, no network, no Python variables.
_CLOSED = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "threads": 2,
}

_REASONS_TO_FAIL = (duckdb.Error, pa.ArrowException, GlueClientError, InvalidKeyError, OSError)


def _connect() -> Any:
    connection = duckdb.connect(config=_CLOSED)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_external_access = false")
    return connection


@dataclass
class Query:
    """One statement on its way.

    Attributes:
        id: The execution's id.
        sql: The statement.
        parameters: A literal for each `?`.
        database: The session's database.
        output_url: Where the answer's file goes.
        catalog: Keeps what the statement changes in the catalog.
    """

    id: str
    sql: str
    parameters: list[str]
    database: str
    output_url: str
    catalog: Catalog
    _connection: Any = field(default_factory=_connect)

    def run(self) -> Result:
        """Run the statement.

        Raises:
            QueryError: It cannot be answered; the message says why.
        """
        try:
            return self._run(parse_statement(self.sql, self.parameters))
        except _REASONS_TO_FAIL as error:
            raise QueryError(str(error)) from error
        finally:
            self._connection.close()

    def interrupt(self) -> None:
        """Ask a running query to end; DuckDB forgets it if the query has not begun."""
        with suppress(duckdb.Error):
            self._connection.interrupt()

    def _run(self, statement: Statement) -> Result:
        if statement.is_explained:
            return table_result(self._explain(statement.query), 0)
        table, scanned_bytes = self._select(statement.query)
        if statement.is_written:
            return self._write(statement, table, scanned_bytes)
        return table_result(table, scanned_bytes)

    def _select(self, query: exp.Query) -> tuple[pa.Table, int]:
        relation, scanned_bytes = self._prepare(query)
        return _fetch(relation), scanned_bytes

    def _explain(self, query: exp.Query) -> pa.Table:
        """Return how the query would be done, a line a row; nothing is read for it."""
        plan = self._prepare(query)[0].explain()
        return pa.table({"Query Plan": plan.rstrip().splitlines()})

    def _prepare(self, query: exp.Query) -> tuple[Any, int]:
        """Bind the query to the tables that it names; return it with the bytes of these."""
        self._use(self.database)
        scanned_bytes = 0
        columns: dict[str, dict[str, dict[str, str]]] = {}
        for index, name in enumerate(tables_of(query, self.database)):
            table = find_table(name.database, name.name)
            dataset = table.dataset()
            columns.setdefault(name.database, {})[name.name] = dict(
                table.columns + table.partition_keys
            )
            scanned_bytes += sum(Path(path).stat().st_size for path in dataset.files)
            self._use(name.database)
            self._connection.register(f"__table_{index}", dataset)
            self._connection.execute(
                f"CREATE VIEW {_quoted(name.name)} AS SELECT * FROM __table_{index}"  # noqa: S608
            )
        self._use(self.database)
        return self._bind(query, columns), scanned_bytes

    def _bind(self, query: exp.Query, columns: dict[str, dict[str, dict[str, str]]]) -> Any:
        typed = with_types(query, self.database, columns)
        if typed is not None:
            with suppress(duckdb.Error):
                return self._connection.sql(to_duckdb(typed))
        return self._connection.sql(to_duckdb(query))

    def _use(self, database: str) -> None:
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(database)}")
        self._connection.execute(f"USE {_quoted(database)}")

    def _write(self, statement: Statement, table: pa.Table, scanned_bytes: int) -> Result:
        target = statement.url or f"{self.output_url.rsplit('/', 1)[0]}/tables/{self.id}"
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        url = f"{target.rstrip('/')}/{self.id}.parquet"
        s3.put_object(url, buffer.getvalue())
        if statement.table is not None:
            self._create_table(statement.table, table.schema, target)
        manifest = f"{self.output_url.removesuffix('.csv')}-manifest.csv"
        s3.put_object(manifest, f"{url}\n".encode())
        return Result([], [], scanned_bytes, manifest)

    def _create_table(self, name: TableName, schema: pa.Schema, url: str) -> None:
        columns = [{"Name": f.name.lower(), "Type": athena_type(f.type)} for f in schema]
        definition = {
            "Name": name.name,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [],
            "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE"},
            "StorageDescriptor": {"Location": url, "Columns": columns, **PARQUET_STORAGE},
        }
        moto_glue().create_table(name.database, name.name, definition)
        self.catalog.save_table(name.database, name.name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fetch(relation: Any) -> pa.Table:
    """Fetch a relation; DuckDB's 128-bit sums are 64-bit integers in Athena."""
    kinds = [str(kind) for kind in relation.types]
    table = relation.to_arrow_table()
    for index, kind in enumerate(kinds):
        if kind in {"HUGEINT", "UHUGEINT", "UBIGINT"}:
            column = table.column(index).cast(pa.int64())
            table = table.set_column(index, table.schema.names[index], column)
    return table
