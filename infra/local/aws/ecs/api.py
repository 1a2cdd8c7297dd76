"""The calls of ECS's API about tasks, which moto only pretends, answered by real processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend
from moto.moto_api import state_manager

from infra.local.aws.ecs.tasks import EcsTasks

_pretend_run_task = EC2ContainerServiceBackend.run_task
_FOR_EVER_SECONDS = 10**8


@contextmanager
def installed(tasks: EcsTasks) -> Iterator[None]:
    """Make moto's ECS run and stop its tasks through `tasks`."""

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

    with patch.multiple(EC2ContainerServiceBackend, run_task=run_task, stop_task=stop_task):
        # moto moves a task on each time that somebody looks at it; here its process does.
        state_manager.set_transition(
            "ecs::task", {"progression": "time", "seconds": _FOR_EVER_SECONDS}
        )
        try:
            yield
        finally:
            state_manager.unset_transition("ecs::task")
