"""How B3 is asked over HTTP, and which error each way to fail becomes: shared by all downloads."""

import datetime as dt
import email.utils
import hashlib
import platform
import ssl
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import urllib3
from prefect import get_run_logger

from tasks import __version__
from tasks.core.answers import describe_page, looks_like_html
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    NotConfiguredError,
    RateLimitedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.turns import TURNS, Budget

USER_AGENT = f"b3-pipeline/{__version__} (python-requests; Python {platform.python_version()})"
CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 30.0
FILE_READ_TIMEOUT_SECONDS = 60.0
LARGEST_BODY_BYTES = 5_000_000  # the largest known answer has 60 kB
LARGEST_PAGE_BYTES = 200_000  # of an answer for a file that is an error: its start says enough
LONGEST_WAIT_SECONDS = 300.0  # that a Retry-After may ask for

_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json"}
_CHUNK_BYTES = 64 * 1024
_MAY_PASS = {408, 425, 429}
_TURNED_AWAY = {200, 403, 503}  # with a page: a challenge, a refusal, or maintenance


@contextmanager
def connection_to(url: str) -> Iterator[None]:
    """Turn every way in which a connection can fail into one of our errors.

    Raises:
        RetryableError: No connection, a timeout, or an answer that breaks off.
        NotConfiguredError: The certificate cannot be verified.
    """
    try:
        yield
    except requests.exceptions.SSLError as error:
        if not isinstance(_root_of(error), ssl.SSLCertVerificationError):
            raise RetryableError(
                f"No secure connection to {host_of(url)}: {_root_of(error)}. Try again later."
            ) from error
        raise NotConfiguredError(
            f"The certificate of {host_of(url)} cannot be verified: {error}. If your network has "
            f"an authority of its own, name its file in REQUESTS_CA_BUNDLE."
        ) from error
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        raise RetryableError(
            f"No complete answer from {host_of(url)}: {_root_of(error)}. Try again later."
        ) from error


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

    Raises:
        BlockedError: A challenge, a refusal or a maintenance page: it concerns all of the site.
        RetryableError: No connection, a timeout, 429 or 5xx.
        SourceHasNoDataError: The address is not there (404, 410).
        BadDataError: Any other status, or a body over the limit.
    """
    # Redirects are not followed: B3 has none here, and one would leave the checked address.
    with (
        TURNS.take(),
        connection_to(url),
        session.get(
            url,
            headers=_HEADERS,
            timeout=(
                CONNECT_TIMEOUT_SECONDS,
                min(READ_TIMEOUT_SECONDS, budget.remaining_seconds()),
            ),
            stream=True,
            allow_redirects=False,
        ) as response,
    ):
        body = b"".join(read_chunks(response, budget, LARGEST_BODY_BYTES))
    if response.status_code != requests.codes.ok or looks_like_html(body):
        raise error_of(response, body, "Is B3_INDEX_URL right?")
    return body


def fetch_file(
    url: str, path: Path, known_etag: str, budget: Budget, most_bytes: int
) -> tuple[requests.Response, str]:
    """Fetch an answer as a stream to disk, whatever it is.

    Args:
        url: The address.
        path: Where to put it.
        known_etag: What is known of it; empty asks for any.
        budget: How long it may take.
        most_bytes: The size limit of a file.

    Returns:
        The answer without its body, and the body's SHA-256.

    Raises:
        RetryableError: No connection, a timeout, or an answer that breaks off.
        BadDataError: A body over the limit.
    """
    headers = {"User-Agent": USER_AGENT, "Accept": "application/zip, application/octet-stream"}
    if known_etag:
        headers["If-None-Match"] = known_etag
    timeout = (CONNECT_TIMEOUT_SECONDS, FILE_READ_TIMEOUT_SECONDS)
    with (
        connection_to(url),
        requests.get(
            url, headers=headers, timeout=timeout, stream=True, allow_redirects=False
        ) as response,
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
    size = 0
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
    expected = response.headers.get("Content-Length")
    if expected and "Content-Encoding" not in response.headers and size < int(expected):
        raise RetryableError(f"Expected {expected} bytes from B3, found {size}.")


def error_of(response: requests.Response, body: bytes, advice: str) -> B3PipelineError:
    """Return the error that an answer is, where it is not what was asked for.

    Args:
        response: The answer.
        body: Its body, or the start of it.
        advice: What to do where the address is not there.
    """
    status = response.status_code
    said = (
        describe_page(body)
        if looks_like_html(body)
        else repr(body[:120].decode("utf-8", "replace"))
    )
    message = f"{host_of(response.url)} answered {status} {response.reason}: {said}"
    if status == requests.codes.too_many_requests:
        wait = _retry_after_seconds(response.headers.get("Retry-After"))
        if wait > LONGEST_WAIT_SECONDS:
            return BadDataError(f"{message} It asks to wait {wait:.0f} s: run again after that.")
        return RateLimitedError(message, wait)
    if status == requests.codes.forbidden or (status in _TURNED_AWAY and looks_like_html(body)):
        return BlockedError(message)
    if status in _MAY_PASS or status >= 500:
        return RetryableError(message)
    if status in (requests.codes.not_found, requests.codes.gone):
        return SourceHasNoDataError(f"{message} {advice}")
    return BadDataError(message)


def _retry_after_seconds(header: str | None) -> float:
    """Read Retry-After: seconds or an HTTP date; 0 where there is none."""
    if not header:
        return 0.0
    if header.strip().isdecimal():
        return float(header)
    try:
        at = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)  # HTTP's dates are in UTC
    return max(0.0, (at - dt.datetime.now(dt.UTC)).total_seconds())


def _root_of(error: BaseException) -> BaseException:
    """Return what began it: the wrappers of requests and urllib3 say little."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


def host_of(url: str) -> str:
    """Return the host and port of an address."""
    return urllib.parse.urlsplit(url).netloc
