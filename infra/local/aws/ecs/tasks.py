"""ECS tasks made real: each one's command runs as a process tree on this machine."""

import datetime as dt
import logging
import shutil
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError
from moto.ecs.models import ecs_backends
from moto.secretsmanager.models import secretsmanager_backends

from infra.local.aws import REGION, logs
from infra.local.aws.ecs.definition import (
    Container,
    TaskStartError,
    describe_container,
    image_environment,
)
from infra.local.aws.ecs.events import FAILED_TO_START, put_state_change
from infra.local.aws.process_tree import ProcessTree
from infra.local.aws.state_files import StateDirectory

SPOT_REASON = "Your Spot Task was interrupted."
_EXITED = ("EssentialContainerExited", "Essential container in task exited")
_PROJECT = Path(__file__).parents[4]
_log = logging.getLogger(__name__)


class EcsTasks:
    """Starts, watches and stops the tasks of all clusters.

    A task's output is in its log group, and in `ecs/<task id>.log` of the state; the id of its
    first process is in `ecs/<task id>.pid` as long as it runs.
    """

    def __init__(
        self,
        state: StateDirectory,
        env: dict[str, str],
        keep_call: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._directory = state.ecs
        self._scratch = state.scratch
        self._env = env
        self._keep_call = keep_call
        self._running: dict[str, tuple[Container, ProcessTree]] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._is_open = True
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)

    def start(self, task: Any) -> None:
        """Start moto's task; it goes on by itself."""
        _move(task, "PENDING")
        thread = threading.Thread(target=self._run, args=(task,), daemon=True)
        with self._lock:
            self._threads = [old for old in self._threads if old.is_alive()]
            self._threads.append(thread)
            thread.start()

    def stop(self, task: Any, reason: str | None) -> None:
        """Ask a task to end: SIGTERM, and SIGKILL when its time is over; returns at once.

        The reason that AWS gives for Spot interruptions makes it one.
        """
        with self._lock:
            if task.desired_status == "STOPPED":
                return
            task.desired_status = "STOPPED"
            task.stop_code = "SpotInterruption" if reason == SPOT_REASON else "UserInitiated"
            task.stopped_reason = reason or "Task stopped by user"
            running = self._running.get(task.id)
        if running is not None:
            container, process = running
            process.terminate(container.stop_seconds)

    def close(self) -> None:
        """End all tasks at once, and wait until their processes are gone."""
        with self._lock:
            self._is_open = False
            running, threads = list(self._running.values()), list(self._threads)
        for _, process in running:
            process.kill()
        for thread in threads:
            thread.join()

    def _run(self, task: Any) -> None:
        directory = self._scratch / f"ecs-{task.id}"
        directory.mkdir(parents=True)
        code: int | None = None
        code_and_reason = _EXITED
        try:
            put_state_change(task)
            code = self._execute(task, directory)
        except TaskStartError as error:
            code_and_reason = (FAILED_TO_START, str(error))
        except Exception as failure:  # noqa: BLE001 - the thread ends here, and a task always ends
            _log.exception("ECS task %s", task.id)
            code_and_reason = (FAILED_TO_START, f"{type(failure).__name__}: {failure}")
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        self._finish(task, code, *code_and_reason)

    def _execute(self, task: Any, directory: Path) -> int | None:
        image_env = image_environment(directory) | self._env
        definition = ecs_backends[DEFAULT_ACCOUNT_ID][REGION].describe_task_definition(
            task.task_definition_arn
        )
        if role := _role_name(task, definition, "task"):
            image_env["AWS_ACCESS_KEY_ID"] = role  # the trail tells it by this
        # What ECS does itself, before and beside the container.
        ask = partial(self._keep_call, _role_name(task, definition, "execution"))

        def read_secret(value_from: str) -> str:
            ask("secretsmanager:GetSecretValue", {"SecretId": value_from})
            return _read_secret(value_from)

        container = describe_container(task, definition, image_env, read_secret)
        if container.log_group:
            stream = {"logGroupName": container.log_group, "logStreamName": container.log_stream}
            ask("logs:CreateLogStream", stream)
            ask("logs:PutLogEvents", stream)
        with (self._directory / f"{task.id}.log").open("a") as log:
            return self._watch(task, container, log)

    def _watch(self, task: Any, container: Container, log: IO[str]) -> int | None:
        def keep(line: str) -> None:
            print(line, file=log, flush=True)
            if container.log_group:
                logs.put_lines(container.log_group, container.log_stream, [line])

        pid_file = self._directory / f"{task.id}.pid"
        with self._lock:
            if not self._is_open or task.desired_status == "STOPPED":
                return None
            process = ProcessTree(task.id, container.command, container.env, _PROJECT, keep)
            self._running[task.id] = container, process
        pid_file.write_text(str(process.pid))
        _move(task, "RUNNING")
        put_state_change(task)
        code = process.wait()
        pid_file.unlink()
        return code

    def _finish(self, task: Any, exit_code: int | None, stop_code: str, reason: str) -> None:
        with self._lock:
            self._running.pop(task.id, None)
            if task.desired_status != "STOPPED":
                task.desired_status, task.stop_code, task.stopped_reason = (
                    "STOPPED",
                    stop_code,
                    reason,
                )
        for container in task.containers:
            container.exitCode = exit_code
        _move(task, "STOPPED")
        put_state_change(task)


def _move(task: Any, status: str) -> None:
    """Put moto's task into a state, with the time that goes with it."""
    task.last_status = status
    for container in task.containers:
        container.last_status = status
        if status != "STOPPED":
            container.exitCode = None
    moment = {"PENDING": "created_at", "RUNNING": "started_at", "STOPPED": "stopped_at"}[status]
    setattr(task, moment, dt.datetime.now(dt.UTC))


def _role_name(task: Any, definition: Any, kind: str) -> str:
    """Return the name of a task's role, that of its definition unless it overrides it."""
    arn = (task.overrides or {}).get(f"{kind}RoleArn") or getattr(
        definition, f"{kind}_role_arn", ""
    )
    return (arn or "").rpartition("/")[2]


def _read_secret(value_from: str) -> str:
    """Return a secret's value, by its ARN."""
    backend = secretsmanager_backends[DEFAULT_ACCOUNT_ID][REGION]
    try:
        return str(backend.get_secret_value(value_from, "", "")["SecretString"])
    except JsonRESTError as error:
        raise TaskStartError(
            f"ResourceInitializationError: unable to retrieve secret {value_from}: {error.message}"
        ) from error
