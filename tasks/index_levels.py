"""The levels of an index, from B3's answer to the lake: landing, and one raw object a year."""

import datetime as dt
import gzip
from collections.abc import Sequence

import boto3
from prefect import get_run_logger, task
from prefect.assets import add_asset_metadata, materialize

from tasks.assets import asset_of
from tasks.core.checks import require
from tasks.core.layout import landing_levels_key, raw_levels_key
from tasks.core.levels.answer import IndexLevel, check_levels, parse_levels, read_answer
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.objects import read_rows
from tasks.retries import OVER_AWS


@task(
    name="land-levels",
    **OVER_AWS,
)
def land_levels(bucket: str, index_code: str, year: int, body: bytes) -> str:
    """Keep B3's answer byte for byte, compressed, and return its key.

    Safe to repeat: the same bytes give the same key and the same object.
    """
    key = landing_levels_key(index_code, year, body)
    boto3.client("s3").put_object(
        Bucket=bucket,
        Key=key,
        Body=gzip.compress(body, mtime=0),
        ContentType="application/json",
        ContentEncoding="gzip",
    )
    get_run_logger().info("Landed s3://%s/%s", bucket, key)
    return key


@task(
    name="read-stored-levels",
    **OVER_AWS,
)
def read_stored_levels(bucket: str, index_code: str, year: int) -> tuple[IndexLevel, ...]:
    """Return the levels that raw holds of a year, in order; none where it holds none."""
    rows = read_rows(bucket, [raw_levels_key(index_code, year)])
    return tuple(sorted(IndexLevel(row["trading_date"], row["level"]) for row in rows))


@task(name="read-levels")
def read_levels(
    index_code: str, year: int, body: bytes, stored: Sequence[IndexLevel], today: dt.date
) -> tuple[IndexLevel, ...]:
    """Turn B3's answer into levels and check them. Safe to repeat: it changes nothing.

    Args:
        index_code: What was asked for.
        year: What was asked for.
        body: The answer, byte for byte.
        stored: What raw holds of the year.
        today: The day in São Paulo on which B3 answered.

    Raises:
        SourceHasNoDataError: There is no level in the whole year.
        BadDataError: A value cannot be read, or a check failed; the message lists each.
    """
    levels = parse_levels(read_answer(body, index_code), index_code, year)
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


@materialize(
    asset_of(INDEX_LEVELS),
    name="write-levels",
    **OVER_AWS,
)
def write_levels(
    bucket: str,
    index_code: str,
    year: int,
    levels: Sequence[IndexLevel],
    extracted_at: dt.datetime,
) -> None:
    """Write the levels of one year to raw.

    Safe to repeat: one PUT of one object, which replaces the one before it.
    """
    # awswrangler and pandas take a second to import, which only the steps that use them pay.
    import awswrangler as wr
    import pandas as pd

    path = f"s3://{bucket}/{raw_levels_key(index_code, year)}"
    rows = [(each.trading_date, each.level, extracted_at) for each in levels]
    types = INDEX_LEVELS.types()
    wr.s3.to_parquet(pd.DataFrame(rows, columns=list(types)), path=path, index=False, dtype=types)
    subject = f"{index_code} {year}"
    add_asset_metadata(
        asset_of(INDEX_LEVELS), {"year": subject, "row_count": len(levels), "path": path}
    )
    get_run_logger().info("Wrote %s: %d rows", path, len(levels))
