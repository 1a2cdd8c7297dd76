"""The runs of Glue jobs: their states, kept on disk as they change."""

import json
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field

from infra.local.aws.state_files import StateDirectory

_LOG_GROUP_ARGUMENT = "--custom-logGroup-prefix"
_LOG_GROUP = "/aws-glue/jobs"
ACTIVE_STATES = frozenset({"STARTING", "RUNNING", "STOPPING"})


@dataclass
class JobRun:
    """One run of one job.

    Attributes:
        job_name: The job.
        arguments: What the script gets: the job's defaults with the run's own.
        timeout_minutes: How long it may take.
        details: Fields of the job that GetJobRun repeats (`GlueVersion`, `WorkerType`, …).
        role: Name of the role that the script acts as.
        id: The run's id, as Glue forms it.
        state: STARTING, RUNNING, STOPPING, SUCCEEDED, FAILED, STOPPED or TIMEOUT.
        error: Why it failed.
        started_at: Seconds since 1970, like the other times.
    """

    job_name: str
    arguments: dict[str, str]
    timeout_minutes: float
    details: dict[str, str | int | float]
    role: str = ""
    id: str = field(default_factory=lambda: f"jr_{uuid.uuid4().hex}{uuid.uuid4().hex}")
    state: str = "STARTING"
    error: str | None = None
    started_at: float = field(default_factory=time.time)
    modified_at: float = field(default_factory=time.time)
    completed_at: float | None = None

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended."""
        return self.state in ACTIVE_STATES

    @property
    def log_group(self) -> str:
        """What the names of the run's log groups begin with."""
        return self.arguments.get(_LOG_GROUP_ARGUMENT, _LOG_GROUP)

    @property
    def driver_stream(self) -> str:
        """Stream of what the script writes; executors, of which here are none, have their own."""
        return f"{self.id}-driver"

    @property
    def execution_seconds(self) -> int:
        """How long the run has taken, or took."""
        return int((self.completed_at or time.time()) - self.started_at)


class TooManyRunsError(Exception):
    """The job has as many active runs as it may have."""


class JobRuns:
    """All runs of all jobs; every change is on disk before it is seen."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self._lock = threading.RLock()
        self._runs: dict[str, JobRun] = {}

    def restore(self) -> None:
        """Take over the runs of earlier times; those that were active have failed."""
        for path in self._state.glue.glob("jr_*.json"):
            run = JobRun(**json.loads(path.read_text()))
            self._runs[run.id] = run
            if run.is_active:
                self.end(
                    run,
                    "FAILED",
                    "The local cloud ended while this run was active, and ended its process: "
                    "start the job again.",
                )

    def add(self, run: JobRun, max_concurrent: int) -> None:
        """Take a run in.

        Raises:
            TooManyRunsError: `max_concurrent` runs of the job are active.
        """
        with self._lock:
            active = [other for other in self.of_job(run.job_name) if other.is_active]
            if len(active) >= max_concurrent:
                raise TooManyRunsError(
                    f"Job {run.job_name} may have {max_concurrent} active runs and has "
                    f"{len(active)} ({', '.join(other.id for other in active)}): wait or stop one."
                )
            self._save(run)
            self._runs[run.id] = run

    def get(self, run_id: str) -> JobRun | None:
        """Return a run."""
        return self._runs.get(run_id)

    def of_job(self, job_name: str) -> list[JobRun]:
        """Return a job's runs, the newest first."""
        with self._lock:
            runs = [run for run in self._runs.values() if run.job_name == job_name]
        return sorted(runs, key=lambda run: run.started_at, reverse=True)

    def active(self) -> list[JobRun]:
        """Return the runs that have not ended."""
        with self._lock:
            return [run for run in self._runs.values() if run.is_active]

    def advance(self, run: JobRun, *, to: str, only_from: frozenset[str]) -> bool:
        """Move a run to the state `to`, and return whether it was in one of `only_from`."""
        with self._lock:
            if run.state not in only_from:
                return False
            run.state, run.modified_at = to, time.time()
            self._save(run)
            return True

    def end(self, run: JobRun, state: str, error: str | None) -> None:
        """Move a run to its last state; a run that was to be stopped ends STOPPED."""
        with self._lock:
            run.error = None if run.state == "STOPPING" else error
            run.state = "STOPPED" if run.state == "STOPPING" else state
            run.completed_at = run.modified_at = time.time()
            self._save(run)

    def _save(self, run: JobRun) -> None:
        self._state.write_json(self._state.glue / f"{run.id}.json", asdict(run))
