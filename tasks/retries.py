"""Which failures of a task are worth another attempt."""

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from tasks.core.errors import RetryableError

# For tasks over AWS; boto3 has tried a few times by itself before each attempt.
AWS_RETRIES = 3
AWS_DELAYS_SECONDS = [2.0, 4.0, 8.0]

THROTTLING = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
}
_PASSING = THROTTLING | {
    "InternalError",
    "InternalFailure",
    "InternalServiceException",
    "OperationTimeoutException",
    "ServiceUnavailable",
}


def may_pass(error: BaseException | None) -> bool:
    """Return whether another attempt may succeed: ours by class, AWS's by code."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response.get("Error", {}).get("Code") in _PASSING or status >= 500
    return isinstance(error, RetryableError | HTTPClientError | AwsConnectionError)


def is_aws_error(error: BaseException) -> bool:
    """Return whether a call to AWS failed, so that what it asked for may be or not be."""
    return isinstance(error, ClientError | BotoCoreError)


def is_retryable(
    task: Task[..., object],  # noqa: ARG001 - the signature is Prefect's
    task_run: TaskRun,  # noqa: ARG001
    state: State[object],
) -> bool:
    """Tell Prefect whether to make another attempt: a task's `retry_condition_fn`."""
    error = state.result(raise_on_failure=False)
    return may_pass(error if isinstance(error, BaseException) else None)
