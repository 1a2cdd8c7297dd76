"""What may go wrong with Glue, on the stand-in."""

from collections.abc import Callable
from typing import Any

from infra.local.aws.glue.runs import JobRun
from tests.standin.engine import StandIn
from tests.standin.glue import JOB, Jobs


class TooLittle(StandIn):
    """Leaves rows out."""

    def write(self, table: dict[str, Any], folder: str) -> int:
        statement = f"SELECT * FROM ({table['statement']}) LIMIT 1"
        return super().write(table | {"statement": statement}, folder)


class Glue:
    """One job and its runs.

    Attributes:
        starts_twice: Every start is done twice, as when AWS repeats it.
        fails_with: Every run ends so before it has made anything.
        writes_too_little: Every run leaves rows out.
    """

    def __init__(self, jobs: Jobs, engine: Callable[[], Any]) -> None:
        self.starts_twice = False
        self.fails_with = ""
        self.writes_too_little = False
        self._jobs = jobs
        self._engine = engine
        self._start = jobs.start
        jobs.make_engine = self._make_engine
        jobs.start = self._start_as_often_as_aws_does  # type: ignore[method-assign]

    @property
    def starts(self) -> int:
        """How many runs there have been."""
        return len(self._jobs.runs.of_job(JOB))

    def stop_all(self) -> None:
        """Have every run stopped; its thread goes on: a zombie."""
        for run in self._jobs.runs.active():
            self._jobs.stop(run)

    def wait_until_all_have_ended(self) -> None:
        self._jobs.join()

    def _start_as_often_as_aws_does(
        self, run: JobRun, _script_url: str, max_concurrent: int
    ) -> None:
        self._start(run, _script_url, max_concurrent)
        if self.starts_twice:
            again = JobRun(run.job_name, run.arguments, run.timeout_minutes, run.details)
            self._start(again, _script_url, max_concurrent)

    def _make_engine(self) -> Any:
        if self.fails_with:
            raise SystemExit(self.fails_with)
        return TooLittle() if self.writes_too_little else self._engine()
