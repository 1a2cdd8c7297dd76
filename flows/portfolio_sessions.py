"""Sessions of indices in raw: of the day's portfolios, of the period's, and of previews."""

import datetime as dt
from collections.abc import Collection

from prefect import get_run_logger

from flows.settings import Settings
from tasks.catalog import register_partitions
from tasks.core.dataset import Table
from tasks.core.errors import UnreadableRawError
from tasks.core.exchange import month_of
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import Portfolio, RawSession, from_raw_rows, to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.store import list_raw, read_raw, write_raw


def read_sessions(
    bucket: str,
    trading_date: dt.date,
    index_codes: Collection[str],
    table: Table = RAW_PORTFOLIO,
) -> dict[str, Portfolio | UnreadableRawError]:
    """Return those indices of a session that raw holds, each as it is or why it cannot be read."""
    sessions: dict[str, Portfolio | UnreadableRawError] = {}
    found = read_raw(bucket, table, str(trading_date), index_codes)
    for code, rows in found.items():
        if isinstance(rows, UnreadableRawError):
            sessions[code] = rows
            continue
        portfolio = from_raw_rows(trading_date, rows).portfolio
        key = table.object_key(str(trading_date), code)
        sessions[code] = (
            portfolio
            if portfolio.index_code == code
            else UnreadableRawError(bucket, key, f"rows of {portfolio.index_code}")
        )
    return sessions


def load_sessions(
    bucket: str,
    trading_date: dt.date,
    index_codes: Collection[str],
    table: Table = RAW_PORTFOLIO,
) -> dict[str, Portfolio]:
    """Return a session of indices as raw holds it; what cannot be read counts as not held."""
    sessions = {}
    for code, found in read_sessions(bucket, trading_date, index_codes, table).items():
        if isinstance(found, UnreadableRawError):
            get_run_logger().warning("%s It counts as not held.", found)
        else:
            sessions[code] = found
    return sessions


def store_sessions(
    bucket: str, sessions: Collection[RawSession], table: Table = RAW_PORTFOLIO
) -> None:
    """Write sessions to raw, one object an index and session."""
    objects = {
        (str(each.portfolio.trading_date), each.portfolio.index_code): to_raw_rows(
            each.portfolio, each.extracted_at
        )
        for each in sessions
    }
    if objects:
        write_raw(bucket, table, objects)


def register_sessions(
    settings: Settings,
    trading_dates: Collection[dt.date],
    tables: Collection[Table] = PORTFOLIO.raw_tables,
) -> None:
    """Let readers see what raw holds of sessions, whichever run wrote it."""
    bucket, values = settings.lake_bucket, set(map(str, trading_dates))
    for table in tables:
        keys = [
            key
            for month in sorted(set(map(month_of, trading_dates)))
            for key in list_raw(bucket, table, month)
        ]
        if held := values & set(map(table.value_of, keys)):
            register_partitions(settings.database, table, bucket, sorted(held))
