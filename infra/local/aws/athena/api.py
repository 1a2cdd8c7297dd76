"""The calls of Athena's API about queries that moto pretends or lacks, answered by real ones."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError

from infra.local.aws.athena.executions import Athena, Execution, UnknownExecutionError

_LARGEST_PAGE = 1000
_NO_OUTPUT = (
    "No output location provided. An output location is required either through the workgroup "
    "result configuration setting or as an API input."
)


def _invalid(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidRequestException", message)


def _execution(api: Any, athena: Athena) -> Execution:
    try:
        return athena.get(api._get_param("QueryExecutionId"))  # noqa: SLF001 - moto's own way
    except UnknownExecutionError as error:
        raise _invalid(str(error)) from error


def _configuration(workgroup: dict[str, Any], asked: dict[str, Any] | None) -> dict[str, Any]:
    settings = workgroup["Configuration"]
    enforced = settings.get("ResultConfiguration") or {}
    is_enforced = settings.get("EnforceWorkGroupConfiguration") and enforced.get("OutputLocation")
    configuration = dict(enforced if is_enforced else {**enforced, **(asked or {})})
    if not configuration.get("OutputLocation"):
        raise _invalid(_NO_OUTPUT)
    return configuration


def _start(api: Any, athena: Athena) -> dict[str, Any]:
    ask: Callable[[str], Any] = api._get_param  # noqa: SLF001 - moto's own way
    name = ask("WorkGroup") or "primary"
    workgroup = api.athena_backend.get_work_group(name)
    if workgroup is None:
        raise _invalid(f"WorkGroup {name} is not found.")
    execution = Execution(
        sql=ask("QueryString"),
        parameters=ask("ExecutionParameters"),
        context=ask("QueryExecutionContext") or {},
        workgroup=name,
        configuration=_configuration(workgroup, ask("ResultConfiguration")),
    )
    athena.start(execution)
    return {"QueryExecutionId": execution.id}


def _results(api: Any, athena: Athena) -> dict[str, Any]:
    execution = _execution(api, athena)
    if execution.result is None:
        reason = execution.reason or "Query has not yet finished."
        raise _invalid(f"{reason} Current state: {execution.state}")
    ask: Callable[[str], Any] = api._get_param  # noqa: SLF001 - moto's own way
    start = int(ask("NextToken") or 0)
    end = start + min(int(ask("MaxResults") or _LARGEST_PAGE), _LARGEST_PAGE)
    rows = execution.result.all_rows()
    page = {
        "ResultSet": {
            "Rows": [{"Data": [_datum(cell) for cell in row]} for row in rows[start:end]],
            "ResultSetMetadata": {"ColumnInfo": execution.result.columns},
        }
    }
    return page | ({"NextToken": str(end)} if end < len(rows) else {})


def _datum(cell: str | None) -> dict[str, str]:
    return {} if cell is None else {"VarCharValue": cell}


def _stop(api: Any, athena: Athena) -> dict[str, Any]:
    athena.stop(_execution(api, athena).id)
    return {}


def _delete_named_query(api: Any, _athena: Athena) -> dict[str, Any]:
    query_id = api._get_param("NamedQueryId")  # noqa: SLF001 - moto's own way
    api.athena_backend.named_queries.pop(query_id, None)
    return {}


_CALLS: dict[str, Callable[[Any, Athena], dict[str, Any]]] = {
    "start_query_execution": _start,
    "get_query_execution": lambda api, athena: {
        "QueryExecution": _execution(api, athena).describe()
    },
    "get_query_results": _results,
    "stop_query_execution": _stop,
    "delete_named_query": _delete_named_query,
}


@contextmanager
def installed(athena: Athena) -> Iterator[None]:
    """Make moto's Athena answer with the executions of `athena`."""
    calls: dict[str, Any] = {name: _answering(call, athena) for name, call in _CALLS.items()}
    with patch.multiple(AthenaResponse, create=True, **calls):
        yield


def _answering(
    call: Callable[[Any, Athena], dict[str, Any]], athena: Athena
) -> Callable[[Any], str]:
    def answer(api: Any) -> str:
        return json.dumps(call(api, athena))

    return answer
