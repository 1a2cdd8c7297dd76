"""What a verification finds: its kinds, what can be done about each, and the table of them.

`docs/OPERATIONS.md` has a row for each kind.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.core.wording import count, name_span

Heal = Literal["stop", "mend", "land", "register", "follow", "publish", "publish again", ""]
"""How a repair heals: it stops a Glue run, makes raw again, fetches what landing lost, registers
partitions of raw, has partitions follow the commit, brings the month to readers in the ordinary
way, or does so though nothing has changed. Empty: only a person can."""

_OF_GLUE = ("job missing", "Glue run left at work")  # of which all datasets have the same
REPAIR = "python -m flows.verify --repair"
_DEPLOY = "have the environment deployed again (docs/INSTALL.md)"
_RESTORE = "restore it from the bucket's versions"


@dataclass(frozen=True)
class Remedy:
    """What can be done about a kind of finding.

    Attributes:
        heals: How a repair heals it.
        words: The same for people, where a repair does not or cannot.
    """

    heals: Heal
    words: str


KINDS: dict[str, Remedy] = {
    "database missing": Remedy("", f"{_DEPLOY}, or check B3_DATABASE"),
    "table missing": Remedy("", f"{_DEPLOY}; a repair then brings its partitions back"),
    "job missing": Remedy("", f"{_DEPLOY}, or check B3_GLUE_JOB"),
    "Glue run left at work": Remedy("stop", "look at it in the console, and stop it there"),
    "commit missing": Remedy("", _RESTORE),
    "commit unreadable": Remedy("", f"{_RESTORE}, or deploy the version that wrote it"),
    "raw of no session": Remedy("", "look at it, and move it out of raw/: no flow reads it"),
    "raw lost": Remedy("publish", _RESTORE),
    "raw unreadable": Remedy("publish", _RESTORE),
    "raw without landing": Remedy("land", f"the rows are sound; {_RESTORE} what landing had"),
    "session missing": Remedy(
        "mend",
        "import a saved file: python -m flows.import_portfolio FILE; quotes and levels: "
        "run their flow with the date or year",
    ),
    "files gone": Remedy("publish", "bring raw of the month in order, then repair again"),
    "files differ": Remedy("publish", "bring raw of the month in order, then repair again"),
    "files too many": Remedy("publish", "bring raw of the month in order, then repair again"),
    "tables disagree": Remedy("publish again", "read the audit of the run that published it"),
    "raw moved on": Remedy("publish", "see why the run failed that wrote raw"),
    "old statements": Remedy("publish", "python -m flows.backfill --stale --dataset NAME"),
    "partition missing": Remedy("follow", "bring the month's commit and files in order first"),
    "partition elsewhere": Remedy("follow", "bring the month's commit and files in order first"),
    "partition of nothing": Remedy(
        "publish", "raw holds nothing to make it from: delete the partition in the catalog"
    ),
    "run without outcome": Remedy("publish", "read the log of the Glue run of that plan"),
    "attempt left over": Remedy(
        "",
        "run python -m flows.vacuum --delete, and again after an hour; see why its schedule "
        "did not",
    ),
}
_LONGEST_REASON = 300
_ORDER = {kind: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        kind: One of `KINDS`.
        dataset: Of which dataset.
        where: An object, a folder, a table or a month, for people.
        found: What was found there.
        months: Those that a repair brings to readers, or has partitions follow in.
        table: Whose raw partitions a repair registers.
        keys: What a repair makes again or registers: raw objects, partitions, Glue runs.
    """

    kind: str
    dataset: str
    where: str
    found: str
    months: tuple[str, ...] = ()
    table: str = ""
    keys: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells it from others, whatever was found there: kind, dataset and place."""
        return self.kind, self.dataset, self.where

    @property
    def places(self) -> list[str]:
        """What it is about, as a repair names it that fails there."""
        keys = [f"{self.table} {key}" for key in self.keys] if self.table else self.keys
        return [*keys, *(f"{self.dataset} {month}" for month in self.months)]

    @property
    def heals(self) -> Heal:
        """How a repair heals it; empty where there is nothing that it could work on."""
        heals = KINDS[self.kind].heals
        if self.table and heals == "follow":
            return "register"
        return heals if self.keys or self.months else ""


def tell(names: Sequence[str], what: str, most: int = 3) -> str:
    """Return how many of something, and the first of them by name.

    Args:
        names: At least one.
        what: What they are, where it is one.
        most: How many are named.
    """
    rest = ", …" if len(names) > most else ""
    return f"{count(len(names), what)}: {', '.join(names[:most])}{rest}"


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in the order in which they should be seen to."""
    return sorted(findings, key=lambda each: (_ORDER[each.kind], each.dataset, each.where))


def keep_same(first: Iterable[Finding], second: Iterable[Finding]) -> list[Finding]:
    """Return what two looks have both found: what differs is being worked on."""
    seen = set(second)
    return sort_findings(each for each in set(first) if each in seen)


def keep_unhealed(
    before: Iterable[Finding], after: Iterable[Finding], why_not: Mapping[str, str]
) -> list[Finding]:
    """Return what a repair has left: what is found after it, and where it has failed.

    A look takes what a repair has just written for a flow at work, and says nothing of what lies
    beside it. So what failed is told whatever is found after it.

    Args:
        before: What was found before it.
        after: What is found after it.
        why_not: What it has failed with, by the findings' places; a month of which nothing was
            found before is one that it has brought to raw, and not to readers.
    """
    after = list(after)
    told = {place for each in after for place in each.places}
    failed = [each for each in before if (why_not.keys() - told).intersection(each.places)]
    again = {each.identity for each in failed}
    left = [*failed, *(each for each in after if each.identity not in again)]
    told = {place for each in left for place in each.places}
    for place in why_not.keys() - told:
        dataset, _, month = place.partition(" ")
        said = "made again, and not published"
        left.append(Finding("raw moved on", dataset, place, said, (month,)))
    return sort_findings(left)


def tell_once(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings without those of Glue that other datasets have told already."""
    told: set[tuple[str, str]] = set()
    kept = []
    for each in findings:
        if each.kind in _OF_GLUE and (each.kind, each.where) in told:
            continue
        told.add((each.kind, each.where))
        kept.append(each)
    return kept


def name_database(findings: Sequence[Finding], database: str, table_count: int) -> list[Finding]:
    """Return findings with the database in place of its tables, where all of them are missing."""
    rest = [each for each in findings if each.kind != "table missing"]
    missing = len(findings) - len(rest)
    if table_count < 2 or missing < table_count:
        return list(findings)
    said = f"none of {count(table_count, 'table')} in the catalog"
    return [Finding("database missing", "lake", database, said), *rest]


def advise(finding: Finding, why_not: Mapping[str, str]) -> str:
    """Say what can be done about a finding.

    Args:
        finding: The finding.
        why_not: What a repair has failed with, by the findings' places; empty where none was tried.
    """
    words = KINDS[finding.kind].words
    reasons = [why_not[place] for place in finding.places if place in why_not]
    if reasons:
        reason = " ".join(reasons[0].split())[:_LONGEST_REASON]
        return f"not healed: {reason} Next: {words}"
    return f"{REPAIR}; else {words}" if finding.heals else words


def tabulate_findings(
    findings: Sequence[Finding], why_not: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return findings as the rows of a table."""
    return [
        {
            "kind": each.kind,
            "where": each.where,
            "found": each.found,
            "do": advise(each, why_not),
        }
        for each in findings
    ]


def write_table(
    findings: Sequence[Finding], why_not: Mapping[str, str], most: int = 40
) -> list[str]:
    """Return findings as the lines of a table with four columns, its head first.

    Args:
        findings: At least one.
        why_not: As of `advise`.
        most: How many are shown; how many more there are is said.
    """
    rows = tabulate_findings(findings[:most], why_not)
    lines = ["  kind | where | what was found | what can be done"]
    lines += [f"  {' | '.join(row.values())}" for row in rows]
    more = len(findings) - most
    return [*lines, f"  and {more} more, in the artifact `verify`"] if more > 0 else lines


def span_of(months: Sequence[str]) -> str:
    """Return months in a few words."""
    return f"{count(len(months), 'month')}, {name_span(months)}" if len(months) > 1 else months[0]
