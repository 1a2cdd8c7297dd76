"""A script as a process tree that can be waited for, and ended as a whole."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_LAST_LINES_SECONDS = 5.0


class JobProcess:
    """One command in a process group of its own; its output goes to a log as it comes.

    Attributes:
        output: The lines on standard output, so far.
        errors: The lines on standard error, so far.
    """

    def __init__(self, command: list[str], env: dict[str, str], directory: Path, log: Path) -> None:
        self.output: list[str] = []
        self.errors: list[str] = []
        self._process = subprocess.Popen(
            command,
            env=env,
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._readers = list(self._read_into(log))

    def wait(self, timeout_seconds: float) -> int:
        """Return the exit status once the process, and all that it started, has ended.

        Raises:
            subprocess.TimeoutExpired: It did not end in time, and was killed.
        """
        try:
            return self._process.wait(timeout_seconds)
        finally:
            self.kill()
            for reader in self._readers:
                reader.join(_LAST_LINES_SECONDS)

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait()

    def _read_into(self, log: Path) -> Iterator[threading.Thread]:
        for stream, lines in (
            (self._process.stdout, self.output),
            (self._process.stderr, self.errors),
        ):
            reader = threading.Thread(target=_copy_lines, args=(stream, lines, log), daemon=True)
            reader.start()
            yield reader


def _copy_lines(stream: IO[str], lines: list[str], log: Path) -> None:
    # Each stream has its own handle in append mode, so whole lines of the two never mix.
    with stream, log.open("a") as file:
        for line in stream:
            file.write(line)
            file.flush()
            lines.append(line.rstrip("\n"))
