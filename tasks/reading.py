"""From what was landed, or saved by people, to checked values."""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError
from prefect import get_run_logger, task

from tasks.core.answers import bytes_kept
from tasks.core.checks import require
from tasks.core.errors import BadDataError, InvalidInputError, SourceHasNoDataError
from tasks.core.levels.answer import Answer, IndexLevel, check_levels, parse_levels
from tasks.core.portfolio.landed import Landed, find_latest
from tasks.core.portfolio.model import Portfolio, RawSession, check_portfolio
from tasks.core.portfolio.pages import Page, parse_pages
from tasks.core.portfolio.reconcile import SavedFile
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes.files import QuotesPeriod
from tasks.objects import list_at, read_landed
from tasks.retries import OVER_AWS

if TYPE_CHECKING:
    from tasks.core.quotes.convert import QuotesFile

LARGEST_FILE_BYTES = 5_000_000  # the largest known file has 30 kB
_NEAR = dt.timedelta(days=31)  # of a session, B3 shows it then
_SUFFIX = ".csv"
_S3 = "s3://"


@task(name="read-portfolio")
def read_portfolio(
    index_code: str, pages: Sequence[Page], today: dt.date, trading_date: dt.date | None
) -> Portfolio:
    """Turn B3's answer into typed rows and check them. Safe to repeat: it changes nothing.

    Args:
        index_code: What was asked for.
        pages: The answer's pages.
        today: The day in São Paulo on which B3 answered.
        trading_date: The session that is wanted; None for whatever B3 shows.

    Raises:
        SourceHasNoDataError: B3 shows another session than the one wanted.
        BadDataError: A value cannot be read, or a check failed; the message lists each.
    """
    with bytes_kept():
        portfolio = parse_pages(pages, index_code)
    if trading_date and portfolio.trading_date != trading_date:
        raise SourceHasNoDataError(
            f"Expected B3 to show {index_code} of {trading_date}, found {portfolio.trading_date}: "
            f"B3 shows one session at a time, and raw does not hold this one. If somebody has "
            f"saved B3's file of that day, import it: python -m flows.import_portfolio FILE. "
            f"Landing keeps what B3 answered; nothing else was written."
        )
    checks = check_portfolio(portfolio, record_count=pages[0].page.totalRecords, today=today)
    require(
        checks,
        f"B3's portfolio {portfolio}",
        "Landing keeps the bytes; raw and refined are untouched. Look at it before running again.",
    )
    get_run_logger().info(
        "%s: %d constituents, %d checks passed", portfolio, len(portfolio.constituents), len(checks)
    )
    return portfolio


@task(name="read-levels")
def read_levels(
    index_code: str, year: int, answer: Answer, stored: Sequence[IndexLevel], today: dt.date
) -> tuple[IndexLevel, ...]:
    """Turn B3's answer into levels and check them. Safe to repeat: it changes nothing.

    Args:
        index_code: What was asked for.
        year: What was asked for.
        answer: The answer.
        stored: What raw holds of the year.
        today: The day in São Paulo on which B3 answered.

    Raises:
        SourceHasNoDataError: There is no level in the whole year.
        BadDataError: A value cannot be read, or a check failed; the message lists each.
    """
    with bytes_kept():
        levels = parse_levels(answer, index_code, year)
    checks = check_levels(levels, stored, today)
    require(
        checks,
        f"B3's levels of {index_code} in {year}",
        "Landing keeps the bytes; raw is untouched. Look at it before running again.",
    )
    get_run_logger().info(
        "%s %d: %d levels, %d checks passed", index_code, year, len(levels), len(checks)
    )
    return levels


@task(name="read-landed-portfolio", **OVER_AWS)
def read_landed_portfolio(bucket: str, index_code: str, trading_date: dt.date) -> RawSession | None:
    """Return a session as landing has it, from what was received last.

    Safe to repeat: it only reads. Answers from about the session are read first, because B3 shows
    it then; all others only where those do not hold it.

    Returns:
        The session; None where landing holds no complete set of it.
    """
    prefix = RAW_PORTFOLIO.landing_prefix
    form = re.compile(rf"{prefix}received=(\d{{4}}-\d\d-\d\d)/{index_code}/\w+\.(json|csv)\.gz")
    near: list[tuple[str, dt.datetime]] = []
    far: list[tuple[str, dt.datetime]] = []
    for each in list_at(bucket, prefix)[0]:
        if match := form.fullmatch(each.key):
            is_near = abs(dt.date.fromisoformat(match[1]) - trading_date) <= _NEAR
            (near if is_near or match[2] == "csv" else far).append((each.key, each.modified_at))
    landed: list[Landed] = []
    for part in (near, far):
        bodies = ((key, read_landed(bucket, key), at) for key, at in part)
        landed += [Landed(key, body, at) for key, body, at in bodies if body is not None]
        if found := find_latest(landed, index_code, trading_date):
            return found
    return None


@task(name="convert-quotes")
def convert_quotes_file(path: Path, period: QuotesPeriod, folder: Path) -> "QuotesFile":
    """Turn a quotes file into one Parquet file a session: all of them, or none.

    Safe to repeat with a new folder: it writes there alone. Not retried: a bad file stays bad.

    Args:
        path: The file.
        period: What it was asked for.
        folder: Where to put the sessions; it does not exist yet.

    Raises:
        BadDataError: The file is damaged or not what was asked for.
    """
    # Imported here: numpy and pyarrow take their time, which other runs need not wait.
    from tasks.core.quotes.convert import convert_quotes

    try:
        file = convert_quotes(path, folder, period)
    except BadDataError as error:
        raise BadDataError(
            f"{period.file_name}: {error} Landing keeps the file; raw and refined are untouched."
        ) from error
    get_run_logger().info(
        "%s: %d sessions, %d records", period.file_name, len(file.sessions), file.record_count
    )
    return file


@task(name="read-saved-files", **OVER_AWS)
def read_files(places: Sequence[str]) -> list[SavedFile]:
    """Read files, and of folders every CSV in them. Safe to repeat: it only reads.

    Args:
        places: Paths of files or folders, or `s3://bucket/key` and `s3://bucket/folder/`.

    Raises:
        InvalidInputError: Nothing is at one of the places, or a file is over the size limit.
    """
    files = [
        file
        for place in places
        for file in (_read_s3(place) if place.startswith(_S3) else _read_path(Path(place)))
    ]
    get_run_logger().info("Read %d file(s)", len(files))
    return files


def read_paths(places: Sequence[str]) -> list[SavedFile]:
    """Read the files that are on this machine, as `read_files`, and leave those in S3 out."""
    paths = [Path(place) for place in places if not place.startswith(_S3)]
    return [file for path in paths for file in _read_path(path)]


def _read_path(path: Path) -> list[SavedFile]:
    try:
        return [SavedFile(str(each), each.read_bytes()) for each in _find_files(path)]
    except OSError as error:
        raise InvalidInputError(f"Expected files that can be read in {path}: {error}") from error


def _find_files(path: Path) -> list[Path]:
    if path.is_dir():
        paths = sorted(each for each in path.iterdir() if each.suffix.lower() == _SUFFIX)
        if not paths:
            raise InvalidInputError(f"Expected {_SUFFIX} files in {path}, found none.")
    elif path.is_file():
        paths = [path]
    else:
        raise InvalidInputError(f"Expected a file or a folder at {path}, found neither.")
    for each in paths:
        _check_size(str(each), each.stat().st_size)
    return paths


def _read_s3(url: str) -> list[SavedFile]:
    bucket, _, key = url.removeprefix(_S3).partition("/")
    client = boto3.client("s3")
    try:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        found = {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}
    except (client.exceptions.NoSuchBucket, ClientError) as error:
        raise InvalidInputError(f"Cannot list {url}: {error}") from error
    is_folder = not key or key.endswith("/")
    keys = [k for k in found if k.lower().endswith(_SUFFIX)] if is_folder else [key]
    if not keys or not found.keys() >= set(keys):
        raise InvalidInputError(
            f"Expected an object, or a folder of {_SUFFIX} objects that ends in '/', at {url}; "
            f"found neither."
        )
    for each in keys:
        _check_size(f"s3://{bucket}/{each}", found[each])
    return [
        SavedFile(
            f"s3://{bucket}/{each}", client.get_object(Bucket=bucket, Key=each)["Body"].read()
        )
        for each in keys
    ]


def _check_size(name: str, size: int) -> None:
    if size > LARGEST_FILE_BYTES:
        raise InvalidInputError(
            f"Expected at most {LARGEST_FILE_BYTES} bytes in {name}, found {size}: "
            f"it is no file of the day's portfolio."
        )
