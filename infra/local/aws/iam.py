"""IAM's verdicts: what policies come to for one action, and the call that asks for it.

Only what this project's policies are made of is read; another condition is an error here, since
a verdict that passes over it would be none.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any
from unittest.mock import patch

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse

ALLOWED, DENIED, NOT_ALLOWED = "allowed", "explicitDeny", "implicitDeny"

_READ = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
_EVERYBODY = ("*", {"AWS": "*"}, {"AWS": ["*"]})


def _fits(found: str, pattern: str) -> bool:
    """Tell whether a name is one of IAM's patterns, in which only `*` and `?` stand for others."""
    return fnmatchcase(found, pattern.replace("[", "[[]"))


_TESTS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "StringEquals": lambda found, wanted: found in wanted,
    "ArnEquals": lambda found, wanted: any(_fits(found or "", each) for each in wanted),
    "Bool": lambda found, wanted: found in wanted,
    "Null": lambda found, wanted: ("true" if found is None else "false") in wanted,
}


def decide(
    policies: Iterable[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, str]
) -> str:
    """Return the verdict of policies on an action.

    Args:
        policies: Documents; all of them count.
        action: As `s3:GetObject`.
        resource: ARN of what it is taken on, or `*`.
        context: What conditions look at, by their keys.

    Returns:
        `allowed`, `explicitDeny` or `implicitDeny`.
    """
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in _statements(policy)
        if _covers(statement, action, resource) and _holds(statement, context)
    }
    if "Deny" in effects:
        return DENIED
    return ALLOWED if "Allow" in effects else NOT_ALLOWED


def _statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = policy["Statement"]
    statements = [found] if isinstance(found, Mapping) else list(found)
    for statement in statements:
        unread = [name for name in statement if name not in _READ]
        # A bucket's policy, of which only what is for everybody is read.
        if statement.get("Principal", "*") not in _EVERYBODY:
            unread.append(f"the principal {statement['Principal']}")
        unread += [test for test in statement.get("Condition", {}) if test not in _TESTS]
        if unread:
            raise ValueError(
                f"expected a policy of {', '.join(sorted(_READ | _TESTS.keys()))}, found "
                f"{', '.join(unread)}: teach infra/local/aws/iam.py to read it"
            )
    return statements


def _covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    actions = [each.lower() for each in _list(statement["Action"])]  # IAM's have no case
    return any(_fits(action.lower(), each) for each in actions) and any(
        _fits(resource, each) for each in _list(statement["Resource"])
    )


def _holds(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        _TESTS[test](context.get(key), _list(values))
        for test, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def _list(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


@contextmanager
def installed() -> Iterator[None]:
    """Make moto's IAM answer SimulatePrincipalPolicy, by the principal's own policies."""
    with patch.multiple(IamResponse, create=True, simulate_principal_policy=_simulate):
        yield


def _simulate(self: Any) -> ActionResult:
    asked = self._get_param
    policies = _policies_of(asked("PolicySourceArn"))
    context = {
        entry["ContextKeyName"]: entry["ContextKeyValues"][0]
        for entry in asked("ContextEntries") or []
    }
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": decide(policies, action, resource, context),
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
        for action in asked("ActionNames")
        for resource in asked("ResourceArns") or ["*"]
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _policies_of(arn: str) -> list[Any]:
    backend = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    kind, _, name = arn.rpartition(":")[2].partition("/")
    known: Mapping[str, Any] = (
        backend.users if kind == "user" else {role.name: role for role in backend.roles.values()}
    )
    if name not in known:
        raise NotFoundException(f"The {kind} with name {name} cannot be found.")
    return [json.loads(document) for document in known[name].policies.values()]
