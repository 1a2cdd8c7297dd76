"""What the lake's bucket keeps: landing, raw, and what runs have refined.

Every write is one PUT of one object, so that a reader sees the old one or the new one.
"""

import datetime as dt
import gzip
from collections.abc import Sequence
from typing import Any, Literal

import boto3
from prefect import get_run_logger, task
from prefect.assets import add_asset_metadata, materialize

from tasks.assets import asset_of
from tasks.core.layout import (
    landing_portfolio_key,
    raw_portfolio_key,
    raw_portfolio_month_prefix,
    trading_date_of_raw_key,
)
from tasks.core.portfolio.model import Portfolio, RawSession, from_raw_rows, to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.objects import list_etags as list_etags
from tasks.objects import list_parquet
from tasks.objects import read_rows as read_rows
from tasks.retries import OVER_AWS

Rows = list[dict[str, Any]]
_CONTENT_TYPES = {"json": "application/json", "csv": "text/csv; charset=iso-8859-1"}


@task(
    name="land-answers",
    **OVER_AWS,
)
def land_answers(
    bucket: str,
    index_code: str,
    trading_date: dt.date | None,
    bodies: Sequence[bytes],
    suffix: Literal["json", "csv"] = "json",
) -> list[str]:
    """Keep B3's answers or files byte for byte, compressed, under the session that they name.

    Safe to repeat: the same bytes give the same key and the same object.

    Returns:
        The keys.
    """
    client = boto3.client("s3")
    keys = []
    for body in bodies:
        key = landing_portfolio_key(index_code, trading_date, body, suffix)
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=gzip.compress(body, mtime=0),
            ContentType=_CONTENT_TYPES[suffix],
            ContentEncoding="gzip",
        )
        keys.append(key)
    folder = keys[0].rpartition("/")[0]
    get_run_logger().info("Landed %d answer(s) in s3://%s/%s/", len(keys), bucket, folder)
    return keys


@task(
    name="read-raw",
    **OVER_AWS,
)
def read_raw_portfolio(bucket: str, index_code: str, trading_date: dt.date) -> RawSession | None:
    """Return one session of raw; None where raw does not hold it."""
    rows = read_rows(bucket, [raw_portfolio_key(index_code, trading_date)])
    if not rows:
        return None
    return RawSession(from_raw_rows(index_code, trading_date, rows), rows[0]["extracted_at"])


@materialize(
    asset_of(RAW_PORTFOLIO),
    name="write-raw",
    **OVER_AWS,
)
def write_raw_portfolio(bucket: str, portfolio: Portfolio, extracted_at: dt.datetime) -> None:
    """Write one session to raw.

    Safe to repeat: one PUT of one object, which replaces the one before it.
    """
    # awswrangler and pandas take a second to import, which only the steps that use them pay.
    import awswrangler as wr
    import pandas as pd

    path = f"s3://{bucket}/{raw_portfolio_key(portfolio.index_code, portfolio.trading_date)}"
    frame = pd.DataFrame(to_raw_rows(portfolio, extracted_at))
    wr.s3.to_parquet(frame, path=path, index=False, dtype=RAW_PORTFOLIO.types())
    row_count = len(portfolio.constituents)
    add_asset_metadata(
        asset_of(RAW_PORTFOLIO), {"session": str(portfolio), "row_count": row_count, "path": path}
    )
    get_run_logger().info("Wrote %s: %d rows", path, row_count)


@task(
    name="list-raw-month",
    **OVER_AWS,
)
def list_raw_month(bucket: str, index_code: str, month: str) -> dict[str, str]:
    """Return `{key: ETag}` of the raw objects of one month.

    Costs one listing, however long the history is.
    """
    return list_etags(bucket, raw_portfolio_month_prefix(index_code, month))


@task(
    name="read-raw-month",
    **OVER_AWS,
)
def read_raw_month(bucket: str, index_code: str, keys: Sequence[str]) -> list[RawSession]:
    """Read the raw sessions that lie at `keys`."""
    sessions = []
    for key in keys:
        rows = read_rows(bucket, [key])
        portfolio = from_raw_rows(index_code, trading_date_of_raw_key(key), rows)
        sessions.append(RawSession(portfolio, rows[0]["extracted_at"]))
    return sessions


@task(
    name="read-refined",
    **OVER_AWS,
)
def read_refined(bucket: str, prefix: str) -> Rows:
    """Read all rows of the Parquet objects under a prefix; none where nothing is there."""
    return read_rows(bucket, list_parquet(bucket, prefix))


@task(
    name="has-objects",
    **OVER_AWS,
)
def has_objects(bucket: str, prefixes: Sequence[str]) -> bool:
    """Return whether something lies under each of the prefixes."""
    client = boto3.client("s3")
    return all(
        client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"]
        for prefix in prefixes
    )
