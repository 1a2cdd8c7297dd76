"""Ask B3: for the day's portfolio, for the levels of an index, for files of daily quotes.

Retries live in the tasks alone, so that the dashboard shows each and they do not multiply: only
what may pass (no connection, timeouts, 429, challenge pages, 5xx) raises `RetryableError`.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import requests
from prefect import get_run_logger, task

from tasks.core.answers import describe_page, looks_like_html
from tasks.core.errors import BadDataError, RetryableError, SourceHasNoDataError
from tasks.core.exchange import SAO_PAULO
from tasks.core.levels.answer import read_answer
from tasks.core.levels.answer import request_path as levels_path
from tasks.core.portfolio.pages import check_same_portfolio, read_page, request_path
from tasks.core.quotes.files import QuotesPeriod, explain_absence, is_due
from tasks.http import (
    CONNECT_TIMEOUT_SECONDS,
    USER_AGENT,
    Budget,
    connection_to,
    error_of,
    fetch_body,
    host_of,
    read_chunks,
    waiting_as_asked,
)
from tasks.retries import OVER_HTTP

TOTAL_BUDGET_SECONDS = 120.0  # for all pages of one attempt
PAUSE_SECONDS = 0.5  # between pages: B3 publishes no limit, and challenges bursts
MOST_PAGES = 50

FILE_READ_TIMEOUT_SECONDS = 60.0
FILE_BUDGET_SECONDS = 1800.0
# B3's largest files have 1 MB (a day), 15 MB (a month) and 90 MB (a year).
LARGEST_ZIP_BYTES = {"D": 50_000_000, "M": 200_000_000, "A": 1_000_000_000}

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_PAGE_BYTES = 200_000  # of an answer that is an error; what it says stands at its start


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


@task(name="download-portfolio", **OVER_HTTP)
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


@task(name="download-index-levels", **OVER_HTTP)
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


def _received(bodies: tuple[bytes, ...], subject: str) -> Download:
    size = sum(map(len, bodies))
    get_run_logger().info("B3 answered for %s: %d page(s), %d bytes", subject, len(bodies), size)
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


@dataclass(frozen=True)
class QuotesDownload:
    """A quotes file on this machine's disk.

    Attributes:
        path: Where it is.
        etag: What B3 calls these bytes; empty where it does not say.
        sha256: Their digest.
        size_bytes: Their count.
    """

    path: Path
    etag: str
    sha256: str
    size_bytes: int


@task(name="download-quotes", **OVER_HTTP)
def download_quotes(
    quotes_url: str, period: QuotesPeriod, folder: Path, known_etag: str, now: dt.datetime
) -> QuotesDownload | None:
    """Fetch the file of a period, as a stream to disk.

    Safe to repeat: it writes one file, over what an attempt before has left. Retried: whatever
    may pass by itself, from the start.

    Args:
        quotes_url: B3's folder of quote files.
        period: The day, month or year.
        folder: Where to put it.
        known_etag: The file that is known; empty asks for any.
        now: The date and time in São Paulo: an answer without a file means more when one is due.

    Returns:
        The file; None where it is still the one that is known.

    Raises:
        SourceHasNoDataError: B3 has no such file; the message says whether one was due.
        RetryableError: It failed in a way that may pass, a page or nothing instead of a file that
            is due among them.
        BadDataError: The answer is no ZIP, or over the size limit.
    """
    url = f"{quotes_url.rstrip('/')}/{period.file_name}"
    with waiting_as_asked():
        download = _fetch_file(url, period, folder / period.file_name, known_etag, now)
    said = f"{download.size_bytes:,} bytes" if download else "unchanged"
    get_run_logger().info("%s: %s", period.file_name, said)
    return download


def _fetch_file(
    url: str, period: QuotesPeriod, path: Path, known_etag: str, now: dt.datetime
) -> QuotesDownload | None:
    budget = Budget.of(FILE_BUDGET_SECONDS)
    headers = {"User-Agent": USER_AGENT, "Accept": "application/zip, application/octet-stream"}
    if known_etag:
        headers["If-None-Match"] = known_etag
    with (
        connection_to(url),
        requests.get(
            url,
            headers=headers,
            timeout=(CONNECT_TIMEOUT_SECONDS, FILE_READ_TIMEOUT_SECONDS),
            stream=True,
            allow_redirects=False,
        ) as response,
    ):
        if known_etag and response.status_code == requests.codes.not_modified:
            return None
        is_ok = response.status_code == requests.codes.ok
        most_bytes = LARGEST_ZIP_BYTES[period.kind] if is_ok else _PAGE_BYTES
        sha256 = hashlib.sha256()
        with path.open("wb") as file:
            for chunk in read_chunks(response, budget, most_bytes):
                file.write(chunk)
                sha256.update(chunk)
    with path.open("rb") as file:
        start = file.read(_PAGE_BYTES)
    if not is_ok:
        raise error_of(response, start, explain_absence(period, now))
    _check_start(url, start, period, now)
    etag, size_bytes = response.headers.get("ETag", ""), path.stat().st_size
    return QuotesDownload(path, etag, sha256.hexdigest(), size_bytes)


def _check_start(url: str, start: bytes, period: QuotesPeriod, now: dt.datetime) -> None:
    """Tell a ZIP from the other things that a 200 may bring."""
    if start.startswith(_ZIP_STARTS):
        return
    name = f"{host_of(url)} answered for {period.file_name} with"
    if start and not looks_like_html(start):
        raise BadDataError(
            f"{name} something that is no ZIP: expected it to start with {_ZIP_STARTS[0]!r}, found "
            f"{start[:40]!r}. Is B3_QUOTES_URL right?"
        )
    found = f"a page: {describe_page(start)}" if start else "an empty body"
    message = f"{name} {found}. {explain_absence(period, now)}"
    raise RetryableError(message) if is_due(period, now) else SourceHasNoDataError(message)
