"""Glue job runs made real: the job's script, fetched from S3 and run by PySpark."""

import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from infra.local.aws import logs, s3
from infra.local.aws.glue import launcher, spark_home
from infra.local.aws.glue.runs import JobRun, JobRuns
from infra.local.aws.lake_files import InvalidKeyError
from infra.local.aws.process_tree import ProcessTree
from infra.local.aws.state_files import StateDirectory

SECONDS_PER_MINUTE = 60.0
_LONGEST_ERROR = 4000
_log = logging.getLogger(__name__)


class GlueJobs:
    """Starts, watches and stops the runs of Glue jobs.

    Attributes:
        runs: Every run there was.
        env: What a script finds in its environment to reach the local cloud.
    """

    def __init__(
        self,
        state: StateDirectory,
        env: dict[str, str],
        keep_call: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self.runs = JobRuns(state)
        self.env = env
        self._keep_call = keep_call
        self._state = state
        self._processes: dict[str, ProcessTree] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, run: JobRun, script_url: str, max_concurrent: int) -> None:
        """Start a run; it goes on by itself.

        Raises:
            TooManyRunsError: The job has as many active runs as it may have.
        """
        self.runs.add(run, max_concurrent)
        thread = threading.Thread(target=self._run, args=(run, script_url), daemon=True)
        with self._lock:
            self._threads = [old for old in self._threads if old.is_alive()]
            self._threads.append(thread)
            thread.start()

    def stop(self, run: JobRun) -> bool:
        """Stop a run with all that it started; return whether it was active."""
        is_stopping = self.runs.advance(
            run, to="STOPPING", only_from=frozenset({"STARTING", "RUNNING"})
        )
        with self._lock:
            process = self._processes.get(run.id)
        if is_stopping and process is not None:
            process.kill()
        return is_stopping

    def close(self) -> None:
        """End all active runs and wait until their processes are gone."""
        for run in self.runs.active():
            self.stop(run)
        for thread in self._threads:
            thread.join()

    def _run(self, run: JobRun, script_url: str) -> None:
        try:
            state, error = self._execute(run, script_url)
        except Exception as failure:  # noqa: BLE001 - the thread ends here, and a run always ends
            _log.exception("Glue job run %s", run.id)
            state, error = "FAILED", f"{type(failure).__name__}: {failure}"
        with self._lock:
            self._processes.pop(run.id, None)
            if not self._processes:
                try:
                    s3.leave_as_s3a_does()
                except OSError:
                    _log.exception("S3 after Glue job run %s", run.id)
        self.runs.end(run, state, error)

    def _execute(self, run: JobRun, script_url: str) -> tuple[str, str | None]:
        with tempfile.TemporaryDirectory(
            dir=self._state.scratch, ignore_cleanup_errors=True
        ) as name:
            directory = Path(name).resolve()
            script = directory / "script" / script_url.rsplit("/", 1)[-1]
            script.parent.mkdir()
            try:
                script.write_bytes(s3.local_path(script_url).read_bytes())
            except (InvalidKeyError, OSError) as error:
                return "FAILED", f"The job's script {script_url} cannot be read: {error}"
            return self._watch(run, directory, script)

    def _watch(self, run: JobRun, directory: Path, script: Path) -> tuple[str, str | None]:
        output: list[str] = []
        errors: list[str] = []
        with (self._state.glue / f"{run.id}.log").open("a") as log:
            process = self._launch(run, directory, script, _keep(output, log), _keep(errors, log))
            if process is None:
                return "STOPPED", None
            try:
                status = process.wait(run.timeout_minutes * SECONDS_PER_MINUTE)
            except subprocess.TimeoutExpired:
                return "TIMEOUT", f"The run took longer than its {run.timeout_minutes:g} minutes."
            finally:
                for kind, lines in (("output", output), ("error", errors)):
                    group, name = f"{run.log_group}/{kind}", run.driver_stream
                    stream = {"logGroupName": group, "logStreamName": name}
                    self._keep_call(run.role, "logs:CreateLogStream", stream)
                    self._keep_call(run.role, "logs:PutLogEvents", stream)
                    logs.put_lines(group, name, lines)
        if status == 0:
            return "SUCCEEDED", None
        return "FAILED", _reason(directory / "reason", errors, status)

    def _launch(
        self, run: JobRun, directory: Path, script: Path, *takers: Callable[[str], None]
    ) -> ProcessTree | None:
        buckets = {name: self._state.lake.resolve() / name for name in s3.bucket_names()}
        as_role = {"AWS_ACCESS_KEY_ID": run.role} if run.role else {}
        env = spark_home.prepare(directory, buckets) | self.env | as_role
        arguments = {"--JOB_NAME": run.job_name, "--JOB_RUN_ID": run.id, **run.arguments}
        with self._lock:
            if not self.runs.advance(run, to="RUNNING", only_from=frozenset({"STARTING"})):
                return None
            process = self._processes[run.id] = ProcessTree(
                run.id,
                [
                    sys.executable,
                    launcher.__file__,
                    str(directory / "reason"),
                    str(script),
                    *(part for pair in arguments.items() for part in pair),
                ],
                env,
                script.parent,
                *takers,
            )
        return process


def _keep(lines: list[str], log: IO[str]) -> Callable[[str], None]:
    def keep(line: str) -> None:
        lines.append(line)
        print(line, file=log, flush=True)

    return keep


def _reason(path: Path, errors: list[str], status: int) -> str:
    if path.exists():
        return path.read_text()[:_LONGEST_ERROR]
    last_lines = [line for line in errors if line.strip()][-1:]
    return (last_lines or [f"The script ended with exit status {status}."])[0][:_LONGEST_ERROR]
