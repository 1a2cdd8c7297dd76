"""The pipeline's errors, named by what to do next.

Every message says what was expected, what was found, and the next step.
"""


class B3PipelineError(Exception):
    """Base of every error that this project raises on purpose."""


class RetryableError(B3PipelineError):
    """May pass by itself: a timeout, a 5xx, a challenge page. Try again later."""


class RateLimitedError(RetryableError):
    """The source asks to wait before the next request.

    Attributes:
        retry_after_seconds: How long the source asks to wait.
    """

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class BlockedError(RetryableError):
    """The source turns everybody away, or the time is up: ask for nothing more for a while."""


class InvalidInputError(B3PipelineError):
    """What the caller asked for cannot be: fix the request. Nothing was done."""


class NotConfiguredError(B3PipelineError):
    """A setting or a credential is missing: configure it. Nothing was done."""


class NotAllowedError(NotConfiguredError):
    """AWS refuses a call for want of a right: give it where the message says."""


class CredentialsError(NotConfiguredError):
    """AWS does not take who asks: credentials are missing, unknown or have expired."""


class DiskFullError(B3PipelineError):
    """A disk of this machine is full: make room. Nothing is lost."""


class OrchestratorError(B3PipelineError):
    """Prefect's API does not answer any more: run it again when it does. The lake is whole."""


class SourceHasNoDataError(B3PipelineError):
    """The source answers, and does not have what was asked for."""


class NotPublishedError(SourceHasNoDataError):
    """The source publishes nothing of the kind: check the code, or leave it out."""


class BadDataError(B3PipelineError):
    """The data is wrong and stays wrong: it must be looked at, not fetched again."""


class UnreadableRawError(BadDataError):
    """A raw object is empty, cut, no Parquet or of another table: make it again.

    Attributes:
        key: The object.
    """

    def __init__(self, bucket: str, key: str, found: str = "none that can be read") -> None:
        super().__init__(f"Expected a Parquet file in s3://{bucket}/{key}, found {found}.")
        self.key = key


class IncompleteError(B3PipelineError):
    """A part of what was asked for is missing, the rest is done: see to what the message names."""


class RefinementError(B3PipelineError):
    """The Glue job failed, was stopped or did not end in time: read its log."""


class PublishConflictError(B3PipelineError):
    """Others kept changing what this run works on: run it again when they have ended."""


class CommitError(B3PipelineError):
    """A commit is gone or cannot be read: restore it. Nothing was written."""


class RemovalError(B3PipelineError):
    """S3 refused to remove an object; what was removed before stays removed. Run it again."""
