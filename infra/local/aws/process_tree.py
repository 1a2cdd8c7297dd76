"""A program with all that it starts: told to end, and ended as a whole."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from infra.local.aws import first_process

_MARK = "LOCAL_PROCESS_TREE"
_LAST_LINES_SECONDS = 5.0


class ProcessTree:
    """A command and all that it starts; it ends with this process too, however that ends.

    Attributes:
        pid: The first process; who kills it kills the tree.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        env: dict[str, str],
        cwd: Path,
        take_line: Callable[[str], None],
        take_error_line: Callable[[str], None] | None = None,
    ) -> None:
        """Start the command.

        Args:
            name: No other tree has it.
            command: Program and arguments.
            env: All of its environment.
            cwd: Where it runs.
            take_line: Gets each line of the output as it comes, one at a time.
            take_error_line: Gets the lines of standard error; None counts them as output.
        """
        self._mark = f"{_MARK}={name}"
        self._lock = threading.Lock()
        self._line_lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", first_process.__file__, self._mark, *command],
            env={**env, _MARK: name},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if take_error_line else subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.pid = self._process.pid
        takers = ((self._process.stdout, take_line), (self._process.stderr, take_error_line))
        self._readers = [
            threading.Thread(target=self._read, args=taker, daemon=True) for taker in takers
        ]
        for reader in self._readers:
            reader.start()

    @property
    def has_ended(self) -> bool:
        """Whether the first process is gone."""
        return self._process.poll() is not None

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Return the exit code once the command has ended; nothing of the tree is left then.

        Raises:
            subprocess.TimeoutExpired: It did not end in time, and was killed.
        """
        try:
            code = self._process.wait(timeout_seconds)
        finally:
            self.kill()
            self._process.wait()
            for reader in self._readers:
                reader.join(_LAST_LINES_SECONDS)
        return code if code >= 0 else 128 - code

    def terminate(self, grace_seconds: float) -> None:
        """Ask it to end, and kill it when it has not ended in time; returns at once."""
        threading.Thread(target=self._terminate, args=(grace_seconds,), daemon=True).start()

    def kill(self) -> None:
        """End the tree at once."""
        self._signal(signal.SIGKILL)
        first_process.end_processes(self._mark)

    def _terminate(self, grace_seconds: float) -> None:
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal(self, number: int) -> None:
        with self._lock:
            if self._process.poll() is None:
                os.kill(self.pid, number)

    def _read(self, stream: IO[str] | None, take: Callable[[str], None] | None) -> None:
        if stream is None or take is None:
            return
        with stream:
            for line in stream:
                with self._line_lock:
                    take(line.rstrip("\n"))
