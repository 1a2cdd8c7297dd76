"""moto's Glue Data Catalog on disk: `<catalog>/<database>/<table>.json`, definition and partitions.

A thin layer before moto's application sees each call that changes the catalog, and writes what it
touched before the answer leaves.
"""

import datetime as dt
import io
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.glue.models import FakePartition, FakeTable, glue_backends

from infra.local.aws import REGION
from infra.local.aws.state_files import StateDirectory

_CHANGE = re.compile(
    r"AWSGlue\.(?:Batch)?(?:Create|Update|Delete)(Database|Table|Partition|TableVersion)"
)


def moto_glue() -> Any:
    """Return moto's Glue."""
    return glue_backends[DEFAULT_ACCOUNT_ID][REGION]


def _file_name(name: str) -> str:
    return quote(name, safe="").replace(".", "%2E")


def _time(value: dt.datetime | None) -> str | None:
    return value.isoformat() if value else None


class Catalog:
    """The catalog's copy on disk.

    Attributes:
        state: Where it lies.
    """

    def __init__(self, state: StateDirectory) -> None:
        self.state = state
        self._lock = threading.Lock()

    def save_database(self, name: str) -> None:
        """Write one database's definition, or delete it with its tables if it is gone."""
        directory = self.state.catalog / _file_name(name)
        with self._lock:
            database = moto_glue().databases.get(name)
            if database is None:
                directory.with_name(directory.name + ".json").unlink(missing_ok=True)
                shutil.rmtree(directory, ignore_errors=True)
                return
            self.state.write_json(
                directory.with_name(directory.name + ".json"),
                {"name": name, "input": database.input, "created": _time(database.created_time)},
            )

    def save_table(self, database: str, name: str) -> None:
        """Write one table's definition and partitions, or delete them if it is gone."""
        path = self.state.catalog / _file_name(database) / f"{_file_name(name)}.json"
        with self._lock:
            databases = moto_glue().databases
            tables = databases[database].tables if database in databases else {}
            if name in tables:
                self.state.write_json(path, _table_as_json(tables[name]))
            else:
                path.unlink(missing_ok=True)

    def save_change(self, target: str, request: dict[str, Any]) -> None:
        """Write what one call to Glue touched.

        Args:
            target: The call, as in the header `X-Amz-Target`.
            request: Its parameters.
        """
        change = _CHANGE.match(target)
        if change is None:
            return
        if change[1] == "Database":
            self.save_database(str((request.get("DatabaseInput") or request).get("Name")))
            return
        names = [request.get("TableName"), request.get("Name"), *request.get("TablesToDelete", [])]
        names.append(request.get("TableInput", {}).get("Name"))
        for name in filter(None, names):
            self.save_table(str(request.get("DatabaseName")), name)

    def restore(self) -> None:
        """Fill moto's catalog from the disk."""
        backend = moto_glue()
        for path in sorted(self.state.catalog.glob("*.json")):
            kept = json.loads(path.read_text())
            database = backend.create_database(kept["name"], kept["input"])
            database.created_time = dt.datetime.fromisoformat(kept["created"])
            for table_path in sorted(path.with_suffix("").glob("*.json")):
                table = _table_from_json(kept["name"], table_path)
                database.tables[table.name] = table


def _table_as_json(table: Any) -> dict[str, Any]:
    return {
        "name": table.name,
        "created": _time(table.created_time),
        "updated": _time(table.updated_time),
        "version": int(table.as_dict()["VersionId"]),
        "versions": table.versions,
        "partitions": [
            {"created": _time(partition.creation_time), "input": partition.partition_input}
            for partition in list(table.partitions.values())
        ],
    }


def _table_from_json(database: str, path: Path) -> Any:
    kept = json.loads(path.read_text())
    table = FakeTable(database, kept["name"], {}, catalog_id=DEFAULT_ACCOUNT_ID)
    table.versions = kept["versions"]
    table._current_version = kept["version"]  # noqa: SLF001 - moto has no other way to set it
    table.created_time = dt.datetime.fromisoformat(kept["created"])
    table.updated_time = dt.datetime.fromisoformat(kept["updated"]) if kept["updated"] else None
    for kept_partition in kept["partitions"]:
        partition = FakePartition(database, kept["name"], kept_partition["input"])
        partition.creation_time = dt.datetime.fromisoformat(kept_partition["created"])
        table.partitions[str(partition.values)] = partition
    return table


class CatalogMiddleware:
    """A WSGI layer that keeps the catalog's copy up to date before the answer leaves."""

    def __init__(self, application: Callable[..., Iterable[bytes]], catalog: Catalog) -> None:
        self._application = application
        self._catalog = catalog

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not _CHANGE.match(target):
            return self._application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        answer = self._application(environ, start_response)
        self._catalog.save_change(target, json.loads(body))
        return answer
