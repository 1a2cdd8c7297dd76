"""The calls of ECS's API about tasks, which moto only pretends, answered by real processes.

What was registered as a task definition is answered as AWS does, with its defaults.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.moto_api import state_manager

from infra.local.aws.ecs.tasks import EcsTasks

_pretend_run_task = EC2ContainerServiceBackend.run_task
_register = EC2ContainerServiceResponse.register_task_definition
_FOR_EVER_SECONDS = 10**8


@contextmanager
def installed(tasks: EcsTasks) -> Iterator[None]:
    """Make moto's ECS run and stop its tasks through `tasks`, and answer definitions as AWS."""

    def run_task(self: Any, *args: Any, **kwargs: Any) -> list[Any]:
        started: list[Any] = _pretend_run_task(self, *args, **kwargs)
        for task in started:
            tasks.start(task)
        return started

    def stop_task(self: Any, cluster_str: str, task_str: str, reason: str | None) -> Any:
        cluster = self._get_cluster(cluster_str)
        task_id = task_str.rsplit("/", 1)[-1]
        for task in self.tasks.get(cluster.name, {}).values():
            if task.id == task_id:
                tasks.stop(task, reason)
                return task
        raise InvalidParameterException("The referenced task was not found.")

    with (
        patch.multiple(EC2ContainerServiceBackend, run_task=run_task, stop_task=stop_task),
        patch.object(EC2ContainerServiceResponse, "register_task_definition", _register_as_aws),
    ):
        # moto moves a task on each time that somebody looks at it; here its process does.
        state_manager.set_transition(
            "ecs::task", {"progression": "time", "seconds": _FOR_EVER_SECONDS}
        )
        try:
            yield
        finally:
            state_manager.unset_transition("ecs::task")


def _register_as_aws(self: Any) -> Any:
    """Register a definition and add what AWS adds to it, then and whenever it is described."""
    answer = _register(self)
    definition = answer.result["taskDefinition"]
    for container in definition.container_definitions:
        container.setdefault("systemControls", [])
    for volume in definition.volumes:
        if volume.keys() == {"name"}:
            volume["host"] = {}
    definition.enable_fault_injection = bool(self._get_param("enableFaultInjection"))
    capabilities = [
        "com.amazonaws.ecs.capability.docker-remote-api.1.18",
        "ecs.capability.task-eni",
    ]
    definition.requires_attributes = [{"name": name} for name in capabilities]
    definition.registered_at = dt.datetime.now(dt.UTC)
    definition.registered_by = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:root"
    return answer
