"""What a table of the lake is. Types are Athena's (Hive's) own names."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Lower case, with its unit (`_pct`, `_at`, `_date`, `_count`).
        type: Athena type, e.g. `decimal(6,3)`.
        description: One sentence: meaning, unit, source.
    """

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """One table of the lake.

    Attributes:
        name: Name in the Glue Data Catalog.
        description: What the table holds.
        grain: What one row stands for.
        key: Columns that identify a row, partition keys included.
        prefix: Where its objects lie, relative to the bucket, with a slash at the end.
        columns: The columns stored in the files, in order.
        partition_keys: The columns stored in the path, in order.
    """

    name: str
    description: str
    grain: str
    key: tuple[str, ...]
    prefix: str
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]

    def types(self) -> dict[str, str]:
        """Return the stored columns as `{name: Athena type}`, in order."""
        return {column.name: column.type for column in self.columns}
