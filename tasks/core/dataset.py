"""What a dataset of the lake is, and where its tables lie. Types are Athena's (Hive's) own names.

```
landing/<folder>/<partition>/<sha256>.<suffix>.gz        bytes as received
raw/<folder>/<partition>/<object>.parquet                typed, one object a partition
refined/<table>/run_id=<id>/<partition>/….parquet        what a run produced
jobs/<script>.py                                         the Glue scripts
```

A partition is its keys' values as `key=value`, a folder each. Keys are relative to the bucket and
never start with a slash; prefixes end with one.
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.core.checks import Check
from tasks.core.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


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
        partition_keys: The columns stored in the path, in order; of raw tables the session or the
            year is the last.
        object_name: Of raw tables: name of the one object that a partition is.
    """

    name: str
    description: str
    grain: str
    key: tuple[str, ...]
    prefix: str
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]
    object_name: str = ""

    def types(self) -> dict[str, str]:
        """Return the stored columns as `{name: Athena type}`, in order."""
        return {column.name: column.type for column in self.columns}

    @property
    def landing_prefix(self) -> str:
        """Of raw tables: what all the bytes lie under that its rows were read from."""
        return f"landing/{self.prefix.partition('/')[2]}"

    def landing_folder(self, values: Sequence[str]) -> str:
        """Return where the bytes lie that a partition was read from; values as `object_key`."""
        return f"{self.landing_prefix}{self._partition(values)}/"

    def object_key(self, values: Sequence[str]) -> str:
        """Return the key of the one object of a raw partition.

        Args:
            values: A value for every partition key, in order.

        Raises:
            InvalidInputError: A value is none that may stand in a path.
        """
        return f"{self.raw_folder(values)}{self.object_name}"

    def raw_folder(self, values: Sequence[str]) -> str:
        """Return where the one object of a raw partition lies; values as `object_key`."""
        return f"{self.prefix}{self._partition(values)}/"

    def run_prefix(self, run_id: str, values: Sequence[str]) -> str:
        """Return where a run puts a partition of a refined table; values as `object_key`."""
        return f"{self.prefix}run_id={run_id}/{self._partition(values)}/"

    def span_prefix(self, values: Sequence[str], span: str) -> str:
        """Return the prefix that the raw partitions of one month or year share, and no others.

        Args:
            values: A value for every partition key but the last, in order.
            span: The month, `YYYY-MM`, or the year, `YYYY`, of the last one, a session.
        """
        return f"{self.prefix}{self._partition([*values, span])}-"

    def values_of(self, key: str) -> tuple[str, ...]:
        """Return the partition's values that stand in a key: `object_key` backwards."""
        folders = dict(folder.split("=") for folder in key.split("/") if "=" in folder)
        return tuple(folders[column.name] for column in self.partition_keys)

    def session_of(self, key: str) -> dt.date:
        """Return the session whose raw object lies at `key`."""
        return dt.date.fromisoformat(self.values_of(key)[-1])

    def _partition(self, values: Sequence[str]) -> str:
        pairs = list(zip(self.partition_keys, values, strict=True))
        for column, value in pairs:
            if not _VALUE.fullmatch(value):
                raise InvalidInputError(
                    f"Expected letters, digits and hyphens as {column.name} of {self.name}, "
                    f"found {value!r}: no path is built from it."
                )
        return "/".join(f"{column.name}={value}" for column, value in pairs)


Audit = Callable[
    [
        Sequence[str],
        Iterable[tuple[dt.date, "pa.Table"]],
        Mapping[str, "pa.Table"],
        Collection[dt.date],
    ],
    list[Check],
]
"""The audit of a refined month, pure. It is given

- the values of the partition keys before the month, e.g. `["IBOV"]`;
- every session that raw holds of the month, with its rows;
- `{refined table: rows}` that the run wrote, without partition keys;
- the sessions of the month that readers see now;

and returns one verdict a check.
"""


@dataclass(frozen=True)
class Dataset:
    """What is refined together: raw sessions, and the tables that are made of a month of them.

    Attributes:
        name: In words of the commands: `quotes`.
        raw: Its raw table.
        refined: What is made of it.
        sessions: The one of these that says by its `trading_date` which sessions readers see.
        audit: What must hold of a month before anybody may read it.
        refine_seconds_a_month: About how long Glue takes for one month.
    """

    name: str
    raw: Table
    refined: tuple[Table, ...]
    sessions: Table
    audit: Audit
    refine_seconds_a_month: int

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of it, raw first."""
        return (self.raw, *self.refined)
