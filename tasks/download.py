"""Ask B3 for the day's portfolio, and for the levels of an index.

Retries live in the task alone, so that the dashboard shows each and they do not multiply: what may
pass (no connection, timeouts, 429, challenge pages, 5xx) raises `RetryableError`, the rest does
not.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import requests
from prefect import get_run_logger, task

from tasks.core.answers import looks_like_html
from tasks.core.errors import BadDataError, RateLimitedError
from tasks.core.exchange import SAO_PAULO
from tasks.core.levels.answer import read_answer
from tasks.core.levels.answer import request_path as levels_path
from tasks.core.portfolio.pages import check_same_portfolio, read_page, request_path
from tasks.http import CONNECT_TIMEOUT_SECONDS, USER_AGENT, connection_to, error_of, read_chunks
from tasks.http import Budget as Budget
from tasks.retries import OVER_HTTP

READ_TIMEOUT_SECONDS = 30.0
TOTAL_BUDGET_SECONDS = 120.0  # for all pages of one attempt
PAUSE_SECONDS = 0.5  # between pages: B3 publishes no limit, and challenges bursts
LARGEST_BODY_BYTES = 5_000_000  # the largest known answer has 60 kB
MOST_PAGES = 50

_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json"}


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
        return self.received_at.astimezone(SAO_PAULO).date()


@task(
    name="download-portfolio",
    **OVER_HTTP,
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
    budget = Budget.of(TOTAL_BUDGET_SECONDS)
    with requests.Session() as session, waiting_as_asked():

        def ask(page_number: int) -> bytes:
            url = index_url.rstrip("/") + request_path(index_code, page_number)
            return fetch_body(session, url, budget)

        bodies = download_pages(ask, index_code)
    return _received(bodies, index_code)


@task(
    name="download-index-levels",
    **OVER_HTTP,
)
def download_index_levels(index_url: str, index_code: str, year: int) -> Download:
    """Fetch B3's answer about the levels of an index in one year.

    Safe to repeat: it only reads. Retried: whatever may pass by itself.

    Args:
        index_url: B3's site, without a path.
        index_code: E.g. `IBOV`.
        year: The year.

    Raises:
        RetryableError: It failed in a way that may pass.
        SourceHasNoDataError: B3 publishes no levels for the index.
        BadDataError: B3's answer is no answer to such a request.
    """
    budget = Budget.of(TOTAL_BUDGET_SECONDS)
    with requests.Session() as session, waiting_as_asked():
        body = fetch_body(session, index_url.rstrip("/") + levels_path(index_code, year), budget)
    with suppress(BadDataError):  # the bytes are kept before they are refused
        read_answer(body, index_code)
    return _received((body,), f"{index_code} levels {year}")


@contextmanager
def waiting_as_asked() -> Iterator[None]:
    """Wait for as long as a rate limit asks, and then let the task be made again.

    Raises:
        RateLimitedError: Whenever it waited.
    """
    try:
        yield
    except RateLimitedError as error:
        get_run_logger().warning("%s Waiting %.0f s.", error, error.retry_after_seconds)
        time.sleep(error.retry_after_seconds)
        raise


def _received(bodies: tuple[bytes, ...], subject: str) -> Download:
    size = sum(map(len, bodies))
    logger = get_run_logger()
    logger.info("B3 answered for %s: %d page(s), %d bytes", subject, len(bodies), size)
    return Download(bodies, dt.datetime.now(dt.UTC).replace(microsecond=0))


def download_pages(ask: Callable[[int], bytes], index_code: str) -> tuple[bytes, ...]:
    """Ask for page 1, and for as many more as it announces.

    An answer of an unknown form is returned as it is: its bytes are kept before they are refused.
    """
    bodies = [ask(1)]
    try:
        pages = [read_page(bodies[0], index_code)]
        page_count = min(pages[0].page.totalPages, MOST_PAGES)
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
    # Redirects are not followed: B3 has none here, and one would leave the checked address.
    with (
        connection_to(url),
        session.get(
            url, headers=_HEADERS, timeout=timeout, stream=True, allow_redirects=False
        ) as response,
    ):
        body = b"".join(read_chunks(response, budget, LARGEST_BODY_BYTES))
    if response.status_code != requests.codes.ok or looks_like_html(body):
        raise error_of(response, body, "Is B3_INDEX_URL right?")
    return body
