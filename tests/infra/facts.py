"""Plans of Terraform, and `prefect.yaml`, as lines for a person.

What each resource is, who may do what, what runs when and with which parameters.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

# Said elsewhere, or of no effect: texts, digests, and what a test of its own compares.
_LEFT_OUT = {"alarm_description", "bucket", "description", "id", "source", "source_hash", "tags"}
_OTHER_TESTS = ("aws_athena_named_query", "aws_glue_catalog_table", "aws_subnet", "aws_route")
# Terraform's words in place of what AWS would make up.
_MADE_UP = re.compile(r"[a-z0-9]{8}")
_ARN = re.compile(r"arn:aws:(\w+):(?:us-east-1)?:(?:123456789012)?:")


def describe_plan(plan: dict[str, Any]) -> dict[str, list[str]]:
    """Return `{address: what the resource is}` of a plan, in order."""
    return {
        change["address"]: [
            "  " + _ARN.sub(r"\1:", line) for line in _describe(change["change"]["after"])
        ]
        for change in plan["resource_changes"]
        if change["mode"] == "managed" and not change["type"].startswith(_OTHER_TESTS)
    }


def describe_deployments(project: dict[str, Any]) -> dict[str, list[str]]:
    """Return `{deployment NAME: what it runs, with what, and when}` of `prefect.yaml`, in order."""
    return {
        f"deployment {each['name']}": [
            f"  {line}"
            for name, value in each.items()
            if name not in ("name", "description", "schedules")
            for line in _flatten(name, value)
        ]
        + [
            f"  runs {schedule['cron']} {schedule['timezone']} ({schedule['slug']})"
            + "".join(f" {name}={json.dumps(value)}" for name, value in parameters.items())
            for schedule in each.get("schedules", [])
            for parameters in [schedule.get("parameters", {})]
        ]
        for each in project["deployments"]
    }


def write_facts(facts: dict[str, list[str]]) -> str:
    """Return facts as they are kept: an address, its lines, an empty line."""
    return "\n".join("".join(f"{line}\n" for line in [name, *facts[name]]) for name in facts)


def read_facts(text: str) -> dict[str, list[str]]:
    """Read what `write_facts` wrote."""
    sections = [section.splitlines() for section in text.split("\n\n")]
    return {address: lines for address, *lines in sections}


def _describe(resource: dict[str, Any]) -> Iterator[str]:
    for name, value in sorted(resource.items()):
        if name in _LEFT_OUT or _is_made_up(value):
            continue
        if name.endswith("policy") and "Statement" in str(value):
            yield from _describe_policy(json.loads(value))
        else:
            yield from _flatten(name, value)


def _is_made_up(value: Any) -> bool:
    return isinstance(value, str) and _MADE_UP.fullmatch(value) is not None


def _flatten(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str) and re.match(r"\[|\{(?!\{)", value):
        value = json.loads(value)
    if value is None or value is False or value in ("", [], {}):
        return
    if isinstance(value, dict):
        for key, each in sorted(value.items()):
            yield from _flatten(f"{name}.{key}", each)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for number, each in enumerate(value):
            label = next((key for key in ("id", "name") if key in each and len(value) > 1), "")
            rest = {key: held for key, held in each.items() if key != label}
            numbered = f"{name}.{number}" if len(value) > 1 else name
            yield from _flatten(f"{name}.{each[label]}" if label else numbered, rest)
    else:
        yield f"{name} = {value if isinstance(value, str) else json.dumps(value)}"


def _describe_policy(policy: dict[str, Any]) -> Iterator[str]:
    for statement in policy["Statement"]:
        conditions = [
            f"{test} {key} {' '.join(as_list(value))}"
            for test, keys in sorted(statement.get("Condition", {}).items())
            for key, value in sorted(keys.items())
        ]
        who = " ".join(as_list(_principal(statement.get("Principal", ""))))
        yield " ".join(filter(None, [statement["Effect"], who, *_when(conditions)]))
        yield f"  {' '.join(sorted(as_list(statement['Action'])))}"
        yield from (f"    {each}" for each in sorted(as_list(statement.get("Resource", []))))


def as_list(value: Any) -> list[str]:
    """Return what a policy has in one place, be it one or many."""
    return [value] if isinstance(value, str) else list(value)


def _principal(principal: Any) -> Any:
    return next(iter(principal.values())) if isinstance(principal, dict) else principal


def _when(conditions: list[str]) -> Iterable[str]:
    return ["if", " and ".join(conditions)] if conditions else []
