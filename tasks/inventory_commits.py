"""Commits that partitions follow still, and that are there no more."""

from collections.abc import Mapping, Sequence

from tasks.core.commit import commit_key, number_commits
from tasks.core.findings import Finding
from tasks.core.plan import Subject
from tasks.core.vacuum import StoredObject
from tasks.shelf import find_followed

_WOULD_FOLLOW = ("partition elsewhere", "partition of nothing")


def tell_lost_commits(
    subject: Subject, findings: Sequence[Finding], stored: Mapping[str, Sequence[StoredObject]]
) -> list[Finding]:
    """Return findings with that of a lost commit in place of all others of its month.

    Where the highest commit is gone, a listing has no gap: only the partitions know of it.

    Args:
        subject: The dataset.
        findings: What was found of it.
        stored: `{month: its commits, in order}`, as listed.
    """
    followed: dict[str, tuple[int, str]] = {}
    for each in findings:
        if each.kind in _WOULD_FOLLOW and each.months:
            (month,), table = each.months, each.where.partition(" ")[0]
            one = find_followed(subject, table, month), table
            followed[month] = max(one, followed.get(month, one))
    lost = []
    for month, (number, table) in sorted(followed.items()):
        highest = len(number_commits(each.key for each in stored.get(month, ())))
        if number > highest:
            key = commit_key(subject.dataset, month, number)
            there = f"{highest:06} as the last one" if highest else "no commit"
            said = f"Expected {key}, which {table} follows, found {there}"
            where = f"{subject} {month}"
            lost.append(Finding("commit missing", str(subject), where, said, (month,)))
    months = {each.months for each in lost}
    return [*lost, *(each for each in findings if each.months not in months)]
