"""The whole platform as a process of its own, and what tests ask of it from outside."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
import requests

from infra.local.aws.first_process import find_processes
from tests.e2e.jobs import use_the_stand_in

ROOT = Path(__file__).parents[2]
T = TypeVar("T")
CLUSTER = "b3-pipeline"
FAMILY = "b3-pipeline-flow"
JOB = "b3-refine"
DEPLOYMENT = "daily-portfolio/daily-portfolio"
RUN_SECONDS = 180.0
BUSY = 503
_SCRIPT = {"Bucket": "b3-lake", "Key": "jobs/refine.py"}


def wait_for(look: Callable[[], T], what: str, seconds: float = RUN_SECONDS) -> T:
    """Return what `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not in {seconds:.0f} s")


@dataclass(frozen=True)
class Platform:
    """The local cloud with Prefect and ECS, seen from outside."""

    env: dict[str, str]
    state: Path

    def client(self, service: str) -> Any:
        clients: Any = boto3
        return clients.client(
            service,
            endpoint_url=self.env["AWS_ENDPOINT_URL"],
            region_name=self.env["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
        )

    def query(self, sql: str) -> list[list[str]]:
        """Ask Athena; every value as Athena writes it."""
        athena = self.client("athena")
        started = athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": "b3"}, WorkGroup="b3"
        )
        query_id = {"QueryExecutionId": started["QueryExecutionId"]}

        def status() -> Any:
            found = athena.get_query_execution(**query_id)["QueryExecution"]["Status"]
            return None if found["State"] in {"QUEUED", "RUNNING"} else found

        assert wait_for(status, "the query has ended")["State"] == "SUCCEEDED"
        rows = athena.get_query_results(**query_id)["ResultSet"]["Rows"][1:]
        return [[cell["VarCharValue"] for cell in row["Data"]] for row in rows]

    def glue_runs(self, *flow_runs: str) -> list[Any]:
        """The Glue runs that these flow runs have started."""
        runs = self.client("glue").get_job_runs(JobName=JOB)["JobRuns"]
        return [run for run in runs if run["Arguments"]["--token"].startswith(flow_runs)]

    def prefect(self, method: str, path: str, body: object = None) -> Any:
        """Ask Prefect's API; it answers 503, or not in time, while its database is busy."""
        url = f"{self.env['PREFECT_API_URL']}{path}"

        def ask() -> Any:
            try:
                answer = requests.request(method, url, json=body, timeout=15)
            except requests.Timeout:
                return []
            return [] if answer.status_code == BUSY else [answer]

        (answer,) = wait_for(ask, f"Prefect answers {path}", 120)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deployment(self, name: str = DEPLOYMENT) -> Any:
        return self.prefect("GET", f"/deployments/name/{name}")

    def pause_schedules(self) -> None:
        """Let nothing begin by itself while tests run, whatever time of day it is."""
        for deployment in self.prefect("POST", "/deployments/filter", {}):
            self.prefect("POST", f"/deployments/{deployment['id']}/pause_deployment")

    @contextmanager
    def scheduled(self) -> Iterator[Any]:
        """Within the block, a deployment's own schedules are on."""
        deployment = self.deployment()
        self.prefect("POST", f"/deployments/{deployment['id']}/resume_deployment")
        try:
            yield deployment
        finally:
            self.prefect("POST", f"/deployments/{deployment['id']}/pause_deployment")

    def trigger(self, *, deployment: str = DEPLOYMENT, **parameters: object) -> str:
        """Press Run, of one index where nothing else is said; return the flow run's id.

        A parameter that is None is left to the deployment.
        """
        parameters = {"index_codes": ["IBOV"]} | parameters
        parameters = {name: value for name, value in parameters.items() if value is not None}
        path = f"/deployments/{self.deployment(deployment)['id']}/create_flow_run"
        once = {"parameters": parameters, "idempotency_key": str(uuid.uuid4())}
        run = self.prefect("POST", path, once)
        return str(run["id"])

    def state_of(self, run_id: str) -> str:
        return str(self.prefect("GET", f"/flow_runs/{run_id}")["state"]["name"])

    def states_of(self, run_id: str) -> list[str]:
        """The names of the states a run has been in, in order."""
        states = self.prefect("GET", f"/flow_run_states/?flow_run_id={run_id}")
        return [state["name"] for state in sorted(states, key=lambda state: state["timestamp"])]

    def message_of(self, run_id: str) -> str:
        """What a run says of the state it is in."""
        return str(self.prefect("GET", f"/flow_runs/{run_id}")["state"]["message"])

    def wait_until(self, run_id: str, *names: str, seconds: float = RUN_SECONDS) -> str:
        """Wait until a run's state is one of `names`."""

        def look() -> str | None:
            name = self.state_of(run_id)
            return name if name in names else None

        return str(wait_for(look, f"run {run_id} is one of {names}", seconds))

    def log_of(self, run_id: str) -> list[str]:
        """The lines of a run's log, as the dashboard shows them."""
        body = {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_ASC"}
        return [line["message"] for line in self.prefect("POST", "/logs/filter", body)]

    def worker_log(self) -> str:
        """What the worker has said."""
        return (self.state / "prefect-worker.log").read_text()

    def cancel(self, run_id: str) -> None:
        body = {"state": {"type": "CANCELLING"}}
        self.prefect("POST", f"/flow_runs/{run_id}/set_state", body)

    def tasks(self) -> list[Any]:
        """Every ECS task there was."""
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster=CLUSTER)["taskArns"]
        if not arns:
            return []
        found = ecs.describe_tasks(cluster=CLUSTER, tasks=arns, include=["TAGS"])
        return list(found["tasks"])

    def tasks_of(self, run_id: str) -> list[Any]:
        """The ECS tasks of a flow run."""
        tag = {"key": "prefect.io/flow-run-id", "value": run_id}
        return [task for task in self.tasks() if tag in task["tags"]]

    def container_pid(self, run_id: str) -> int:
        """The first process of the container that a flow run is in."""
        (task,) = [task for task in self.tasks_of(run_id) if task["lastStatus"] == "RUNNING"]
        task_id = task["taskArn"].rsplit("/", 1)[-1]
        return int((self.state / "ecs" / f"{task_id}.pid").read_text())

    @contextmanager
    def glue_at_work(self) -> Iterator[None]:
        """Within the block, a Glue run goes on until it is stopped."""
        s3 = self.client("s3")
        script = s3.get_object(**_SCRIPT)["Body"].read()
        s3.put_object(**_SCRIPT, Body=b"import time\ntime.sleep(600)\n")
        try:
            yield
        finally:
            s3.put_object(**_SCRIPT, Body=script)

    def wait_until_glue_works(self, flow_run: str) -> None:
        wait_for(
            lambda: [r for r in self.glue_runs(flow_run) if r["JobRunState"] == "RUNNING"],
            f"a Glue run of {flow_run} is at work",
            90,
        )


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as `make local` starts it, without Spark and with schedules paused.

    It is stopped as Ctrl-C stops it.
    """
    state = tmp_path_factory.mktemp("platform")
    command = [sys.executable, "-m", "infra.local.local", "--state", str(state)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--prefect-port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any(line.startswith("ready") for line in process.stdout), "it did not start"
        started = Platform(_settings(state), state)
        started.pause_schedules()
        use_the_stand_in(started.client("s3"))
        yield started
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert find_processes(f"PREFECT_HOME={state / 'prefect'}") == set(), "something still runs"


def _settings(state: Path) -> dict[str, str]:
    lines = [
        line
        for file in (state / "env", state / "prefect" / "env")
        for line in file.read_text().splitlines()
    ]
    return dict(line.split("=", 1) for line in lines)
