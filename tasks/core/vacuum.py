"""Which refined objects nobody is sent to any more, and nobody will be.

The unit is a month of a table as one attempt made it; its age is that of the youngest object of
the whole attempt. Times are S3's.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.core.commit import Commit

_KEY = re.compile(
    r"(?P<folder>refined/(?P<table>[^/]+)/run_id=(?P<run_id>[^/]+)/attempt=(?P<attempt>[^/]+)"
    r"/month=(?P<month>[^/]+)/).*",  # what a killed job has left lies deeper than its rows
    re.DOTALL,
)


@dataclass(frozen=True)
class StoredObject:
    """One object as a listing shows it.

    Attributes:
        key: Its key.
        etag: S3's name for its bytes.
        size: Its size in bytes.
        modified_at: When it was written (with a zone).
    """

    key: str
    etag: str
    size: int
    modified_at: dt.datetime


@dataclass(frozen=True)
class Unit:
    """A month of a table as one attempt made it.

    Attributes:
        table: The table.
        month: The month.
        run_id: The plan of the attempt.
        attempt: The attempt.
        folder: What its objects lie under.
        objects: Its objects.
        youngest_at: When the youngest object of the whole attempt was written.
    """

    table: str
    month: str
    run_id: str
    attempt: str
    folder: str
    objects: tuple[StoredObject, ...]
    youngest_at: dt.datetime

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(each.size for each in self.objects)


@dataclass(frozen=True)
class Shown:
    """What readers of a month see, saw, and will see.

    Attributes:
        commits: Its commits, the latest last, each with when it was written.
        locations: `{table: prefix that the partition names}`.
        follows: Whether the partitions could be made to follow the latest commit.
    """

    commits: Sequence[tuple[Commit, dt.datetime]] = ()
    locations: Mapping[str, str] = field(default_factory=dict)
    follows: bool = True


def find_units(objects: Iterable[StoredObject]) -> list[Unit]:
    """Return the units that objects under `refined/` belong to; what is of none is left alone."""
    found = [(match, each) for each in objects if (match := _KEY.fullmatch(each.key))]
    by_folder: dict[str, list[StoredObject]] = defaultdict(list)
    by_attempt: dict[str, list[dt.datetime]] = defaultdict(list)
    names: dict[str, dict[str, str]] = {}
    for match, stored in found:
        by_folder[match["folder"]].append(stored)
        by_attempt[match["attempt"]].append(stored.modified_at)
        names[match["folder"]] = match.groupdict()
    return [
        Unit(
            **names[folder],
            objects=tuple(stored),
            youngest_at=max(by_attempt[names[folder]["attempt"]]),
        )
        for folder, stored in sorted(by_folder.items())
    ]


def why_kept(
    unit: Unit, shown: Shown, *, at_work: Collection[str], now: dt.datetime, grace: dt.timedelta
) -> str:
    """Say why a unit stays; empty where nobody needs it.

    Args:
        unit: The unit.
        shown: What readers of its month see.
        at_work: The plans that Glue is at work on.
        now: What time it is, by S3's clock.
        grace: How long readers and flows may hold on to what they have found.
    """
    if not shown.follows:
        return "the partitions of its month could not be made to follow"
    if unit.folder in shown.locations.values():
        return "a partition names it"
    if shown.locations and not shown.commits:
        return "its month has partitions and no commit"
    ends = [*(written_at for _, written_at in shown.commits[1:]), now]
    for (commit, _), ended_at in zip(shown.commits, ends, strict=False):
        names_it = (commit.run_id, commit.attempt) == (unit.run_id, unit.attempt)
        if names_it and unit.table in commit.tables and ended_at > now - grace:
            return f"commit {commit.number} names it"
    if unit.run_id in at_work:
        return "Glue is at work on its plan"
    return "it is younger than the grace" if unit.youngest_at > now - grace else ""
