"""How B3 is asked over HTTP, within a budget and a size limit: shared by all downloads."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from prefect import get_run_logger

from tasks import USER_AGENT
from tasks.core.answers import looks_like_html
from tasks.core.errors import BadDataError, BlockedError, RateLimitedError, RetryableError
from tasks.deadline import ends_with, open_session
from tasks.http_errors import connection_to, error_of, host_of, read_length
from tasks.turns import TURNS, Budget

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 30.0
FILE_READ_TIMEOUT_SECONDS = 60.0
LARGEST_BODY_BYTES = 5_000_000  # the largest known answer has 60 kB
LARGEST_PAGE_BYTES = 200_000  # of an answer for a file that is an error: its start says enough

_HEADERS = {"Accept": "application/json"}
_CHUNK_BYTES = 64 * 1024


@contextmanager
def waiting_as_asked(whole: Budget | None = None) -> Iterator[None]:
    """Wait for as long as a rate limit asks, and let the task be made again.

    Args:
        whole: How long all that is asked of the site of indices may take: all of it waits.

    Raises:
        RateLimitedError: Whenever it waited.
        BlockedError: The whole has no time for that.
    """
    try:
        yield
    except RateLimitedError as error:
        seconds = error.retry_after_seconds
        if whole and not whole.has(seconds):
            raise BlockedError(f"{error} It asks to wait {seconds:.0f} s: run later.") from error
        get_run_logger().warning("%s Waiting %.0f s.", error, seconds)
        if whole:
            TURNS.close_for(seconds)
        time.sleep(seconds)
        raise


def fetch_body(session: requests.Session, url: str, budget: Budget) -> bytes:
    """Fetch one answer within the budget and the size limit, when it is our turn.

    Args:
        session: Of `open_session`.
        url: The address.
        budget: How long it may take, headers and body.

    Raises:
        BlockedError: A challenge, a refusal or a maintenance page: it concerns all of the site.
        RetryableError: No connection, a timeout, 429 or 5xx.
        SourceHasNoDataError: The address is not there (404, 410).
        BadDataError: Any other status, or a body over the limit.
    """
    timeout = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
    with (
        TURNS.take(),
        connection_to(url),
        ends_with(session, budget),
        session.get(url, headers=_HEADERS, timeout=timeout, stream=True) as response,
    ):
        body = b"".join(read_chunks(response, budget, LARGEST_BODY_BYTES))
    if response.status_code != requests.codes.ok or looks_like_html(body):
        raise error_of(response, body, "Is B3_INDEX_URL right?")
    return body


def fetch_file(
    url: str,
    path: Path,
    known_etag: str,
    budget: Budget,
    most_bytes: int,
    user_agent: str = USER_AGENT,
) -> tuple[requests.Response, str]:
    """Fetch an answer as a stream to disk, whatever it is.

    Args:
        url: The address.
        path: Where to put it.
        known_etag: What is known of it; empty asks for any.
        budget: How long it may take.
        most_bytes: The size limit of a file.
        user_agent: Who asks.

    Returns:
        The answer without its body, and the body's SHA-256.

    Raises:
        RetryableError: No connection, a timeout, or an answer that breaks off.
        BadDataError: A body over the limit.
    """
    headers = {"Accept": "application/zip, application/octet-stream"}
    if known_etag:
        headers["If-None-Match"] = known_etag
    timeout = (CONNECT_TIMEOUT_SECONDS, FILE_READ_TIMEOUT_SECONDS)
    with (
        connection_to(url),
        open_session(user_agent) as session,
        ends_with(session, budget),
        session.get(url, headers=headers, timeout=timeout, stream=True) as response,
    ):
        is_ok = response.status_code == requests.codes.ok
        sha256 = hashlib.sha256()
        with path.open("wb") as file:
            for chunk in read_chunks(response, budget, most_bytes if is_ok else LARGEST_PAGE_BYTES):
                file.write(chunk)
                sha256.update(chunk)
    return response, sha256.hexdigest()


def read_chunks(response: requests.Response, budget: Budget, most_bytes: int) -> Iterator[bytes]:
    """Yield a body as it comes, within the budget and the size limit.

    Raises:
        RetryableError: The budget is used up, or the body is shorter than announced.
        BadDataError: The body is over the limit.
    """
    size, expected = 0, read_length(response)
    # read1 returns what has come: a source that sends a byte now and then meets the budget.
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        budget.remaining_seconds()
        size += len(chunk)
        if size > most_bytes:
            raise BadDataError(
                f"Expected an answer of at most {most_bytes} bytes from "
                f"{host_of(response.url)}, found more. Nothing was kept."
            )
        yield chunk
    if expected is not None and size < expected:
        raise RetryableError(f"Expected {expected} bytes from B3, found {size}.")
