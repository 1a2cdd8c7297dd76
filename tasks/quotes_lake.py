"""What the lake's bucket keeps of the quotes: B3's files as they came, and raw by session."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from prefect import get_run_logger, task
from prefect.assets import add_asset_metadata, materialize

from tasks.assets import asset_of
from tasks.core.layout import (
    landing_quotes_key,
    loaded_quotes_key,
    raw_quotes_key,
    raw_quotes_month_prefix,
)
from tasks.core.quotes.files import LoadedQuotes, QuotesPeriod
from tasks.core.quotes.tables import RAW_QUOTES
from tasks.objects import list_etags, read_object, read_table
from tasks.retries import OVER_AWS

if TYPE_CHECKING:
    from tasks.core.quotes.convert import SessionQuotes


@task(
    name="land-quotes",
    **OVER_AWS,
)
def land_quotes(bucket: str, period: QuotesPeriod, path: Path, sha256: str) -> str:
    """Keep a quotes file byte for byte, and return its key.

    Safe to repeat: the same bytes give the same key and the same object.
    """
    key = landing_quotes_key(period, sha256)
    with path.open("rb") as file:
        boto3.client("s3").put_object(
            Bucket=bucket, Key=key, Body=file, ContentType="application/zip"
        )
    get_run_logger().info("Landed s3://%s/%s", bucket, key)
    return key


@materialize(
    asset_of(RAW_QUOTES),
    name="write-raw-quotes",
    **OVER_AWS,
)
def write_raw_quotes(bucket: str, sessions: Sequence["SessionQuotes"]) -> int:
    """Write sessions to raw, and return how many differed from what was there.

    Safe to repeat: one PUT of one object a session, and none where raw holds the same rows.
    """
    client = boto3.client("s3")
    written = 0
    for session in sessions:
        key = raw_quotes_key(session.trading_date)
        if not _holds_the_rows(bucket, key, session.path):
            client.put_object(Bucket=bucket, Key=key, Body=session.path.read_bytes())
            written += 1
    row_count = sum(session.record_count for session in sessions)
    first, last = sessions[0].trading_date, sessions[-1].trading_date
    add_asset_metadata(
        asset_of(RAW_QUOTES), {"sessions": f"{first} to {last}", "row_count": row_count}
    )
    get_run_logger().info(
        "Raw quotes %s to %s: %d of %d sessions written, %d records in all",
        first,
        last,
        written,
        len(sessions),
        row_count,
    )
    return written


def _holds_the_rows(bucket: str, key: str, path: Path) -> bool:
    """Return whether an object holds the rows of a file, in whatever order."""
    stored = read_table(bucket, key)
    if stored is None:
        return False
    import pyarrow.parquet as pq

    new = pq.read_table(path)
    if stored.schema != new.schema or len(stored) != len(new):
        return False
    order = [(name, "ascending") for name in ("codneg", "tpmerc", "prazot")]
    return bool(stored.sort_by(order).equals(new.sort_by(order)))


@task(
    name="read-loaded-quotes",
    **OVER_AWS,
)
def read_loaded_quotes(bucket: str, period: QuotesPeriod) -> LoadedQuotes | None:
    """Return which file of a period raw was loaded from; None where it was loaded from none."""
    body = read_object(bucket, loaded_quotes_key(period))
    return LoadedQuotes.from_json(body) if body else None


@task(
    name="note-loaded-quotes",
    **OVER_AWS,
)
def note_loaded_quotes(bucket: str, period: QuotesPeriod, loaded: LoadedQuotes) -> None:
    """Note which file of a period raw was loaded from, once all of its sessions are there.

    Safe to repeat: one PUT of one object, which replaces the one before it.
    """
    boto3.client("s3").put_object(
        Bucket=bucket,
        Key=loaded_quotes_key(period),
        Body=json.dumps(loaded.to_dict(), indent=1).encode(),
        ContentType="application/json",
    )


@task(
    name="list-raw-quotes",
    **OVER_AWS,
)
def list_raw_quotes(bucket: str, month: str) -> dict[str, str]:
    """Return `{key: ETag}` of the raw quotes of one month: one listing."""
    return list_etags(bucket, raw_quotes_month_prefix(month))
