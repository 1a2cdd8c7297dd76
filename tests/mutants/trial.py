"""A copy of the tree, in which one change at a time is made and the tests are run."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

from tests.mutants.change import Change

# What takes long to load, and is the same for every change.
SLOW = ("pytest", "pandas", "pyarrow", "boto3", "moto.s3.models", "prefect.flows")
_RUNNER = Path(__file__).with_name("runner.py")
_FIRST_SECONDS = 1800.0  # for tests of the tree without any change
_TIMES_AS_LONG = 4
_AT_LEAST_SECONDS = 60.0


class TreeFailsError(Exception):
    """The tests fail without any change: nothing can be learned from them."""


def copy_tree(root: Path, folder: Path) -> set[str]:
    """Copy the tree as git knows it, with what is not committed yet; return its files."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    files = {name for name in listed.stdout.decode().split("\0") if (root / name).is_file()}
    for name in files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    return files


class Trial(AbstractContextManager["Trial"]):
    """Runs tests in the copy of a tree."""

    def __init__(self, folder: Path) -> None:
        """Start what runs the tests.

        Args:
            folder: The copy; it is changed, and is what it was after each change.
        """
        self.folder = folder
        self.output = folder.with_name(f"{folder.name}.txt")
        self._seconds: dict[tuple[str, ...], float] = {}
        environment = {
            **os.environ,
            # That of a changed file could pass for that of the next change, of the same second.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": "",
            "REQUIRE_TERRAFORM": "1",  # tests that are left out notice nothing
        }
        self._runner = subprocess.Popen(
            [sys.executable, "-P", str(_RUNNER), *SLOW],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __exit__(self, *_: object) -> None:
        """End what runs the tests."""
        assert self._runner.stdin is not None
        self._runner.stdin.close()
        self._runner.wait()

    def check(self, tests: tuple[str, ...]) -> None:
        """Run tests without any change, once, and learn how long they take.

        Raises:
            TreeFailsError: They fail.
        """
        whole = _whole(tests)
        if whole in self._seconds:
            return
        print(f"without any change: {' '.join(whole)}", file=sys.stderr, flush=True)
        began = time.monotonic()
        code = self._run(whole, _FIRST_SECONDS)
        if code:
            said = self.output.read_text(errors="replace")[-4000:]
            raise TreeFailsError(f"{' '.join(whole)} fail without any change:\n{said}")
        self._seconds[whole] = time.monotonic() - began

    def is_noticed(self, change: Change, tests: tuple[str, ...]) -> bool:
        """Make a change, run the tests, take the change back; return whether they failed.

        Tests that do not end in time have noticed it. They have to be checked before.
        """
        file = self.folder / change.path
        source = file.read_bytes()
        limit = max(_AT_LEAST_SECONDS, _TIMES_AS_LONG * self._seconds[_whole(tests)])
        try:
            file.write_bytes(change.apply(source))
            return self._run(tests, limit) != 0
        finally:
            file.write_bytes(source)

    def _run(self, tests: tuple[str, ...], seconds: float) -> int | None:
        assert self._runner.stdin is not None
        assert self._runner.stdout is not None
        asked = {"tests": tests, "seconds": seconds, "output": str(self.output)}
        print(json.dumps(asked), file=self._runner.stdin, flush=True)
        code: int | None = json.loads(self._runner.stdout.readline())["code"]
        return code


def _whole(tests: tuple[str, ...]) -> tuple[str, ...]:
    """Return tests without those that are in a folder which is named too, and only come first."""
    return tuple(each for each in tests if not any(each.startswith(f"{other}/") for other in tests))
