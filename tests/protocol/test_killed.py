"""A flow may die at any call to AWS, and at any step: the next one ends as if it had not."""

import random
import signal
from collections.abc import Callable

import boto3
import pytest
from prefect.exceptions import TerminationSignal

from tests.protocol.lake import DAYS, Lake, seen
from tests.protocol.stage import Event, Point, Stage, after, before
from tests.standin.glue import JOB

pytestmark = pytest.mark.timeout(900)

D1, D2, *_ = DAYS
MOST_CALLS = 100
RANDOM_KILLS = 20
# After a call that only reads, everything is as it was before it.
READS = ("s3:Get", "s3:Head", "s3:List", "glue:Get", "glue:BatchGet")


def nth(number: int) -> Point:
    """The moment after so many steps, and calls that change something."""
    count = 0

    def is_there(event: Event) -> bool:
        nonlocal count
        count += event.when == "after" and not event.what.startswith(READS)
        return count == number

    return is_there


@pytest.fixture
def dies(stage: Stage, lake: Lake) -> Callable[[int, int], bool]:
    """Let a flow die at its nth call with a new revision of raw; return whether it came there."""
    lake.write(D1)
    assert stage.flow("first").ends()

    def die(number: int, revision: int) -> bool:
        lake.write(D2, revision=revision)
        flow = stage.flow(f"dies-{revision}")
        is_there = flow.comes_to(nth(number))
        flow.is_killed()
        shown = lake.seen()
        assert shown == seen(D1) or shown.keys() == {D1, D2}
        stage.flow(f"goes-on-{revision}").ends()
        assert lake.seen() == seen(D1) | seen(D2, revision=revision)
        lake.forget_past()  # else every run has more to list than the one before
        return is_there

    return die


def test_killed_after_each_call_it_is_made_good_by_the_next_run(
    dies: Callable[[int, int], bool], stage: Stage, lake: Lake
) -> None:
    calls = 0
    while calls < MOST_CALLS and dies(calls + 1, calls):
        calls += 1
    print(f"killed after each of {calls} calls and steps")
    assert 12 < calls < MOST_CALLS
    # No attempt was made twice: the run of a dead flow is found by the next one.
    assert stage.glue_starts <= 2 + 2 * calls


def test_killed_at_random_calls_one_after_another(
    dies: Callable[[int, int], bool], stage: Stage, lake: Lake
) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    numbers = random.Random(seed)
    for revision in range(RANDOM_KILLS):
        dies(numbers.randrange(1, 80), revision)


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(after("glue:StartJobRun"), id="before it is answered"),
        pytest.param(after("start-glue-run"), id="before it waits"),
        pytest.param(before("glue:GetJobRun"), id="while it waits"),
    ],
)
def test_told_to_end_it_leaves_no_run_of_glue_that_nobody_waits_for(
    stage: Stage, lake: Lake, at: Point
) -> None:
    lake.write(D1)
    stage.job.wait_at(before("s3:PutObject"))
    told = stage.flow("told-to-end")
    told.loses(at, lambda: TerminationSignal(signal=signal.SIGTERM))
    with pytest.raises(TerminationSignal):
        told.ends()
    runs = boto3.client("glue").get_job_runs(JobName=JOB)["JobRuns"]
    assert [run["JobRunState"] for run in runs] == ["STOPPING"]
    stage.job.go_on()
    assert stage.flow("next").ends()
    assert lake.seen() == seen(D1)
