"""From B3's portfolio of the day to raw, session by session of an index."""

import datetime as dt

from prefect import get_run_logger

from flows.settings import Settings
from tasks.catalog import register_partitions
from tasks.core.errors import UnreadableRawError
from tasks.core.portfolio.model import Portfolio, from_raw_rows, to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.download import download_portfolio
from tasks.reading import read_portfolio
from tasks.store import read_raw, write_raw


def fetch_session(settings: Settings, index_code: str, trading_date: dt.date | None) -> Portfolio:
    """Fetch the session that B3 shows, bring it to landing and raw, and return it.

    Raises:
        SourceHasNoDataError: B3 has no such index, or shows another session than the one wanted.
        RetryableError: B3 did not answer as it should.
        BadDataError: The answer is bad; landing keeps it, and nothing of it reached raw.
    """
    bucket = settings.lake_bucket
    download = download_portfolio(settings.index_url, index_code, bucket)
    portfolio = read_portfolio(index_code, download.pages, download.day_in_sao_paulo, trading_date)
    if load_session(bucket, index_code, portfolio.trading_date) != portfolio:
        store_session(bucket, portfolio, download.received_at)
    return portfolio


def read_session(bucket: str, index_code: str, trading_date: dt.date) -> Portfolio | None:
    """Return a session as raw holds it; None where it does not.

    Raises:
        UnreadableRawError: The raw object is there and cannot be read.
    """
    rows = read_raw(bucket, RAW_PORTFOLIO, str(trading_date), index_code)
    if not rows:
        return None
    portfolio = from_raw_rows(trading_date, rows).portfolio
    if portfolio.index_code != index_code:
        key = RAW_PORTFOLIO.object_key(str(trading_date), index_code)
        raise UnreadableRawError(bucket, key, f"rows of {portfolio.index_code}")
    return portfolio


def load_session(bucket: str, index_code: str, trading_date: dt.date) -> Portfolio | None:
    """Return a session as raw holds it; None where it does not, or cannot be read."""
    try:
        return read_session(bucket, index_code, trading_date)
    except UnreadableRawError as error:
        get_run_logger().warning("%s It counts as not held.", error)
        return None


def store_session(bucket: str, portfolio: Portfolio, extracted_at: dt.datetime) -> None:
    """Write a session to raw."""
    rows = to_raw_rows(portfolio, extracted_at)
    write_raw(bucket, RAW_PORTFOLIO, str(portfolio.trading_date), portfolio.index_code, rows)


def register_sessions(settings: Settings, trading_dates: set[dt.date]) -> None:
    """Let readers see the sessions in raw, whichever run wrote them."""
    values = sorted(map(str, trading_dates))
    register_partitions(settings.database, RAW_PORTFOLIO, settings.lake_bucket, values)
