"""Executions of Athena made real: each statement runs in a thread and ends as it ended."""

import json
import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from infra.local.aws import s3
from infra.local.aws.athena.engine import Query
from infra.local.aws.athena.results import Result
from infra.local.aws.athena.tables import QueryError
from infra.local.aws.glue.catalog import Catalog

_KEPT_EXECUTIONS = 1000
_INTERRUPT_SECONDS = 0.05
# What a statement that begins so is; all others ask for rows.
_KINDS = {"CREATE": "DDL", "EXPLAIN": "UTILITY"}
_log = logging.getLogger(__name__)


class UnknownExecutionError(Exception):
    """There is no such execution."""


@dataclass
class Execution:
    """One run of one statement.

    Attributes:
        sql: The statement.
        parameters: A literal for each `?`.
        context: `Database` and `Catalog`, as the client gave them.
        workgroup: Name of its workgroup.
        configuration: The result configuration with the answer's own address.
        id: The execution's id.
        state: QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED.
        reason: Why it failed.
        result: Its answer.
        started_at: Seconds since 1970, like the other time.
    """

    sql: str
    parameters: list[str] | None
    context: dict[str, str]
    workgroup: str
    configuration: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    result: Result | None = None
    started_at: float = field(default_factory=time.time)
    ended_at: float | None = None

    def __post_init__(self) -> None:
        location = self.configuration["OutputLocation"].rstrip("/")
        url = f"{location}/{self.id}.csv"
        self.configuration = {**self.configuration, "OutputLocation": url}

    def describe(self) -> dict[str, Any]:
        """Return the execution as GetQueryExecution does."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.started_at}
        if self.ended_at is not None:
            status["CompletionDateTime"] = self.ended_at
        if self.reason is not None:
            status["StateChangeReason"] = self.reason
            status["AthenaError"] = {"ErrorCategory": 2, "ErrorMessage": self.reason}
        described: dict[str, Any] = {
            "QueryExecutionId": self.id,
            "Query": self.sql,
            "StatementType": _KINDS.get(self.sql.split(maxsplit=1)[0].upper(), "DML"),
            "ResultConfiguration": self.configuration,
            "QueryExecutionContext": self.context,
            "Status": status,
            "Statistics": self._statistics(),
            "WorkGroup": self.workgroup,
            "EngineVersion": {"EffectiveEngineVersion": "Athena engine version 3"},
        }
        if self.parameters:
            described["ExecutionParameters"] = self.parameters
        return described

    def _statistics(self) -> dict[str, Any]:
        taken_ms = int(((self.ended_at or time.time()) - self.started_at) * 1000)
        statistics: dict[str, Any] = {
            "EngineExecutionTimeInMillis": taken_ms,
            "TotalExecutionTimeInMillis": taken_ms,
            "DataScannedInBytes": self.result.scanned_bytes if self.result else 0,
        }
        if self.result is not None and self.result.manifest is not None:
            statistics["DataManifestLocation"] = self.result.manifest
        return statistics


class Athena:
    """Runs statements, a few at a time, and remembers the last ones."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._executions: dict[str, Execution] = {}
        self._running: dict[str, Query] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="athena")

    def start(self, execution: Execution) -> None:
        """Take a statement in; it runs by itself."""
        with self._lock:
            self._executions[execution.id] = execution
            ended = [old for old in self._executions.values() if old.ended_at is not None]
            for old in ended[: max(0, len(self._executions) - _KEPT_EXECUTIONS)]:
                del self._executions[old.id]
        self._pool.submit(self._run, execution)

    def get(self, execution_id: str) -> Execution:
        """Return an execution.

        Raises:
            UnknownExecutionError: There is none of this id.
        """
        try:
            return self._executions[execution_id]
        except KeyError:
            raise UnknownExecutionError(f"QueryExecution {execution_id} was not found") from None

    def stop(self, execution_id: str) -> None:
        """Cancel an execution that has not ended.

        Raises:
            UnknownExecutionError: There is none of this id.
        """
        execution = self.get(execution_id)
        with self._lock:
            if execution.state not in {"QUEUED", "RUNNING"}:
                return
            _end(execution, "CANCELLED", "Query was cancelled by user")
        threading.Thread(target=self._interrupt, args=(execution_id,), daemon=True).start()

    def close(self) -> None:
        """Cancel what runs, and wait for it."""
        for execution_id in list(self._executions):
            self.stop(execution_id)
        self._pool.shutdown()

    def _interrupt(self, execution_id: str) -> None:
        while (query := self._running.get(execution_id)) is not None:
            query.interrupt()
            time.sleep(_INTERRUPT_SECONDS)

    def _run(self, execution: Execution) -> None:
        with self._lock:
            if execution.state != "QUEUED":
                return
            execution.state = "RUNNING"
            query = self._running[execution.id] = Query(
                id=execution.id,
                sql=execution.sql,
                parameters=execution.parameters or [],
                database=execution.context.get("Database", "default").strip('`"').lower(),
                output_url=execution.configuration["OutputLocation"],
                catalog=self._catalog,
            )
        try:
            self._finish(execution, query)
        except QueryError as error:
            self._end(execution, "FAILED", str(error))
        except Exception as error:  # noqa: BLE001 - the thread ends here, and a query always ends
            _log.exception("Athena query %s", execution.id)
            self._end(execution, "FAILED", f"GENERIC_INTERNAL_ERROR: {error!r}")

    def _finish(self, execution: Execution, query: Query) -> None:
        result = query.run()
        url = execution.configuration["OutputLocation"]
        s3.put_object(url, result.as_bytes())
        s3.put_object(f"{url}.metadata", json.dumps(result.columns).encode())
        execution.result = result
        self._end(execution, "SUCCEEDED", None)

    def _end(self, execution: Execution, state: str, reason: str | None) -> None:
        with self._lock:
            del self._running[execution.id]
            if execution.state == "RUNNING":
                _end(execution, state, reason)


def _end(execution: Execution, state: str, reason: str | None) -> None:
    execution.reason, execution.ended_at = reason, time.time()
    execution.state = state
