"""From what was landed to checked values."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prefect import get_run_logger, runtime, task

from tasks.core.answers import BYTES_KEPT, bytes_kept
from tasks.core.checks import require
from tasks.core.download import Download
from tasks.core.errors import B3PipelineError, BadDataError, NotPublishedError
from tasks.core.levels.answer import Answer, IndexLevel, parse_levels, read_answer
from tasks.core.levels.checks import check_levels
from tasks.core.outcome import name_indices
from tasks.core.portfolio.landed import Landed, find_latest
from tasks.core.portfolio.model import Portfolio, RawSession
from tasks.core.portfolio.pages import Page, read_page, read_shown
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.wording import count
from tasks.objects import list_at, read_landed
from tasks.retries import OVER_AWS, tried_again

if TYPE_CHECKING:
    from tasks.core.quotes.convert import QuotesFile

_NEAR = dt.timedelta(days=31)  # of a session, B3 shows it then


def _name_check() -> str:
    return f"check {name_indices(sorted(runtime.task_run.parameters['downloads']))}"


def _name_check_of_levels() -> str:
    return f"{_name_check()} levels {runtime.task_run.parameters['year']}"


@task(name="read-portfolios", task_run_name=_name_check)
def read_portfolios(
    downloads: Mapping[str, Download[Page]], trading_date: dt.date | None
) -> dict[str, Portfolio | B3PipelineError]:
    """Turn B3's answers into typed rows and check them. Safe to repeat: it changes nothing.

    Args:
        downloads: B3's answer of each index.
        trading_date: The session that is wanted; None for whatever B3 shows.

    Returns:
        Of each index its portfolio, or why it is refused: another session than the one wanted
        (`SourceHasNoDataError`), a value that cannot be read or a check that failed
        (`BadDataError`).
    """
    found: dict[str, Portfolio | B3PipelineError] = {}
    for code, download in downloads.items():
        try:
            found[code] = portfolio = read_shown(code, download, trading_date)
            count = len(portfolio.constituents)
            get_run_logger().info("%s: %d constituents, sound", portfolio, count)
        except B3PipelineError as error:
            found[code] = error
    return found


@task(
    name="read-levels",
    task_run_name=_name_check_of_levels,
)
def read_levels(
    downloads: Mapping[str, Download[Answer]],
    year: int,
    stored: Mapping[str, Sequence[IndexLevel]],
) -> dict[str, tuple[IndexLevel, ...] | B3PipelineError]:
    """Turn B3's answers into levels and check them. Safe to repeat: it changes nothing.

    Args:
        downloads: B3's answer of each index.
        year: What was asked for.
        stored: What raw holds of the year, of each index.

    Returns:
        Of each index its levels, or why they are refused: there is none in the whole year
        (`NotPublishedError`), a value that cannot be read, or a check that failed
        (`BadDataError`).
    """
    found: dict[str, tuple[IndexLevel, ...] | B3PipelineError] = {}
    for code, download in downloads.items():
        try:
            (answer,) = download.pages
            with bytes_kept():
                found[code] = levels = parse_levels(answer, code, year)
            checks = check_levels(levels, stored.get(code, ()), download.day)
            require(checks, f"B3's levels of {code} in {year}", BYTES_KEPT)
            for check in checks:
                if check.remark:
                    said = f"{code} {year}: expected {check.expected}; {check.remark}"
                    get_run_logger().warning(said)
            get_run_logger().info("%s %d: %d levels, sound", code, year, len(levels))
        except B3PipelineError as error:
            found[code] = error
    return found


@task(
    name="read-landed-portfolios",
    task_run_name="look in landing for {trading_date}",
    **OVER_AWS,
)
def read_landed_portfolios(
    bucket: str,
    index_codes: Collection[str],
    trading_date: dt.date,
    before: Mapping[str, Portfolio],
) -> dict[str, RawSession]:
    """Return a session of indices as landing has it, from what was received last.

    Safe to repeat: it only reads. Answers from about the session are read first, because B3 shows
    it then; all others only where those do not hold it.

    Args:
        bucket: The lake's bucket.
        index_codes: The indices.
        trading_date: The session.
        before: What is known of the session before.

    Returns:
        The sessions; without those that landing holds no complete set of.
    """
    prefix = RAW_PORTFOLIO.landing_prefix
    form = re.compile(rf"{prefix}received=(\d{{4}}-\d\d-\d\d)/(\w+)/\w+\.(json|csv)\.gz")
    near: dict[str, list[tuple[str, dt.datetime]]] = defaultdict(list)
    far: dict[str, list[tuple[str, dt.datetime]]] = defaultdict(list)
    for each in list_at(bucket, prefix)[0]:
        if (match := form.fullmatch(each.key)) and match[2] in index_codes:
            is_near = abs(dt.date.fromisoformat(match[1]) - trading_date) <= _NEAR
            part = near if is_near or match[3] == "csv" else far
            part[match[2]].append((each.key, each.modified_at))
    found = {}
    for code in index_codes:
        landed: list[Landed] = []
        for part in (near, far):
            bodies = ((key, read_landed(bucket, key), at) for key, at in part[code])
            landed += [Landed(key, body, at) for key, body, at in bodies if body is not None]
            if session := find_latest(landed, code, trading_date, before.get(code)):
                found[code] = session
                break
    return found


@tried_again
def read_absences(bucket: str, keys: Mapping[str, str], year: int | None = None) -> set[str]:
    """Return the indices of which B3 has said that it publishes nothing.

    Safe to repeat: it only reads.

    Args:
        bucket: The lake's bucket.
        keys: Of each index where landing keeps what B3 said last.
        year: Of which levels are asked for; None for portfolios.
    """
    absent = set()
    for code, key in keys.items():
        body = read_landed(bucket, key) or b""
        try:
            if year:
                parse_levels(read_answer(body, code), code, year)
            else:
                read_page(body, code)
        except NotPublishedError:
            absent.add(code)
        except B3PipelineError:
            continue  # whatever else it said, it did not say that
    return absent


@task(name="convert-quotes", task_run_name="read {period.file_name}")
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
        "%s: %s, %s",
        period.file_name,
        count(len(file.sessions), "session"),
        count(file.record_count, "record"),
    )
    return file
