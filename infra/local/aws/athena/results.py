"""Rows in the forms in which Athena gives them: cells of text, CSV, and column descriptions."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

_NUMBERS = {
    pa.int8(): ("tinyint", 3),
    pa.int16(): ("smallint", 5),
    pa.int32(): ("integer", 10),
    pa.int64(): ("bigint", 19),
    pa.float32(): ("float", 17),
    pa.float64(): ("double", 17),
}
_LONGEST_TEXT = 2147483647
Cell = str | None


@dataclass(frozen=True)
class Result:
    """The answer of a statement.

    Attributes:
        columns: Each column in the form of GetQueryResults' ColumnInfo.
        rows: Text or null for each cell, without a header.
        scanned_bytes: The size of the files that were opened to the query.
        manifest: Address of the list of files that CREATE TABLE AS or UNLOAD wrote.
    """

    columns: list[dict[str, Any]]
    rows: list[list[Cell]]
    scanned_bytes: int = 0
    manifest: str | None = None

    def all_rows(self) -> list[list[Cell]]:
        """Return the rows as GetQueryResults pages through them, the columns' names first."""
        header: list[Cell] = [column["Name"] for column in self.columns]
        return [header, *self.rows] if self.columns else []

    def as_bytes(self) -> bytes:
        """Return the file that Athena writes: quoted CSV."""
        return "".join(map(_csv_line, self.all_rows())).encode()


def table_result(table: pa.Table, scanned_bytes: int) -> Result:
    """Return the answer of a query."""
    columns = [_column_of(field) for field in table.schema]
    cells = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    rows = [list(row) for row in zip(*cells, strict=True)]
    return Result(columns, rows, scanned_bytes)


def athena_type(kind: pa.DataType) -> str:
    """Return the name that Athena's DDL has for an Arrow type."""
    name, precision, scale = _described(kind)
    if name == "decimal":
        return f"decimal({precision},{scale})"
    return {"varchar": "string", "integer": "int", "varbinary": "binary"}.get(name, name)


def _column_of(field: pa.Field) -> dict[str, Any]:
    name = field.name.lower()
    kind, precision, scale = _described(field.type)
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind == "varchar",
    }


def _described(kind: pa.DataType) -> tuple[str, int, int]:
    if kind in _NUMBERS:
        return (*_NUMBERS[kind], 0)
    if pa.types.is_decimal(kind):
        return "decimal", kind.precision, kind.scale
    if pa.types.is_timestamp(kind):
        return ("timestamp with time zone" if kind.tz else "timestamp"), 3, 0
    return _described_by_family(kind)


def _described_by_family(kind: pa.DataType) -> tuple[str, int, int]:
    families = (
        (pa.types.is_boolean, ("boolean", 0, 0)),
        (pa.types.is_date, ("date", 0, 0)),
        (pa.types.is_binary, ("varbinary", _LONGEST_TEXT, 0)),
        (pa.types.is_list, ("array", 0, 0)),
        (pa.types.is_map, ("map", 0, 0)),
        (pa.types.is_struct, ("row", 0, 0)),
    )
    for is_of_family, described in families:
        if is_of_family(kind):
            return described
    return "varchar", _LONGEST_TEXT, 0


def _cell(value: Any) -> Cell:
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return _float_text(value)
        case dt.datetime():
            text = f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"
            return f"{text} UTC" if value.tzinfo else text
        case bytes():
            return value.hex(" ")
        case list():
            return "[" + ", ".join(map(_nested_text, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{k}={_nested_text(v)}" for k, v in value.items()) + "}"
        case tuple():
            return "=".join(map(_nested_text, value))
    return str(value)


def _nested_text(value: Any) -> str:
    return "null" if value is None else _text(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _csv_line(row: list[Cell]) -> str:
    cells = ("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row)
    return ",".join(cells) + "\n"
