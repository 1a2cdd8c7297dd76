"""How flow runs end, asked of Prefect itself."""

import errno
import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from prefect import flow, get_client, task
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.ending import with_reason
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    DiskFullError,
    NotAllowedError,
    RetryableError,
)
from tasks.refusals import in_our_words

pytestmark = pytest.mark.usefixtures("prefect_server")

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")
REASON = "IBOV 2025-08-01 failed 1 check.\n  count: expected 84; found 83"


@task(name="a-step")
def fail(error: Exception) -> None:
    raise error


@flow(name="ends")
@with_reason
def ends(error: Any = None, *, is_seen_to: bool = False) -> State[Any]:
    """End as it is told to."""
    try:
        if error:
            fail(error)
    except B3PipelineError:
        if not is_seen_to:
            raise
    return Completed(message="published IBOV 2025-08-01")


def run(caplog: pytest.LogCaptureFixture, **how: Any) -> tuple[State[Any], list[str]]:
    """The state of a run, and its log as the dashboard has it."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).propagate = True
    caplog.clear()
    with caplog.at_level(logging.INFO):
        state = ends(**how, return_state=True)
    lines = [
        f"{record.levelname} {record.getMessage()}{' with a traceback' * bool(record.exc_info)}"
        for record in caplog.records
        if record.name.startswith(("prefect.flow_runs", "prefect.task_runs"))
        and getattr(record, "send_to_api", True)
    ]
    return state, [line for line in lines if "Beginning flow run" not in line]


def pages(state: State[Any]) -> list[Any]:
    run_id = state.state_details.flow_run_id
    assert run_id
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    return [artifact for artifact in found if artifact.key]  # others hold results


def test_a_run_that_did_its_work_tells_its_outcome_once(caplog: pytest.LogCaptureFixture) -> None:
    state, lines = run(caplog)
    assert (state.name, state.message) == ("Completed", "published IBOV 2025-08-01")
    assert lines == ["INFO published IBOV 2025-08-01"]
    assert pages(state) == []


def test_a_run_that_failed_by_an_error_of_ours_has_its_reason_first_and_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    state, lines = run(caplog, error=BadDataError(REASON))
    assert (state.name, state.type.value, state.message) == ("Failed", "FAILED", REASON)
    assert lines == [f"WARNING {REASON}", f"ERROR {REASON}"]
    told_at_the_end = [record for record in caplog.records if getattr(record, "is_outcome", False)]
    assert [record.getMessage() for record in told_at_the_end] == [REASON, REASON]
    assert isinstance(state.result(raise_on_failure=False), BadDataError)
    (page,) = pages(state)
    assert (page.key, page.description) == ("why-and-what-to-do", REASON.splitlines()[0])
    assert "count: expected 84; found 83" in page.data
    assert "### What to do" in page.data


def test_a_call_that_aws_refused_is_told_in_our_words(caplog: pytest.LogCaptureFixture) -> None:
    state, lines = run(caplog, error=DENIED)
    said = str(in_our_words(DENIED))
    assert said.startswith("Expected this role to have the right s3:PutObject on the bucket of ")
    assert state.message == said
    assert lines == [f"WARNING {said}", f"ERROR {said}"]
    error = state.result(raise_on_failure=False)
    assert isinstance(error, NotAllowedError)
    assert error.__cause__ is DENIED
    (page,) = pages(state)
    assert "A right is missing" in page.data


def test_a_disk_that_is_full_is_told_likewise(caplog: pytest.LogCaptureFixture) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/scratch/COTAHIST.ZIP")
    state, lines = run(caplog, error=full)
    assert isinstance(state.result(raise_on_failure=False), DiskFullError)
    assert "the disk of /scratch/COTAHIST.ZIP, found it full" in str(state.message)
    assert lines == [f"WARNING {state.message}", f"ERROR {state.message}"]


def test_what_aws_did_not_answer_is_told_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    error = EndpointConnectionError(endpoint_url="https://glue")
    state, lines = run(caplog, error=error)
    assert state.message == str(error)
    assert lines == [f"WARNING {error}", f"ERROR {error}"]
    (page,) = pages(state)
    assert "AWS refused or did not answer" in page.data


def test_a_step_that_failed_and_was_seen_to_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    state, lines = run(caplog, error=RetryableError("no file yet"), is_seen_to=True)
    assert state.is_completed()
    assert lines == ["WARNING no file yet", "INFO published IBOV 2025-08-01"]
    assert pages(state) == []


def test_a_mistake_in_the_code_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    state, lines = run(caplog, error=KeyError("a mistake"))
    assert state.is_failed()
    assert "KeyError" in str(state.message)
    assert any(line.endswith("with a traceback") for line in lines)
    assert pages(state) == []


def test_calling_it_raises_the_error_itself() -> None:
    with pytest.raises(BadDataError, match="expected 84"):
        ends(error=BadDataError(REASON))
