"""Ask B3 for the day's portfolio.

Retries live in the task alone, so that the dashboard shows each and they do not multiply: what may
pass (no connection, timeouts, 429, challenge pages, 5xx) raises `RetryableError`, the rest does
not.
"""

import datetime as dt
import email.utils
import platform
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import requests
import urllib3
from prefect import get_run_logger, task
from prefect.tasks import exponential_backoff

from tasks import __version__
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    NotConfiguredError,
    RateLimitedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.html import describe_page, looks_like_html
from tasks.core.portfolio_pages import check_same_portfolio, read_page, request_path
from tasks.retries import is_retryable

USER_AGENT = f"b3-pipeline/{__version__} (python-requests; Python {platform.python_version()})"
CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 30.0
TOTAL_BUDGET_SECONDS = 120.0  # for all pages of one attempt
PAUSE_SECONDS = 0.5  # between pages: B3 publishes no limit, and challenges bursts
LONGEST_WAIT_SECONDS = 300.0  # that a Retry-After may ask for
LARGEST_BODY_BYTES = 5_000_000  # the largest known answer has 60 kB
MOST_PAGES = 50

_MAY_PASS = {403, 408, 425, 429}


@dataclass(frozen=True)
class Download:
    """B3's answer, as it came.

    Attributes:
        bodies: One answer a page, byte for byte, in order.
        received_at: When the last of them had come (UTC, whole seconds).
    """

    bodies: tuple[bytes, ...]
    received_at: dt.datetime

    @property
    def day_in_sao_paulo(self) -> dt.date:
        """The day it was where the exchange is."""
        return self.received_at.astimezone(ZoneInfo("America/Sao_Paulo")).date()


@dataclass(frozen=True)
class Budget:
    """How long one attempt may still take."""

    ends_at: float

    @classmethod
    def of(cls, seconds: float) -> "Budget":
        """Start a budget that lasts `seconds`."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Return what is left; an attempt that has used it up may be made again later.

        Raises:
            RetryableError: Nothing is left.
        """
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise RetryableError("B3 did not answer completely within the time budget.")
        return left


@task(
    name="download-portfolio",
    retries=5,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_retryable,
)
def download_portfolio(index_url: str, index_code: str) -> Download:
    """Fetch all pages of the portfolio that B3 shows now.

    Safe to repeat: it only reads. Retried: whatever may pass by itself, all pages again.

    Args:
        index_url: B3's site, without a path.
        index_code: E.g. `IBOV`.

    Raises:
        RetryableError: It failed in a way that may pass.
        SourceHasNoDataError: B3 publishes no portfolio for the index.
        BadDataError: B3's answer cannot be right, or is no answer to such a request.
    """
    logger = get_run_logger()
    budget = Budget.of(TOTAL_BUDGET_SECONDS)
    with requests.Session() as session:
        session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})

        def ask(page_number: int) -> bytes:
            url = index_url.rstrip("/") + request_path(index_code, page_number)
            return fetch_body(session, url, budget)

        try:
            bodies = download_pages(ask, index_code)
        except RateLimitedError as error:
            logger.warning("%s Waiting %.0f s.", error, error.retry_after_seconds)
            time.sleep(error.retry_after_seconds)
            raise
    size = sum(map(len, bodies))
    logger.info("B3 answered for %s: %d page(s), %d bytes", index_code, len(bodies), size)
    return Download(bodies, dt.datetime.now(dt.UTC).replace(microsecond=0))


def download_pages(ask: Callable[[int], bytes], index_code: str) -> tuple[bytes, ...]:
    """Ask for page 1, and for as many more as it announces.

    An answer of an unknown form is returned as it is: its bytes are kept before they are refused.
    """
    bodies = [ask(1)]
    try:
        pages = [read_page(bodies[0], index_code)]
        page_count = min(pages[0].page.totalPages or 1, MOST_PAGES)
        for number in range(2, page_count + 1):
            time.sleep(PAUSE_SECONDS)
            bodies.append(ask(number))
            pages.append(read_page(bodies[-1], index_code))
    except BadDataError:
        return tuple(bodies)
    check_same_portfolio(pages)
    return tuple(bodies)


def fetch_body(session: requests.Session, url: str, budget: Budget) -> bytes:
    """Fetch one answer within the budget and the size limit.

    Raises:
        RetryableError: No connection, a timeout, a challenge or maintenance page, 429 or 5xx.
        SourceHasNoDataError: The address is not there (404, 410).
        BadDataError: Any other status, or a body over the limit.
    """
    timeout = (CONNECT_TIMEOUT_SECONDS, min(READ_TIMEOUT_SECONDS, budget.remaining_seconds()))
    try:
        # Redirects are not followed: B3 has none here, and one would leave the checked address.
        with session.get(url, timeout=timeout, stream=True, allow_redirects=False) as response:
            body = _read_limited(response, budget)
    except requests.exceptions.SSLError as error:
        raise NotConfiguredError(
            f"The certificate of {_host(url)} cannot be verified: {error}. If your network has an "
            f"authority of its own, name its file in REQUESTS_CA_BUNDLE."
        ) from error
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        raise RetryableError(
            f"No complete answer from {_host(url)}: {_root_of(error)}. Try again later."
        ) from error
    if response.status_code != requests.codes.ok or looks_like_html(body):
        raise _error_of(response, body)
    return body


def _read_limited(response: requests.Response, budget: Budget) -> bytes:
    body = bytearray()
    # read1 returns what has come: a source that sends a byte now and then meets the budget.
    while chunk := response.raw.read1(64 * 1024, decode_content=True):
        budget.remaining_seconds()
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            raise BadDataError(
                f"Expected an answer of at most {LARGEST_BODY_BYTES} bytes from "
                f"{_host(response.url)}, found more. Nothing was kept."
            )
    expected = response.headers.get("Content-Length")
    if expected and "Content-Encoding" not in response.headers and len(body) < int(expected):
        raise RetryableError(f"Expected {expected} bytes from B3, found {len(body)}.")
    return bytes(body)


def _error_of(response: requests.Response, body: bytes) -> B3PipelineError:
    status = response.status_code
    said = (
        describe_page(body)
        if looks_like_html(body)
        else repr(body[:120].decode("utf-8", "replace"))
    )
    message = f"{_host(response.url)} answered {status} {response.reason}: {said}"
    if status == requests.codes.too_many_requests:
        wait = _retry_after_seconds(response.headers.get("Retry-After"))
        if wait > LONGEST_WAIT_SECONDS:
            return BadDataError(f"{message} It asks to wait {wait:.0f} s: run again after that.")
        return RateLimitedError(message, wait)
    if status == requests.codes.ok or status in _MAY_PASS or status >= 500:
        return RetryableError(message)
    if status in (requests.codes.not_found, requests.codes.gone):
        return SourceHasNoDataError(f"{message} Is B3_INDEX_URL right?")
    return BadDataError(message)


def _retry_after_seconds(header: str | None) -> float:
    """Read Retry-After: seconds or an HTTP date; 0 where there is none."""
    if not header:
        return 0.0
    if header.strip().isdigit():
        return float(header)
    try:
        at = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max(0.0, (at - dt.datetime.now(dt.UTC)).total_seconds())


def _root_of(error: BaseException) -> BaseException:
    """Return what began it: the wrappers of requests and urllib3 say little."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
