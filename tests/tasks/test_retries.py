import datetime as dt
import importlib
import pkgutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity
import urllib3
from botocore.exceptions import (
    ChecksumError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError
from prefect import Task
from prefect.states import Completed, Crashed, Failed

import tasks
from flows import (
    fetching,
    forms,
    indices,
    levels_mending,
    period_loading,
    portfolio_mending,
    reconcile,
    verify,
)
from tasks import (
    catalog,
    download,
    download_period,
    download_quotes,
    glue,
    http,
    http_errors,
    objects,
    refine,
    runs,
    saved_files,
    shelf,
    side_by_side,
    store,
    sweep,
    turns,
)
from tasks.core import inventory, leftovers
from tasks.core.errors import (
    BadDataError,
    BlockedError,
    InvalidInputError,
    NotConfiguredError,
    PublishConflictError,
    RateLimitedError,
    RefinementError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio import paging
from tasks.retries import (
    OVER_AWS,
    answered,
    is_aws_error,
    is_retryable,
    is_retryable_beside_others,
    may_pass,
    tried_again,
)
from tests.conftest import PAUSE_SECONDS
from tests.tasks.toy import SUBJECT


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
    aws_error("SlowDown", 400),
    aws_error("ThrottledException"),
    aws_error("TooManyRequestsException"),
    aws_error("RequestLimitExceeded"),
    aws_error("InternalError"),
    aws_error("InternalFailure"),
    aws_error("ServiceUnavailable"),
    aws_error("InternalServiceException"),
    aws_error("OperationTimeoutException"),
    aws_error("AnythingElse", 500),
    aws_error("AnythingElse", 503),
    EndpointConnectionError(endpoint_url="https://glue"),
    ConnectTimeoutError(endpoint_url="https://glue"),
    ReadTimeoutError(endpoint_url="https://glue"),
    ConnectionClosedError(endpoint_url="https://glue"),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
    # What was cut or damaged on the way.
    FlexibleChecksumError(error_msg="Expected checksum x did not match"),
    ChecksumError(checksum_type="crc32c", expected_checksum="x", actual_checksum="y"),
    ResponseStreamingError(error="cut"),
    ResponseParserError("Unable to parse response (unclosed token), invalid XML received"),
    urllib3.exceptions.ProtocolError("Connection broken"),
    urllib3.exceptions.SSLError("decryption failed or bad record mac"),
    aws_error("BadDigest"),
    aws_error("IncompleteBody"),
    aws_error("RequestTimeout"),
    aws_error("RequestTimeoutException"),
    aws_error("XAmzContentChecksumMismatch"),
    aws_error("XAmzContentSHA256Mismatch"),
    # Another call was at work.
    aws_error("ConcurrentModificationException"),
    aws_error("ConditionalRequestConflict", 409),
    aws_error("OperationAborted", 409),
    aws_error("PriorRequestNotComplete"),
    # Other names for the same.
    aws_error("BandwidthLimitExceeded"),
    aws_error("InternalServerError"),
    aws_error("InternalServiceError"),
    aws_error("RequestThrottled"),
    aws_error("RequestThrottledException"),
    aws_error("ResourceNotReadyException"),
    aws_error("ServiceUnavailableException"),
]
STAYING = [
    BadDataError("a failed check"),
    InvalidInputError("no session"),
    NotConfiguredError("no bucket"),
    SourceHasNoDataError("404"),
    RefinementError("the job failed"),
    PublishConflictError("another run"),
    aws_error("AccessDeniedException", 403),
    aws_error("AnythingElse", 499),
    aws_error("NoSuchBucket", 404),
    aws_error("EntityNotFoundException"),
    aws_error("ConcurrentRunsExceededException"),
    aws_error("ExpiredToken"),
    aws_error("ExpiredTokenException"),
    aws_error("InvalidClientTokenId", 403),
    aws_error("RequestTimeTooSkewed", 403),
    aws_error(""),
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
    retries, retries_beside_others = (
        decides(unused, unused, state) for decides in (is_retryable, is_retryable_beside_others)
    )
    assert retries is retries_beside_others
    return retries


def test_what_turns_everybody_away_is_not_asked_again_by_one_of_many() -> None:
    unused: Any = None
    error = BlockedError("a challenge page")
    assert may_pass(error)
    assert is_retryable(unused, unused, Failed(data=error))
    assert not is_retryable_beside_others(unused, unused, Failed(data=error))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aws_error("AccessDeniedException", 403), True),
        (EndpointConnectionError(endpoint_url="https://glue"), True),
        (FlexibleChecksumError(error_msg="damaged"), True),
        (ResponseParserError("cut"), True),
        (RefinementError("the job failed"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=["refused", "not-reached", "damaged", "cut", "ours", "interrupt"],
)
def test_a_call_to_aws_that_failed_is_known(error: BaseException, expected: bool) -> None:
    assert is_aws_error(error) is expected


def test_an_answer_that_was_cut_off_is_asked_for_again() -> None:
    assert answered({"JobRuns": []}, "JobRuns") == []
    with pytest.raises(RetryableError, match=r"Expected JobRuns .* cut off"):
        answered({"ResponseMetadata": {}}, "JobRuns")


MODULES = [
    importlib.import_module(f"tasks.{module.name}")
    for module in pkgutil.iter_modules(tasks.__path__)
    if not module.ispkg
]
STEPS = {
    step.name: step
    for module in MODULES
    for step in vars(module).values()
    if isinstance(step, Task) and step.fn.__module__ == module.__name__
}
NEVER, OFTEN = (0, 0, None, None), (5, [2, 4, 8, 16, 32], 0.5, is_retryable)
BESIDE_OTHERS = (*OFTEN[:3], is_retryable_beside_others)
ASIDE = (2, [2.0, 4.0], 0.5, is_retryable_beside_others)
A_FEW_TIMES = (3, [2.0, 4.0, 8.0], None, is_retryable)
# How often each step is tried again: what asks nobody is not.
EXPECTED = {
    "audit-month": A_FEW_TIMES,
    "convert-quotes": NEVER,
    "download-index-levels": BESIDE_OTHERS,
    "download-indices": BESIDE_OTHERS,
    "download-portfolio": BESIDE_OTHERS,
    "download-preview": ASIDE,
    "download-quotes": OFTEN,
    "download-theoretical": ASIDE,
    "find-stale-months": A_FEW_TIMES,
    "land-files": A_FEW_TIMES,
    "land-zip": A_FEW_TIMES,
    "look-at-month": A_FEW_TIMES,
    "look-over": A_FEW_TIMES,
    "mark": A_FEW_TIMES,
    "read-landed-portfolios": A_FEW_TIMES,
    "read-levels": NEVER,
    "read-period": NEVER,
    "read-portfolios": NEVER,
    "read-saved-files": A_FEW_TIMES,
    "register-partitions": A_FEW_TIMES,
    "remove": A_FEW_TIMES,
    "start-glue-run": A_FEW_TIMES,
    "survey": A_FEW_TIMES,
    "wait-for-glue-run": A_FEW_TIMES,
}
# What flows ask of AWS that is no step of a run's story.
PLUMBING = {
    *("fetch_zip", "find_attempts", "find_landed", "find_published", "list_names", "list_raw"),
    *("list_zips", "read_absences", "read_in_force", "read_landed_lists", "read_note", "read_raw"),
    *("refuse_attempt", "write_note"),
    *("check_landing", "find_partitions", "list_whole", "stop_run"),
    *("list_published_months", "list_versions", "read_published"),
    *("_list_commits", "_list_sizes", "_read_columns", "_read_commits"),
}


def is_plumbing(value: object) -> bool:
    return isinstance(getattr(value, "retry", None), tenacity.Retrying)


def test_what_is_no_step_is_tried_again_as_often_as_one_over_aws(
    monkeypatch: pytest.MonkeyPatch, no_run_logger: None
) -> None:
    found = {
        name: value
        for module in MODULES
        for name, value in vars(module).items()
        if is_plumbing(value) and value.__module__ == module.__name__
    }
    assert found.keys() == PLUMBING
    slept: list[float] = []
    asked = 0

    @tried_again
    def ask(error: Exception) -> None:
        nonlocal asked
        asked += 1
        raise error

    monkeypatch.setattr(ask.retry, "sleep", slept.append)
    with pytest.raises(ClientError, match="SlowDown"):
        ask(aws_error("SlowDown"))
    assert (asked, slept) == (4, OVER_AWS["retry_delay_seconds"])
    with pytest.raises(BadDataError):
        ask(BadDataError("a failed check"))
    assert asked == 5


def test_outside_a_run_the_standard_log_says_that_aws_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter([aws_error("SlowDown"), None])

    @tried_again
    def ask() -> str:
        error = next(answers)
        if error:
            raise error
        return "answered"

    monkeypatch.setattr(ask.retry, "sleep", lambda _seconds: None)
    assert ask() == "answered"
    (record,) = [each for each in caplog.records if each.name == "tasks.retries"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("AWS did not answer; asked again in 2 s: ")


def test_every_step_is_among_those_below() -> None:
    assert STEPS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_step_is_tried_again_as_often_as_what_it_asks_allows(name: str) -> None:
    step = STEPS[name]
    found = (
        step.retries,
        step.retry_delay_seconds,
        step.retry_jitter_factor,
        step.retry_condition_fn,
    )
    assert found == EXPECTED[name]
    assert step.timeout_seconds is None  # what takes long has a budget of its own


# What else decides how long something takes, how much of it there may be, and what is thrown away.
LIMITS = [
    (fetching, "FETCH_SECONDS", 600.0),
    (fetching, "WAITS_SECONDS", (30.0, 60.0, 120.0)),
    (indices, "RECENT_SESSIONS", 10),
    (reconcile, "LATEST_SESSIONS", 10),
    (portfolio_mending, "FETCH_SECONDS", 60.0),
    (turns, "MOST_AT_ONCE", 2),
    (download, "ATTEMPT_SECONDS", 120.0),
    (period_loading, "KIND_SECONDS", 90.0),
    (download_period, "ATTEMPT_SECONDS", 60.0),
    (download_period, "MOST_ROUNDS", 3),
    (paging, "MOST_PAGES", 50),
    (download_quotes, "FILE_BUDGET_SECONDS", 1800.0),
    (
        download_quotes,
        "LARGEST_ZIP_BYTES",
        {"D": 50_000_000, "M": 200_000_000, "A": 1_000_000_000},
    ),
    (http, "CONNECT_TIMEOUT_SECONDS", 10.0),
    (http, "READ_TIMEOUT_SECONDS", 30.0),
    (http, "FILE_READ_TIMEOUT_SECONDS", 60.0),
    (http, "LARGEST_BODY_BYTES", 5_000_000),
    (http, "LARGEST_PAGE_BYTES", 200_000),
    (http_errors, "LONGEST_WAIT_SECONDS", 300.0),
    (saved_files, "LARGEST_FILE_BYTES", 5_000_000),
    (saved_files, "LARGEST_RUN_BYTES", 250_000_000),
    (side_by_side, "READS_AT_ONCE", 8),
    (refine, "GLUE_TIMEOUT_SECONDS", 30 * 60),
    (refine, "GLUE_TIMEOUT_SECONDS_A_MONTH", 30),
    (refine, "LONGEST_GLUE_TIMEOUT_SECONDS", 20 * 3600),
    (refine, "MOST_STARTS", 2),
    (refine, "MOST_ROUNDS", 5),
    (refine, "MOST_KEPT", 2),
    (runs, "OLDEST_USABLE", dt.timedelta(hours=12)),
    (sweep, "MARK_FOR", dt.timedelta(hours=1)),
    (verify, "LOOK_AGAIN_SECONDS", 15.0),
    (inventory, "SETTLED", dt.timedelta(hours=1)),
    (leftovers, "LEFT_FOR", dt.timedelta(days=22)),
    (leftovers, "WAITED_FOR", dt.timedelta(days=1)),
    (levels_mending, "FETCH_SECONDS", 60.0),
    (sweep, "_BATCH", 1000),
    (catalog, "_BATCH", 100),
    (glue, "_RUNS_LOOKED_AT", 200),
    (glue, "_SILENCE_SECONDS", 30.0),
    (objects, "_CONFLICT_DELAYS", (0.1, 0.2, 0.5, 1.0, 2.0)),
    (forms, "SHORTEST_GRACE_DAYS", 1),
]


@pytest.mark.parametrize(
    ("module", "limit", "expected"),
    LIMITS,
    ids=[f"{module.__name__}.{limit}" for module, limit, _ in LIMITS],
)
def test_a_limit_is_what_was_decided(module: Any, limit: str, expected: object) -> None:
    assert getattr(module, limit) == expected


def test_b3_is_asked_with_a_pause_between() -> None:
    assert PAUSE_SECONDS == 0.5


def test_what_may_be_used_ends_long_before_what_may_be_removed() -> None:
    grace = dt.timedelta(days=forms.SHORTEST_GRACE_DAYS)
    longest = dt.timedelta(seconds=refine.LONGEST_GLUE_TIMEOUT_SECONDS)
    assert grace >= 2 * runs.OLDEST_USABLE
    assert longest < grace
    assert forms.SHORTEST_GRACE_DAYS >= 1


def test_what_makes_assets_is_tried_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def materialize(*_assets: object, **options: Any) -> Any:
        made.append(options)
        return lambda _function: lambda *_args, **_named: None

    for module in (store, shelf):
        monkeypatch.setattr(module, "materialize", materialize)
    unused: Any = None
    store.write_raw("b3-lake", INDEX_LEVELS, {("2025", "IBOV"): []})
    store.write_raw_files("b3-lake", INDEX_LEVELS, "IBOV", {"2024": Path(), "2025": Path()})
    look: Any = SimpleNamespace(month="2025-08")
    shelf.show_month(SUBJECT, look, unused, flow_run="f", forced_since=None)
    names = [(options.pop("name"), options.pop("task_run_name")) for options in made]
    assert names == [
        ("write-raw", "write index_levels 2025"),
        ("write-raw", "write index_levels 2024 to 2025"),
        ("publish-month", "publish toy 2025-08"),
    ]
    assert made == [OVER_AWS] * 3
