"""What AWS holds of a dataset, as a verification sees it: months, partitions, sessions."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.core.commit import Commit
from tasks.core.dataset import Table
from tasks.core.errors import InvalidInputError
from tasks.core.exchange import FIRST_YEAR, day_in_sao_paulo
from tasks.core.vacuum import StoredObject

SETTLED = dt.timedelta(hours=1)
"""What is younger may be what a flow is at work on."""
_AHEAD = dt.timedelta(days=31)  # no session that B3 shows lies further ahead


@dataclass(frozen=True)
class Facts:
    """What the ends of a table's files say of their rows.

    Attributes:
        rows: How many rows they hold.
        spans: `{column of dates: its first and last}`, as far as the files say.
        unreadable: Keys of what is no Parquet file of the table.
    """

    rows: int
    spans: Mapping[str, tuple[dt.date, dt.date]]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class MonthSeen:
    """A month of a dataset.

    Attributes:
        month: `YYYY-MM`.
        now: What time it was, by S3's clock.
        raw: What raw holds of it, whose keys name a session.
        unreadable: Keys of raw objects, new since the commit, that cannot be read.
        commit: The latest commit; None where there is none.
        trouble: Kind and words of what is wrong with the commits; empty where nothing is.
        files: `{table: {key: size}}` of what lies where the commit says.
        facts: `{table: what its files say}`, of those that are whole.
        is_at_work: Whether Glue is at work on it, or has just been.
    """

    month: str
    now: dt.datetime
    raw: tuple[StoredObject, ...] = ()
    unreadable: tuple[str, ...] = ()
    commit: Commit | None = None
    trouble: tuple[str, str] | None = None
    files: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)
    is_at_work: bool = False

    @property
    def readable(self) -> list[StoredObject]:
        """What raw holds of it that can be read."""
        bad = set(self.unreadable)
        return [each for each in self.raw if each.key not in bad]


@dataclass
class Held:
    """What raw holds of a table.

    Attributes:
        sessions: `{name: sessions}`.
        written_on: `{name: {session: the day in São Paulo on which its object was written}}`.
        fresh: Sessions that something was written of just now.
        partitions: `{value of the partition key: when its first object was written}`.
    """

    sessions: dict[str, set[dt.date]] = field(default_factory=lambda: defaultdict(set))
    written_on: dict[str, dict[dt.date, dt.date]] = field(default_factory=lambda: defaultdict(dict))
    fresh: set[dt.date] = field(default_factory=set)
    partitions: dict[str, dt.datetime] = field(default_factory=dict)

    def add_partition(self, value: str, written_at: dt.datetime) -> None:
        """Take in an object of a partition."""
        self.partitions[value] = min(written_at, self.partitions.get(value, written_at))

    def add(self, table: Table, stored: StoredObject, now: dt.datetime) -> None:
        """Take in an object whose key names a session."""
        session, name = table.session_of(stored.key), table.name_of(stored.key)
        self.sessions[name].add(session)
        self.written_on[name][session] = day_in_sao_paulo(stored.modified_at)
        self.add_partition(table.value_of(stored.key), stored.modified_at)
        if stored.modified_at > now - SETTLED:
            self.fresh.add(session)


def names_a_session(table: Table, key: str, today: dt.date) -> bool:
    """Return whether a key is one that a session of a raw table may have.

    Args:
        table: The raw table.
        key: The key of an object under its prefix.
        today: The day it is.
    """
    try:
        session = table.session_of(key)
        is_plain = table.object_key(str(session), table.name_of(key)) == key
    except (ValueError, InvalidInputError):
        return False
    return is_plain and session.year >= FIRST_YEAR and session <= today + _AHEAD
