"""What a release asks git, and has it do. Nothing here asks another machine."""

import datetime as dt
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tasks.core.errors import NotConfiguredError

_TAG = re.compile(r"v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


class Repository:
    """The clone that is checked out in a folder."""

    def __init__(self, root: Path) -> None:
        """Take the folder at the clone's top.

        Raises:
            NotConfiguredError: Git is not here.
        """
        if shutil.which("git") is None:
            raise NotConfiguredError("Expected git in PATH, found none: install it.")
        self.root = root

    def _run(self, arguments: tuple[str, ...], answer: str | None, *, is_shown: bool) -> str:
        sys.stdout.flush()  # what git says comes after what was said before
        return (
            subprocess.run(  # noqa: S603
                ["git", *arguments],  # noqa: S607
                cwd=self.root,
                input=answer,
                stdout=None if is_shown else subprocess.PIPE,
                encoding="utf-8",
                check=True,
            ).stdout
            or ""
        )

    def _ask(self, *arguments: str) -> str:
        return self._run(arguments, None, is_shown=False)

    def commit(self, revision: str = "HEAD") -> str:
        """Return the first twelve characters of a commit, which are the tag of its image."""
        return self._ask("rev-parse", "--short=12", f"{revision}^{{commit}}").strip()

    def branch(self) -> str:
        """Return the branch that is checked out; empty where it is a commit or a tag."""
        return self._ask("branch", "--show-current").strip()

    def remote(self, branch: str) -> str:
        """Return where a branch is pushed to; `origin` where nothing says otherwise."""
        key = f"branch.{branch}.remote"
        return self._ask("config", "--default", "origin", "--get", key).strip()

    def changed(self) -> dict[str, str]:
        """Return what differs from the commit, `{path: git's two letters}`, new files included."""
        told = self._ask("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
        return {line[3:]: line[:2] for line in told.split("\0") if line}

    def committed(self, path: str) -> str:
        """Return a file as it is in the commit."""
        return self._ask("show", f"HEAD:{path}")

    def versions(self) -> list[tuple[int, ...]]:
        """Return the versions that tags name, as numbers, the lowest first."""
        found = (
            _TAG.fullmatch(tag)
            for tag in self._ask("tag", "--no-column", "--list", "v*").splitlines()
        )
        return sorted(tuple(map(int, each.groups())) for each in found if each)

    def is_annotated(self, tag: str) -> bool:
        """Return whether a tag has a message of its own."""
        return self._ask("cat-file", "-t", f"refs/tags/{tag}").strip() == "tag"

    def last_day(self, path: str) -> dt.date:
        """Return the day of the latest commit that changes more than a file, or is the only one."""
        days = [self._day(0)]
        names = self._ask("diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "HEAD")
        if names.split("\n") == [path, ""]:
            days.insert(0, self._day(1) or days[0])
        return dt.date.fromisoformat(days[0])

    def _day(self, before: int) -> str:
        day = ("--format=%cd", "--date=format-local:%Y-%m-%d")
        return self._ask("log", "-1", f"--skip={before}", *day).strip()

    def commit_file(self, path: str, message: str) -> None:
        """Commit one file as it lies there, and nothing else."""
        self._run(("commit", "--quiet", "-m", message, "--", path), None, is_shown=True)

    def tag(self, name: str, message: str) -> None:
        """Tag the commit with a message, of which every line is kept, headings too."""
        how = ("--annotate", "--cleanup=whitespace", "--file=-")
        self._run(("tag", *how, name), message, is_shown=True)
