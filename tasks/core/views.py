"""Views of the lake for analysts: in a DuckDB file, one a table, over files named one by one.

A view is SQL over a list of files, never over a folder: of a refined table over those that a commit
of each month names, so that its tables agree; of a raw one over those that a listing showed.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.core.attempt import UNREADABLE
from tasks.core.commit import Commit
from tasks.core.dataset import Column, Dataset, Table
from tasks.core.errors import CommitError, InvalidInputError

Columns = tuple[tuple[str, str], ...]
"""The columns of a file: name and Athena type, in order."""

_TYPES = {"string": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT", "date": "DATE"}
_TIMESTAMP = "timestamp"
_FILE = "file_of_the_row"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
# What readers skip everywhere, and what DuckDB would take for a pattern, is no part of a name.
_PART = r"[^/=*?\[\]'\n_.][^/=*?\[\]'\n]*"
_RAW_KEY = re.compile(rf"(?P<name>[a-z_]+)=(?P<value>[A-Za-z0-9-]+)/({_PART}/)*{_PART}\.parquet")

ABOUT_FILE = "about_file"
ABOUT_COMMITS = "about_commits"
ABOUT = {
    ABOUT_FILE: (
        "When this file was made, and of what. Times are UTC.",
        "made_at TIMESTAMP, as_of TIMESTAMP, lake VARCHAR, gone_months BIGINT, views VARCHAR[]",
    ),
    ABOUT_COMMITS: (
        "The commits that the views show, one a month and dataset. Times are UTC.",
        (
            "dataset VARCHAR, month VARCHAR, number INTEGER, run_id VARCHAR, attempt VARCHAR, "
            "published_at TIMESTAMP, seen_since TIMESTAMP, flow_run VARCHAR, is_gone BOOLEAN"
        ),
    ),
}


@dataclass(frozen=True)
class Part:
    """Files of a table that have the same columns.

    Attributes:
        columns: Their columns.
        urls: Where they lie.
    """

    columns: Columns
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """What a month shows at a moment.

    Attributes:
        commit: The commit.
        seen_since: Since when readers saw it, by S3's clock.
        is_gone: Whether a file of it is gone, so that no view shows the month.
    """

    commit: Commit
    seen_since: dt.datetime
    is_gone: bool


def read_moment(text: str, now: dt.datetime) -> dt.datetime:
    """Read a moment of the past: `2025-08-01T12:00`, in UTC unless it says otherwise.

    Args:
        text: With minutes or seconds, and an offset (`-03:00`, `Z`) or none.
        now: What is later than this has not been yet.

    Raises:
        InvalidInputError: It is none.
    """
    form = "YYYY-MM-DDTHH:MM, in UTC or with an offset such as -03:00"
    if not _MOMENT.fullmatch(text):
        raise InvalidInputError(f"expected a moment {form}, found {text!r}")
    try:
        moment = dt.datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"expected a moment {form}, found {text!r}: {error}") from error
    if moment > now:
        raise InvalidInputError(
            f"expected a moment that has been, found {describe_moment(moment)}: now it is "
            f"{describe_moment(now)}"
        )
    return moment


def describe_moment(moment: dt.datetime) -> str:
    """Return a moment in words."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def choose_number(
    seen_since: Mapping[int, dt.datetime], as_of: dt.datetime | None = None
) -> int | None:
    """Return the number of the commit that readers saw at a moment; None where there was none.

    Args:
        seen_since: `{number: since when it is there}` of the commits of a month.
        as_of: The moment; None for now.
    """
    there = [number for number, at in seen_since.items() if as_of is None or at <= as_of]
    return max(there, default=None)


def is_whole_among(commit: Commit, dataset: Dataset, sizes: Mapping[str, int]) -> bool:
    """Return whether each file that a commit names is there in its size.

    Args:
        commit: The commit.
        dataset: Its dataset; what the commit names beside its tables does not count.
        sizes: `{key: size}` of what is there.
    """
    return all(
        sizes.get(key) == size
        for table in dataset.refined_tables
        if table.name in commit.tables
        for key, size in commit.tables[table.name].objects.items()
    )


def read_plan_columns(body: bytes, key: str) -> dict[str, Columns]:
    """Return `{table: columns}` of what was made by a plan.

    Raises:
        CommitError: It cannot be read.
    """
    try:
        return {
            str(table["name"]): tuple((str(name), str(kind)) for name, kind in table["columns"])
            for table in json.loads(body)["tables"]
        }
    except UNREADABLE as error:
        raise CommitError(
            f"Expected in {key} the plan of a published month, with the columns of its tables; "
            f"found none that can be read ({error!r}). Restore the object from the bucket's "
            f"versions, or run python -m flows.backfill --stale."
        ) from error


def is_readable(table: Table, key: str) -> bool:
    """Return whether a raw object is a file of rows whose partition can be told from its key."""
    match = _RAW_KEY.fullmatch(key.removeprefix(table.prefix))
    if not match or match["name"] != table.partition_key.name:
        return False
    if table.partition_key.type != "date":
        return True
    try:
        return dt.date.fromisoformat(match["value"]).isoformat() == match["value"]
    except ValueError:
        return False


def group_files(files: Iterable[tuple[Columns, str]]) -> tuple[Part, ...]:
    """Return files by their columns, each group in the order of the files."""
    groups: dict[Columns, list[str]] = {}
    for columns, url in files:
        groups.setdefault(columns, []).append(url)
    return tuple(Part(columns, tuple(urls)) for columns, urls in groups.items())


def create_view(table: Table, parts: Sequence[Part]) -> list[str]:
    """Return the statements that make a table's view, with what each column means.

    Types are the catalog's, columns in its order, the partition key last. A column that older
    files lack is NULL in their rows, as in Athena, and one of another type is cast.
    """
    columns = (*table.columns, table.partition_key)
    rows = "\nUNION ALL\n".join(_select(table, part) for part in parts) or _select_none(columns)
    name = _quote(table.name)
    return [
        f"CREATE VIEW {name} AS\n{rows}",
        f"COMMENT ON VIEW {name} IS {_text(f'{table.description} A row is {table.grain}.')}",
        *(
            f"COMMENT ON COLUMN {name}.{_quote(each.name)} IS {_text(each.description)}"
            for each in columns
        ),
    ]


def create_about() -> list[str]:
    """Return the statements that make the tables which say what the file is."""
    return [
        statement
        for name, (comment, columns) in ABOUT.items()
        for statement in (
            f"CREATE TABLE {name} ({columns})",
            f"COMMENT ON TABLE {name} IS {_text(comment)}",
        )
    ]


def _select(table: Table, part: Part) -> str:
    found = dict(part.columns)
    values = [
        f"{_value(each, found.get(each.name))} AS {_quote(each.name)}" for each in table.columns
    ]
    key = table.partition_key
    # By the last folder of that name: the lake itself may lie in one. DuckDB skips files by it.
    in_path = f"regexp_extract({_FILE}, {_text(f'.*/{key.name}=([^/]+)/')}, 1)"
    values.append(f"CAST({in_path} AS {duckdb_type(key.type)}) AS {_quote(key.name)}")
    urls = ", ".join(map(_text, part.urls))
    return (
        f"SELECT {', '.join(values)}\n"
        f"FROM read_parquet([{urls}], filename = '{_FILE}', hive_partitioning = false)"
    )


def _select_none(columns: Sequence[Column]) -> str:
    values = ", ".join(f"{_null(each)} AS {_quote(each.name)}" for each in columns)
    return f"SELECT {values} WHERE false"


def _value(column: Column, found: str | None) -> str:
    if found is None:
        return _null(column)
    name = _quote(column.name)
    if column.type == found == _TIMESTAMP:
        # The same moment in UTC whatever the file's kind of timestamp and the session's zone.
        return f"make_timestamp(epoch_us({name}))"
    return f"CAST({name} AS {duckdb_type(column.type)})"


def _null(column: Column) -> str:
    return f"CAST(NULL AS {duckdb_type(column.type)})"


def duckdb_type(athena_type: str) -> str:
    """Return DuckDB's name of an Athena type."""
    return _TYPES.get(athena_type, athena_type.upper())


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
