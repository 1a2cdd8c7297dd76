"""The platform that pictures are taken of, started as a person starts it, and what it is asked."""

import base64
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx

from infra.local.pictures.terminal import PROJECT

_START_SECONDS = 180.0
_END_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_TRIES = 5
_FOREIGN = ("PREFECT_", "AWS_", "B3_", "DEPLOY_", "NO_COLOR")


class PlatformError(Exception):
    """The platform did not start, or did not do in time what it was asked."""


@contextmanager
def platform(state: Path, output: Path) -> Iterator["Platform"]:
    """Run the platform until the block ends; what it prints goes to a file."""
    free = ["--port", "0", "--prefect-port", "0"]
    command = ["-m", "infra.local.local", "--state", str(state), *free]
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=PROJECT,
            env=own_environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, output)
        yield Platform(state)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def own_environment() -> dict[str, str]:
    """Return this process's environment without what is a person's own of Prefect and AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


def _wait_until_ready(process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not any(line.startswith("ready") for line in output.read_text().splitlines()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise PlatformError(f"The platform did not start: see {output}")
        time.sleep(_LOOK_SECONDS)


def read_settings(path: Path) -> dict[str, str]:
    """Read a file of `NAME=value` lines, as a shell does."""
    pairs = [word.partition("=") for word in shlex.split(path.read_text(), comments=True)]
    return {name: value for name, is_pair, value in pairs if is_pair}


class Platform:
    """The running platform.

    Attributes:
        settings: What flows are set to.
        api: Prefect's.
        lake: The lake, as a folder of plain files.
        deployments: The id of each.
    """

    def __init__(self, state: Path) -> None:
        self.settings = read_settings(state / "env")
        self.api = read_settings(state / "prefect" / "env")["PREFECT_API_URL"]
        self.lake = state / "lake" / self.settings["B3_LAKE_BUCKET"]
        self._client = httpx.Client(timeout=60)
        ids = {one["name"]: one["id"] for one in self.ask("deployments/filter", {})}
        self.deployments: dict[str, str] = dict(sorted(ids.items()))

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Post to Prefect's API; a server that is busy is asked again."""
        for attempt in range(_TRIES):
            answer = self._client.post(f"{self.api}/{path}", json=body)
            if answer.status_code < 500:
                return answer
            print(f"  Prefect answered {answer.status_code} to {path}: {answer.text[:80]}")
            time.sleep(1 + attempt)
        return answer

    def ask(self, path: str, body: dict[str, Any]) -> Any:
        """Return what Prefect's API answers; an answer that it refuses raises."""
        return self.post(path, body).raise_for_status().json()

    def start(self, key: str, deployment: str, parameters: dict[str, Any]) -> str:
        """Start a run, or find the one that was started with this key; return its id."""
        body = {"parameters": parameters, "idempotency_key": f"pictures-{key}"}
        path = f"deployments/{self.deployments[deployment]}/create_flow_run"
        return str(self.ask(path, body)["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """Return a run."""
        (run,) = self.ask("flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
        found: dict[str, Any] = run
        return found

    def wait_until_ended(self, run_id: str, seconds: float) -> dict[str, Any]:
        """Return a run that has ended.

        Raises:
            PlatformError: It has not in time.
        """
        deadline = time.monotonic() + seconds
        while (run := self.run(run_id))["end_time"] is None:
            if time.monotonic() > deadline:
                raise PlatformError(f"Run {run['name']} is {run['state_name']} after {seconds} s.")
            time.sleep(_LOOK_SECONDS)
        return run

    def wait_until_glue_works(self, run_id: str, seconds: float) -> bool:
        """Wait until Glue works for a run; return False where the run ends without."""
        glue = boto3.client("glue", **self._aws())
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.run(run_id)["end_time"] is None:
            runs = glue.get_job_runs(JobName=self.settings["B3_GLUE_JOB"])["JobRuns"]
            if any(run["JobRunState"] == "RUNNING" for run in runs):
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def cancel(self, run_id: str) -> None:
        """Cancel a run as the dashboard does."""
        state = {"type": "CANCELLING", "name": "Cancelling"}
        self.ask(f"flow_runs/{run_id}/set_state", {"state": state})

    def check(self, deployment: str, parameters: dict[str, Any]) -> str:
        """Return what the form of a deployment says to parameters before it is submitted."""
        name = {"deployments": {"name": {"any_": [deployment]}}}
        (found,) = self.ask("deployments/filter", name)
        schema = found["parameter_openapi_schema"]
        values = found["parameters"] | parameters
        answer = self.ask("ui/schemas/validate", {"schema": schema, "values": values})
        return "accepted" if answer["valid"] else f"refused: {json.dumps(answer['errors'])}"

    def logs(self, run_id: str) -> list[dict[str, Any]]:
        """Return the log of a run, oldest first."""
        lines: list[dict[str, Any]] = []
        body = {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
        while page := self.ask("logs/filter", body | {"offset": len(lines)}):
            lines += page
        return lines

    def artifact(self, prefix: str, run_id: str) -> dict[str, Any] | None:
        """Return the newest artifact of a run with such a key; None without."""
        of_run = {"flow_run_id": {"any_": [run_id]}}
        body = {"artifacts": of_run, "sort": "CREATED_DESC"}
        found: list[dict[str, Any]] = self.ask("artifacts/filter", body)
        with_key = (one for one in found if one["key"])  # results have none
        return next((one for one in with_key if one["key"].startswith(prefix)), None)

    def save_inbox_file(self, session: str, shown_after: str) -> str:
        """Put B3's file of a session of IBOV into the inbox, and return its place.

        Args:
            session: Which.
            shown_after: The session that the replay of B3 shows afterwards.
        """
        site = self.settings["B3_INDEX_URL"]
        wanted = base64.b64encode(json.dumps({"index": "IBOV", "language": "pt-br"}).encode())
        self._client.post(f"{site}/replay", json={"session": session}).raise_for_status()
        call = f"{site}/indexProxy/indexCall/GetDownloadPortfolioDay/{wanted.decode()}"
        body = base64.b64decode(self._client.get(call).raise_for_status().content)
        self._client.post(f"{site}/replay", json={"session": shown_after}).raise_for_status()
        bucket, key = self.settings["B3_LAKE_BUCKET"], f"inbox/IBOVDia_{session}.csv"
        boto3.client("s3", **self._aws()).put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def _aws(self) -> Any:
        return {
            "endpoint_url": self.settings["AWS_ENDPOINT_URL"],
            "aws_access_key_id": self.settings["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.settings["AWS_SECRET_ACCESS_KEY"],
            "region_name": self.settings["AWS_DEFAULT_REGION"],
        }
