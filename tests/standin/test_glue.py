"""Glue's job runs in this process, through its API."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from tasks.core.attempt import read_outcome
from tasks.core.datasets import TABLES
from tasks.core.portfolio import PORTFOLIO
from tests.standin.engine import StandIn
from tests.standin.glue import BUCKET, DATABASE, JOB, Jobs, standin
from tests.standin.lake import check_golden, golden_raw, list_keys, put_plan, put_raw, read_body

ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


class Held(StandIn):
    """An engine that waits before it reads, until it is let go."""

    go_on = threading.Event()
    is_there = threading.Event()

    def read(self, view: str, base: str, paths: list[str]) -> None:
        self.is_there.set()
        self.go_on.wait(60)
        super().read(view, base, paths)


@pytest.fixture
def glue(jobs: Jobs) -> Any:
    return boto3.client("glue")


@pytest.fixture
def held() -> Iterator[Any]:
    with standin(Held, max_concurrent=1):
        Held.go_on.clear()
        Held.is_there.clear()
        yield boto3.client("glue")
        Held.go_on.set()


def golden_plan() -> str:
    put_raw(PORTFOLIO, golden_raw(PORTFOLIO))
    return put_plan(PORTFOLIO)


def start(glue: Any, plan: str, token: str = "me") -> str:
    arguments = {"--plan": plan, "--token": token}
    return str(glue.start_job_run(JobName=JOB, Arguments=arguments)["JobRunId"])


def described(glue: Any, run_id: str) -> Any:
    return glue.get_job_run(JobName=JOB, RunId=run_id)["JobRun"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(glue: Any, run_id: str) -> Any:
    wait_for(lambda: described(glue, run_id)["JobRunState"] in ENDED)
    return described(glue, run_id)


def test_a_run_executes_its_plan(glue: Any) -> None:
    plan = golden_plan()
    run = ended(glue, start(glue, plan))

    assert run["JobRunState"] == "SUCCEEDED"
    assert "ErrorMessage" not in run
    assert run["Arguments"] == {"--plan": plan, "--token": "me"}
    (key,) = [key for key in list_keys("runs/") if key.endswith("outcome.json")]
    outcome = read_outcome(read_body(key))
    assert outcome.token == "me"
    check_golden(PORTFOLIO, outcome)
    assert glue.get_job_runs(JobName=JOB)["JobRuns"][0]["Id"] == run["Id"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            {"--plan": f"s3://{BUCKET}/runs/x/plan.json", "--token": "me"},
            f"SystemExit: expected a plan at s3://{BUCKET}/runs/x/plan.json, found none",
        ),
        ({"--token": "me"}, "The script ended with exit status 2."),
    ],
    ids=["no-plan", "no-argument"],
)
def test_a_run_that_fails_says_why(arguments: dict[str, str], reason: str, glue: Any) -> None:
    run_id = glue.start_job_run(JobName=JOB, Arguments=arguments)["JobRunId"]
    run = ended(glue, run_id)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", reason)


def test_an_engine_that_breaks_fails_the_run() -> None:
    def broken() -> Any:
        raise RuntimeError("no memory")

    with standin(broken):
        glue: Any = boto3.client("glue")
        assert ended(glue, start(glue, "s3://b/k"))["ErrorMessage"] == "RuntimeError: no memory"


def test_a_run_is_stopped_while_its_thread_goes_on(held: Any) -> None:
    run_id = start(held, golden_plan())
    assert Held.is_there.wait(60)
    assert described(held, run_id)["JobRunState"] == "RUNNING"

    answer = held.batch_stop_job_run(JobName=JOB, JobRunIds=[run_id])

    assert [each["JobRunId"] for each in answer["SuccessfulSubmissions"]] == [run_id]
    states = [described(held, run_id)["JobRunState"] for _ in range(2)]
    assert states == ["STOPPING", "STOPPED"]
    assert not [key for key in list_keys("runs/") if key.endswith("outcome.json")]

    Held.go_on.set()  # it writes, and says so, all the same
    wait_for(lambda: any(key.endswith("outcome.json") for key in list_keys("runs/")))
    assert described(held, run_id)["JobRunState"] == "STOPPED"


def test_a_run_that_ends_while_it_is_stopped_is_stopped(held: Any) -> None:
    run_id = start(held, golden_plan())
    assert Held.is_there.wait(60)
    held.batch_stop_job_run(JobName=JOB, JobRunIds=[run_id])
    Held.go_on.set()
    assert ended(held, run_id)["JobRunState"] == "STOPPED"


def test_there_are_no_more_runs_at_a_time_than_the_job_may_have(held: Any) -> None:
    plan = golden_plan()
    start(held, plan)
    with pytest.raises(held.exceptions.ConcurrentRunsExceededException):
        start(held, plan)


def test_the_catalog_has_every_table(glue: Any) -> None:
    tables = glue.get_tables(DatabaseName=DATABASE)["TableList"]
    assert {table["Name"] for table in tables} == {table.name for table in TABLES}
    for table in TABLES:
        found = glue.get_table(DatabaseName=DATABASE, Name=table.name)["Table"]
        assert found["StorageDescriptor"]["Location"] == f"s3://{BUCKET}/{table.location}"
        assert [key["Name"] for key in found["PartitionKeys"]] == [table.partition_key.name]
