import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tasks import glue
from tasks.core.errors import NotConfiguredError, RefinementError, RetryableError
from tasks.core.leftovers import AtWork
from tasks.glue import GlueRun, find_or_start, list_at_work, wait_for
from tests.tasks.glue_service import CUT_OFF, JOB, PLAN, Clock, GlueService

pytestmark = pytest.mark.usefixtures("no_run_logger")

OTHER = PLAN.replace("run-1", "run-2")
TOKEN = "flow/2"
ABOUT = "portfolio 2025-08"
PAGE = f"https://us-east-1.console.aws.amazon.com/gluestudio/home#/job/{JOB}/run/jr_1"
RUN = GlueRun(JOB, "jr_1", TOKEN, PAGE, "us-east-1")


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


def start(
    *, takes_others: bool = True, token: str = TOKEN, timeout_seconds: float = 600
) -> GlueRun:
    return find_or_start.fn(
        JOB, PLAN, token, about=ABOUT, takes_others=takes_others, timeout_seconds=timeout_seconds
    )


def wait(
    service: GlueService,
    *,
    is_ours: bool = True,
    timeout_seconds: float = 600,
    find_place: Callable[[dt.datetime], str] = str,
) -> str:
    if not service.runs:
        service.add_run("STARTING", job_run_id="jr_1")
    return wait_for.fn(
        RUN,
        about=ABOUT,
        timeout_seconds=timeout_seconds,
        is_ours=is_ours,
        find_place=find_place,
    )


def test_a_run_is_started_with_its_plan_and_its_token(service: GlueService) -> None:
    run = start()
    assert service.calls == ["GetJobRuns", "StartJobRun"]
    assert service.runs[0]["JobName"] == JOB
    assert service.runs[0]["Arguments"] == {"--plan": PLAN, "--token": TOKEN}
    assert (run.job_name, run.job_run_id, run.token, run.region) == (
        JOB,
        "jr_1",
        TOKEN,
        "us-east-1",
    )
    assert run.url.endswith(f"/job/{JOB}/run/jr_1")


@pytest.mark.parametrize(("seconds", "minutes"), [(600, 10), (659, 10), (30, 1)])
def test_a_run_ends_by_itself_when_nobody_would_wait_for_it(
    service: GlueService, seconds: float, minutes: int
) -> None:
    start(timeout_seconds=seconds)
    assert service.runs[0]["Timeout"] == minutes


def test_a_start_is_sent_once(monkeypatch: pytest.MonkeyPatch, service: GlueService) -> None:
    attempts: dict[str, int | None] = {}

    def make_call(client: BaseClient, operation: str, parameters: Any) -> Any:
        config: Any = client.meta.config
        attempts[operation] = (config.retries or {}).get("total_max_attempts")
        return service.answer(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", make_call)
    start()
    assert attempts["StartJobRun"] == 1
    assert attempts["GetJobRuns"] != 1


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "WAITING", "STOPPING"])
def test_a_run_that_is_at_work_on_the_plan_is_taken(service: GlueService, state: str) -> None:
    service.add_run(state)
    run = start()
    assert (run.job_run_id, run.token) == ("jr_before", "other/1")
    assert "StartJobRun" not in service.calls


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR"])
def test_a_run_that_has_ended_is_not(service: GlueService, state: str) -> None:
    service.add_run(state)
    assert start().job_run_id == "jr_2"


def test_a_run_of_another_plan_is_not(service: GlueService) -> None:
    service.add_run("RUNNING", OTHER)
    assert start().job_run_id == "jr_2"


def test_a_run_without_arguments_is_another_one(service: GlueService) -> None:
    service.add_run("RUNNING")
    del service.runs[0]["Arguments"]
    assert start().job_run_id == "jr_2"


def test_the_newest_run_at_work_is_taken(service: GlueService) -> None:
    service.add_run("RUNNING", job_run_id="jr_older")
    service.add_run("RUNNING", job_run_id="jr_newer")
    assert start().job_run_id == "jr_newer"


def test_a_run_among_the_newest_two_hundred_is_found(service: GlueService) -> None:
    service.add_run("RUNNING")
    for number in range(199):
        service.add_run("SUCCEEDED", OTHER, f"jr_{number}")
    assert start().job_run_id == "jr_before"


def test_a_forced_flow_does_not_take_the_run_of_another_flow(service: GlueService) -> None:
    service.add_run("RUNNING")
    assert start(takes_others=False).job_run_id == "jr_2"


def test_a_forced_flow_takes_the_run_that_it_has_started_before(service: GlueService) -> None:
    service.add_run("RUNNING", token="flow/1")
    service.add_run("RUNNING", job_run_id="jr_longer", token="flow-2/1")
    assert start(takes_others=False).job_run_id == "jr_before"


def test_a_forced_flow_does_not_take_its_run_of_another_plan(service: GlueService) -> None:
    service.add_run("RUNNING", OTHER, token="flow/1")
    assert start(takes_others=False).job_run_id == "jr_2"


@pytest.mark.parametrize("state", ["RUNNING", "SUCCEEDED", "FAILED"])
@pytest.mark.parametrize("takes_others", [True, False])
def test_the_run_of_this_start_is_found_whatever_became_of_it(
    service: GlueService, state: str, takes_others: bool
) -> None:
    service.add_run(state, token=TOKEN)
    assert start(takes_others=takes_others).token == TOKEN
    assert "StartJobRun" not in service.calls


@pytest.mark.parametrize(
    "error",
    [ConnectionClosedError(endpoint_url="https://glue"), ReadTimeoutError(endpoint_url="x")],
    ids=["closed", "no-answer"],
)
def test_a_start_whose_answer_was_lost_is_not_done_twice(
    service: GlueService, error: Exception
) -> None:
    service.loses_start = error
    assert start().job_run_id == "jr_1"
    assert service.calls == ["GetJobRuns", "StartJobRun", "GetJobRuns"]


def test_a_start_whose_answer_was_cut_off_is_asked_about(service: GlueService) -> None:
    service.refusals["StartJobRun"] = [CUT_OFF]
    start()
    assert service.calls == ["GetJobRuns", "StartJobRun", "GetJobRuns", "StartJobRun"]


@pytest.mark.parametrize(
    "code",
    [
        "ConcurrentRunsExceededException",
        "ResourceNumberLimitExceededException",
        "Throttling",
        "ThrottlingException",
    ],
)
def test_a_busy_glue_is_asked_again(service: GlueService, clock: Clock, code: str) -> None:
    service.refusals["StartJobRun"] = [code, code]
    assert start().job_run_id == "jr_1"
    assert len(clock.slept) == 2
    assert service.calls.count("GetJobRuns") == 3


def test_a_run_that_another_flow_started_meanwhile_is_taken(
    service: GlueService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.refusals["StartJobRun"] = ["ConcurrentRunsExceededException"]
    monkeypatch.setattr(clock, "sleep", lambda _seconds: service.add_run("RUNNING"))
    assert start().job_run_id == "jr_before"
    assert service.calls.count("StartJobRun") == 1


def test_a_glue_that_stays_busy_is_given_up_at_the_deadline(
    service: GlueService, clock: Clock
) -> None:
    service.refusals["StartJobRun"] = ["ConcurrentRunsExceededException"] * 100
    with pytest.raises(RefinementError, match=r"did not start in 60 s: .*run again when"):
        start(timeout_seconds=60)
    assert 30 < clock.monotonic() <= 60
    assert service.runs == []


def test_a_busy_glue_is_asked_at_least_twice_a_minute(service: GlueService, clock: Clock) -> None:
    service.refusals["StartJobRun"] = ["ConcurrentRunsExceededException"] * 100
    assert start(timeout_seconds=3600).job_run_id == "jr_1"
    assert clock.slept[:3] == pytest.approx([0.5, 0.55, 0.605])
    assert clock.slept[-30:] == [30] * 30


def test_a_start_is_asked_for_at_the_very_deadline_too(service: GlueService, clock: Clock) -> None:
    service.refusals["StartJobRun"] = ["ConcurrentRunsExceededException"]
    assert start(timeout_seconds=0.5).job_run_id == "jr_1"
    service.refusals["StartJobRun"] = ["ConcurrentRunsExceededException"]
    service.runs.clear()
    with pytest.raises(RefinementError, match="did not start in 0 s"):
        start(timeout_seconds=0.4)


def test_any_other_refusal_is_not_asked_again(service: GlueService) -> None:
    service.refusals["StartJobRun"] = ["InvalidInputException"]
    with pytest.raises(ClientError, match="InvalidInputException"):
        start()
    assert service.calls == ["GetJobRuns", "StartJobRun"]


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("AccessDeniedException", ClientError),
        ("ThrottlingException", ClientError),
        (CUT_OFF, RetryableError),
        (EndpointConnectionError(endpoint_url="https://glue"), EndpointConnectionError),
    ],
    ids=["refused", "busy", "cut-off", "not-reached"],
)
def test_where_glue_cannot_be_asked_nothing_is_started(
    service: GlueService, refusal: Any, error: type[Exception]
) -> None:
    service.refusals["GetJobRuns"] = [refusal]
    with pytest.raises(error):
        start()
    assert "StartJobRun" not in service.calls


def test_a_job_that_does_not_exist_is_named_with_its_setting(service: GlueService) -> None:
    service.refusals["GetJobRuns"] = ["EntityNotFoundException"] * 2
    for call in (start, lambda: list_at_work(JOB)):
        with pytest.raises(NotConfiguredError, match=f"Expected a Glue job '{JOB}'.*B3_GLUE_JOB"):
            call()


def test_a_run_is_waited_for_until_it_has_succeeded(service: GlueService) -> None:
    service.states = ["STARTING", "RUNNING", "RUNNING", "SUCCEEDED"]
    assert wait(service) == ""
    assert service.calls == ["GetJobRun"] * 4


def test_it_looks_less_and_less_often(service: GlueService, clock: Clock) -> None:
    service.states = [*["RUNNING"] * 60, "SUCCEEDED"]
    wait(service, timeout_seconds=3600)
    assert (clock.slept[0], clock.slept[-1]) == (0.5, 30)
    assert clock.slept[:8] == sorted(clock.slept[:8])
    assert clock.slept[-10:] == [30] * 10
    assert max(clock.slept) == 30


def test_a_run_is_looked_at_at_the_very_deadline_too(service: GlueService) -> None:
    service.states = ["RUNNING", "SUCCEEDED"]
    assert wait(service, timeout_seconds=0.5) == ""
    service.states = ["RUNNING", "SUCCEEDED"]
    with pytest.raises(RefinementError, match="still RUNNING at the deadline"):
        wait(service, timeout_seconds=0.4)


def test_a_line_each_half_minute_says_since_when_and_where_it_is(
    service: GlueService,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glue, "get_run_logger", lambda: logging.getLogger("glue"))
    started_at = dt.datetime(2025, 8, 1, 22, 3, 5, tzinfo=dt.timezone(dt.timedelta(hours=-3)))
    service.outcome = {"StartedOn": started_at, "ExecutionTime": 95}
    service.states = ["STARTING", *["RUNNING"] * 23, "SUCCEEDED"]
    places = iter(["", "at 2025-07, 0 of 2 months done", "at 2025-08, 1 of 2 months done"])
    asked: list[dt.datetime] = []

    said_at: list[float] = []

    def find_place(since: dt.datetime) -> str:
        asked.append(since)
        said_at.append(clock.monotonic())
        return next(places)

    with caplog.at_level(logging.INFO):
        wait(service, find_place=find_place)
    assert set(asked) == {started_at}
    assert said_at[2] - said_at[1] == pytest.approx(30)
    assert [record.getMessage() for record in caplog.records] == [
        "Glue: STARTING since 01:03:05 UTC",
        "Glue: RUNNING since 01:03:05 UTC, at 2025-07, 0 of 2 months done",
        "Glue: RUNNING since 01:03:05 UTC, at 2025-08, 1 of 2 months done",
        "Glue: SUCCEEDED, it took 0:01:35",
    ]


@pytest.mark.parametrize(("silence", "slept"), [(0.5, [0.5]), (0.75, [0.5, 0.25])])
def test_a_line_is_said_the_moment_it_is_due(
    service: GlueService,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    silence: float,
    slept: list[float],
) -> None:
    monkeypatch.setattr(glue, "get_run_logger", lambda: logging.getLogger("glue"))
    monkeypatch.setattr(glue, "_SILENCE_SECONDS", silence)
    service.states = [*["RUNNING"] * (1 + len(slept)), "SUCCEEDED"]
    with caplog.at_level(logging.INFO, "glue"):
        wait(service)
    assert clock.slept[: len(slept)] == slept
    assert [each[:13] for each in caplog.messages] == ["Glue: RUNNING"] * 2 + ["Glue: SUCCEED"]


@pytest.mark.parametrize("state", ["FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"])
def test_a_run_that_did_not_succeed_is_told_with_glues_reason_and_log(
    service: GlueService, state: str
) -> None:
    service.states = ["RUNNING", state]
    service.outcome = {"ErrorMessage": "SystemExit: no session"}
    service.defaults = {"--custom-logGroup-prefix": "/aws-glue/b3"}
    said = wait(service)
    for part in (
        f"jr_1 ended {state}: SystemExit: no session",
        "/aws-glue/b3/output and /aws-glue/b3/error, stream jr_1-driver. ",
        RUN.url,
    ):
        assert part in said
    assert "BatchStopJobRun" not in service.calls


def test_a_run_that_failed_on_the_local_cloud_is_told_with_the_page_of_its_log(
    service: GlueService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5555")
    service.states = ["FAILED"]
    run = start()
    assert run.url == f"http://127.0.0.1:5555/console/glue/{JOB}/jr_1"
    said = wait_for.fn(run, about=ABOUT, timeout_seconds=600, is_ours=True)
    assert said.endswith(f"gives no reason. Its log: {run.url}")


def test_a_run_that_failed_without_a_reason_says_so(service: GlueService) -> None:
    service.states = ["FAILED"]
    assert "gives no reason. Its log: CloudWatch groups /aws-glue/jobs/output" in wait(service)


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_run_that_is_not_done_at_the_deadline_is_stopped_by_its_own_flow(
    service: GlueService, clock: Clock, is_ours: bool
) -> None:
    service.states = ["RUNNING"]
    with pytest.raises(RefinementError, match="jr_1 was still RUNNING at the deadline"):
        wait(service, timeout_seconds=60, is_ours=is_ours)
    assert 30 < clock.monotonic() <= 60
    assert service.runs[0]["JobRunState"] == ("STOPPING" if is_ours else "RUNNING")


@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), SystemExit(1), TimeoutError("the task's own")], ids=repr
)
def test_a_run_that_its_flow_does_not_wait_for_any_more_is_stopped(
    service: GlueService,
    clock: Clock,
    interruption: BaseException,
    is_ours: bool,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glue, "get_run_logger", lambda: logging.getLogger("glue"))
    service.states = ["RUNNING"]
    clock.interruption = interruption
    with pytest.raises(type(interruption)):
        wait(service, is_ours=is_ours)
    assert ("BatchStopJobRun" in service.calls) is is_ours
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert said == (["Glue is told to stop refining portfolio 2025-08"] if is_ours else [])


@pytest.mark.parametrize(("refused", "said"), [(1, ""), (2, ", and does not: Busy: later. See ")])
def test_a_run_that_glue_does_not_stop_is_told_of_after_a_second_try(
    service: GlueService,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    refused: int,
    said: str,
) -> None:
    monkeypatch.setattr(glue, "get_run_logger", lambda: logging.getLogger("glue"))
    detail = {"ErrorDetail": {"ErrorCode": "Busy", "ErrorMessage": "later"}}
    answers = iter([{"Errors": [detail]}] * refused + [{}])
    monkeypatch.setattr(service, "BatchStopJobRun", lambda **_: next(answers), raising=False)
    clock.interruption = KeyboardInterrupt()
    service.states = ["RUNNING"]
    with pytest.raises(KeyboardInterrupt):
        wait(service, is_ours=True)
    (told,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert told.startswith(f"Glue is told to stop refining portfolio 2025-08{said}")


def test_a_run_that_cannot_be_stopped_does_not_hide_why_it_should_be(
    service: GlueService, clock: Clock
) -> None:
    service.refusals["BatchStopJobRun"] = ["AccessDeniedException"] * 2
    clock.interruption = KeyboardInterrupt()
    service.states = ["RUNNING"]
    with pytest.raises(KeyboardInterrupt):
        wait(service, is_ours=True)
    assert service.calls.count("BatchStopJobRun") == 2


@pytest.mark.parametrize(
    "refusal",
    [
        "ThrottlingException",
        "InternalServiceException",
        CUT_OFF,
        ConnectionClosedError(endpoint_url="https://glue"),
    ],
    ids=["busy", "internal", "cut-off", "closed"],
)
def test_a_look_that_failed_says_nothing_about_the_run(
    service: GlueService, clock: Clock, refusal: Any
) -> None:
    service.refusals["GetJobRun"] = [refusal] * 3
    assert wait(service) == ""
    assert len(clock.slept) == 3
    assert "BatchStopJobRun" not in service.calls


def test_looks_that_fail_for_ever_end_at_the_deadline(service: GlueService, clock: Clock) -> None:
    service.refusals["GetJobRun"] = ["ThrottlingException"] * 1000
    with pytest.raises(RefinementError, match="jr_1 was still unknown at the deadline"):
        wait(service, timeout_seconds=60)
    assert service.runs[0]["JobRunState"] == "STOPPING"


def test_a_look_that_is_refused_ends_the_wait_and_the_run_goes_on(service: GlueService) -> None:
    service.refusals["GetJobRun"] = ["AccessDeniedException"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        wait(service)
    assert "BatchStopJobRun" not in service.calls


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "WAITING", "STOPPING"])
def test_plans_that_glue_is_at_work_on_are_listed(service: GlueService, state: str) -> None:
    service.add_run(state)
    service.add_run("SUCCEEDED", OTHER)
    service.add_run("RUNNING")
    del service.runs[0]["Arguments"]
    assert {each.plan for each in list_at_work(JOB)} == {PLAN, ""}


@pytest.mark.parametrize(
    ("state", "has_begun"),
    [("STARTING", False), ("WAITING", False), ("RUNNING", True), ("STOPPING", True)],
)
def test_a_run_at_work_says_since_when_and_for_how_long(
    service: GlueService, state: str, has_begun: bool
) -> None:
    at = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
    service.add_run(state)
    service.runs[0] |= {"StartedOn": at, "Timeout": 30}
    (found,) = list_at_work(JOB)
    expected = AtWork(
        "jr_before",
        PLAN,
        at if has_begun else None,
        dt.timedelta(minutes=30),
        is_stopping=state == "STOPPING",
        token=service.runs[0]["Arguments"]["--token"],
    )
    assert found == expected
    del service.runs[0]["Timeout"]
    assert list_at_work(JOB)[0].timeout is None
