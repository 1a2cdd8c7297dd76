from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)
from prefect import Task, flow
from prefect.states import Completed, Crashed, Failed

from infra.local.b3.replay import Replay
from tasks import download, glue, reading, refine, report, shelf, store
from tasks.core.errors import (
    BadDataError,
    InvalidInputError,
    NotConfiguredError,
    PublishConflictError,
    RateLimitedError,
    RefinementError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.download import download_portfolio
from tasks.retries import OVER_AWS, is_aws_error, is_retryable, may_pass


def aws_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "StartJobRun",
    )


PASSING = [
    RetryableError("a challenge page"),
    RateLimitedError("wait", 1.0),
    aws_error("ThrottlingException"),
    aws_error("Throttling"),
    aws_error("SlowDown", 503),
    aws_error("InternalServiceException"),
    aws_error("OperationTimeoutException"),
    aws_error("AnythingElse", 500),
    aws_error("AnythingElse", 503),
    EndpointConnectionError(endpoint_url="https://glue"),
    ConnectTimeoutError(endpoint_url="https://glue"),
]
STAYING = [
    BadDataError("a failed check"),
    InvalidInputError("no session"),
    NotConfiguredError("no bucket"),
    SourceHasNoDataError("404"),
    RefinementError("the job failed"),
    PublishConflictError("another run"),
    aws_error("AccessDeniedException", 403),
    aws_error("NoSuchBucket", 404),
    aws_error("EntityNotFoundException"),
    aws_error("ConcurrentRunsExceededException"),
    NoCredentialsError(),
    RuntimeError("a mistake in the code"),
    KeyboardInterrupt(),
]


def name(error: BaseException) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    return type(error).__name__ + code


@pytest.mark.parametrize("error", PASSING, ids=name)
def test_what_may_pass_is_tried_again(error: BaseException) -> None:
    assert may_pass(error)
    assert ask_prefect(Failed(data=error))


@pytest.mark.parametrize("error", STAYING, ids=name)
def test_what_stays_is_not_tried_again(error: BaseException) -> None:
    assert not may_pass(error)
    assert not ask_prefect(Failed(data=error))


def test_what_has_no_error_is_not_tried_again() -> None:
    assert not may_pass(None)
    assert not ask_prefect(Completed(data="RetryableError"))
    assert not ask_prefect(Crashed(data=KeyboardInterrupt()))


def ask_prefect(state: Any) -> bool:
    unused: Any = None
    return is_retryable(unused, unused, state)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aws_error("AccessDeniedException", 403), True),
        (EndpointConnectionError(endpoint_url="https://glue"), True),
        (RefinementError("the job failed"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=["refused", "not-reached", "ours", "interrupt"],
)
def test_a_call_to_aws_that_failed_is_known(error: BaseException, expected: bool) -> None:
    assert is_aws_error(error) is expected


STEPS = {
    step.name: step
    for module in (download, glue, reading, refine, report, shelf, store)
    for step in vars(module).values()
    if isinstance(step, Task) and step.fn.__module__ == module.__name__
}
ASKS_B3 = {"download-portfolio", "download-index-levels", "download-quotes"}
ASKS_NOBODY = {
    "convert-quotes",
    "read-levels",
    "read-portfolio",
    "read-shown-session",
    *(name for name in STEPS if name.startswith("report-")),  # Prefect's client tries again itself
    "rename-flow-run",
}


@pytest.mark.parametrize("name", sorted(STEPS))
def test_every_step_that_asks_b3_or_aws_is_tried_again_and_no_other(name: str) -> None:
    step = STEPS[name]
    if name in ASKS_NOBODY:
        assert step.retries == 0
        return
    assert step.retry_condition_fn is is_retryable
    if name in ASKS_B3:
        assert (step.retries, step.retry_jitter_factor) == (5, 0.5)
        assert step.retry_delay_seconds == [2, 4, 8, 16, 32]
    else:
        assert (step.retries, step.retry_delay_seconds) == (3, [2.0, 4.0, 8.0])


def test_what_makes_assets_is_tried_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def materialize(*_assets: object, **options: Any) -> Any:
        made.append(options)
        return lambda _function: lambda *_args, **_named: None

    for module in (store, shelf):
        monkeypatch.setattr(module, "materialize", materialize)
    store.write_raw("b3-lake", INDEX_LEVELS, ("IBOV", "2025"), [])
    store.write_raw_files("b3-lake", INDEX_LEVELS, {})
    shelf.publish_month((INDEX_LEVELS,), "b3", (), new={}, expected={}, row_counts={})
    names = [options.pop("name") for options in made]
    assert names == ["write-raw", "write-raw", "publish-month"]
    assert made == [OVER_AWS] * 3


@flow
def download_at_once(url: str) -> int:
    quick = download_portfolio.with_options(retry_delay_seconds=0, retry_jitter_factor=0)
    return len(quick(url, "IBOV").bodies)


@pytest.mark.usefixtures("prefect_server")
def test_a_task_is_tried_again_until_the_source_answers(replay: Replay) -> None:
    replay.misbehave("http_500", times=2)
    assert download_at_once(replay.url) == 1
    assert len(replay.requests) == 3


@pytest.mark.usefixtures("prefect_server")
def test_a_task_is_not_tried_again_when_the_source_has_nothing(replay: Replay) -> None:
    replay.misbehave("http_404")
    with pytest.raises(SourceHasNoDataError):
        download_at_once(replay.url)
    assert len(replay.requests) == 1
