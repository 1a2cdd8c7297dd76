"""A DuckDB file that is written whole or not at all, and never over anybody else's."""

import errno
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.core.errors import BadDataError, DiskFullError, InvalidInputError, NotConfiguredError
from tasks.core.views import ABOUT, ABOUT_FILE
from tasks.disk import find_full_disk

# What is needed is here: nothing is fetched, and no extension that lies on this machine is loaded.
_CLOSED = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_TABLES = "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
# A view that somebody has put in the place of one of ours has lost its comment.
_VIEWS = """
    SELECT schema_name || '.' || view_name FROM duckdb_views()
    WHERE NOT internal AND comment IS NOT NULL
"""
_EVERYTHING = """
    SELECT schema_name || '.' || table_name FROM duckdb_tables()
    UNION ALL SELECT sql FROM duckdb_views() WHERE NOT internal
"""
_OTHERS = """
    SELECT schema_name || '.' || view_name FROM duckdb_views()
        WHERE NOT internal AND comment IS NULL
    UNION ALL SELECT index_name FROM duckdb_indexes()
    UNION ALL SELECT sequence_name FROM duckdb_sequences()
    UNION ALL SELECT type_name FROM duckdb_types() WHERE NOT internal
    UNION ALL SELECT function_name FROM duckdb_functions() WHERE NOT internal
    UNION ALL SELECT schema_name FROM duckdb_schemas()
        WHERE NOT internal AND database_name = current_database()
"""


def import_duckdb() -> Any:
    """Return DuckDB, which only views need.

    Raises:
        NotConfiguredError: It is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise NotConfiguredError(
            f"Views need DuckDB, which is not installed ({error}): pip install 'duckdb>=1.4,<3'"
        ) from error
    return duckdb


def check_target(to: Path) -> None:
    """See that a file may be written: it is not there, or it is one of ours.

    Raises:
        InvalidInputError: It may not; the message says why.
    """
    try:
        _check(to.resolve())
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # a name that is too long, a link in a circle
        raise _unwritable(to, error) from error


def _check(to: Path) -> None:
    if not to.parent.is_dir():
        raise InvalidInputError(
            f"Expected a folder {to.parent} for {to.name}, found none: make it, or name another "
            f"--to. {_UNTOUCHED}"
        )
    if _journal_of(to).exists():
        raise _refuse(to, f"{_journal_of(to).name} beside it: somebody writes to it, or did")
    if not os.path.lexists(to):
        return
    if not to.is_file():
        raise _refuse(to, "what is no file")
    duckdb = import_duckdb()
    try:
        with duckdb.connect(str(to), read_only=True, config=_CLOSED) as connection:
            ours = {f"main.{name}" for name in ABOUT}
            tables, views, others = (
                _ask(connection, question) for question in (_TABLES, _VIEWS, _OTHERS)
            )
            if not ours <= tables:
                raise _refuse(to, "a DuckDB file that this command has not made")
            named = _ask(connection, f"SELECT 'main.' || unnest(views) FROM {ABOUT_FILE}")  # noqa: S608
            foreign = sorted((tables - ours) | (views - named) | others)
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise _refuse(to, f"no DuckDB file, or one that somebody writes to ({said})") from error
    if foreign:
        raise _refuse(to, f"what this command has not made in it ({', '.join(foreign)})")


def _ask(connection: Any, question: str) -> set[str]:
    return {name for (name,) in connection.execute(question).fetchall()}


def write_file(
    to: Path,
    statements: Iterable[str],
    rows: Mapping[str, Sequence[tuple[Any, ...]]],
    *,
    from_s3: bool,
) -> None:
    """Write a DuckDB file beside its place, and put it there when it is whole.

    Args:
        to: Its place.
        statements: What makes its tables and views.
        rows: `{table: its rows}`.
        from_s3: Whether views are over addresses that begin with `s3://`.

    Raises:
        InvalidInputError: It may not be written there.
        DiskFullError: There is no room for it.
        BadDataError: What views are over cannot be read.
    """
    duckdb = import_duckdb()
    to = to.resolve()  # a link stays one
    part = to.with_name(f".lake-{uuid.uuid4().hex}")  # whatever the name, not a longer one
    try:
        _make(duckdb, part, statements, rows, from_s3=from_s3)
        check_target(to)
        part.replace(to)
    except OSError as error:
        full = find_full_disk(error)
        if full:
            raise DiskFullError(f"{full} {_UNTOUCHED}") from error
        raise _unwritable(to, error) from error
    finally:
        for left in (part, _journal_of(part)):
            left.unlink(missing_ok=True)


def _make(
    duckdb: Any,
    part: Path,
    statements: Iterable[str],
    rows: Mapping[str, Sequence[tuple[Any, ...]]],
    *,
    from_s3: bool,
) -> None:
    try:
        connection = duckdb.connect(str(part), config=_CLOSED)
    except duckdb.Error as error:
        raise OSError(str(error).splitlines()[0]) from error
    try:
        with connection:
            if from_s3:
                connection.register_filesystem(open_s3())
            connection.begin()
            for statement in statements:
                connection.execute(statement)
            for table, values in rows.items():
                for row in values:
                    places = ", ".join("?" * len(row))
                    connection.execute(f"INSERT INTO {table} VALUES ({places})", row)  # noqa: S608
            connection.commit()
            before = _ask(connection, _EVERYTHING)
    except duckdb.Error as error:
        if find_full_disk(error):
            raise OSError(errno.ENOSPC, str(error).splitlines()[0], str(part)) from error
        raise BadDataError(
            f"DuckDB cannot read what the views are to be over: {str(error).splitlines()[0]} "
            f"{_UNTOUCHED}"
        ) from error
    _check_is_whole(duckdb, part, before)


def _check_is_whole(duckdb: Any, part: Path, expected: set[str]) -> None:
    """See that the file holds what was written: on a full disk DuckDB closes it without a word.

    Raises:
        OSError: It does not.
    """
    try:
        with duckdb.connect(str(part), read_only=True, config=_CLOSED) as connection:
            found = _ask(connection, _EVERYTHING)
    except duckdb.Error as error:
        raise OSError(str(error).splitlines()[0]) from error
    # What stands in the journal alone is not in the file.
    if found != expected or _journal_of(part).exists():
        raise OSError(errno.ENOSPC, "the file is not whole", str(part))


def open_s3() -> Any:
    """Return S3 as a file system that DuckDB can be given, with boto3's credentials and region."""
    # Imported here: views over local files need none of it.
    import boto3
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import S3FileSystem

    client: Any = boto3.client("s3")
    found: Any = boto3.Session().get_credentials()
    credentials = found.get_frozen_credentials()
    url = client.meta.endpoint_url
    elsewhere = {} if ".amazonaws.com" in url else {"endpoint_override": url}
    return ArrowFSWrapper(
        S3FileSystem(
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            session_token=credentials.token,
            region=client.meta.region_name,
            **elsewhere,
        )
    )


_UNTOUCHED = "Nothing was written."


def _journal_of(path: Path) -> Path:
    """Return where DuckDB keeps what is not in its file yet."""
    return path.with_name(f"{path.name}.wal")


def _unwritable(to: Path, error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"{to} cannot be written ({error}): mend that, or name another --to. {_UNTOUCHED}"
    )


def _refuse(to: Path, found: str) -> InvalidInputError:
    return InvalidInputError(
        f"Expected no file at {to}, or one of this command's own that nobody writes to; found "
        f"{found}. Name another --to. {_UNTOUCHED}"
    )
