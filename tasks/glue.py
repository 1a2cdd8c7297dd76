"""Run plans in Glue: find a run, start one, wait for it, stop it when nobody waits any more."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from prefect import get_run_logger, task

from tasks.core.console import describe_log, glue_run_url
from tasks.core.errors import NotConfiguredError, RefinementError, RetryableError
from tasks.core.job_runs import ACTIVE, describe_time
from tasks.core.leftovers import AtWork
from tasks.retries import OVER_AWS, THROTTLING, answered, code_of, is_aws_error, may_pass

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_SHORTEST_POLL_SECONDS = 0.5
_LONGEST_POLL_SECONDS = 30.0
_SILENCE_SECONDS = 30.0  # between two lines while a run is at work
_RUNS_LOOKED_AT = 200  # the newest; a run that a flow may still wait for is among them
_BUSY = THROTTLING | {"ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"}
# A start is sent once: whether it was done is asked, so that none is done twice.
_ONCE = Config(retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class GlueRun:
    """A run of a Glue job.

    Attributes:
        job_name: The job.
        job_run_id: Glue's id of it.
        token: Who asked for it.
        url: Its page in the AWS console, or in the local cloud.
        region: Where it runs.
    """

    job_name: str
    job_run_id: str
    token: str
    url: str
    region: str


@task(name="start-glue-run", task_run_name="start Glue on {about}", **OVER_AWS)
def find_or_start(
    job_name: str,
    plan: str,
    token: str,
    *,
    about: str,
    takes_others: bool,
    timeout_seconds: float,
) -> GlueRun:
    """Return a run that is at work on a plan, or a new one as soon as Glue has a slot for it.

    Safe to repeat: the run of this token is found, whatever became of it.

    Args:
        job_name: The job.
        plan: Where the plan lies.
        token: Names this start: the flow run, a slash, and what tells its starts apart.
        about: What the plan is of, for people.
        takes_others: Whether a run that another flow run has started does as well.
        timeout_seconds: How long to wait for a slot, and how long the run may take.

    Raises:
        RefinementError: Glue had no slot in time.
        NotConfiguredError: There is no such job.
    """
    client = boto3.client("glue")
    deadline = time.monotonic() + timeout_seconds
    logger = get_run_logger()
    for delay in _delays():
        # Before each start: the one before may have been done, or another flow may have started.
        for run in _list_runs(client, job_name):
            arguments = run.get("Arguments", {})
            found = arguments.get("--token", "")
            at_work = run["JobRunState"] in ACTIVE and arguments.get("--plan") == plan
            may_take = takes_others or found.startswith(f"{token.partition('/')[0]}/")
            if found == token or (at_work and may_take):
                logger.info("Glue has a run on %s already; it is waited for", about)
                return _describe(client, job_name, run["Id"], found)
        try:
            started = boto3.client("glue", config=_ONCE).start_job_run(
                JobName=job_name,
                Arguments={"--plan": plan, "--token": token},
                Timeout=max(1, int(timeout_seconds // 60)),
            )
            run_id = answered(started, "JobRunId")
            logger.info("Glue is asked to refine %s", about)
            return _describe(client, job_name, run_id, token)
        except (ClientError, BotoCoreError, RetryableError) as error:
            if code_of(error) not in _BUSY and not may_pass(error):
                raise
            if time.monotonic() + delay > deadline:
                raise RefinementError(
                    f"Glue job {job_name} did not start in {timeout_seconds:.0f} s: {error}. "
                    f"Look at its runs, and run again when they have ended."
                ) from error
            logger.info("Glue did not start it (%s); asking again in %.0f s", error, delay)
            time.sleep(delay)
    raise AssertionError("the delays do not end")


@task(name="wait-for-glue-run", task_run_name="Glue refines {about}", **OVER_AWS)
def wait_for(
    run: GlueRun,
    *,
    about: str,
    timeout_seconds: float,
    is_ours: bool,
    find_place: Callable[[dt.datetime], str] = lambda _since: "",
) -> str:
    """Wait until a run has ended, however it did; return why it failed, empty where it did not.

    Safe to repeat: it only looks. A run of ours is stopped when the flow is cancelled or the time
    is over; one that another flow has started is left to it.

    Args:
        run: The run.
        about: What it refines, for people.
        timeout_seconds: How long to wait.
        is_ours: Whether this flow has started it.
        find_place: Says how far it is, e.g. `at 2025-08, 3 of 12 months done`, by what is
            written since a time.

    Raises:
        RefinementError: The run did not end in time.
    """
    client = boto3.client("glue")
    try:
        return _wait(client, run, time.monotonic() + timeout_seconds, find_place)
    except BaseException as error:
        # A call that failed says nothing about the run: it is found again.
        if is_ours and not is_aws_error(error):
            refusal = _stop(client, run) and _stop(client, run)  # once more where it did not
            said = f", and does not: {refusal}. See {run.url}" if refusal else ""
            get_run_logger().warning("Glue is told to stop refining %s%s", about, said)
        raise


def list_at_work(job_name: str) -> list[AtWork]:
    """Return the runs that have not ended.

    Raises:
        NotConfiguredError: There is no such job.
    """
    return [
        AtWork(
            run.get("Id", ""),
            run.get("Arguments", {}).get("--plan", ""),
            # A run that waits has a time as well, and its timeout has not begun.
            run.get("StartedOn") if run["JobRunState"] in ("RUNNING", "STOPPING") else None,
            dt.timedelta(minutes=run["Timeout"]) if run.get("Timeout") else None,
            run["JobRunState"] == "STOPPING",
            run.get("Arguments", {}).get("--token", ""),
        )
        for run in _list_runs(boto3.client("glue"), job_name)
        if run["JobRunState"] in ACTIVE
    ]


def _wait(
    client: "GlueClient", run: GlueRun, deadline: float, find_place: Callable[[dt.datetime], str]
) -> str:
    logger, seen, said_at = get_run_logger(), "", time.monotonic()
    for delay in _delays():
        try:
            answer = client.get_job_run(JobName=run.job_name, RunId=run.job_run_id)
            state: Mapping[str, Any] = answered(answer, "JobRun")
        except (ClientError, BotoCoreError, RetryableError) as error:
            if not may_pass(error):
                raise
            logger.warning("Glue does not say how run %s is: %s", run.job_run_id, error)
            state = {"JobRunState": "unknown"}
        if state["JobRunState"] != seen or time.monotonic() - said_at >= _SILENCE_SECONDS:
            seen, said_at = state["JobRunState"], time.monotonic()
            logger.info("Glue: %s%s", seen, describe_time(state, find_place))
        if seen == "SUCCEEDED":
            return ""
        if seen not in {*ACTIVE, "unknown"}:
            return _describe_failure(state, run, _log_group(client, run.job_name))
        if time.monotonic() + delay > deadline:
            raise RefinementError(
                f"Glue run {run.job_run_id} was still {seen} at the deadline. See {run.url}"
            )
        # No longer than until the next line is due.
        time.sleep(min(delay, max(0.1, said_at + _SILENCE_SECONDS - time.monotonic())))
    raise AssertionError("the delays do not end")


def stop(client: "GlueClient", job_name: str, job_run_id: str) -> str:
    """Have Glue stop a run; return why it does not, empty where it does."""
    try:
        answer = client.batch_stop_job_run(JobName=job_name, JobRunIds=[job_run_id])
    except (ClientError, BotoCoreError) as error:
        return str(error)
    details = (error.get("ErrorDetail", {}) for error in answer.get("Errors", []))
    return "; ".join(f"{each.get('ErrorCode')}: {each.get('ErrorMessage')}" for each in details)


def _stop(client: "GlueClient", run: GlueRun) -> str:
    return stop(client, run.job_name, run.job_run_id)


def _list_runs(client: "GlueClient", job_name: str) -> list[Any]:
    try:
        answer = client.get_job_runs(JobName=job_name, MaxResults=_RUNS_LOOKED_AT)
    except client.exceptions.EntityNotFoundException as error:
        raise NotConfiguredError(
            f"Expected a Glue job {job_name!r}, found none. Create it with the infrastructure, or "
            f"check B3_GLUE_JOB."
        ) from error
    return list(answered(answer, "JobRuns"))


def _describe(client: "GlueClient", job_name: str, job_run_id: str, token: str) -> GlueRun:
    region = client.meta.region_name
    url = glue_run_url(region, job_name, job_run_id, client.meta.endpoint_url)
    return GlueRun(job_name, job_run_id, token, url, region)


def _log_group(client: "GlueClient", job_name: str) -> str:
    job = answered(client.get_job(JobName=job_name), "Job")
    defaults = job.get("DefaultArguments", {})
    return str(defaults.get("--custom-logGroup-prefix", "/aws-glue/jobs"))


def _describe_failure(state: Mapping[str, Any], run: GlueRun, log_group: str) -> str:
    return (
        f"Glue run {run.job_run_id} ended {state['JobRunState']}: "
        f"{state.get('ErrorMessage') or 'Glue gives no reason'}. "
        f"{describe_log(run.url, log_group, run.job_run_id)}"
    )


def _delays() -> Iterator[float]:
    """Yield how long to wait before each next look: a tenth more each time."""
    delay = _SHORTEST_POLL_SECONDS
    while True:
        yield delay
        delay = min(1.1 * delay, _LONGEST_POLL_SECONDS)
