"""The first process of a process tree: `first_process.py MARK COMMAND [ARG…]`.

It runs the command, hands SIGTERM on to it, and when the command has ended, ends whatever the
command left behind, as a container does. Standard input is a pipe that who started it holds open:
when it closes, that program is gone, however it ended, and the tree ends at once.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

_PROC = Path("/proc")
_KILL_SECONDS = 0.01


def end_processes(mark: str, *, spare: frozenset[int] = frozenset()) -> None:
    """Kill every process that has `mark` in its environment.

    Neither sessions nor process groups hold a tree together: programs make their own.

    Args:
        mark: A `NAME=value` that only this tree's processes inherit.
        spare: Ids of processes that stay.
    """
    while pids := find_processes(mark) - spare:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_KILL_SECONDS)


def find_processes(mark: str) -> set[int]:
    """Return the ids of the processes that have `mark` in their environment."""
    if not _PROC.exists():
        return _marked_by_ps(mark)
    pids = set()
    for directory in _PROC.iterdir():
        try:
            if directory.name.isdigit() and _has_mark(directory, mark.encode()):
                pids.add(int(directory.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile, or is another user's
    return pids


def _has_mark(directory: Path, mark: bytes) -> bool:
    return mark in (directory / "environ").read_bytes().split(b"\0")


def _marked_by_ps(mark: str) -> set[int]:
    """Ask `ps`, where there is no /proc: macOS."""
    command = ["ps", "-axEww", "-o", "pid=,command="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {int(line.split()[0]) for line in lines if f" {mark}" in line}


def _end_with_the_starter(pipe: int, mark: str) -> None:
    os.read(pipe, 1)
    end_processes(mark, spare=frozenset({os.getpid()}))
    os._exit(128 + signal.SIGKILL)


def main() -> int:
    """Run the command to its end; return its exit code, 128 and the signal's number if killed."""
    mark, command = sys.argv[1], sys.argv[2:]
    pipe = os.dup(0)
    # Before the command is there: a signal must not end this process and leave the command.
    asked_to_end = threading.Event()
    process: subprocess.Popen[bytes] | None = None

    def hand_on(number: int, _frame: FrameType | None) -> None:
        asked_to_end.set()
        if process is not None:
            process.send_signal(number)

    signal.signal(signal.SIGTERM, hand_on)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    if asked_to_end.is_set():
        process.terminate()
    threading.Thread(target=_end_with_the_starter, args=(pipe, mark), daemon=True).start()
    code = process.wait()
    end_processes(mark, spare=frozenset({os.getpid()}))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
