"""Tables of the Glue Data Catalog as relations in DuckDB, read lazily from the lake's files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

from infra.local.aws import s3
from infra.local.aws.glue.catalog import moto_glue

_ARROW_TYPES = {
    "bigint": pa.int64(),
    "binary": pa.binary(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "double": pa.float64(),
    "float": pa.float32(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "string": pa.string(),
    # Athena's timestamp has no zone; in this lake its wall clock is UTC.
    "timestamp": pa.timestamp("us"),
    "tinyint": pa.int8(),
}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_TEXT = re.compile(r"(?:var)?char\(\d+\)")
_PARQUET = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(),
    coerce_int96_timestamp_unit="us",
)


class QueryError(Exception):
    """The query cannot be answered; the message is what Athena's StateChangeReason says."""


@dataclass(frozen=True)
class CatalogTable:
    """One table as the catalog describes it.

    Attributes:
        database: Name of its database.
        name: Its name.
        definition: The table as GetTable answers.
        partitions: The partitions as GetPartitions answers, as of one moment.
    """

    database: str
    name: str
    definition: dict[str, Any]
    partitions: list[dict[str, Any]]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns in the files: name and type."""
        return _names_and_types(self.definition["StorageDescriptor"]["Columns"])

    @property
    def partition_keys(self) -> list[tuple[str, str]]:
        """The columns in the catalog alone: name and type."""
        return _names_and_types(self.definition.get("PartitionKeys") or [])

    @property
    def location(self) -> str:
        """The table's own `s3://` address."""
        return str(self.definition["StorageDescriptor"]["Location"])

    @property
    def schema(self) -> pa.Schema:
        """All columns, the partition keys last."""
        return pa.schema(
            [(name, arrow_type(kind)) for name, kind in self.columns + self.partition_keys]
        )

    def dataset(self) -> ds.Dataset:
        """Return the table's data files, with what each partition says about its rows."""
        serde = self.definition["StorageDescriptor"].get("SerdeInfo", {})
        if "parquet" not in serde.get("SerializationLibrary", "").lower():
            raise QueryError(
                f"HIVE_UNSUPPORTED_FORMAT: the local Athena reads Parquet; {self.database}."
                f"{self.name} has the SerDe {serde.get('SerializationLibrary')!r}"
            )
        local = fs.LocalFileSystem()
        schema = self.schema
        fragments = [
            _PARQUET.make_fragment(str(path), filesystem=local, partition_expression=expression)
            for directory, expression in self._places(schema)
            for path in _data_files(directory)
        ]
        return ds.FileSystemDataset(fragments, schema, _PARQUET, local)

    def _places(self, schema: pa.Schema) -> Iterator[tuple[Path, ds.Expression]]:
        if not self.partition_keys:
            yield s3.local_path(self.location), ds.scalar(True)  # noqa: FBT003 - an Arrow value
            return
        for partition in self.partitions:
            expression = ds.scalar(True)  # noqa: FBT003 - an Arrow value
            for (name, _kind), value in zip(self.partition_keys, partition["Values"], strict=True):
                typed = pa.scalar(value).cast(schema.field(name).type)
                expression = expression & (ds.field(name) == typed)
            yield s3.local_path(partition["StorageDescriptor"]["Location"]), expression


def _names_and_types(columns: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(column["Name"].lower(), column["Type"].lower()) for column in columns]


def arrow_type(athena_type: str) -> pa.DataType:
    """Return the Arrow type of an Athena type.

    Raises:
        QueryError: It is a nested or unknown type.
    """
    if athena_type in _ARROW_TYPES:
        return _ARROW_TYPES[athena_type]
    if decimal := _DECIMAL.fullmatch(athena_type):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if _TEXT.fullmatch(athena_type):
        return pa.string()
    raise QueryError(f"NOT_SUPPORTED: the local Athena does not read columns of {athena_type!r}")


def _data_files(directory: Path) -> list[Path]:
    """Return the files below a location that hold rows: no name on the way starts with _ or ."""
    return sorted(
        path
        for path in directory.rglob("*")
        if path.is_file()
        and not any(part.startswith(("_", ".")) for part in path.relative_to(directory).parts)
    )


def find_table(database: str, name: str) -> CatalogTable:
    """Return a table as it is in the catalog now.

    Raises:
        QueryError: There is no such database or table.
    """
    databases = moto_glue().databases
    if database not in databases:
        raise QueryError(f"SCHEMA_NOT_FOUND: Schema {database!r} does not exist")
    if name not in databases[database].tables:
        raise QueryError(
            f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{database}.{name}' does not exist"
        )
    table = databases[database].tables[name]
    partitions = [partition.as_dict() for partition in list(table.partitions.values())]
    return CatalogTable(database, name, table.as_dict(), partitions)
