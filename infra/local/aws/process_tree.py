"""A program with all that it starts: told to end, and ended as a whole."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from infra.local.aws import first_process

_MARK = "LOCAL_PROCESS_TREE"


class ProcessTree:
    """A command and all that it starts; it ends with this process too, however that ends.

    Attributes:
        pid: The first process; who kills it kills the tree.
    """

    def __init__(self, name: str, command: list[str], env: dict[str, str], cwd: Path) -> None:
        self._mark = f"{_MARK}={name}"
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", first_process.__file__, self._mark, *command],
            env={**env, _MARK: name},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.pid = self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the first process is gone."""
        return self._process.poll() is not None

    def read_lines(self) -> Iterator[str]:
        """Yield each line of the output as it comes, until nobody can write any more."""
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            yield line.rstrip("\n")

    def wait(self) -> int:
        """Return the exit code once the command has ended; nothing of the tree is left then."""
        code = self._process.wait()
        first_process.end_processes(self._mark)
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
