"""What landing keeps of some days: answers, lists of indices, and notes beside files."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import boto3
from prefect import get_run_logger

from tasks.core.attempt import UNREADABLE
from tasks.core.dataset import Table
from tasks.core.errors import B3PipelineError
from tasks.core.indices import Members, read_list
from tasks.objects import list_at, read_landed, read_object
from tasks.retries import tried_again


@tried_again
def find_landed(bucket: str, table: Table, days: Iterable[dt.date]) -> dict[str, list[str]]:
    """Return by what was asked for the keys of the answers of some days, the latest last.

    Safe to repeat: it only reads. One listing a day.

    Args:
        bucket: The lake's bucket.
        table: The raw table whose landing is looked at.
        days: The days on which they came.
    """
    found = defaultdict(list)
    for prefix in map(table.landing_day, days):
        for each in list_at(bucket, prefix)[0]:
            name = each.key.removeprefix(prefix).partition("/")[0]
            found[name].append((each.modified_at, each.key))
    return {name: [key for _, key in sorted(each)] for name, each in found.items()}


@tried_again
def read_landed_lists(bucket: str, keys: Collection[str]) -> Members:
    """Return what any of B3's landed lists of indices names. Safe to repeat: it only reads."""
    members: dict[str, frozenset[str]] = {}
    for key in keys:
        try:
            listed = read_list(read_landed(bucket, key) or b"")
        except B3PipelineError as error:
            get_run_logger().warning("%s is passed over: %s", key, error)
            continue
        members |= {code: tickers | members.get(code, set()) for code, tickers in listed.items()}
    return members


@tried_again
def read_note(bucket: str, key: str) -> dict[str, Any] | None:
    """Return what was noted at a key; None where nothing was, or what is no note."""
    body = read_object(bucket, key)
    if not body:
        return None
    try:
        note = json.loads(body)
    except UNREADABLE:
        note = None
    if isinstance(note, dict):
        return note
    get_run_logger().warning("%s is passed over: expected a note in JSON", key)
    return None


@tried_again
def write_note(bucket: str, key: str, note: Mapping[str, Any]) -> None:
    """Note something for later runs, as JSON.

    Safe to repeat: one PUT of one object, which replaces the one before it.
    """
    body = json.dumps(note, indent=1).encode()
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
