"""A month as a flow finds it, and what came of several months."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tasks.core.attempt import Outcome
from tasks.core.commit import Commit
from tasks.core.dataset import Dataset
from tasks.core.errors import B3PipelineError
from tasks.core.plan import RawObject, digest_month, digest_statements


@dataclass(frozen=True)
class Look:
    """What a flow sees of a month: its highest commit, and raw as it was listed after that.

    Everything hangs on this order: a commit made from it takes the next number, and that is there
    only as long as nobody has published meanwhile.

    Attributes:
        dataset: What it is a month of.
        month: `YYYY-MM`.
        commit: The highest commit; None where there is none.
        is_whole: Whether its files are there.
        inputs: Raw's objects, without those that are left out.
        unreadable: Keys of raw objects, new since that commit, that cannot be read.
        at: When the look began, by S3's clock.
        bodies: `{key: bytes}` of small objects that were read in looking, for the audit.
    """

    dataset: Dataset
    month: str
    commit: Commit | None
    is_whole: bool
    inputs: tuple[RawObject, ...]
    unreadable: tuple[str, ...]
    at: dt.datetime
    bodies: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def lost(self) -> list[str]:
        """Keys of what readers see now and raw does not hold any more."""
        return self.commit.lost_by(self.inputs) if self.commit else []

    @property
    def sound(self) -> dict[RawObject, bytes | None]:
        """Raw's objects that can be read, with the bytes of those that are kept."""
        bad = set(self.unreadable)
        return {each: self.bodies.get(each.key) for each in self.inputs if each.key not in bad}

    @property
    def is_up_to_date(self) -> bool:
        """Whether readers see what a run would make."""
        digest = digest_month(self.dataset, self.inputs)
        return self.commit is not None and self.commit.digest == digest and self.is_whole


def make_commit(look: Look, outcome: Outcome, flow_run: str) -> Commit:
    """Return the commit that shows an attempt of the plan that was made from a look.

    Its number is that of the commit seen there plus one.
    """
    before = look.commit
    return Commit(
        number=before.number + 1 if before else 1,
        month=look.month,
        digest=digest_month(look.dataset, look.inputs),
        statements=digest_statements(look.dataset),
        inputs=look.inputs,
        run_id=outcome.run_id,
        attempt=outcome.attempt,
        tables=outcome.months[look.month],
        published_at=max(look.at, before.published_at) if before else look.at,
        flow_run=flow_run,
    )


Ending = Literal["published", "up to date", "failed"]


@dataclass(frozen=True)
class PublishedMonths:
    """What came of several months.

    Attributes:
        published: `{month: the run that made it}`.
        up_to_date: Months that had nothing new.
        failures: `{month: why it was not published, or not as a whole}`.
    """

    published: dict[str, str] = field(default_factory=dict)
    up_to_date: list[str] = field(default_factory=list)
    failures: dict[str, B3PipelineError] = field(default_factory=dict)

    def run_of(self, month: str) -> str:
        """Return the run that made a month; empty where it had nothing new.

        Raises:
            B3PipelineError: What it failed with.
        """
        if month in self.failures:
            raise self.failures[month]
        return self.published.get(month, "")


@dataclass
class Work:
    """A month on its way to readers.

    Attributes:
        starts: How often Glue was started for it.
        rounds: How often it had to be looked at again because others were faster.
        left_out: `{key: why it cannot be read}` of raw objects that are done without.
        mended: Keys that were made again.
    """

    starts: int = 0
    rounds: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    mended: set[str] = field(default_factory=set)

    def describe_left_out(self) -> str:
        """Return what is done without, a line each."""
        return "\n".join(f"  {key}: {reason}" for key, reason in self.left_out.items())
