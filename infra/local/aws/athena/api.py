"""The calls of Athena's API about queries that moto pretends or lacks, answered by real ones."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.athena.models import athena_backends
from moto.athena.responses import AthenaResponse
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError

from infra.local.aws import REGION
from infra.local.aws.athena.executions import Athena, Execution, UnknownExecutionError

Ask = Callable[[str], Any]
"""Gives a parameter of the call, or None."""
Call = Callable[[Ask, Athena], dict[str, Any]]

_LARGEST_PAGE = 1000
_NO_OUTPUT = (
    "No output location provided. An output location is required either through the workgroup "
    "result configuration setting or as an API input."
)


def _moto() -> Any:
    return athena_backends[DEFAULT_ACCOUNT_ID][REGION]


def _invalid(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidRequestException", message)


def _execution(ask: Ask, athena: Athena) -> Execution:
    try:
        return athena.get(ask("QueryExecutionId"))
    except UnknownExecutionError as error:
        raise _invalid(str(error)) from error


def _workgroup(name: str) -> dict[str, Any]:
    """Return a workgroup without the fields that nobody has given: moto says null of them."""
    found = _moto().get_work_group(name)
    if found is None:
        raise _invalid(f"WorkGroup {name} is not found.")
    return _without_nulls(found)


def _without_nulls(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if value is not None}


def _configuration(workgroup: dict[str, Any], asked: dict[str, Any] | None) -> dict[str, Any]:
    settings = workgroup["Configuration"]
    enforced = settings.get("ResultConfiguration") or {}
    is_enforced = settings.get("EnforceWorkGroupConfiguration") and enforced.get("OutputLocation")
    configuration = dict(enforced if is_enforced else {**enforced, **(asked or {})})
    if not configuration.get("OutputLocation"):
        raise _invalid(_NO_OUTPUT)
    return configuration


def _start(ask: Ask, athena: Athena) -> dict[str, Any]:
    name = ask("WorkGroup") or "primary"
    execution = Execution(
        sql=ask("QueryString"),
        parameters=ask("ExecutionParameters"),
        context=ask("QueryExecutionContext") or {},
        workgroup=name,
        configuration=_configuration(_workgroup(name), ask("ResultConfiguration")),
    )
    athena.start(execution)
    return {"QueryExecutionId": execution.id}


def _results(ask: Ask, athena: Athena) -> dict[str, Any]:
    execution = _execution(ask, athena)
    if execution.result is None:
        reason = execution.reason or "Query has not yet finished."
        raise _invalid(f"{reason} Current state: {execution.state}")
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


def _stop(ask: Ask, athena: Athena) -> dict[str, Any]:
    athena.stop(_execution(ask, athena).id)
    return {}


def _list_named_queries(ask: Ask, _athena: Athena) -> dict[str, Any]:
    ids, token = _moto().list_named_queries(
        next_token=ask("NextToken"),
        max_results=ask("MaxResults"),
        work_group=ask("WorkGroup") or "primary",
    )
    return _without_nulls({"NamedQueryIds": ids, "NextToken": token})


def _delete_named_query(ask: Ask, _athena: Athena) -> dict[str, Any]:
    _moto().named_queries.pop(ask("NamedQueryId"), None)
    return {}


def _create_work_group(ask: Ask, _athena: Athena) -> dict[str, Any]:
    made = _moto().create_work_group(
        ask("Name"), ask("Configuration") or {}, ask("Description"), ask("Tags")
    )
    if made is None:
        raise _invalid("WorkGroup already exists")
    return {}


def _update_work_group(ask: Ask, _athena: Athena) -> dict[str, Any]:
    workgroup = _moto().work_groups.get(ask("WorkGroup"))
    if workgroup is None:
        raise _invalid(f"WorkGroup {ask('WorkGroup')} is not found.")
    updates = dict(ask("ConfigurationUpdates") or {})
    results = workgroup.configuration.get("ResultConfiguration") or {}
    results = {**results, **updates.pop("ResultConfigurationUpdates", {})}
    workgroup.configuration = {**workgroup.configuration, **updates, "ResultConfiguration": results}
    workgroup.description = ask("Description") or workgroup.description
    return {}


_CALLS: dict[str, Call] = {
    "create_work_group": _create_work_group,
    "get_work_group": lambda ask, _athena: {"WorkGroup": _workgroup(ask("WorkGroup"))},
    "list_named_queries": _list_named_queries,
    "start_query_execution": _start,
    "get_query_execution": lambda ask, athena: {
        "QueryExecution": _execution(ask, athena).describe()
    },
    "get_query_results": _results,
    "stop_query_execution": _stop,
    "delete_named_query": _delete_named_query,
    "update_work_group": _update_work_group,
}


@contextmanager
def installed(athena: Athena) -> Iterator[None]:
    """Make moto's Athena answer with the executions of `athena`."""
    calls: dict[str, Any] = {name: _answering(call, athena) for name, call in _CALLS.items()}
    with patch.multiple(AthenaResponse, create=True, **calls):
        yield


def _answering(call: Call, athena: Athena) -> Callable[[Any], str]:
    def answer(api: Any) -> str:
        return json.dumps(call(api._get_param, athena))  # noqa: SLF001 - moto's own way

    return answer
