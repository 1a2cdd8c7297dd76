"""What is not as it should be in a lake: judges of what a listing of it shows. They are pure."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping

from tasks.core.attempt import Output, is_data
from tasks.core.commit import Commit
from tasks.core.dataset import Dataset, Table
from tasks.core.findings import Finding, span_of, tell
from tasks.core.inventory import SETTLED, Facts, Held, MonthSeen
from tasks.core.plan import digest_statements

_SESSION, _MOVED_ON = "trading_date", "raw moved on"
_ENDS = ("first_trading_date", "last_trading_date")
Span = tuple[dt.date, dt.date]
"""The first and the last of some sessions."""


def judge_month(dataset: Dataset, seen: MonthSeen) -> Iterator[Finding]:
    """Find what is wrong with a month: its raw, its commits, the files that readers are sent to."""
    months, name = (seen.month,), dataset.name
    if seen.trouble:
        kind, said = seen.trouble
        yield Finding(kind, name, f"{name} {seen.month}", said)
        return
    if seen.unreadable:
        for key in seen.unreadable:
            yield Finding("raw unreadable", name, key, "no file of its table", months, keys=(key,))
    if seen.commit:
        yield from _judge_lost(name, seen, seen.commit)
        yield from judge_files(name, seen, seen.commit)
        yield from judge_facts(dataset, seen, seen.commit)
    yield from _judge_moved(name, seen)


def _judge_lost(name: str, seen: MonthSeen, commit: Commit) -> Iterator[Finding]:
    there = {each.key for each in seen.raw}
    for key in sorted({each.key for each in commit.inputs} - there):
        said = f"gone, and commit {commit.number} shows what was read from it"
        yield Finding("raw lost", name, key, said, (seen.month,), keys=(key,))


def _judge_moved(name: str, seen: MonthSeen) -> Iterator[Finding]:
    """What raw has got that readers do not see, but for what a flow may be about to publish."""
    shown = {(each.key, each.etag) for each in seen.commit.inputs} if seen.commit else set()
    new = [each for each in seen.readable if (each.key, each.etag) not in shown]
    if not new or seen.is_at_work or max(e.modified_at for e in new) > seen.now - SETTLED:
        return
    said = tell([each.key for each in new], "raw object", most=1)
    than = f"that commit {seen.commit.number} has not" if seen.commit else "and no commit"
    where = f"{name} {seen.month}"
    yield Finding(_MOVED_ON, name, where, f"{said} {than}", (seen.month,))


def leave_to_flows(findings: Iterable[Finding], held: Iterable[Held]) -> list[Finding]:
    """Return findings without raw that moved on, while something is being written to raw.

    A backfill brings all of its months to raw before it publishes the first of them.

    Args:
        findings: Of a dataset.
        held: What its raw tables hold.
    """
    if not any(each.fresh for each in held):
        return list(findings)
    return [each for each in findings if each.kind != _MOVED_ON]


def judge_files(name: str, seen: MonthSeen, commit: Commit) -> Iterator[Finding]:
    """Find tables of a commit whose location does not hold exactly the files that it names."""
    for table, output in sorted(commit.tables.items()):
        there = {key: size for key, size in seen.files.get(table, {}).items() if is_data(key)}
        where = f"{table} {seen.month}, commit {commit.number}"
        for kind, keys in _compare_files(output, there):
            if keys:
                yield Finding(kind, name, where, tell(keys, "file", most=1), (seen.month,))


def _compare_files(output: Output, there: Mapping[str, int]) -> tuple[tuple[str, list[str]], ...]:
    named = output.objects
    both = sorted(named.keys() & there.keys())
    return (
        ("files gone", sorted(named.keys() - there.keys())),
        ("files differ", [key for key in both if named[key] != there[key]]),
        ("files too many", sorted(there.keys() - named.keys())),
    )


def judge_facts(dataset: Dataset, seen: MonthSeen, commit: Commit) -> Iterator[Finding]:
    """Find a month whose tables do not say the same: their rows, and the sessions they cover."""
    wrong = []
    for table, facts in sorted(seen.facts.items()):
        rows = commit.tables[table].rows
        if facts.unreadable:
            wrong.append(f"{table} cannot be read")
        elif facts.rows != rows:
            wrong.append(f"{table} has {facts.rows} rows, its commit says {rows}")
    spans = _spans_of_sessions(dataset, seen.facts)
    sessions = [
        dataset.raw.session_of(each.key)
        for each in commit.inputs
        if each.key.startswith(dataset.raw.prefix)
    ]
    if sessions:
        spans["its commit"] = min(sessions), max(sessions)
    if not _fit_together(dataset, spans):
        wrong += [f"{table} covers {first} to {last}" for table, (first, last) in spans.items()]
    if wrong:
        where = f"{dataset.name} {seen.month}, commit {commit.number}"
        yield Finding("tables disagree", dataset.name, where, "; ".join(wrong), (seen.month,))


def _fit_together(dataset: Dataset, spans: Mapping[str, Span]) -> bool:
    """Return whether all cover the same sessions, or lie within where they may skip some."""
    skipping = {each.table.name for each in dataset.refined if each.skips_sessions}
    whole = {span for name, span in spans.items() if name not in skipping}
    parts = [span for name, span in spans.items() if name in skipping]
    return len(whole) <= 1 and all(
        first <= part[0] and part[1] <= last for first, last in whole for part in parts
    )


def _spans_of_sessions(dataset: Dataset, facts: Mapping[str, Facts]) -> dict[str, Span]:
    spans = {}
    for table in dataset.refined_tables:
        said = facts[table.name].spans if table.name in facts else {}
        if _SESSION in said:
            spans[table.name] = said[_SESSION]
        elif all(end in said for end in _ENDS):
            spans[table.name] = said[_ENDS[0]][0], said[_ENDS[1]][1]
    return spans


def judge_statements(
    dataset: Dataset, statements: Mapping[str, str], at_work: Collection[str]
) -> list[Finding]:
    """Find the months that were made by other statements than today's.

    Args:
        dataset: The dataset.
        statements: `{month: digest of how it was made}`.
        at_work: Months that Glue is at work on.
    """
    current = digest_statements(dataset)
    old = [month for month, each in sorted(statements.items()) if each != current]
    months = tuple(month for month in old if month not in at_work)
    if not months:
        return []
    where = f"{dataset.name} {span_of(months)}"
    return [Finding("old statements", dataset.name, where, "made otherwise than today", months)]


def judge_partitions(
    dataset: str,
    table: Table,
    wanted: Mapping[str, str],
    found: Mapping[str, str],
    unsure: Collection[str] = (),
) -> list[Finding]:
    """Find the partitions of a refined table that do not follow the commits of their months.

    Args:
        dataset: The dataset's name.
        table: The table.
        wanted: `{month: where its commit sends readers}`.
        found: `{month: where its partition points to}`.
        unsure: Months whose commit cannot be read.
    """
    findings = []
    for month in sorted(wanted.keys() | found.keys()):
        where, months = f"{table.name} {month}", (month,)
        if month in unsure:
            continue
        if month not in found:
            findings.append(Finding("partition missing", dataset, where, "none", months))
        elif month not in wanted:
            said = f"no commit, and a partition at {found[month]}"
            findings.append(Finding("partition of nothing", dataset, where, said, months))
        elif found[month] != wanted[month]:
            said = f"at {found[month]}, not where its commit says"
            findings.append(Finding("partition elsewhere", dataset, where, said, months))
    return findings
