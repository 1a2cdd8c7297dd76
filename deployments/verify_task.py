"""Whether a flow run's task starts, and reaches what it needs: one of them asks."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from prefect.client.orchestration import SyncPrefectClient

from deployments.polling import poll
from deployments.task_definition import register_task_definition
from deployments.template import CONTAINER_NAME, LOG_PREFIX
from deployments.verdict import Verdict

LAST = "a task reaches Prefect's API"  # what flows.probe says last, whatever it finds
_WHAT = "a flow run's task"
_COMMAND = ["python", "-m", "flows.probe"]
_LOG_PATIENCE_SECONDS = 60.0
_PATIENCE_SECONDS = 600.0  # an image is pulled, and a zone may have no room at once


def verify_task(
    outputs: dict[str, Any], image: str, client: SyncPrefectClient, ecs: Any, logs: Any
) -> Iterator[Verdict]:
    """Run one task of the image and yield what it says.

    Args:
        outputs: Terraform's.
        image: The deployments' image.
        client: Of Prefect's API.
        ecs: Client of ECS.
        logs: Client of CloudWatch Logs.
    """
    pool = client.read_work_pool(outputs["work_pool_name"])
    variables = pool.base_job_template["variables"]["properties"]
    env = {"PREFECT_API_URL": outputs["prefect_api_url"], **variables["env"]["default"]}
    try:
        definition = _find_definition(outputs["task_family_prefix"], image, ecs)
        definition = definition or register_task_definition(pool, image, ecs)
        started = ecs.run_task(
            cluster=outputs["cluster_arn"],
            taskDefinition=definition,
            launchType=variables["launch_type"]["default"],
            networkConfiguration={
                "awsvpcConfiguration": variables["network_configuration"]["default"]
            },
            startedBy="verify",
            overrides={"containerOverrides": [_override(env)]},
        )
    except ClientError as error:
        yield Verdict(_WHAT, str(error), holds=False)
        return
    if not started["tasks"]:
        reasons = "; ".join(each.get("reason", "") for each in started["failures"])
        yield Verdict(_WHAT, f"ECS does not start it: {reasons}", holds=False)
        return
    task = _wait(outputs["cluster_arn"], started["tasks"][0]["taskArn"], ecs)
    end = _of_end(task)
    yield end
    group = outputs["flow_run_log_group"]
    # Logs come a little later; of a task that failed they may have no end.
    said: list[Verdict] = []

    def look() -> bool | None:
        said[:] = _said(group, task, logs)
        return True if any(each.what == LAST for each in said) or not end.holds else None

    is_all = poll(look, _LOG_PATIENCE_SECONDS)
    yield from said
    if is_all is None:
        found = f"the end of its log in {group} is missing: read it, and ask again"
        yield Verdict("what the task says", found, holds=None)


def _find_definition(family: str, image: str, ecs: Any) -> str | None:
    """Return the newest task definition of flow runs, if it is of the image."""
    arns = ecs.list_task_definitions(familyPrefix=family, sort="DESC")["taskDefinitionArns"]
    for arn in arns[:1]:
        found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        if found["containerDefinitions"][0]["image"] == image:
            return str(arn)
    return None


def _override(env: dict[str, str]) -> dict[str, Any]:
    return {
        "name": CONTAINER_NAME,
        "command": _COMMAND,
        "environment": [{"name": name, "value": value} for name, value in sorted(env.items())],
    }


def _wait(cluster: str, arn: str, ecs: Any) -> dict[str, Any]:
    """Return the task when it has ended, or stop it when that takes too long."""

    def look() -> dict[str, Any] | None:
        found: list[dict[str, Any]] = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
        return found[0] if found and found[0]["lastStatus"] == "STOPPED" else None

    task = poll(look, _PATIENCE_SECONDS)
    if task is None:
        reason = f"it has not ended in {_PATIENCE_SECONDS:.0f} s, and was stopped"
        ecs.stop_task(cluster=cluster, task=arn, reason=f"verify: {reason}")
        return {"taskArn": arn, "containers": [], "stoppedReason": reason}
    return task


def _of_end(task: dict[str, Any]) -> Verdict:
    codes = [each.get("exitCode") for each in task["containers"]]
    if codes == [0]:
        return Verdict(_WHAT, "started, and ended by itself", holds=True)
    reasons = [each.get("reason") for each in task["containers"]]
    said = "; ".join(filter(None, [task.get("stoppedReason"), *reasons]))
    return Verdict(_WHAT, f"{said} (exit codes: {codes})", holds=False)


def _said(group: str, task: dict[str, Any], logs: Any) -> list[Verdict]:
    """Return what the task says, as far as its log has it."""
    stream = f"{LOG_PREFIX}/{CONTAINER_NAME}/{task['taskArn'].rpartition('/')[2]}"
    try:
        answer = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    except logs.exceptions.ResourceNotFoundException:
        return []  # it never came so far as to say anything, or its log is not there yet
    lines = [event["message"] for event in answer["events"]]
    found = [_verdict(line) for line in lines if line.startswith('{"what"')]
    return [each for each in found if each is not None]


def _verdict(line: str) -> Verdict | None:
    """Return what a line says; None of one that is cut or is none of ours."""
    try:
        return Verdict(**json.loads(line))
    except (ValueError, TypeError):
        return None
