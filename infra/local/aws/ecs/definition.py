"""What a container is to run: its command and environment, from a task and its definition."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STOP_SECONDS = 30.0
# How this machine reaches the internet is nothing of the person's own configuration.
_HOST_VARIABLES = ("LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


class TaskStartError(Exception):
    """The task cannot start; the message is what ECS gives as the stopped reason."""


@dataclass(frozen=True)
class Container:
    """The first container of a task.

    Attributes:
        name: Its name in the task definition.
        command: What it runs.
        env: All of its environment.
        log_group: Group of its log; None if nobody asked for one.
        log_stream: Stream of its log.
        stop_seconds: Time from SIGTERM to SIGKILL when it is stopped.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    log_group: str | None
    log_stream: str
    stop_seconds: float


def image_environment(directory: Path) -> dict[str, str]:
    """Return the environment that an image would bring: this Python, and a home of its own.

    Args:
        directory: The container's own; everything temporary goes there too.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in _HOST_VARIABLES or name.lower().endswith("_proxy")
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    return {**inherited, "PATH": path, "HOME": str(directory), "TMPDIR": str(directory)}


def describe_container(
    task: Any, definition: Any, image_env: dict[str, str], read_secret: Callable[[str], str]
) -> Container:
    """Say what a task's container is to run.

    Args:
        task: moto's task.
        definition: moto's task definition of it.
        image_env: What the image brings; definition, secrets and overrides win, in this order.
        read_secret: Returns a secret's value by its ARN.

    Raises:
        TaskStartError: A secret or the command is not there.
    """
    container = definition.container_definitions[0]
    overrides = (task.overrides or {}).get("containerOverrides") or []
    override: dict[str, Any] = next((o for o in overrides if o["name"] == container["name"]), {})
    env = {
        **image_env,
        **_pairs(container.get("environment")),
        **{s["name"]: read_secret(s["valueFrom"]) for s in container.get("secrets") or []},
        **_pairs(override.get("environment")),
    }
    command = override.get("command") or container.get("command") or []
    if not command or shutil.which(command[0], path=env.get("PATH")) is None:
        raise TaskStartError(
            f"CannotStartContainerError: no executable {command[:1]} in PATH {env.get('PATH')}"
        )
    options = (container.get("logConfiguration") or {}).get("options") or {}
    return Container(
        name=container["name"],
        command=[str(shutil.which(command[0], path=env["PATH"])), *command[1:]],
        env=env,
        log_group=options.get("awslogs-group"),
        log_stream=f"{options.get('awslogs-stream-prefix')}/{container['name']}/{task.id}",
        stop_seconds=container.get("stopTimeout") or _STOP_SECONDS,
    )


def _pairs(variables: list[dict[str, str]] | None) -> dict[str, str]:
    return {each["name"]: each["value"] for each in variables or []}
