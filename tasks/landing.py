"""What landing keeps of some days: which answers there are, and the lists of indices among them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable

from prefect import get_run_logger, task

from tasks.core.dataset import Table
from tasks.core.errors import B3PipelineError
from tasks.core.indices import Members, read_list
from tasks.objects import list_at, read_landed
from tasks.retries import OVER_AWS


@task(name="find-landed", **OVER_AWS)
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


@task(name="read-landed-lists", **OVER_AWS)
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
