"""How far a release of what is checked out is, and what has to hold for it."""

import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from deployments import changelog
from deployments.repository import Repository
from deployments.verdict import Verdict
from tasks.core.errors import NotConfiguredError

_CODE = "tasks/__init__.py"
_PACKAGE = "pyproject.toml"
_THREE = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


def read_versions(root: Path) -> tuple[str, str]:
    """Return the version that the code says, and the one that `pyproject.toml` says."""
    code = re.search(r'^__version__ = "(.*)"$', (root / _CODE).read_text("utf-8"), re.M)
    package = tomllib.loads((root / _PACKAGE).read_text("utf-8"))
    return code[1] if code else "none", package.get("project", {}).get("version", "none")


@dataclass(frozen=True)
class Standing:
    """How far a release of what is checked out is.

    Attributes:
        version: Of the code.
        page: The changelog as it lies here.
        changed: What differs from the commit.
        is_stopped: Whether all that differs is what a release that was stopped has written.
        commit: What is checked out, its first twelve characters.
        branch: Likewise; empty for none.
        tagged: The commit that the version's tag names; empty for none.
    """

    version: str
    page: str
    changed: dict[str, str]
    is_stopped: bool
    commit: str
    branch: str
    tagged: str

    @property
    def tag(self) -> str:
        """The tag of the version."""
        return f"v{self.version}"

    @property
    def day(self) -> str:
        """The day in the heading of the version's section; empty where there is no section."""
        section = changelog.find_section(self.page, self.version)
        return section.day if section else ""

    @property
    def is_made(self) -> bool:
        """Whether all that is done here is done."""
        return bool(self.day) and not self.is_stopped and self.tagged == self.commit


def look(root: Path, git: Repository) -> Standing:
    """Look how far a release is.

    Raises:
        NotConfiguredError: There is no changelog.
    """
    version, _ = read_versions(root)
    file = root / changelog.FILE
    if not file.is_file():
        raise NotConfiguredError(f"Expected {file}, found none: git checkout {changelog.FILE}.")
    page, changed = file.read_text("utf-8"), git.changed()
    section = changelog.find_section(page, version)
    is_stopped = False
    if section and list(changed) == [changelog.FILE] and "M" in changed[changelog.FILE]:
        before = git.committed(changelog.FILE)
        is_stopped = page == changelog.with_release(before, version, section.day)
    is_tagged = _numbers(version) in git.versions()
    tagged = git.commit(f"refs/tags/v{version}") if is_tagged else ""
    return Standing(version, page, changed, is_stopped, git.commit(), git.branch(), tagged)


def judge(root: Path, git: Repository, at: Standing, given: str, today: dt.date) -> list[Verdict]:
    """Return what has to hold for a release, and whether it does.

    Args:
        root: The folder of the clone.
        git: The clone.
        at: How far the release is.
        given: The day that was asked for; empty for none.
        today: Here.
    """
    stopped = f", and {changelog.FILE} of a release that was stopped" if at.is_stopped else ""
    tree = f"{at.commit} of {at.branch or at.tag}{stopped}"
    verdicts = [
        _judge("checked out", _wrong_tree(at), tree),
        _judge("version", _wrong_version(*read_versions(root)), at.version),
    ]
    if not verdicts[-1].holds:
        return verdicts  # nothing else can be told without it
    tag = (
        f"{at.tag} is {at.tagged}" if at.tagged else f"{at.tag} is free here, and above the latest"
    )
    verdicts.append(_judge("tag", _wrong_tag(git, at), tag))
    part = f"[{at.version}] - {at.day}" if at.day else f"[{changelog.UNRELEASED}] has something"
    verdicts.append(_judge("changelog", changelog.find_problem(at.page, at.version), part))
    if verdicts[-1].holds and (day := given or at.day):
        last = git.last_day(changelog.FILE)
        verdicts.append(_judge("day", _wrong_day(at, given, today, last), day))
    return verdicts


def _judge(what: str, wrong: str | None, right: str) -> Verdict:
    return Verdict(what, wrong or right, holds=wrong is None)


def _wrong_tree(at: Standing) -> str | None:
    if at.changed and not at.is_stopped:
        some = ", ".join(list(at.changed)[:5]) + (", …" if len(at.changed) > 5 else "")
        return f"not as it is committed: {some}. Commit that, or git stash --include-untracked"
    if not at.branch and not at.is_made:
        return f"{at.commit} of no branch, where a commit would be lost: git switch main"
    return None


def _wrong_version(code: str, package: str) -> str | None:
    if code != package:
        return f"{code} in {_CODE}, {package} in {_PACKAGE}: write the same into both"
    if _numbers(code) is None:
        return f"{code}: write three numbers, as 1.2.3, into {_CODE} and {_PACKAGE}"
    return None


def _wrong_tag(git: Repository, at: Standing) -> str | None:
    if not at.tagged:
        latest = max(git.versions(), default=())
        if (_numbers(at.version) or ()) > latest:
            return None
        name = ".".join(map(str, latest))
        return f"{at.version} is below v{name}: write a higher one into {_CODE} and {_PACKAGE}"
    again = f"git tag -d {at.tag}, and make the release"
    if not git.is_annotated(at.tag):
        return f"{at.tag} without a message: {again}"
    if at.tagged != at.commit:
        return (
            f"{at.version} is released, {at.tag} is {at.tagged}: write the next version into "
            f"{_CODE} and {_PACKAGE}; for what is left to do of this one git checkout {at.tag}"
        )
    if not at.is_made:
        return f"{at.tag} is here, and {changelog.FILE} has no section of it: {again}"
    return None


def _wrong_day(at: Standing, given: str, today: dt.date, last: dt.date) -> str | None:
    if given and at.day and given != at.day:
        other = "give none" if at.is_made else _another_day(at)
        return f"{given}, where {changelog.FILE} has {at.day}: give that, or {other}"
    if at.is_made:
        return None
    day = changelog.parse_day(given or at.day)
    if day > today:
        return f"{day} is still to come, today is {today}: {_another_day(at)}"
    if day < last:
        return f"{day} is before the latest commit, which is of {last}: {_another_day(at)}"
    return None


def _another_day(at: Standing) -> str:
    if not at.day:
        return "give another day"
    if at.is_stopped:
        return f"git checkout {changelog.FILE}, and give another day"
    return f"write another day into {changelog.FILE}, commit that, and give it"


def _numbers(version: str) -> tuple[int, ...] | None:
    found = _THREE.fullmatch(version)
    return tuple(map(int, found.groups())) if found else None
