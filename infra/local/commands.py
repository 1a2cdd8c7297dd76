"""Runs of `python -m MODULE`, each forked from one process that has imported the modules.

Importing takes longer than most runs of a flow. But for that, a run is what `python -m` makes of
it: the module is executed as `__main__` in a process of its own, which ends as any program ends.
"""

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Run = Callable[[str, list[str], dict[str, str]], int]
_PROJECT = Path(__file__).parents[2]
_END_SECONDS = 5.0
# On macOS, a fork of a process that has used the system's libraries may crash.
_CAN_FORK = sys.platform == "linux"


@contextmanager
def imported_commands(modules: list[str], env: dict[str, str]) -> Iterator[Run]:
    """Have modules imported, in a process beside this one that lives until the block ends.

    Args:
        modules: What will be run.
        env: The environment that they are imported in.

    Yields:
        Runs `python -m MODULE ARGUMENT …` with an environment of its own; returns the exit code.
    """
    if not _CAN_FORK:
        yield _run_alone
        return
    answers, theirs = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local.commands", str(theirs), *modules],
        env=env,
        cwd=_PROJECT,
        stdin=subprocess.PIPE,
        pass_fds=[theirs],
        text=True,
    )
    os.close(theirs)
    with open(answers, encoding="ascii") as lines:  # noqa: PTH123 - a descriptor
        fork = _Fork(process, lines)
        try:
            yield fork.run
        finally:
            fork.close()


class _Fork:
    """This side of it."""

    def __init__(self, process: "subprocess.Popen[str]", answers: Any) -> None:
        self._process = process
        self._requests: Any = process.stdin
        self._answers = answers
        self._pid: int | None = None

    def run(self, module: str, arguments: list[str], env: dict[str, str]) -> int:
        request = {"module": module, "arguments": arguments, "env": env}
        with suppress(BrokenPipeError):  # it ended, and has said why
            print(json.dumps(request), file=self._requests, flush=True)
        self._pid = int(self._answers.readline() or 0) or None
        code = int(self._answers.readline() or 1)
        self._pid = None
        return code

    def close(self) -> None:
        """End it; a run that Ctrl-C has reached gets the time to end by itself."""
        with suppress(BrokenPipeError):
            self._requests.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            if self._pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()


def _run_alone(module: str, arguments: list[str], env: dict[str, str]) -> int:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=env, cwd=_PROJECT, check=False).returncode


def _take_requests(answers: int) -> dict[str, Any] | None:
    """Fork a process for each line of standard input; return the request in the forked one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, and for who asked for it
    for line in sys.stdin:
        sys.stdout.flush()  # what is left in it, the forked one would say again
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.close(answers)
            return dict(json.loads(line))
        os.write(answers, f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return None


def _become(request: dict[str, Any]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.environ.clear()
    os.environ |= request["env"]
    module = request["module"]
    sys.modules.pop(module, None)  # it becomes __main__
    sys.argv = [module, *request["arguments"]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _main() -> None:
    for module in sys.argv[2:]:
        importlib.import_module(module)
    request = _take_requests(int(sys.argv[1]))
    if request is not None:
        _become(request)


if __name__ == "__main__":
    _main()
