"""Which failures of a task are worth another attempt, and how often: every task says it in a word.

`@task(name="…", **OVER_AWS)` for what asks AWS, `**OVER_HTTP` for what asks B3, `**ONE_OF_MANY` for
what asks B3 beside others, `**ASIDE` for what a run can do without. What is no step of a run's
story is no task: `@tried_again` has it asked as often as a step over AWS.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import tenacity
import urllib3
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import ConnectionError as AwsConnectionError
from botocore.parsers import ResponseParserError
from prefect import get_run_logger
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import MissingContextError
from prefect.tasks import Task, exponential_backoff

from tasks.core.errors import B3PipelineError, BlockedError, RetryableError

Item = TypeVar("Item")

THROTTLING = {
    "BandwidthLimitExceeded",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_PASSING = THROTTLING | {
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "InternalServiceException",
    "OperationTimeoutException",
    "ResourceNotReadyException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    # Another call about the same thing was at work.
    "ConcurrentModificationException",
    "ConditionalRequestConflict",
    "OperationAborted",
    "PriorRequestNotComplete",
    # What was sent did not come as it left.
    "BadDigest",
    "IncompleteBody",
    "RequestTimeout",
    "RequestTimeoutException",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}
# An answer that was cut or damaged on the way: none of its bytes is taken.
_DAMAGED = (
    IncompleteReadError
    | ChecksumError
    | FlexibleChecksumError
    | ResponseParserError
    | urllib3.exceptions.HTTPError
)


def may_pass(error: BaseException | None) -> bool:
    """Return whether another attempt may succeed: ours by class, AWS's by code."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_may_pass(code_of(error)) or status >= 500
    return isinstance(error, RetryableError | HTTPClientError | AwsConnectionError | _DAMAGED)


def code_of(error: BaseException) -> str:
    """Return the code by which AWS refused a call; empty where it did not answer at all."""
    response = error.response if isinstance(error, ClientError) else {}
    return str(response.get("Error", {}).get("Code", ""))


def code_may_pass(code: str) -> bool:
    """Return whether what AWS refused with a code may be done when it is asked again."""
    return code in _PASSING


def answered(answer: Mapping[str, Any], name: str) -> Any:
    """Return a field that an answer of AWS must have.

    boto3 takes a JSON answer that was cut off for an empty one, which says nothing.

    Raises:
        RetryableError: It is not there.
    """
    if name not in answer:
        raise RetryableError(f"Expected {name} in an answer of AWS, found it cut off.")
    return answer[name]


def is_aws_error(error: BaseException) -> bool:
    """Return whether a call to AWS failed, so that what it asked for may be or not be."""
    return isinstance(error, ClientError | BotoCoreError | _DAMAGED)


def is_retryable(
    task: Task[..., object],  # noqa: ARG001 - the signature is Prefect's
    task_run: TaskRun,  # noqa: ARG001
    state: State[object],
) -> bool:
    """Tell Prefect whether to make another attempt: a task's `retry_condition_fn`."""
    error = state.result(raise_on_failure=False)
    return may_pass(error if isinstance(error, BaseException) else None)


# boto3 has tried a few times by itself before each attempt.
OVER_AWS: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [2.0, 4.0, 8.0],
    "retry_condition_fn": is_retryable,
}


def _tell(call: tenacity.RetryCallState) -> None:
    said = (
        "AWS did not answer; asked again in %.0f s: %s",
        call.upcoming_sleep,
        call.outcome.exception() if call.outcome else "",
    )
    try:
        logger = get_run_logger()
    except MissingContextError:  # a plain command: it has no story that shows what is no warning
        logging.getLogger(__name__).warning(*said)
    else:
        logger.info(*said)


tried_again = tenacity.retry(
    retry=tenacity.retry_if_exception(may_pass),
    stop=tenacity.stop_after_attempt(1 + OVER_AWS["retries"]),
    wait=tenacity.wait_chain(*map(tenacity.wait_fixed, OVER_AWS["retry_delay_seconds"])),
    before_sleep=_tell,
    reraise=True,
)


def ask_in_batches(
    items: Sequence[Item],
    size: int,
    ask: Callable[[list[Item]], Mapping[int, tuple[str, str]]],
    refusal: Callable[[Item, str], B3PipelineError],
) -> None:
    """Send items in batches, and again those alone that an answer of 200 refused for now.

    Args:
        items: What to send, each of which is safe to be sent twice.
        size: How many AWS takes at a time.
        ask: Sends some of them, and returns `{which of them: (code, message)}` of those that AWS
            did not do.
        refusal: The error that one becomes which AWS will not do, with its code and words.

    Raises:
        B3PipelineError: That of the first that AWS will not do, or did not do in four rounds.
    """
    for start in range(0, len(items), size):
        _ask_until_done(list(items[start : start + size]), ask, refusal)


def _ask_until_done(
    left: list[Item],
    ask: Callable[[list[Item]], Mapping[int, tuple[str, str]]],
    refusal: Callable[[Item, str], B3PipelineError],
) -> None:
    def ask_for_the_rest() -> None:
        refused = ask(left)
        for at, (code, said) in refused.items():
            if not code_may_pass(code):
                raise refusal(left[at], f"{code}: {said}")
        again = [left[at] for at in refused]
        if again:
            code, said = next(iter(refused.values()))
            left[:] = again
            raise _NotYetError(f"AWS did not do {len(again)} of a batch ({code}: {said})")

    try:
        _again_for_the_rest(ask_for_the_rest)
    except _NotYetError as error:
        raise refusal(left[0], str(error)) from error


class _NotYetError(RetryableError):
    """AWS did a part of a batch, and may do the rest."""


_again_for_the_rest = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(_NotYetError),
    stop=tenacity.stop_after_attempt(1 + OVER_AWS["retries"]),
    wait=tenacity.wait_chain(*map(tenacity.wait_fixed, OVER_AWS["retry_delay_seconds"])),
    before_sleep=_tell,
    reraise=True,
)
OVER_HTTP: dict[str, Any] = {
    "retries": 5,
    "retry_delay_seconds": exponential_backoff(backoff_factor=2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_retryable,
}


def is_retryable_beside_others(
    task: Task[..., object], task_run: TaskRun, state: State[object]
) -> bool:
    """As `is_retryable`; what concerns all that is asked of a site, the flow waits out for all."""
    error = state.result(raise_on_failure=False)
    return is_retryable(task, task_run, state) and not isinstance(error, BlockedError)


ONE_OF_MANY: dict[str, Any] = OVER_HTTP | {"retry_condition_fn": is_retryable_beside_others}
# What the rest of a run waits for, and goes on without.
ASIDE: dict[str, Any] = ONE_OF_MANY | {"retries": 2, "retry_delay_seconds": [2.0, 4.0]}
