"""AWS inside this process with a lake, its catalog, and Glue's job as the stand-in runs it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import boto3
from moto import mock_aws

from infra.glue import refine
from infra.local.aws.glue.api import installed
from infra.local.aws.glue.jobs import GlueJobs
from infra.local.aws.glue.runs import JobRun, JobRuns
from infra.local.aws.state_files import StateDirectory
from tests.standin.engine import StandIn

BUCKET, DATABASE, JOB = "b3-lake", "b3", "b3-refine"
_PATIENCE_SECONDS = 60.0


class Runs(JobRuns):
    """All runs, in memory. Who is told of a run that is to stop finds it stopped the next time."""

    def __init__(self) -> None:
        super().__init__(StateDirectory(Path()))
        self._told: set[str] = set()

    def get(self, run_id: str) -> JobRun | None:
        """Return a run."""
        run = super().get(run_id)
        if run is not None and run.state == "STOPPING":
            if run_id in self._told:
                self.end(run, "STOPPED", None)
            self._told.add(run_id)
        return run

    def end(self, run: JobRun, state: str, error: str | None) -> None:
        """Move a run to its last state, once."""
        with self._lock:
            if run.is_active:
                super().end(run, state, error)

    def _save(self, run: JobRun) -> None:
        """Keep nothing on disk."""


class Jobs:
    """Runs of the job, each in a thread of its own.

    Attributes:
        runs: Every run there was.
        make_engine: Gives each run its engine. Tests put in what waits, fails or leaves rows out.
    """

    def __init__(self, make_engine: Callable[[], Any]) -> None:
        self.runs = Runs()
        self.make_engine = make_engine
        self._threads: list[threading.Thread] = []

    def start(self, run: JobRun, _script_url: str, max_concurrent: int) -> None:
        """Start a run; it goes on by itself.

        Raises:
            TooManyRunsError: The job has as many active runs as it may have.
        """
        self.runs.add(run, max_concurrent)
        thread = threading.Thread(target=self._run, args=(run,), name=run.id, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, run: JobRun) -> bool:
        """Stop a run; return whether it was active. Its thread may go on: a zombie."""
        active = frozenset({"STARTING", "RUNNING"})
        return self.runs.advance(run, to="STOPPING", only_from=active)

    def join(self) -> None:
        """Wait until every thread has ended, zombies included."""
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS)
            if thread.is_alive():
                raise TimeoutError(f"job run {thread.name} has not ended")

    def _run(self, run: JobRun) -> None:
        self.runs.advance(run, to="RUNNING", only_from=frozenset({"STARTING"}))
        arguments = {"--JOB_NAME": run.job_name, "--JOB_RUN_ID": run.id, **run.arguments}
        state, error = "SUCCEEDED", None
        try:
            refine.main([part for pair in arguments.items() for part in pair], self.make_engine())
        except BaseException as failure:  # noqa: BLE001 - the thread ends here, and a run always ends
            state, error = "FAILED", _reason(failure)
        self.runs.end(run, state, error)


def _reason(failure: BaseException) -> str:
    if isinstance(failure, SystemExit) and not isinstance(failure.code, str):
        return f"The script ended with exit status {failure.code}."
    return f"{type(failure).__name__}: {failure}"


@contextmanager
def standin(make_engine: Callable[[], Any] = StandIn, *, max_concurrent: int = 3) -> Iterator[Jobs]:
    """Have AWS in this process: an empty lake, its catalog, and the job that executes plans.

    Args:
        make_engine: Gives each run its engine.
        max_concurrent: How many runs the job may have at a time.

    Yields:
        Glue's runs. When the context ends, those at work are waited for.
    """
    jobs = Jobs(make_engine)
    with mock_aws(), installed(cast("GlueJobs", jobs)):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        glue: Any = boto3.client("glue")
        _create_catalog(glue)
        glue.create_job(
            Name=JOB,
            Role=f"arn:aws:iam::123456789012:role/{JOB}",
            Command={"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/jobs/refine.py"},
            GlueVersion="5.1",
            WorkerType="G.1X",
            NumberOfWorkers=2,
            Timeout=60,
            MaxRetries=0,
            ExecutionProperty={"MaxConcurrentRuns": max_concurrent},
        )
        try:
            yield jobs
        finally:
            jobs.join()


def _create_catalog(glue: Any) -> None:
    from tasks.core.datasets import TABLES

    glue.create_database(DatabaseInput={"Name": DATABASE})
    for table in TABLES:
        columns = [{"Name": name, "Type": kind} for name, kind in table.types().items()]
        key = {"Name": table.partition_key.name, "Type": table.partition_key.type}
        location = f"s3://{BUCKET}/{table.location}"
        glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": table.name,
                "TableType": "EXTERNAL_TABLE",
                "PartitionKeys": [key],
                "StorageDescriptor": {"Columns": columns, "Location": location},
            },
        )
