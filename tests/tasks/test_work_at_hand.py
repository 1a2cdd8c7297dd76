"""What is being worked on: Glue's runs, the plans they are at, and plans that nobody has ended."""

import datetime as dt
import json
import logging
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tasks import work_at_hand
from tasks.core.attempt import attempt_key
from tasks.core.errors import NotConfiguredError, RetryableError
from tasks.core.inventory import SETTLED
from tasks.core.plan import plan_key
from tasks.work_at_hand import Work, find_work, stop_run, stopped_when_told_to_end
from tests.tasks.toy import BUCKET, D1, JOB, MONTH, NOON, SUBJECT, Toy

ToldToEnd = Callable[[BaseException, str], tuple[list[str], list[str]]]


def place(run_id: str, bucket: str = BUCKET) -> str:
    return f"s3://{bucket}/{plan_key(run_id)}"


def run(
    plan: str, *, state: str = "RUNNING", minutes: int = 30, name: str = "jr", token: str = "a/1"
) -> Any:
    """A Glue run that began at noon."""
    return {
        "Id": name,
        "JobRunState": state,
        "Arguments": {"--plan": plan, "--token": token},
        "StartedOn": NOON,
        "Timeout": minutes,
    }


@pytest.fixture
def planned(toy: Toy) -> str:
    """The id of a plan of the toy that has no outcome."""
    toy.write(D1)
    outcome = toy.refine()
    toy.delete(attempt_key(outcome.run_id, "a", "outcome"))
    return outcome.run_id


def digests(toy: Toy, run_id: str) -> dict[str, str]:
    months = json.loads(toy.body(plan_key(run_id)))["months"]
    return {month: each["digest"] for month, each in months.items()}


def test_where_nothing_is_done_there_is_no_work(toy: Toy) -> None:
    assert find_work(SUBJECT) == Work()


def test_a_month_that_glue_is_at_work_on_is_known_with_its_plan(toy: Toy, planned: str) -> None:
    toy.glue_runs = [run(place(planned))]
    work = find_work(SUBJECT)
    assert (set(work.months), set(work.at_work)) == ({MONTH}, {planned})
    assert [each.job_run_id for each in work.runs] == ["jr"]
    assert work.plans == {place(planned): digests(toy, planned)}
    assert (work.unfinished, work.problems) == ((), ())


def test_a_run_past_its_time_works_on_nothing_and_is_known(toy: Toy, planned: str) -> None:
    toy.glue_runs = [run(place(planned))]
    toy.passes(hours=2)
    work = find_work(SUBJECT)
    assert (set(work.months), set(work.at_work)) == (set(), set())
    assert [each.job_run_id for each in work.runs] == ["jr"]
    assert work.plans == {place(planned): digests(toy, planned)}


@pytest.mark.parametrize(
    ("seconds", "months"), [(-1, {MONTH}), (0, set()), (1, set())], ids=["younger", "as-old", "old"]
)
def test_a_month_that_glue_has_ended_with_just_now_counts_as_one_at_work(
    toy: Toy, seconds: int, months: set[str]
) -> None:
    toy.write(D1)
    toy.refine()
    toy.passes(seconds=SETTLED.total_seconds() + seconds)
    work = find_work(SUBJECT)
    assert (set(work.months), set(work.at_work), work.unfinished) == (months, set(), ())


def test_a_plan_that_should_have_an_outcome_by_now_is_unfinished(toy: Toy, planned: str) -> None:
    toy.passes(days=2)
    work = find_work(SUBJECT)
    ((seen, months),) = work.unfinished
    assert (seen.run_id, months) == (planned, digests(toy, planned))
    toy.glue_runs = [run(place(planned), minutes=9999)]
    assert find_work(SUBJECT).unfinished == ()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"[" * 100_000),
        *(b'{"dataset": "toy"}', b'{"dataset": "toy", "months": {"m": 1}}'),
    ],
    ids=["nothing", "cut", "list", "nested", "without-months", "month-is-a-number"],
)
def test_of_a_plan_that_cannot_be_read_nothing_is_known(toy: Toy, body: bytes) -> None:
    toy.put(plan_key("bad"), body)
    toy.glue_runs = [run(place("bad"))]
    work = find_work(SUBJECT)
    assert (set(work.months), work.runs, dict(work.plans)) == (set(), (), {})
    assert set(work.at_work) == {"bad"}


def test_runs_of_other_datasets_and_other_lakes_are_left_alone(toy: Toy, planned: str) -> None:
    other = json.loads(toy.body(plan_key(planned))) | {"dataset": "other"}
    toy.put(plan_key("other"), json.dumps(other).encode())
    toy.glue_runs = [
        run(place("other"), name="other"),
        run(place(planned, "another-lake"), name="elsewhere"),
        run("", name="nobody"),
        run(place("gone"), name="gone"),
    ]
    work = find_work(SUBJECT)
    assert [each.job_run_id for each in work.runs] == ["gone"]
    assert (set(work.months), dict(work.plans)) == (set(), {})


def test_a_job_that_is_missing_is_a_finding(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_job(_name: str) -> Any:
        raise NotConfiguredError("no such job")

    monkeypatch.setattr(work_at_hand, "list_at_work", no_job)
    (found,) = find_work(SUBJECT).problems
    assert (found.kind, found.where, found.found) == ("job missing", JOB, "no such job")


def test_all_that_is_left_is_judged(toy: Toy, planned: str) -> None:
    toy.glue_runs = [run(place("gone"))]
    toy.passes(days=2)
    work = find_work(SUBJECT)
    found = work.judge("toy", {}, digests(toy, planned), toy.now)
    assert [each.kind for each in found] == ["Glue run left at work", "run without outcome"]
    assert found[0].keys == ("jr",)
    assert found[1].months == (MONTH,)
    assert work.judge("toy", {}, {}, toy.now) == found[:1]


@pytest.mark.parametrize("refused", [True, False])
def test_a_run_that_glue_does_not_stop_may_be_stopped_later(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    monkeypatch.setattr(stop_run.retry, "sleep", lambda _seconds: None)
    detail = {"ErrorDetail": {"ErrorCode": "Busy", "ErrorMessage": "later"}}
    asked: list[Any] = []

    def stop(**named: Any) -> Any:
        asked.append(named)
        return {"Errors": [detail] * refused}

    monkeypatch.setattr(boto3.client("glue"), "batch_stop_job_run", stop)
    if refused:
        with pytest.raises(RetryableError, match=r"^Expected Glue to stop jr, found: Busy: later"):
            stop_run(JOB, "jr")
    else:
        stop_run(JOB, "jr")
    assert asked == [{"JobName": JOB, "JobRunIds": ["jr"]}] * (4 if refused else 1)


def test_a_run_that_waits_has_not_begun(toy: Toy, planned: str) -> None:
    toy.glue_runs = [run(place(planned), state=state) for state in ("STARTING", "STOPPING")]
    waiting, stopping = find_work(SUBJECT).runs
    assert (waiting.started_at, waiting.is_stopping) == (None, False)
    assert (stopping.started_at, stopping.is_stopping) == (NOON, True)
    assert waiting.timeout == dt.timedelta(minutes=30)


@pytest.fixture
def told_to_end(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> ToldToEnd:
    """End a flow run `a` in the block, with what Glue refuses; what was stopped and said."""
    monkeypatch.setattr(work_at_hand, "get_run_logger", lambda: logging.getLogger("work"))

    def end(error: BaseException, refusal: str) -> tuple[list[str], list[str]]:
        asked: list[str] = []

        def stop(_client: object, job: str, name: str) -> str:
            assert job == JOB
            asked.append(name)
            return refusal

        monkeypatch.setattr(work_at_hand, "stop", stop)
        with pytest.raises(type(error)), stopped_when_told_to_end(SUBJECT, place("x"), "a"):
            raise error
        return asked, [each.getMessage() for each in caplog.records]

    toy.glue_runs = [
        run(place("x"), name="ours"),
        run(place("x"), name="ours too", state="WAITING", token="a/2"),
        run(place("x"), name="stopping", state="STOPPING"),
        run(place("x"), name="ended", state="SUCCEEDED"),
        run(place("x"), name="another's", token="ab/1"),
        run(place("y"), name="of another plan"),
    ]
    return end


@pytest.mark.parametrize("refusal", ["", "Busy: later"])
def test_told_to_end_a_flow_stops_its_own_runs_on_the_plan(
    told_to_end: ToldToEnd, refusal: str
) -> None:
    said = "Glue is told to stop refining toy" + (f", and does not: {refusal}" if refusal else "")
    assert told_to_end(KeyboardInterrupt(), refusal) == (["ours", "ours too"], [said] * 2)


def test_a_flow_that_fails_stops_nothing(
    told_to_end: ToldToEnd,
) -> None:
    assert told_to_end(ValueError("a mistake"), "") == ([], [])


def test_what_cannot_be_asked_does_not_hide_that_the_flow_is_told_to_end(
    toy: Toy, told_to_end: ToldToEnd
) -> None:
    def refuse() -> None:
        raise NotConfiguredError("no job")

    toy.meets("before", "GetJobRuns", "", refuse)
    said = ["Glue may still be refining toy: no job"]
    assert told_to_end(SystemExit(1), "") == ([], said)
