"""What the roles of the deployment may do, beside what was really asked for."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.aws.iam import ALLOWED, decide

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


# Names of the local cloud, and what stands for them in the offline plan.
_PLANNED = {
    "b3-lake": "lake",
    "b3-refine": "b3-pipeline-refine",
    "role/b3-pipeline-": "role/",
}


def as_planned(calls: Iterable[Call]) -> list[Call]:
    """Calls that the local cloud was asked for, about what the offline plan names."""
    found = []
    for call in calls:
        text = json.dumps(call.parameters)
        for local, planned in _PLANNED.items():
            text = text.replace(local, planned)
        found.append(Call(call.principal, call.action, json.loads(text)))
    return found


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


@dataclass(frozen=True)
class Need:
    """A right that a call takes.

    Attributes:
        action: As IAM names it.
        resource: What it is taken on.
        context: What conditions look at, by their keys.
    """

    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)


def denied(calls: Iterable[Call], *policies: dict[str, Any]) -> list[tuple[str, str]]:
    """The rights that calls take and no statement gives, or one refuses, conditions included.

    Args:
        calls: What was asked for.
        policies: The role's and, if need be, the bucket's.

    Returns:
        Action and resource of each.
    """
    return sorted(
        {
            (need.action, need.resource)
            for call in calls
            for need in needs_of(call)
            if decide(policies, need.action, need.resource, need.context) != ALLOWED
        }
    )


_ARN = "arn:aws:{service}:us-east-1:123456789012:{name}"


def needs_of(call: Call) -> list[Need]:
    """The rights that a call takes.

    Raises:
        AssertionError: There is no rule for the call: add one.
    """
    service = call.action.partition(":")[0]
    if service not in _RULES:
        raise AssertionError(f"no rule for what {call.action} takes")
    return _RULES[service](call)


def _of_s3(call: Call) -> list[Need]:
    asked = call.parameters
    where = "arn:aws:s3:::" + "/".join(filter(None, [asked["bucket"], asked.get("key")]))
    # Here it is plain HTTP; on AWS every client of the flows speaks TLS.
    context = {"aws:SecureTransport": "true"}
    if "if_none_match" in asked:
        context["s3:if-none-match"] = asked["if_none_match"]
    return [Need(call.action, where, context)]


def _of_glue(call: Call) -> list[Need]:
    asked = call.parameters
    if "JobName" in asked:
        names = [f"job/{asked['JobName']}"]
    else:
        database, table = asked["DatabaseName"], asked.get("TableName") or asked.get("Name")
        names = [
            "catalog",
            f"database/{database}",
            *([f"table/{database}/{table}"] if table else []),
        ]
    return [Need(call.action, _arn("glue", name)) for name in names]


def _of_ecs(call: Call) -> list[Need]:
    asked, action = call.parameters, call.action.partition(":")[2]
    if action == "RegisterTaskDefinition":
        definition = _arn("ecs", f"task-definition/{asked['family']}:1")
        tagged = [definition] if asked.get("tags") else []
        return [
            Need(call.action, definition),
            *_passed([asked.get("taskRoleArn"), asked.get("executionRoleArn")]),
            *_tagged(tagged, action),
        ]
    if action == "RunTask":
        cluster = _arn("ecs", f"cluster/{asked['cluster'].rpartition('/')[2]}")
        overrides = asked.get("overrides") or {}
        task = _arn("ecs", f"task/{cluster.rpartition('/')[2]}/0")
        return [
            Need(call.action, asked["taskDefinition"], {"ecs:cluster": cluster}),
            *_passed([overrides.get("taskRoleArn"), overrides.get("executionRoleArn")]),
            *_tagged([task] if asked.get("tags") or asked.get("propagateTags") else [], action),
        ]
    tasks = [asked["task"]] if "task" in asked else asked.get("tasks", ["*"])
    return [Need(call.action, each) for each in tasks]


def _passed(roles: list[str | None]) -> list[Need]:
    context = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    return [Need("iam:PassRole", role, context) for role in roles if role]


def _tagged(what: list[str], created_by: str) -> list[Need]:
    return [Need("ecs:TagResource", each, {"ecs:CreateAction": created_by}) for each in what]


def _of_logs(call: Call) -> list[Need]:
    asked = call.parameters
    group = asked.get("logGroupName") or asked["logGroupIdentifier"]
    return [
        Need(call.action, _arn("logs", f"log-group:{group}:log-stream:{asked['logStreamName']}"))
    ]


def _of_sqs(call: Call) -> list[Need]:
    queue = call.parameters.get("QueueName") or call.parameters["QueueUrl"].rpartition("/")[2]
    return [Need(call.action, _arn("sqs", queue))]


def _of_secrets(call: Call) -> list[Need]:
    return [Need(call.action, call.parameters["SecretId"])]


def _of_athena(call: Call) -> list[Need]:
    # A call that names a query alone is about the workgroup that the query was started in.
    workgroup = call.parameters.get("WorkGroup", "*")
    return [Need(call.action, _arn("athena", f"workgroup/{workgroup}"))]


def _of_anything(call: Call) -> list[Need]:
    return [Need(call.action, "*")]


_RULES: dict[str, Callable[[Call], list[Need]]] = {
    "athena": _of_athena,
    "ec2": _of_anything,
    "ecs": _of_ecs,
    "glue": _of_glue,
    "logs": _of_logs,
    "s3": _of_s3,
    "secretsmanager": _of_secrets,
    "sqs": _of_sqs,
}


def _arn(service: str, name: str) -> str:
    return _ARN.format(service=service, name=name)
