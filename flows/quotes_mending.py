"""Raw objects of the quotes that are gone or cannot be read, made again."""

import datetime as dt
import tempfile
from pathlib import Path

from prefect import get_run_logger

from flows.quotes_loading import files_with, landing_folder, load_session
from flows.settings import Settings, lost
from tasks.catalog import register_partitions
from tasks.core.errors import B3PipelineError, BadDataError
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES
from tasks.reading import convert_quotes_file
from tasks.store import fetch_zip, list_zips, write_raw_files


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
        raise lost(settings, key, f"it is no session: {error}") from error
    if RAW_QUOTES.name_of(key) != QUOTES_OBJECT:
        raise lost(settings, key, f"the quotes of a session are {QUOTES_OBJECT}.parquet")
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
        raise lost(settings, key, f"landing holds no file of it; {error}") from error
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
