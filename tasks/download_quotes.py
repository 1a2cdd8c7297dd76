"""Fetch B3's files of daily quotes."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import requests
from prefect import get_run_logger, task

from tasks import USER_AGENT
from tasks.core.answers import describe_page, looks_like_html
from tasks.core.errors import BadDataError, RetryableError, SourceHasNoDataError
from tasks.core.quotes.files import QuotesPeriod, explain_absence, is_due
from tasks.http import LARGEST_PAGE_BYTES, fetch_file, waiting_as_asked
from tasks.http_errors import error_of, host_of
from tasks.retries import OVER_HTTP
from tasks.turns import Budget

FILE_BUDGET_SECONDS = 1800.0
# B3's largest files have 1 MB (a day), 15 MB (a month) and 90 MB (a year).
LARGEST_ZIP_BYTES = {"D": 50_000_000, "M": 200_000_000, "A": 1_000_000_000}

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


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


@task(name="download-quotes", task_run_name="download {period.file_name}", **OVER_HTTP)
def download_quotes(
    quotes_url: str,
    period: QuotesPeriod,
    folder: Path,
    known_etag: str,
    now: dt.datetime,
    user_agent: str = USER_AGENT,
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
        user_agent: Who asks.

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
        path = folder / period.file_name
        download = _fetch_file(url, period, path, known_etag, now, user_agent)
    if download is None:
        get_run_logger().info("%s: as it was when it was loaded", period.file_name)
    return download


def _fetch_file(
    url: str,
    period: QuotesPeriod,
    path: Path,
    known_etag: str,
    now: dt.datetime,
    user_agent: str,
) -> QuotesDownload | None:
    budget, most_bytes = Budget.of(FILE_BUDGET_SECONDS), LARGEST_ZIP_BYTES[period.kind]
    response, sha256 = fetch_file(url, path, known_etag, budget, most_bytes, user_agent)
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
