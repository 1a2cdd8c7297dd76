"""What the roles of the deployment may do, beside what was really asked for."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROLES = Path(__file__).parents[1] / "infra" / "terraform" / "modules" / "roles"

# Allowed, and asked for by no run that went well.
FLOW_RUN_UNUSED = {
    "s3:AbortMultipartUpload": "an upload of many parts that broke off",
    "s3:DeleteObject": "the vacuum, which no run of the day starts",
    "glue:GetPartitions": "the vacuum, and verify",
    "glue:GetJob": "where the log of a failed Glue run is",
    "glue:BatchStopJobRun": "a cancelled run, and a repair where a Glue run is left at work",
    "glue:UpdatePartition": "a month that is published already",
}
WORKER_UNUSED = {
    "iam:PassRole": "asked by ECS of the caller of RunTask, in no call of its own",
    "ecs:TagResource": "asked by ECS of the caller that starts something with tags, likewise",
    "ec2:DescribeSubnets": "a pool that names a VPC without its subnets",
    "ec2:DescribeVpcs": "a pool that names no VPC",
    "ecs:RegisterTaskDefinition": "the first run; on one machine the definition is there already",
    "ecs:StopTask": "a run cancelled before its container hears of it",
    "logs:GetLogEvents": "the log of a task that died before it reached Prefect's API",
    "sqs:ChangeMessageVisibility": "a message that the worker could not handle",
}


@dataclass(frozen=True)
class Call:
    """One call that the local cloud was asked for."""

    principal: str
    action: str
    parameters: dict[str, Any]


def read_trail(state: Path) -> list[Call]:
    lines = (state / "trail.jsonl").read_text(encoding="utf-8").splitlines()
    return [Call(**json.loads(line)) for line in lines]


def actions_of_document(name: str) -> set[str]:
    """The actions of a policy document of the roles module, with those of its sources."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(ROLES.glob("*.tf")))
    (body,) = re.findall(
        rf'^data "aws_iam_policy_document" "{name}" \{{\n(.*?)^\}}', text, re.M | re.S
    )
    lists = "".join(re.findall(r"actions\s*=\s*\[(.*?)\]", body, re.S))
    found = set(re.findall(r'"([a-z0-9]+:\w+)"', lists))
    for source in re.findall(r"data\.aws_iam_policy_document\.(\w+)\.json", body):
        found |= actions_of_document(source)
    return found


def denied(calls: Iterable[Call], *policies: dict[str, Any]) -> list[tuple[str, str]]:
    """The calls that no statement allows, or one refuses whatever they carry.

    Args:
        calls: What was asked for.
        policies: The role's and, if need be, the bucket's. What is refused on a condition counts as
            let through: a trail does not say which headers a call had.

    Returns:
        Action and resource of each.
    """
    statements = [statement for policy in policies for statement in policy["Statement"]]
    allow = [each for each in statements if each["Effect"] == "Allow"]
    deny = [each for each in statements if each["Effect"] == "Deny" and "Condition" not in each]
    return sorted(
        {
            (call.action, resource)
            for call in calls
            for resource in _resources(call)
            if not _any_covers(allow, call.action, resource)
            or _any_covers(deny, call.action, resource)
        }
    )


def _any_covers(statements: list[dict[str, Any]], action: str, resource: str) -> bool:
    return any(
        any(fnmatchcase(action, pattern) for pattern in _list(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in _list(statement["Resource"]))
        for statement in statements
    )


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _resources(call: Call) -> list[str]:
    """What a call is about, as IAM names it."""
    asked = call.parameters
    service = call.action.partition(":")[0]
    if service == "s3":
        return ["arn:aws:s3:::" + "/".join(filter(None, [asked["bucket"], asked.get("key")]))]
    if service == "glue":
        glue = "arn:aws:glue:us-east-1:123456789012:"
        if "JobName" in asked:
            return [f"{glue}job/{asked['JobName']}"]
        database, table = asked["DatabaseName"], asked.get("TableName") or asked["Name"]
        return [f"{glue}catalog", f"{glue}database/{database}", f"{glue}table/{database}/{table}"]
    raise AssertionError(f"no rule for the resource of {call.action}")
