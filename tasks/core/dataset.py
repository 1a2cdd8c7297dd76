"""What a dataset of the lake is, and where its tables lie. Types are Athena's (Hive's) own names.

```
landing/<folder>/received=<day>/<name>/<sha256>.<suffix>.gz     what was answered, as it came
landing/<folder>/session=<day>/<name>.json                      what raw was read from, if none says
landing/quotes/<file>/<sha256>.zip                              B3's files, by their names
raw/<folder>/<key>=<value>/<name>.parquet                       typed, one object a write
refined/<table>/run_id=<id>/attempt=<a>/month=<month>/….parquet   what one start of Glue made
```

What a run refines lies under `runs/` (`tasks.core.plan`), what readers see of a month under
`published/` (`tasks.core.commit`). Keys are relative to the bucket and never start with a slash;
prefixes end with one.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.core.checks import Check
from tasks.core.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

MONTH = "month"
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
        key: Columns that identify a row, the partition key included where it is needed.
        prefix: Where its objects lie, relative to the bucket, with a slash at the end.
        columns: The columns stored in the files, in order.
        partition_key: The column stored in the path: of raw tables the session or the year, of
            refined ones the month.
    """

    name: str
    description: str
    grain: str
    key: tuple[str, ...]
    prefix: str
    columns: tuple[Column, ...]
    partition_key: Column

    def types(self) -> dict[str, str]:
        """Return the stored columns as `{name: Athena type}`, in order."""
        return {column.name: column.type for column in self.columns}

    @property
    def is_refined(self) -> bool:
        """Whether readers see only what a commit names of it."""
        return self.partition_key.name == MONTH

    @property
    def location(self) -> str:
        """Return the prefix that the catalog names for the table itself.

        Of refined tables nothing is ever written there: who reads the table and not its
        partitions finds nothing, instead of every run at once.
        """
        return f"empty/{self.name}/" if self.is_refined else self.prefix

    @property
    def landing_prefix(self) -> str:
        """Of raw tables: what all the bytes lie under that its rows were read from."""
        return f"landing/{self.prefix.partition('/')[2]}"

    def landing_folder(self, received_on: dt.date, name: str) -> str:
        """Return where to keep what was received on a day.

        Args:
            received_on: The day it was in São Paulo.
            name: What was asked for, e.g. `IBOV`.

        Raises:
            InvalidInputError: The name may not stand in a path.
        """
        return f"{self.landing_day(received_on)}{self._checked(name)}/"

    def landing_day(self, received_on: dt.date) -> str:
        """Return the prefix of all that was received on a day."""
        return f"{self.landing_prefix}received={received_on}/"

    def folder(self, value: str) -> str:
        """Return where the objects of a raw partition lie."""
        return f"{self.prefix}{self.partition_key.name}={self._checked(value)}/"

    def object_key(self, value: str, name: str) -> str:
        """Return the key of one object of a raw partition.

        Args:
            value: Of the partition key: `2025-08-01`, or `2025`.
            name: Which object of it: `IBOV`.

        Raises:
            InvalidInputError: A value may not stand in a path.
        """
        return f"{self.folder(value)}{self._checked(name)}.parquet"

    def span_prefix(self, span: str) -> str:
        """Return the prefix that the raw sessions of one month or year share, and no others.

        Args:
            span: The month, `YYYY-MM`, or the year, `YYYY`.
        """
        return f"{self.prefix}{self.partition_key.name}={self._checked(span)}-"

    def value_of(self, key: str) -> str:
        """Return the partition key's value that stands in a key."""
        return key.removeprefix(self.prefix).partition("=")[2].partition("/")[0]

    def name_of(self, key: str) -> str:
        """Return which object of its partition lies at a key: `object_key` backwards."""
        return key.rpartition("/")[2].removesuffix(".parquet")

    def session_of(self, key: str) -> dt.date:
        """Return the session whose raw object lies at a key."""
        return dt.date.fromisoformat(self.value_of(key))

    def attempt_folder(self, run_id: str, attempt: str, month: str) -> str:
        """Return where one start of Glue puts a month of a refined table."""
        return f"{self.prefix}run_id={run_id}/attempt={attempt}/{MONTH}={month}/"

    def _checked(self, value: str) -> str:
        if not _VALUE.fullmatch(value):
            raise InvalidInputError(
                f"Expected letters, digits and hyphens in a path of {self.name}, "
                f"found {value!r}: no path is built from it."
            )
        return value


_KEPT_AS = {"string": "string", "int": "int32", "bigint": "int64", "date": "date32[day]"}


def is_kept_as(arrow_type: str, athena_type: str) -> bool:
    """Return whether a file keeps a column of an Athena type in a type that every reader takes.

    Args:
        arrow_type: What the file has, as Arrow names it.
        athena_type: Of the column.
    """
    if athena_type == "timestamp":
        return arrow_type.startswith("timestamp[")
    if athena_type.startswith("decimal("):
        return arrow_type.replace("decimal128", "decimal").replace(" ", "") == athena_type
    return arrow_type == _KEPT_AS.get(athena_type)


@dataclass(frozen=True)
class Refined:
    """A refined table and how it is made.

    Attributes:
        table: The table.
        statement: Spark SQL over the raw table of one month, and over the refined tables before
            it; it gives the table's columns, in order.
        order: The columns by which the rows of a file are sorted, so that a reader may skip.
        about: What the statement does, and what always holds of its result.
        skips_sessions: Whether a session of raw may have no row in it.
    """

    table: Table
    statement: str
    order: tuple[str, ...]
    about: str
    skips_sessions: bool = False


RawRows = tuple[Table, dt.date, "pa.Table"]
"""A raw object: its table, its session, its rows."""

Audit = Callable[[Iterable[RawRows], Mapping[str, "pa.Table"]], list[Check]]
"""The audit of a refined month, pure. It is given

- every raw object that the month was made from;
- `{refined table: rows}` that the run wrote;

and returns one verdict a check.
"""


@dataclass(frozen=True)
class Dataset:
    """What is refined together: raw sessions, and the tables that are made of a month of them.

    Attributes:
        name: In words of the commands: `quotes`.
        raw: Its raw table.
        refined: What is made of it, in the order in which it is made.
        audit: What must hold of a month before anybody may read it.
        refine_seconds_a_month: About how long Glue takes for one month.
        beside: Raw tables that are refined together with `raw`, by session as well.
    """

    name: str
    raw: Table
    refined: tuple[Refined, ...]
    audit: Audit
    refine_seconds_a_month: int
    beside: tuple[Table, ...] = ()

    @property
    def raw_tables(self) -> tuple[Table, ...]:
        """What it is refined from; a month may hold nothing of one of them."""
        return (self.raw, *self.beside)

    def raw_table_of(self, key: str) -> Table:
        """Return the raw table whose object lies at a key."""
        return next(table for table in self.raw_tables if key.startswith(table.prefix))

    @property
    def refined_tables(self) -> tuple[Table, ...]:
        """What readers see of it, month by month."""
        return tuple(each.table for each in self.refined)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of it, raw first."""
        return (*self.raw_tables, *self.refined_tables)
