from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

from tasks import glue
from tasks.core.errors import NotConfiguredError, RefinementError
from tasks.glue import GlueRun, run_glue_job
from tests.tasks.glue_service import JOB, Clock, GlueService

pytestmark = pytest.mark.usefixtures("no_run_logger")

ARGUMENTS = {"--lake": "s3://b3-lake", "--months": "2025-08", "--run_id": "run-1"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(glue, "time", clock)
    return clock


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> GlueService:
    service = GlueService()

    def make_call(client: BaseClient, operation: str, parameters: Any) -> Any:
        return service.answer(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", make_call)
    return service


def run_job(*, is_output_there: bool = False, timeout_seconds: float = 600) -> GlueRun:
    return run_glue_job.fn(
        JOB, ARGUMENTS, timeout_seconds=timeout_seconds, is_output_there=is_output_there
    )


def test_a_run_is_started_with_its_arguments_and_waited_for(service: GlueService) -> None:
    service.states = ["STARTING", "RUNNING", "RUNNING", "SUCCEEDED"]
    run = run_job()
    assert service.calls == ["GetJobRuns", "StartJobRun", *["GetJobRun"] * 4]
    assert service.runs[0]["JobName"] == JOB
    assert service.runs[0]["Arguments"] == ARGUMENTS
    assert service.runs[0]["Timeout"] == 10
    assert (run.job_run_id, run.region) == ("jr_1", "us-east-1")
    assert run.url.endswith(f"/job/{JOB}/run/jr_1")


def test_it_looks_less_and_less_often(service: GlueService, clock: Clock) -> None:
    service.states = [*["RUNNING"] * 40, "SUCCEEDED"]
    run_job()
    assert clock.slept == sorted(clock.slept)
    assert (clock.slept[0], clock.slept[-1]) == (1, 30)


@pytest.mark.parametrize(
    "code",
    ["ConcurrentRunsExceededException", "ResourceNumberLimitExceededException", "Throttling"],
)
def test_a_busy_glue_is_asked_again(service: GlueService, clock: Clock, code: str) -> None:
    service.refusals["StartJobRun"] = [code, code]
    assert run_job().job_run_id == "jr_1"
    assert len(clock.slept) == 2


def test_a_run_that_another_flow_started_meanwhile_is_waited_for(
    service: GlueService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.refusals["StartJobRun"] = ["ConcurrentRunsExceededException"]
    monkeypatch.setattr(clock, "sleep", lambda _seconds: service.add_run("RUNNING"))
    assert run_job().job_run_id == "jr_before"
    assert service.calls.count("StartJobRun") == 1


def test_a_glue_that_stays_busy_is_given_up_at_the_deadline(
    service: GlueService, clock: Clock
) -> None:
    service.refusals["StartJobRun"] = ["ConcurrentRunsExceededException"] * 100
    with pytest.raises(RefinementError, match=r"did not start in 60 s: .*run again when"):
        run_job(timeout_seconds=60)
    assert 30 < clock.monotonic() <= 60
    assert service.runs == []


def test_any_other_refusal_is_not_asked_again(service: GlueService) -> None:
    service.refusals["StartJobRun"] = ["InvalidInputException"]
    with pytest.raises(ClientError, match="InvalidInputException"):
        run_job()
    assert service.calls == ["GetJobRuns", "StartJobRun"]


def test_a_run_that_is_not_done_at_the_deadline_is_stopped(
    service: GlueService, clock: Clock
) -> None:
    service.states = ["RUNNING"]
    with pytest.raises(RefinementError, match="jr_1 was still RUNNING at the deadline"):
        run_job(timeout_seconds=60)
    assert clock.monotonic() <= 60
    assert service.runs[0]["JobRunState"] == "STOPPING"


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "WAITING", "STOPPING"])
def test_a_run_of_the_same_id_that_is_at_work_is_waited_for(
    service: GlueService, state: str
) -> None:
    service.add_run(state)
    assert run_job().job_run_id == "jr_before"
    assert "StartJobRun" not in service.calls


def test_a_run_that_succeeded_is_taken_when_its_output_is_there(service: GlueService) -> None:
    service.add_run("SUCCEEDED")
    assert run_job(is_output_there=True).job_run_id == "jr_before"


@pytest.mark.parametrize(
    ("state", "run_id", "is_output_there"),
    [
        pytest.param("SUCCEEDED", "run-1", False, id="succeeded-and-its-output-is-gone"),
        pytest.param("FAILED", "run-1", True, id="failed"),
        pytest.param("STOPPED", "run-1", True, id="stopped"),
        pytest.param("TIMEOUT", "run-1", True, id="out-of-time"),
        pytest.param("RUNNING", "run-2", True, id="another-run-at-work"),
        pytest.param("SUCCEEDED", "run-2", True, id="another-run-succeeded"),
    ],
)
def test_any_other_run_is_not_taken(
    service: GlueService, state: str, run_id: str, is_output_there: bool
) -> None:
    service.add_run(state, run_id)
    assert run_job(is_output_there=is_output_there).job_run_id == "jr_2"


def test_the_newest_run_of_the_same_id_is_taken(service: GlueService) -> None:
    service.add_run("RUNNING", job_run_id="jr_older")
    service.add_run("RUNNING", job_run_id="jr_newer")
    assert run_job().job_run_id == "jr_newer"


def test_a_run_without_arguments_is_another_one(service: GlueService) -> None:
    service.add_run("RUNNING")
    del service.runs[0]["Arguments"]
    assert run_job().job_run_id == "jr_2"


@pytest.mark.parametrize("state", ["FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"])
def test_a_run_that_did_not_succeed_is_told_with_glues_reason_and_log(
    service: GlueService, state: str
) -> None:
    service.states = ["RUNNING", state]
    service.outcome = {"ErrorMessage": "SystemExit: no session"}
    service.defaults = {"--custom-logGroup-prefix": "/aws-glue/b3"}
    with pytest.raises(RefinementError) as error:
        run_job()
    for said in (
        f"jr_1 ended {state}: SystemExit: no session",
        "/aws-glue/b3/output and /aws-glue/b3/error, stream jr_1",
        "https://us-east-1.console.aws.amazon.com/",
    ):
        assert said in str(error.value)


def test_a_run_that_failed_without_a_reason_says_so(service: GlueService) -> None:
    service.states = ["FAILED"]
    with pytest.raises(RefinementError, match=r"gives no reason.*/aws-glue/jobs/error"):
        run_job()


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), SystemExit(1), TimeoutError("the task's own")], ids=repr
)
def test_a_run_that_nobody_waits_for_any_more_is_stopped(
    service: GlueService, clock: Clock, interruption: BaseException
) -> None:
    service.states = ["RUNNING"]
    clock.interruption = interruption
    with pytest.raises(type(interruption)):
        run_job()
    assert service.runs[0]["JobRunState"] == "STOPPING"


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_a_run_goes_on_when_only_a_look_at_it_failed(service: GlueService, code: str) -> None:
    service.refusals["GetJobRun"] = [code]
    with pytest.raises(ClientError, match=code):
        run_job()
    assert "BatchStopJobRun" not in service.calls
    service.states = ["SUCCEEDED"]
    assert run_job().job_run_id == "jr_1"


def test_a_run_goes_on_when_glue_cannot_be_reached(service: GlueService, clock: Clock) -> None:
    service.states = ["RUNNING"]
    clock.interruption = EndpointConnectionError(endpoint_url="https://glue")
    with pytest.raises(EndpointConnectionError):
        run_job()
    assert "BatchStopJobRun" not in service.calls


def test_a_job_that_does_not_exist_is_named_with_its_setting(service: GlueService) -> None:
    service.refusals["GetJobRuns"] = ["EntityNotFoundException"]
    with pytest.raises(NotConfiguredError, match=f"Expected a Glue job '{JOB}'.*B3_GLUE_JOB"):
        run_job()
