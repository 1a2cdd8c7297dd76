"""Ask B3: for the day's portfolio, for the levels of an index, for files of daily quotes.

What B3 answers in JSON is landed, byte for byte, before anything is read of it.

Retries live in the tasks alone, so that the dashboard shows each and they do not multiply: only
what may pass (no connection, timeouts, 429, challenge pages, 5xx) raises `RetryableError`.
"""

import datetime as dt
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import requests
from prefect import get_run_logger, task

from tasks.core.answers import bytes_kept, describe_page, looks_like_html
from tasks.core.dataset import Table
from tasks.core.errors import BadDataError, RetryableError, SourceHasNoDataError
from tasks.core.exchange import SAO_PAULO
from tasks.core.levels.answer import Answer, read_answer
from tasks.core.levels.answer import request_path as levels_path
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio.pages import Page, check_same_portfolio, read_page, request_path
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes.files import QuotesPeriod, explain_absence, is_due
from tasks.http import (
    LARGEST_PAGE_BYTES,
    Budget,
    error_of,
    fetch_body,
    fetch_file,
    host_of,
    waiting_as_asked,
)
from tasks.objects import land_bytes
from tasks.retries import OVER_HTTP

Form = TypeVar("Form")

TOTAL_BUDGET_SECONDS = 120.0  # for all pages of one attempt
PAUSE_SECONDS = 0.5  # between pages: B3 publishes no limit, and challenges bursts
MOST_PAGES = 50

FILE_BUDGET_SECONDS = 1800.0
# B3's largest files have 1 MB (a day), 15 MB (a month) and 90 MB (a year).
LARGEST_ZIP_BYTES = {"D": 50_000_000, "M": 200_000_000, "A": 1_000_000_000}

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Download(Generic[Form]):
    """What B3 answered, read; landing keeps the bytes.

    Attributes:
        pages: Its answers, in order.
        received_at: When the last of them had come (UTC, whole seconds).
    """

    pages: tuple[Form, ...]
    received_at: dt.datetime

    @property
    def day_in_sao_paulo(self) -> dt.date:
        """The day it was where the exchange is."""
        return _day_of(self.received_at)


@task(name="download-portfolio", **OVER_HTTP)
def download_portfolio(index_url: str, index_code: str, bucket: str) -> Download[Page]:
    """Fetch all pages of the portfolio that B3 shows now; each is landed before it is read.

    Safe to repeat: the same bytes of one day give the same object. Retried: whatever may pass by
    itself, all pages again.

    Args:
        index_url: B3's site, without a path.
        index_code: E.g. `IBOV`.
        bucket: The lake's bucket.

    Raises:
        RetryableError: It failed in a way that may pass.
        SourceHasNoDataError: B3 publishes no portfolio for the index.
        BadDataError: B3's answer cannot be right, or is no answer to such a request.
    """
    budget = Budget.of(TOTAL_BUDGET_SECONDS)
    pages: list[Page] = []
    with requests.Session() as session, waiting_as_asked():
        while not pages or len(pages) < min(pages[0].page.totalPages, MOST_PAGES):
            if pages:
                time.sleep(PAUSE_SECONDS)
            number = len(pages) + 1
            path = request_path(index_code, number)
            body = fetch_body(session, index_url.rstrip("/") + path, budget)
            said = {"request": path, "page": str(number), "order": str(number)}
            received_at = _land(bucket, RAW_PORTFOLIO, index_code, body, said)
            with bytes_kept():
                pages.append(read_page(body, index_code))
    check_same_portfolio(pages)
    get_run_logger().info("B3 answered for %s: %d page(s)", index_code, len(pages))
    return Download(tuple(pages), received_at)


@task(name="download-index-levels", **OVER_HTTP)
def download_index_levels(
    index_url: str, index_code: str, year: int, bucket: str
) -> Download[Answer]:
    """Fetch B3's answer about the levels of an index in one year; it is landed before it is read.

    Safe to repeat: the same bytes of one day give the same object. Retried: whatever may pass by
    itself.

    Args:
        index_url: B3's site, without a path.
        index_code: E.g. `IBOV`.
        year: The year.
        bucket: The lake's bucket.

    Raises:
        RetryableError: It failed in a way that may pass.
        SourceHasNoDataError: B3 publishes no levels for the index.
        BadDataError: B3's answer is no answer to such a request.
    """
    budget = Budget.of(TOTAL_BUDGET_SECONDS)
    path = levels_path(index_code, year)
    with requests.Session() as session, waiting_as_asked():
        body = fetch_body(session, index_url.rstrip("/") + path, budget)
    said = {"request": path, "page": "1", "order": "1"}
    received_at = _land(bucket, INDEX_LEVELS, f"{index_code}-{year:04}", body, said)
    with bytes_kept():
        answer = read_answer(body, index_code)
    get_run_logger().info("B3 answered for %s levels %d", index_code, year)
    return Download((answer,), received_at)


def _land(bucket: str, table: Table, name: str, body: bytes, said: dict[str, str]) -> dt.datetime:
    """Keep an answer by the day it is in São Paulo, unless it is blank; return the time."""
    received_at = _now()
    if body.strip():
        folder = table.landing_folder(_day_of(received_at), name)
        key = land_bytes(bucket, folder, body, "json", said)
        get_run_logger().info("Landed s3://%s/%s", bucket, key)
    return received_at


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _day_of(at: dt.datetime) -> dt.date:
    return at.astimezone(SAO_PAULO).date()


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
    budget, most_bytes = Budget.of(FILE_BUDGET_SECONDS), LARGEST_ZIP_BYTES[period.kind]
    response, sha256 = fetch_file(url, path, known_etag, budget, most_bytes)
    if known_etag and response.status_code == requests.codes.not_modified:
        return None
    with path.open("rb") as file:
        start = file.read(LARGEST_PAGE_BYTES)
    if response.status_code != requests.codes.ok:
        raise error_of(response, start, explain_absence(period, now))
    _check_start(url, start, period, now)
    etag, size_bytes = response.headers.get("ETag", ""), path.stat().st_size
    return QuotesDownload(path, etag, sha256, size_bytes)


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
