"""Raw objects that are gone or cannot be read, made again, where refining meets one."""

import datetime as dt
import tempfile
from pathlib import Path

from prefect import get_run_logger

from flows.command import today_in_sao_paulo
from flows.portfolio_loading import fetch_session, register_sessions, store_session
from flows.quotes_loading import files_with, landing_folder, load_session
from flows.settings import Settings
from tasks.catalog import register_partitions
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    InvalidInputError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.exchange import check_index_code, next_session, previous_session
from tasks.core.portfolio.model import Portfolio, RawSession
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES
from tasks.reading import convert_quotes_file, read_landed_portfolio
from tasks.store import fetch_zip, list_zips, write_raw_files


def mend_session(settings: Settings, key: str) -> str:
    """Make a raw object of the portfolio again; return in a few words how.

    B3 is asked where it may show the session still; else, or where it does not, landing is read.

    Args:
        settings: The settings.
        key: The raw object.

    Raises:
        SourceHasNoDataError: Neither has the session; the message names the object.
    """
    try:
        trading_date = RAW_PORTFOLIO.session_of(key)
        index_code = check_index_code(RAW_PORTFOLIO.name_of(key))
    except (ValueError, InvalidInputError) as error:
        raise _lost(settings, key, f"it is no session of an index: {error}") from error
    today = today_in_sao_paulo()
    said = "B3 shows it no more"
    if trading_date in {previous_session(today), today, next_session(today)}:
        try:
            fetch_session(settings, index_code, trading_date)
        except (SourceHasNoDataError, RetryableError, BadDataError) as error:
            get_run_logger().warning("%s is looked for in landing: %s", key, error)
            said = str(error)
        else:
            register_sessions(settings, {trading_date})
            return "fetched again from B3"
    landed = restore_session(settings, index_code, trading_date)
    if landed is None:
        raise _lost(
            settings, key, f"landing holds no complete set of its pages and no file; {said}"
        )
    return f"made again from what landing received at {landed.extracted_at} UTC"


def restore_session(
    settings: Settings, index_code: str, trading_date: dt.date
) -> RawSession | None:
    """Bring a session from landing to raw; None where landing does not hold all of it."""
    landed = read_landed_portfolio(settings.lake_bucket, index_code, trading_date)
    if landed:
        store_session(settings.lake_bucket, landed.portfolio, landed.extracted_at)
        register_sessions(settings, {trading_date})
    return landed


def fetch_or_restore_session(
    settings: Settings, index_code: str, trading_date: dt.date | None
) -> Portfolio:
    """Bring a session to raw: as B3 shows it, else from what landing holds of it.

    Args:
        settings: The settings.
        index_code: E.g. `IBOV`.
        trading_date: The session; None for the one that B3 shows.

    Raises:
        SourceHasNoDataError: Neither has it; the message says which session B3 shows.
        RetryableError: B3 did not answer as it should.
        BadDataError: The answer is bad; landing keeps it, and nothing of it reached raw.
    """
    try:
        return fetch_session(settings, index_code, trading_date)
    except SourceHasNoDataError:
        landed = restore_session(settings, index_code, trading_date) if trading_date else None
        if landed is None:
            raise
        get_run_logger().warning("%s is taken from landing: B3 shows it no more", landed.portfolio)
        return landed.portfolio


def mend_quotes_session(settings: Settings, now: dt.datetime, key: str) -> str:
    """Make a raw object of the quotes again; return in a few words how.

    From the latest file in landing that holds the session, else from B3. Only that session is
    written.

    Args:
        settings: The settings.
        now: The date and time in São Paulo.
        key: The raw object.

    Raises:
        SourceHasNoDataError: Neither has the session; the message names the object.
    """
    try:
        trading_date = RAW_QUOTES.session_of(key)
    except ValueError as error:
        raise _lost(settings, key, f"it is no session: {error}") from error
    if RAW_QUOTES.name_of(key) != QUOTES_OBJECT:
        raise _lost(settings, key, f"the quotes of a session are {QUOTES_OBJECT}.parquet")
    bucket = settings.lake_bucket
    zips = {
        zip_key: (at, period)
        for period in files_with(trading_date)
        for zip_key, at in list_zips(bucket, landing_folder(period)).items()
    }
    for zip_key, (_, period) in sorted(zips.items(), key=lambda one: one[1], reverse=True):
        if _write_session(bucket, zip_key, period, trading_date):
            values = [str(trading_date)]
            register_partitions(settings.database, RAW_QUOTES, bucket, values)
            return f"made again from {zip_key}"
    try:
        load_session(settings, trading_date, now, anew=True)
    except B3PipelineError as error:
        raise _lost(settings, key, f"landing holds no file of it; {error}") from error
    return "fetched again from B3"


def _write_session(bucket: str, zip_key: str, period: QuotesPeriod, day: dt.date) -> bool:
    """Write one session of a landed file to raw; return whether the file holds it."""
    with tempfile.TemporaryDirectory(prefix="b3-quotes-") as name:
        here = Path(name)
        path = here / period.file_name
        fetch_zip(bucket, zip_key, path)
        try:
            file = convert_quotes_file(path, period, here / "sessions")
        except BadDataError as error:
            get_run_logger().warning("%s is passed over: %s", zip_key, error)
            return False
        files = {str(s.trading_date): s.path for s in file.sessions if s.trading_date == day}
        if files:
            write_raw_files(bucket, RAW_QUOTES, QUOTES_OBJECT, files)
    return bool(files)


def _lost(settings: Settings, key: str, why: str) -> SourceHasNoDataError:
    return SourceHasNoDataError(
        f"s3://{settings.lake_bucket}/{key} is gone or cannot be read, and is not made again: "
        f"{why}. Restore it from the bucket's versions."
    )
