"""How long a flow run takes from its container's first process to `Running`: `make bench`.

On the local cloud, whose tasks are processes: what a container and its image add is AWS's.
"""

import datetime as dt
import platform as machine
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
import requests

from infra.local.b3.sessions import SESSIONS
from infra.local.local import platform

RUNS = 5
DEPLOYMENT = "daily-portfolio/daily-portfolio"
PATIENCE_SECONDS = 300.0


def start_run(api: str) -> str:
    """Press Run; return the flow run's id."""
    deployment = requests.get(f"{api}/deployments/name/{DEPLOYMENT}", timeout=30).json()
    body = {"parameters": {"trading_date": str(SESSIONS[-1])}}
    url = f"{api}/deployments/{deployment['id']}/create_flow_run"
    return str(requests.post(url, json=body, timeout=30).json()["id"])


def wait_for_end(api: str, run_id: str) -> list[dict[str, Any]]:
    """Return the states of a run that has ended, in order."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = requests.get(f"{api}/flow_run_states/", params={"flow_run_id": run_id}, timeout=30)
        states = sorted(answer.json(), key=lambda state: state["timestamp"])
        if states and states[-1]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            return states
        time.sleep(0.5)
    raise TimeoutError(f"run {run_id} has not ended in {PATIENCE_SECONDS:.0f} s")


def container_started_at(run_id: str) -> dt.datetime:
    """Return when the first process of a run's task started."""
    ecs = boto3.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = ecs.list_tasks(cluster=cluster)["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns, include=["TAGS"])["tasks"]
    tag = {"key": "prefect.io/flow-run-id", "value": run_id}
    started_at: dt.datetime
    (started_at,) = [task["startedAt"] for task in tasks if tag in task["tags"]]
    return started_at


def main() -> int:
    """Measure and print."""
    print(f"Start of a flow run; {machine.platform()}, Python {machine.python_version()}")
    seconds = []
    with tempfile.TemporaryDirectory() as state, platform(Path(state)) as env:
        api = env["PREFECT_API_URL"]
        for number in range(RUNS):
            run_id = start_run(api)
            states = wait_for_end(api, run_id)
            running = next(state for state in states if state["type"] == "RUNNING")
            at = dt.datetime.fromisoformat(running["timestamp"].replace("Z", "+00:00"))
            seconds.append((at - container_started_at(run_id)).total_seconds())
            print(
                f"  run {number + 1}: {seconds[-1]:.1f} s, ended {states[-1]['name']}", flush=True
            )
    print(f"container's process to Running, median of {RUNS}: {statistics.median(seconds):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
