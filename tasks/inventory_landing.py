"""What landing keeps, and which raw objects it does not keep the source of. It only reads."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import boto3

from tasks.core.dataset import Table
from tasks.core.errors import UnreadableRawError
from tasks.core.exchange import day_in_sao_paulo
from tasks.core.findings import Finding
from tasks.core.inventory import Held
from tasks.core.landing import IsKept, gather
from tasks.core.vacuum import StoredObject
from tasks.core.verify_raw import Named, find_unkept, judge_landing, key_of
from tasks.objects import list_at, parse_table, read_object
from tasks.retries import tried_again
from tasks.side_by_side import READS_AT_ONCE, side_by_side

_CAME_AT = "extracted_at"  # of a raw row: when what it was read from came (UTC)


def list_objects(bucket: str, prefix: str) -> Iterator[StoredObject]:
    """Yield the objects under a prefix, in order, page by page."""
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield StoredObject(item["Key"], item["ETag"], item["Size"], item["LastModified"])


@tried_again
def list_whole(bucket: str, prefix: str) -> tuple[list[StoredObject], dt.datetime]:
    """Return the objects under a prefix, in order, and when that was by S3's clock."""
    return list_at(bucket, prefix)


@tried_again
def check_landing(
    bucket: str, dataset: str, table: Table, held: Held, is_kept: IsKept
) -> list[Finding]:
    """Find the raw objects of which landing does not keep what they were read from.

    That came on the day on which raw was written, or on another one that the rows name.

    Args:
        bucket: The lake's bucket.
        dataset: The dataset's name.
        table: The raw table.
        held: What raw holds of it.
        is_kept: How to tell by the keys and that day.
    """
    prefix = table.landing_prefix
    kept = gather(prefix, list_objects(bucket, prefix))
    unkept = find_unkept(held, kept, is_kept)
    if unkept and _CAME_AT in table.types():
        days = _read_days(bucket, table, unkept)
        unkept = [
            (session, name)
            for (session, name), day in zip(unkept, days, strict=True)
            if day is not None and not is_kept(kept, session, name, day)
        ]
    return judge_landing(dataset, table, unkept)


def _read_days(bucket: str, table: Table, sessions: Sequence[Named]) -> list[dt.date | None]:
    """Return on which day each came; None where the raw object is gone or cannot be read."""
    client: Any = boto3.client("s3")

    def read(key: str) -> dt.date | None:
        body = read_object(bucket, key, client)
        try:
            rows = parse_table(bucket, key, body or b"", [_CAME_AT])
        except UnreadableRawError:
            return None
        at = rows[_CAME_AT][0].as_py() if len(rows) else None
        if not isinstance(at, dt.datetime):  # none, or whatever a damaged object has there
            return None
        return day_in_sao_paulo(at.replace(tzinfo=dt.UTC))

    keys = [key_of(table, *named) for named in sessions]
    each_once = list(dict.fromkeys(keys))  # one of a year is that of all its sessions
    days = dict(zip(each_once, side_by_side(read, each_once, READS_AT_ONCE), strict=True))
    return [days[key] for key in keys]
