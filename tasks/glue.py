"""Run a Glue job: start it, wait for it, stop it when nobody waits any more."""

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError
from prefect import get_run_logger, task

from tasks.core.console import glue_run_url
from tasks.core.errors import NotConfiguredError, RefinementError
from tasks.retries import OVER_AWS, THROTTLING, is_aws_error

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_ACTIVE = {"STARTING", "RUNNING", "WAITING", "STOPPING"}
_SHORTEST_POLL_SECONDS = 1.0
_LONGEST_POLL_SECONDS = 30.0
_RUNS_LOOKED_AT = 200  # the newest; a run that a flow may still wait for is among them
_BUSY = THROTTLING | {"ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"}


class RunEndedError(RefinementError):
    """The run has ended, and has not succeeded."""


@dataclass(frozen=True)
class GlueRun:
    """A run of a Glue job that has succeeded.

    Attributes:
        job_run_id: Glue's id of it.
        url: Its page in the AWS console.
        region: Where it ran.
    """

    job_run_id: str
    url: str
    region: str


@task(name="run-glue-job", **OVER_AWS)
def run_glue_job(
    job_name: str,
    arguments: Mapping[str, str],
    *,
    timeout_seconds: float,
    is_output_there: bool,
) -> GlueRun:
    """Run a Glue job to its end.

    Safe to repeat: a run with the same `--run_id` that is at work is waited for, and one that
    succeeded is taken, as long as its output is there. Retried: failing calls to Glue. A run that
    is waited for is stopped when the flow is cancelled or the time is over.

    Args:
        job_name: The job.
        arguments: The job's arguments, `--run_id` among them.
        timeout_seconds: How long to wait, for a free slot and for the run.
        is_output_there: Whether the output of a run with this id is in the lake.

    Raises:
        RunEndedError: The run failed or was stopped.
        RefinementError: The run did not start or end in time.
        NotConfiguredError: There is no such job.
    """
    client = boto3.client("glue")
    deadline = time.monotonic() + timeout_seconds
    job_run_id = _find_or_start(
        client, job_name, arguments, timeout_seconds, deadline, is_output_there=is_output_there
    )
    region = client.meta.region_name
    run = GlueRun(job_run_id, glue_run_url(region, job_name, job_run_id), region)
    get_run_logger().info("Waiting for %s", run.url)
    try:
        _wait(client, job_name, run, deadline)
    except BaseException as error:
        # A call that failed leaves the run at work: the next attempt finds it. A run that ended
        # needs no stopping. Anything else, a cancelled flow among them, leaves nobody who waits.
        if not is_aws_error(error) and not isinstance(error, RunEndedError):
            client.batch_stop_job_run(JobName=job_name, JobRunIds=[job_run_id])
        raise
    return run


def _find_or_start(
    client: "GlueClient",
    job_name: str,
    arguments: Mapping[str, str],
    timeout_seconds: float,
    deadline: float,
    *,
    is_output_there: bool,
) -> str:
    """Return a usable run with this `--run_id`, or a new one as soon as Glue has a slot for it."""
    for delay in _delays():
        # Before each start: what Glue is busy with may be the run that another flow has started.
        found = _find_run(client, job_name, arguments["--run_id"], is_output_there=is_output_there)
        if found:
            get_run_logger().info("The run %s is there already", arguments["--run_id"])
            return found
        try:
            return _start(client, job_name, arguments, timeout_seconds)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code not in _BUSY:
                raise
            if time.monotonic() + delay > deadline:
                raise RefinementError(
                    f"Glue job {job_name} did not start in {timeout_seconds:.0f} s: {error}. "
                    f"Look at its runs, and run again when they have ended."
                ) from error
            get_run_logger().info("Glue is busy (%s); trying again in %.0f s", code, delay)
            time.sleep(delay)
    raise AssertionError("the delays do not end")


def _find_run(
    client: "GlueClient", job_name: str, run_id: str, *, is_output_there: bool
) -> str | None:
    """Return the newest run with this `--run_id` that is at work, or done and usable."""
    usable = _ACTIVE | ({"SUCCEEDED"} if is_output_there else set())
    try:
        runs = client.get_job_runs(JobName=job_name, MaxResults=_RUNS_LOOKED_AT)["JobRuns"]
    except client.exceptions.EntityNotFoundException as error:
        raise NotConfiguredError(
            f"Expected a Glue job {job_name!r}, found none. Create it with the infrastructure, or "
            f"check B3_GLUE_JOB."
        ) from error
    for run in runs:
        if run.get("Arguments", {}).get("--run_id") == run_id and run["JobRunState"] in usable:
            return run["Id"]
    return None


def _start(
    client: "GlueClient", job_name: str, arguments: Mapping[str, str], timeout_seconds: float
) -> str:
    started = client.start_job_run(
        JobName=job_name,
        Arguments=dict(arguments),
        Timeout=max(1, int(timeout_seconds // 60)),
    )
    return started["JobRunId"]


def _wait(client: "GlueClient", job_name: str, run: GlueRun, deadline: float) -> None:
    seen = ""
    for delay in _delays():
        state = client.get_job_run(JobName=job_name, RunId=run.job_run_id)["JobRun"]
        if state["JobRunState"] != seen:
            seen = state["JobRunState"]
            get_run_logger().info("The Glue run is %s", seen)
        if seen == "SUCCEEDED":
            return
        if seen not in _ACTIVE:
            raise RunEndedError(_describe_failure(state, run, _log_group(client, job_name)))
        if time.monotonic() + delay > deadline:
            raise RefinementError(
                f"Glue run {run.job_run_id} was still {seen} at the deadline and is being stopped. "
                f"See {run.url}"
            )
        time.sleep(delay)


def _log_group(client: "GlueClient", job_name: str) -> str:
    defaults = client.get_job(JobName=job_name)["Job"].get("DefaultArguments", {})
    return defaults.get("--custom-logGroup-prefix", "/aws-glue/jobs")


def _describe_failure(state: Mapping[str, Any], run: GlueRun, log_group: str) -> str:
    return (
        f"Glue run {run.job_run_id} ended {state['JobRunState']}: "
        f"{state.get('ErrorMessage') or 'Glue gives no reason'}. Its log: CloudWatch groups "
        f"{log_group}/output and {log_group}/error, stream {run.job_run_id}. See {run.url}"
    )


def _delays() -> Iterator[float]:
    """Yield how long to wait before each next look: a tenth more each time."""
    for step in itertools.count():
        yield min(_SHORTEST_POLL_SECONDS * 1.1 ** min(step, 40), _LONGEST_POLL_SECONDS)
