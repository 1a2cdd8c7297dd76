"""ECS's "Task State Change" events, as EventBridge hands them to its rules."""

import json
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.events.models import events_backends

from infra.local.aws import REGION

# Of a container that never was, ECS reports nothing but the reason.
FAILED_TO_START = "TaskFailedToStart"


def put_state_change(task: Any) -> None:
    """Report the state that a task is in now.

    Args:
        task: moto's task.
    """
    detail = {
        "clusterArn": task.cluster_arn,
        "taskArn": task.task_arn,
        "taskDefinitionArn": task.task_definition_arn,
        "lastStatus": task.last_status,
        "desiredStatus": task.desired_status,
        "group": task.group,
        "launchType": task.launch_type or None,
        "capacityProviderName": task.capacity_provider_name,
        "startedBy": task.started_by or None,
        "stopCode": getattr(task, "stop_code", None),
        "stoppedReason": task.stopped_reason or None,
        "overrides": task.overrides,
        "containers": _containers(task),
    }
    entry = {
        "Source": "aws.ecs",
        "DetailType": "ECS Task State Change",
        "Detail": json.dumps({key: value for key, value in detail.items() if value is not None}),
        "Resources": [task.task_arn],
    }
    events_backends[DEFAULT_ACCOUNT_ID][REGION].put_events([entry])


def _containers(task: Any) -> list[dict[str, Any]]:
    if getattr(task, "stop_code", None) == FAILED_TO_START:
        return []
    return [
        {
            "containerArn": container.container_arn,
            "name": container.name,
            "image": container.image,
            "taskArn": task.task_arn,
            "lastStatus": container.last_status,
            **({} if container.exitCode is None else {"exitCode": container.exitCode}),
        }
        for container in task.containers
    ]
