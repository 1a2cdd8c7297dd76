"""Glue's job runs, as far as a client sees them, with states and refusals that a test chooses."""

from typing import Any

from botocore.client import BaseClient
from botocore.validate import validate_parameters

JOB = "b3-refine"
PLAN = "s3://b3-lake/runs/run-1/plan.json"
CUT_OFF = "an answer that was cut off"


class Clock:
    """Time that passes only by sleeping.

    Attributes:
        slept: How long each sleep was.
        interruption: Raised by the next sleep, if there is one.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.interruption: BaseException | None = None

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        if self.interruption:
            raise self.interruption
        self.slept.append(seconds)


class GlueService:
    """Answers what a real client asks, after its parameters were checked against Glue's model.

    Attributes:
        runs: Every run, the newest first.
        states: What a started run goes through, one state a look; the last one stays.
        outcome: Further fields of a run, such as its ErrorMessage.
        defaults: The job's default arguments.
        refusals: What the next calls of an operation get, by its name: an error's code, an error,
            or `CUT_OFF` for an answer that says nothing.
        loses_start: The next start is done, and its answer is lost.
        calls: The names of the operations that were asked for.
    """

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.states = ["SUCCEEDED"]
        self.outcome: dict[str, Any] = {}
        self.defaults: dict[str, str] = {}
        self.refusals: dict[str, list[str | Exception]] = {}
        self.loses_start: Exception | None = None
        self.calls: list[str] = []

    def answer(self, client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        model = client.meta.service_model.operation_model(operation)
        if model.input_shape:
            validate_parameters(parameters, model.input_shape)
        self.calls.append(operation)
        if refusals := self.refusals.get(operation):
            code = refusals.pop(0)
            if isinstance(code, Exception):
                raise code
            if code == CUT_OFF:
                return {}
            refuse: Any = client.exceptions.from_code(code)
            raise refuse({"Error": {"Code": code, "Message": "as the test wants"}}, operation)
        return getattr(self, operation)(**parameters)

    def add_run(
        self, state: str, plan: str = PLAN, job_run_id: str = "jr_before", token: str = "other/1"
    ) -> None:
        arguments = {"--plan": plan, "--token": token}
        run = {"Id": job_run_id, "JobName": JOB, "JobRunState": state, "Arguments": arguments}
        self.runs.insert(0, run)

    def StartJobRun(self, **parameters: Any) -> dict[str, Any]:  # noqa: N802 - Glue's names
        job_run_id = f"jr_{len(self.runs) + 1}"
        self.runs.insert(0, {"Id": job_run_id, "JobRunState": "STARTING", **parameters})
        if self.loses_start:
            error, self.loses_start = self.loses_start, None
            raise error
        return {"JobRunId": job_run_id}

    def GetJob(self, **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"Job": {"Name": JOB, "DefaultArguments": self.defaults}}

    def GetJobRuns(self, *, MaxResults: int = 100, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        return {"JobRuns": self.runs[:MaxResults], "NextToken": "more"}

    def GetJobRun(self, *, RunId: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        run = next(run for run in self.runs if run["Id"] == RunId)
        run["JobRunState"] = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"JobRun": run | self.outcome}

    def BatchStopJobRun(self, *, JobRunIds: list[str], **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        for run in self.runs:
            if run["Id"] in JobRunIds:
                run["JobRunState"] = "STOPPING"
        return {"SuccessfulSubmissions": [], "Errors": []}
