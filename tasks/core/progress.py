"""How far a run over many months is: a count of files, then of months and their sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.core.month import Ending, PublishedMonths
from tasks.core.wording import count


@dataclass
class Progress:
    """How far a run over many months is.

    Attributes:
        month_count: How many months it is about.
        session_count: How many sessions they have; 0 where that is not known.
        file_count: How many files are asked for before.
        files_done: How many of them were.
        held: `{month: how many of these sessions raw holds}`.
        published: Months that readers see anew.
        up_to_date: Months that had nothing new.
        failed: Months that failed; they count as such alone.
        is_over: Whether there is nothing more to come, whatever is missing.
    """

    month_count: int
    session_count: int = 0
    file_count: int = 0
    files_done: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)
    up_to_date: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    is_over: bool = False

    def add_month(self, month: str, how: Ending) -> None:
        """Take in that a month is done with, and how it ended."""
        months = {"failed": self.failed, "up to date": self.up_to_date, "published": self.published}
        months[how].add(month)

    def conclude(self, result: PublishedMonths) -> None:
        """Take in what came of all months in the end."""
        self.failed = set(result.failures)
        self.published = result.published.keys() - self.failed
        self.up_to_date = set(result.up_to_date) - self.failed
        self.is_over = True

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        settled = len(self.published) + len(self.up_to_date) + len(self.failed)
        done, wanted = self.files_done + settled, self.file_count + self.month_count
        return 1.0 if self.is_over else done / max(1, wanted)

    def __str__(self) -> str:
        """Say it in one line."""
        if self.files_done < self.file_count:
            return f"{self.files_done} of {count(self.file_count, 'file')} asked for"
        said = [f"{len(self.published)} of {count(self.month_count, 'month')} published"]
        said += [f"{len(self.up_to_date)} up to date"] * bool(self.up_to_date)
        said += [f"{len(self.failed)} failed"] * bool(self.failed)
        if self.session_count:
            done = sum(self.held.get(month, 0) for month in self.published | self.up_to_date)
            said.append(f"{done} of {count(self.session_count, 'session')}")
        return ", ".join(said)
