"""Whether each role may do what its work takes, and no more: asked of IAM, by simulation.

A simulation counts what nobody sees in this project: a permissions boundary, an organisation's
policies. It asks for no right of the roles themselves, only for `iam:SimulatePrincipalPolicy` of
the one who asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from deployments.verdict import Verdict

_ALLOWED = "allowed"
_WRITTEN = ("landing", "raw", "runs", "published", "reports")  # by flow runs, which remove nothing
_TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


@dataclass(frozen=True)
class Rights:
    """Actions on resources under a condition: all of them allowed, or none.

    Attributes:
        actions: As `s3:GetObject`.
        resources: ARNs.
        are_given: Whether the role is to have them.
        context: What conditions look at, by their keys.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    are_given: bool = True
    context: dict[str, str] = field(default_factory=dict)


def rights_of_roles(outputs: dict[str, Any]) -> dict[str, tuple[str, list[Rights]]]:
    """Return what each role is to have and what not, `{name: (its ARN, rights)}`.

    Args:
        outputs: Terraform's.
    """
    names = _Names(outputs)
    wanted = {
        "flow run": (outputs["flow_run_role_arn"], list(_of_flow_run(names))),
        "Glue": (outputs["glue_role_arn"], list(_of_glue(names))),
        "execution": (outputs["execution_role_arn"], list(_of_execution(names))),
    }
    if outputs["work_pool_type"] == "ecs":
        wanted["worker"] = (outputs["worker_role_arn"], list(_of_worker(names)))
    else:
        user = f"arn:{names.partition}:iam::{names.account}:user/{outputs['submitter_user_name']}"
        wanted["Prefect Cloud's user"] = (user, list(_of_submitter(names)))
    if outputs["flow_run_role_arn"] == outputs["glue_role_arn"]:
        # One role that stands for every other has more than each of them takes.
        return {
            name: (arn, [each for each in rights if each.are_given])
            for name, (arn, rights) in wanted.items()
        }
    return wanted


class _Names:
    """ARNs of what Terraform has made."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self.outputs = outputs
        self.account, region = outputs["account_id"], outputs["region"]
        self.partition = outputs["cluster_arn"].split(":")[1]
        self._prefix = f"arn:{self.partition}:{{}}:{region}:{self.account}"
        self.lake = f"arn:{self.partition}:s3:::{outputs['lake_bucket']}"
        self.job = self.of("glue", f"job/{outputs['glue_job_name']}")
        database = outputs["database"]
        self.catalog = (
            self.of("glue", "catalog"),
            self.of("glue", f"database/{database}"),
            self.of("glue", f"table/{database}/portfolio_daily"),
        )

    def of(self, service: str, name: str) -> str:
        return f"{self._prefix.format(service)}:{name}"

    def in_lake(self, *zones: str) -> tuple[str, ...]:
        """Return the ARN of an object below each zone."""
        return tuple(f"{self.lake}/{zone}/any" for zone in zones)


def _of_flow_run(names: _Names) -> Iterator[Rights]:
    yield Rights(("s3:ListBucket",), (names.lake,))
    zones = ("inbox", "landing", "raw", "refined", "runs", "published", "reports")
    yield Rights(("s3:GetObject",), names.in_lake(*zones))
    yield Rights(("s3:PutObject",), names.in_lake(*_WRITTEN))
    yield Rights(("s3:DeleteObject",), names.in_lake("refined"))
    runs = ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun", "GetJob")
    yield Rights(tuple(f"glue:{each}" for each in runs), (names.job,))
    tables = ("GetTable", "GetPartitions", "BatchCreatePartition", "UpdatePartition")
    yield Rights(tuple(f"glue:{each}" for each in tables), names.catalog)
    kept = names.in_lake("inbox", *_WRITTEN)
    yield Rights(("s3:DeleteObject",), kept, are_given=False)
    yield Rights(("s3:PutObject",), names.in_lake("jobs", "refined", "empty"), are_given=False)
    yield Rights(("glue:StartJobRun",), (names.of("glue", "job/another"),), are_given=False)
    yield Rights(("glue:DeletePartition",), names.catalog[2:], are_given=False)


def _of_glue(names: _Names) -> Iterator[Rights]:
    yield Rights(("s3:ListBucket", "s3:GetBucketLocation"), (names.lake,))
    yield Rights(("s3:GetObject",), names.in_lake("jobs", "raw", "runs", "refined"))
    yield Rights(("s3:PutObject", "s3:DeleteObject"), names.in_lake("refined"))
    yield Rights(("s3:PutObject",), (f"{names.lake}/runs/any/any/outcome.json",))
    logs = names.of("logs", "log-group:/aws-glue/any:log-stream:any")
    yield Rights(("logs:CreateLogStream", "logs:PutLogEvents"), (logs,))
    kept = names.in_lake(*_WRITTEN)
    yield Rights(("s3:PutObject", "s3:DeleteObject"), kept, are_given=False)


def _of_execution(names: _Names) -> Iterator[Rights]:
    yield Rights(("ecr:GetAuthorizationToken",), ("*",))
    repository = names.of("ecr", f"repository/{names.outputs['repository_url'].partition('/')[2]}")
    yield Rights(("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), (repository,))
    group = names.outputs["flow_run_log_group"]
    stream = names.of("logs", f"log-group:{group}:log-stream:any")
    yield Rights(("logs:CreateLogStream", "logs:PutLogEvents"), (stream,))
    if names.outputs.get("prefect_secret_arn"):
        yield Rights(("secretsmanager:GetSecretValue",), (names.outputs["prefect_secret_arn"],))
    yield Rights(("s3:GetObject",), names.in_lake("raw", "published"), are_given=False)


def _of_submitter(names: _Names) -> Iterator[Rights]:
    outputs = names.outputs
    family = f"task-definition/{outputs['task_family_prefix']}:1"
    on_cluster = {"ecs:cluster": outputs["cluster_arn"]}
    yield Rights(("ecs:RegisterTaskDefinition",), (names.of("ecs", family),))
    yield Rights(("ecs:DescribeTaskDefinition",), ("*",))
    yield Rights(("ecs:RunTask",), (names.of("ecs", family),), context=on_cluster)
    task = names.of("ecs", f"task/{outputs['cluster_arn'].rpartition('/')[2]}/any")
    yield Rights(("ecs:DescribeTasks", "ecs:StopTask"), (task,))
    roles = (outputs["execution_role_arn"], outputs["flow_run_role_arn"])
    yield Rights(("iam:PassRole",), roles, context=_TASKS)
    another = names.of("ecs", "task-definition/another:1")
    yield Rights(("ecs:RunTask",), (another,), are_given=False, context=on_cluster)
    yield Rights(("iam:PassRole",), (outputs["glue_role_arn"],), are_given=False, context=_TASKS)
    yield Rights(("s3:GetObject",), names.in_lake("raw", "published"), are_given=False)


def _of_worker(names: _Names) -> Iterator[Rights]:
    yield from _of_submitter(names)
    queue = names.of("sqs", names.outputs["queue_name"])
    yield Rights(("sqs:ReceiveMessage", "sqs:DeleteMessage"), (queue,))


def verify_rights(outputs: dict[str, Any], iam: Any) -> Iterator[Verdict]:
    """Yield a verdict a role.

    Args:
        outputs: Terraform's.
        iam: Client of IAM.
    """
    for name, (arn, wanted) in rights_of_roles(outputs).items():
        try:
            wrong = [line for each in wanted for line in _simulate(iam, arn, each)]
        except ClientError as error:
            yield Verdict(f"rights of the {name} role", _why_not_told(error), holds=None)
            continue
        given, kept = (_count(wanted, are_given=each) for each in (True, False))
        found = "; ".join(wrong) or f"{given} given, {kept} not given, as they should be"
        yield Verdict(f"rights of the {name} role", found, holds=not wrong)


def _simulate(iam: Any, arn: str, rights: Rights) -> Iterator[str]:
    """Yield a line for each right that is not as it should be."""
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in rights.context.items()
    ]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn,
        ActionNames=list(rights.actions),
        ResourceArns=list(rights.resources),
        ContextEntries=context,
    )
    for result in (each for page in pages for each in page["EvaluationResults"]):
        if (result["EvalDecision"] == _ALLOWED) != rights.are_given:
            should = "should be allowed" if rights.are_given else "should not be"
            yield (
                f"{result['EvalActionName']} on {result['EvalResourceName']} {should}: "
                f"{result['EvalDecision']}"
            )


def _count(wanted: list[Rights], *, are_given: bool) -> int:
    return sum(len(w.actions) * len(w.resources) for w in wanted if w.are_given == are_given)


def _why_not_told(error: ClientError) -> str:
    return (
        f"{error}. Ask again with the right iam:SimulatePrincipalPolicy; accounts that let nobody "
        f"make roles often give none."
    )
