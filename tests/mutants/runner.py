"""Runs tests in a copy of the tree, each time in a fork of a process that has loaded what is slow.

It imports nothing of the tree, which is another one each time; its arguments name what is loaded.
Standard input brings a JSON line a
run, `{"tests": […], "seconds": …}`; standard output answers each with `{"code": …}`, the code that
pytest ended with, or null where the time was over.
"""

import importlib
import json
import os
import signal
import sys
import time
from contextlib import suppress

_PAUSE_SECONDS = 0.05


def run(tests: list[str], seconds: float, output: str) -> int | None:
    """Run tests to the first failure, in a process of their own; return pytest's code."""
    child = os.fork()
    if child == 0:
        _be_pytest(tests, output)
    try:
        return _wait(child, time.monotonic() + seconds)
    finally:  # a person may have had enough
        _end_group(child)


def _wait(child: int, ends_at: float) -> int | None:
    while time.monotonic() < ends_at:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_PAUSE_SECONDS)
    return None


def _end_group(child: int) -> None:
    """End the tests and what they started, where anything of it is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(child, 0)


def _be_pytest(tests: list[str], output: str) -> None:
    """Become pytest, and leave without a word to the parent's own ways of ending."""
    code = 1
    try:
        os.setsid()
        to = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(to, 1)
        os.dup2(to, 2)
        import pytest

        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        code = int(pytest.main([*options, *tests]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Load what is slow, then run what is asked for, until standard input ends."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        code = run(asked["tests"], asked["seconds"], asked["output"])
        print(json.dumps({"code": code}), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
