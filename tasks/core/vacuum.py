"""Which refined partitions nobody is sent to any more."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class StoredObject:
    """One object of the lake.

    Attributes:
        key: Its key.
        size_bytes: Its size.
        modified_at: When it was written (with a zone).
    """

    key: str
    size_bytes: int
    modified_at: dt.datetime


def find_unpublished(
    objects: Iterable[StoredObject],
    published_prefixes: Collection[str],
    written_before: dt.datetime,
) -> dict[str, list[StoredObject]]:
    """Return `{prefix: objects}` of refined partitions that are neither published nor young.

    Args:
        objects: What lies under the refined tables.
        published_prefixes: The prefixes that partitions point to, each with a slash at its end.
        written_before: A prefix with an object as young as this is left alone: its run may be on
            its way to be published.
    """
    by_prefix: dict[str, list[StoredObject]] = defaultdict(list)
    for stored in objects:
        by_prefix[stored.key.rpartition("/")[0] + "/"].append(stored)
    return {
        prefix: found
        for prefix, found in sorted(by_prefix.items())
        if prefix not in published_prefixes
        and all(stored.modified_at < written_before for stored in found)
    }
