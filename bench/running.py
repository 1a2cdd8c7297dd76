"""A flow run in a process of its own, on a local cloud of another, and what is said of it later.

What starts the flow has to be small: a new process begins with its starter's peak of memory.
"""

import datetime as dt
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import requests

ROOT = Path(__file__).parents[1]
_PATIENCE_SECONDS = 60.0
_SAMPLE_SECONDS = 0.05
_PAGE = 200  # the most that Prefect's server answers at once


class TaskRun(NamedTuple):
    """A task of the flow run, by its name and when it began and ended."""

    name: str
    started_at: dt.datetime
    ended_at: dt.datetime


class Sample(NamedTuple):
    """The memory that the flow's process held at one moment, in bytes."""

    at: dt.datetime
    held_bytes: int


@contextmanager
def local_cloud(state: Path) -> Iterator[dict[str, str]]:
    """Run the local cloud in a process of its own until the block ends; yield its settings."""
    command = [sys.executable, "-m", "infra.local", "up", "--state", str(state), "--port", "0"]
    cloud = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        said = cloud.stdout.readline() if cloud.stdout else ""
        if not said.startswith("ready"):
            raise RuntimeError(f"The local cloud did not come up: {said}")
        lines = (state / "env").read_text().splitlines()
        yield {name: value for name, _, value in (line.partition("=") for line in lines)}
    finally:
        cloud.terminate()
        cloud.wait()


def run_flow(
    module: str, arguments: Sequence[str], env: dict[str, str], log: Path, samples: list[Sample]
) -> Any:
    """Run a flow's command, sample its memory, print its outcome, and return what it used.

    Raises:
        RuntimeError: The command failed; the message is the end of what it said.
    """
    command = [sys.executable, "-m", module, *arguments]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)
        has_ended = threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, has_ended, samples))
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        has_ended.set()
        sampler.join()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{log.read_text()[-4000:]}")
    print(f"  {log.read_text().splitlines()[-1]}", flush=True)
    return usage


def _sample(pid: int, has_ended: threading.Event, samples: list[Sample]) -> None:
    statm = Path(f"/proc/{pid}/statm")
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        while not has_ended.wait(_SAMPLE_SECONDS):
            pages = (statm.read_text().split() or ["0", "0"])[1]  # empty while it ends
            samples.append(Sample(dt.datetime.now(dt.UTC), int(pages) * os.sysconf("SC_PAGE_SIZE")))


def read_task_runs(api: str) -> list[TaskRun]:
    """Return the tasks of the only flow run of a server, in the order in which they began.

    Prefect's server writes them down some time after they ended.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    found: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        time.sleep(2)
        before, found = found, _ask_for_task_runs(api)
        if len(found) == len(before) and all(run["end_time"] for run in found):
            break
    runs = [
        TaskRun(_task_of(run["name"]), _time(run["start_time"]), _time(run["end_time"]))
        for run in found
    ]
    return sorted(runs, key=lambda run: run.started_at)


def _ask_for_task_runs(api: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        body = {"sort": "ID_DESC", "offset": len(found), "limit": _PAGE}
        page = requests.post(f"{api}/task_runs/filter", json=body, timeout=30).json()
        found += page
        if len(page) < _PAGE:
            return found


def _task_of(run_name: str) -> str:
    """Return the task of a run: `read-raw` of `read-raw-1b4`, `fetch` of `fetch IBOV`."""
    task, blank, _ = run_name.partition(" ")
    return task if blank else run_name.rpartition("-")[0]


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def covered_seconds(tasks: Iterable[TaskRun]) -> float:
    """Return for how long at least one task was at work; tasks come in order of their starts."""
    total, until = 0.0, dt.datetime.min.replace(tzinfo=dt.UTC)
    for task in tasks:
        total += max(0.0, (task.ended_at - max(until, task.started_at)).total_seconds())
        until = max(until, task.ended_at)
    return total


def read_glue_seconds(cloud: dict[str, str]) -> list[float]:
    """Return how long each Glue run was at work, the last one first.

    It is without the time until the flow looked again.
    """
    glue = boto3.client(
        "glue",
        endpoint_url=cloud["AWS_ENDPOINT_URL"],
        region_name=cloud["AWS_DEFAULT_REGION"],
        aws_access_key_id=cloud["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud["AWS_SECRET_ACCESS_KEY"],
    )
    runs = glue.get_job_runs(JobName=cloud["B3_GLUE_JOB"])["JobRuns"]
    return [(run["CompletedOn"] - run["StartedOn"]).total_seconds() for run in runs]
