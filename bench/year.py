"""A year of quotes at its real size, from B3's ZIP to what readers see: `make bench`.

The command itself, `python -m flows.backfill --dataset quotes`, brings the year into an empty local
cloud, in a process of its own. When its steps began and ended is what Prefect's server says of the
flow run's tasks.
"""

import argparse
import datetime as dt
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import requests

from bench.cotahist import YEAR, Bar, make_files
from infra.local.prefect_server import prefect_server

# What each of the flow's tasks is part of; the rest is `other`.
STEPS = {
    "download-quotes": "fetch",
    "land-zip": "land",
    "convert-quotes": "read",
    "write-raw": "write raw",
    "look-at-month": "look and plan",
    "find-attempts": "look and plan",
    "start-glue-run": "Spark",
    "wait-for-glue-run": "Spark",
    "audit-month": "audit",
    "register-partitions": "publish",
    "publish-month": "publish",
}
OTHER, BETWEEN, SPARK_ALONE = "other tasks", "between tasks", "Spark, as Glue says"
SECONDS_BAR, MEMORY_BAR = 62, 400
_ROOT = Path(__file__).parents[1]
_PATIENCE_SECONDS = 60.0
_SAMPLE_SECONDS = 0.05
_PAGE = 200  # the most that Prefect's server answers at once


class TaskRun(NamedTuple):
    """A task of the flow run, by its name and when it began and ended."""

    name: str
    started_at: dt.datetime
    ended_at: dt.datetime

    @property
    def step(self) -> str:
        """What it is part of."""
        return STEPS.get(self.name, OTHER)


class Sample(NamedTuple):
    """The memory that the flow's process held at one moment, in bytes."""

    at: dt.datetime
    held_bytes: int


class Year(NamedTuple):
    """What one run took.

    Attributes:
        seconds: On the clock, from the command's start to its end.
        cpu_seconds: Of the flow's process alone: Spark is another one.
        peak_bytes: The most memory that the flow's process ever held.
        steps: `{step: seconds}`.
        memory: `{step: the most that a sample found while it ran}`, in bytes.
        others: Names of the tasks that no step is known of.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    steps: dict[str, float]
    memory: dict[str, int]
    others: set[str]


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve the files of a folder until the block ends; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def local_cloud(state: Path) -> Iterator[dict[str, str]]:
    """Run the local cloud until the block ends; yield its settings.

    It is a process of its own, since what starts the flow has to be small: a new process begins
    with its starter's peak of memory.
    """
    command = [sys.executable, "-m", "infra.local", "up", "--state", str(state)]
    cloud = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        said = cloud.stdout.readline() if cloud.stdout else ""
        if not said.startswith("ready"):
            raise RuntimeError(f"The local cloud did not come up: {said}")
        lines = (state / "env").read_text().splitlines()
        yield {name: value for name, _, value in (line.partition("=") for line in lines)}
    finally:
        cloud.terminate()
        cloud.wait()


def measure(quotes_url: str) -> Year:
    """Bring the year into an empty lake.

    Raises:
        RuntimeError: The command failed; the message is the end of what it said.
    """
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        with local_cloud(state) as cloud, prefect_server(state) as prefect:
            env = {**os.environ, **cloud, **prefect, "B3_QUOTES_URL": quotes_url}
            samples: list[Sample] = []
            started = time.perf_counter()
            usage = run_flow(env, state / "flow.log", samples)
            seconds = time.perf_counter() - started
            tasks = read_task_runs(prefect["PREFECT_API_URL"])
            spark = read_glue_seconds(cloud)
    steps: dict[str, float] = defaultdict(float)
    memory: dict[str, int] = defaultdict(int)
    for task in tasks:
        steps[task.step] += (task.ended_at - task.started_at).total_seconds()
        held = (s.held_bytes for s in samples if task.started_at <= s.at <= task.ended_at)
        memory[task.step] = max([memory[task.step], *held])
    steps[BETWEEN] = seconds - covered_seconds(tasks)
    steps[SPARK_ALONE] = spark
    return Year(
        seconds,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024,
        steps,
        memory,
        {task.name for task in tasks if task.step == OTHER},
    )


def run_flow(env: dict[str, str], log: Path, samples: list[Sample]) -> Any:
    """Run the command, sample its memory, and return what it used."""
    span = ["--start", str(YEAR.first_date), "--end", str(YEAR.last_date)]
    command = [sys.executable, "-m", "flows.backfill", "--dataset", "quotes", *span]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=_ROOT, env=env, stdout=output, stderr=output)
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
    while statm.exists() and not has_ended.wait(_SAMPLE_SECONDS):
        pages = (statm.read_text().split() or ["0", "0"])[1]  # empty once it has ended
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
        TaskRun(run["name"].rpartition("-")[0], _time(run["start_time"]), _time(run["end_time"]))
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


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def covered_seconds(tasks: Iterable[TaskRun]) -> float:
    """Return for how long at least one task was at work; tasks come in order of their starts."""
    total, until = 0.0, dt.datetime.min.replace(tzinfo=dt.UTC)
    for task in tasks:
        total += max(0.0, (task.ended_at - max(until, task.started_at)).total_seconds())
        until = max(until, task.ended_at)
    return total


def read_glue_seconds(cloud: dict[str, str]) -> float:
    """Return how long the Glue runs were at work, without the time until the flow looked again."""
    glue = boto3.client(
        "glue",
        endpoint_url=cloud["AWS_ENDPOINT_URL"],
        region_name=cloud["AWS_DEFAULT_REGION"],
        aws_access_key_id=cloud["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud["AWS_SECRET_ACCESS_KEY"],
    )
    runs = glue.get_job_runs(JobName=cloud["B3_GLUE_JOB"])["JobRuns"]
    return sum((run["CompletedOn"] - run["StartedOn"]).total_seconds() for run in runs)


def describe(years: Sequence[Year]) -> Iterator[str]:
    """Yield the table: seconds and memory of each step, in minimum, median and maximum."""
    yield f"{'':22}{'seconds':>24}{'memory of the flow, MB':>28}"
    yield f"{'':22}" + f"{'min':>8}{'med':>8}{'max':>8}" * 2
    for step in [*dict.fromkeys(STEPS.values()), SPARK_ALONE, OTHER, BETWEEN]:
        taken = _spread([year.steps.get(step, 0.0) for year in years], ".1f")
        is_sampled = any(year.memory.get(step) for year in years)
        held = _spread([year.memory.get(step, 0) / 1e6 for year in years], ".0f")
        yield f"{step:<22}{taken}{held if is_sampled else ''}"
    yield (
        f"{'in all':<22}{_spread([year.seconds for year in years], '.1f')}"
        f"{_spread([year.peak_bytes / 1e6 for year in years], '.0f')}"
    )
    yield f"{'processors, the flow':<22}{_spread([year.cpu_seconds for year in years], '.1f')}"
    names = sorted(set().union(*(year.others for year in years)))
    yield f"{OTHER}: {', '.join(names) or 'none'}"


def _spread(values: Sequence[float], form: str) -> str:
    figures = (min(values), statistics.median(values), max(values))
    return "".join(f"{figure:>8{form}}" for figure in figures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.year", description=__doc__)
    parser.add_argument("--cache", type=Path, default=_ROOT / "build" / "bench")
    parser.add_argument("--runs", type=int, default=1, help="how often (default: 1)")
    options = parser.parse_args(arguments)
    cache = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    make_files(cache)
    load = os.getloadavg()[0]
    print(
        f"{YEAR.file_name} to published; {platform.platform()}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}"
    )
    with serve(cache) as url:
        years = [measure(url) for _ in range(options.runs)]
    print(*describe(years), sep="\n")
    seconds = statistics.median(year.seconds for year in years)
    peak = max(year.peak_bytes for year in years) / 1e6
    bars = [
        Bar("the year, in all", seconds, "s", "≤", SECONDS_BAR),
        Bar("peak memory of the flow's process", peak, "MB", "≤", MEMORY_BAR),
    ]
    print(*bars, sep="\n")
    return 0 if all(bar.holds for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
