"""The calls of Glue's API about jobs that moto pretends or lacks, answered by real runs."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores
from moto.glue.exceptions import ConcurrentRunsExceededException, JobRunNotFoundException
from moto.glue.models import FakeJob, GlueBackend
from moto.glue.responses import GlueResponse

from infra.local.aws.glue.jobs import GlueJobs
from infra.local.aws.glue.runs import JobRun, TooManyRunsError

_DEFAULT_TIMEOUT_MINUTES = 480
_RUN_FIELDS = ("GlueVersion", "WorkerType", "NumberOfWorkers", "MaxCapacity", "ExecutionClass")


class _DescribedRun:
    """A run in the form in which moto answers GetJobRun and GetJobRuns."""

    def __init__(self, run: JobRun) -> None:
        self.job_run_id = run.id
        self._run = run

    def as_dict(self) -> dict[str, Any]:
        run = self._run
        optional = {"ErrorMessage": run.error, "CompletedOn": _time(run.completed_at)}
        return {
            "Id": run.id,
            "Attempt": 0,
            "JobName": run.job_name,
            "StartedOn": _time(run.started_at),
            "LastModifiedOn": _time(run.modified_at),
            "JobRunState": run.state,
            "Arguments": run.arguments,
            "PredecessorRuns": [],
            "ExecutionTime": run.execution_seconds,
            "Timeout": int(run.timeout_minutes),
            "LogGroupName": run.log_group,
            **run.details,
            **{key: value for key, value in optional.items() if value is not None},
        }


def _time(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, tz=dt.UTC)


def _new_run(job: Any, arguments: dict[str, str] | None, own: dict[str, Any]) -> JobRun:
    described = job.as_dict() | {key: value for key, value in own.items() if value is not None}
    return JobRun(
        job_name=job.name,
        arguments={
            **job.default_arguments,
            **(arguments or {}),
            **(job.non_overridable_arguments or {}),
        },
        role=described["Role"].rpartition("/")[2],
        timeout_minutes=described["Timeout"] or _DEFAULT_TIMEOUT_MINUTES,
        details={key: described[key] for key in _RUN_FIELDS if described.get(key) is not None},
    )


@contextmanager
def installed(jobs: GlueJobs) -> Iterator[None]:
    """Make moto's Glue answer with the runs of `jobs`."""

    def start_job_run(
        self: Any,
        name: str,
        arguments: dict[str, str] | None,
        _allocated_capacity: int | None,
        max_capacity: float | None,
        timeout: int | None,
        worker_type: str | None,
        _security_configuration: str | None,
        number_of_workers: int | None,
        *_others: Any,
    ) -> str:
        job = self.get_job(name)
        own = {
            "MaxCapacity": max_capacity,
            "Timeout": timeout,
            "WorkerType": worker_type,
            "NumberOfWorkers": number_of_workers,
        }
        run = _new_run(job, arguments, own)
        max_concurrent = job.execution_property.get("MaxConcurrentRuns", 1)
        try:
            jobs.start(run, job.command["ScriptLocation"], max_concurrent)
        except TooManyRunsError as error:
            raise ConcurrentRunsExceededException(str(error)) from error
        return run.id

    def get_job_run(self: Any, run_id: str) -> _DescribedRun:
        run = jobs.runs.get(run_id)
        if run is None or run.job_name != self.name:
            raise JobRunNotFoundException(run_id)
        return _DescribedRun(run)

    def get_job_runs(self: Any) -> list[_DescribedRun]:
        return [_DescribedRun(run) for run in jobs.runs.of_job(self.name)]

    def batch_stop_job_run(self: Any) -> ActionResult:
        name, asked = self._get_param("JobName"), self._get_param("JobRunIds")
        return ActionResult(_stop(jobs, name, asked))

    calls: dict[str, Any] = {
        "batch_stop_job_run": batch_stop_job_run,
        "update_job": _update_job,
    }
    with (
        patch.multiple(GlueBackend, start_job_run=start_job_run),
        patch.multiple(FakeJob, get_job_run=get_job_run, get_job_runs=get_job_runs),
        patch.multiple(GlueResponse, create=True, **calls),
    ):
        yield


def _stop(jobs: GlueJobs, job_name: str, run_ids: list[str]) -> dict[str, Any]:
    stopped, errors = [], []
    for run_id in run_ids:
        run = jobs.runs.get(run_id)
        if run is None or run.job_name != job_name:
            reason = ("EntityNotFoundException", f"Job run {run_id} of {job_name} not found.")
        elif not jobs.stop(run):
            reason = ("InvalidInputException", f"Job run {run_id} is {run.state}, not running.")
        else:
            stopped.append({"JobName": job_name, "JobRunId": run_id})
            continue
        detail = {"ErrorCode": reason[0], "ErrorMessage": reason[1]}
        errors.append({"JobName": job_name, "JobRunId": run_id, "ErrorDetail": detail})
    return {"SuccessfulSubmissions": stopped, "Errors": errors}


def _update_job(self: Any) -> ActionResult:
    """Answer UpdateJob, which replaces the whole definition, as Glue does."""
    job = self.glue_backend.get_job(self._get_param("JobName"))
    update = self._get_param("JobUpdate")
    for field, value in update.items():
        setattr(job, camelcase_to_underscores(field), value)
    job.last_modified_on = dt.datetime.now(dt.UTC)
    return ActionResult({"JobName": job.name})
