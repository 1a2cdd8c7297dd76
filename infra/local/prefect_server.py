"""A Prefect server of the local cloud's own, on 127.0.0.1, with its history under the state."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 120
_LOOK_SECONDS = 0.1
_PROJECT = Path(__file__).parents[2]


class PrefectServerError(Exception):
    """The server did not come up."""


@dataclass(frozen=True)
class StartingServer:
    """A server on its way.

    Attributes:
        env: The environment that makes flows report to it: `PREFECT_HOME`, `PREFECT_API_URL`, …
    """

    env: dict[str, str]
    _process: subprocess.Popen[bytes]
    _log: Path

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            PrefectServerError: It ended, or did not answer in two minutes.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        url = self.env["PREFECT_API_URL"]
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise PrefectServerError(
                    f"The Prefect server ended with {self._process.returncode}: see {self._log}"
                )
            try:
                if requests.get(f"{url}/health", timeout=2).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass  # not up yet
            time.sleep(_LOOK_SECONDS)
        raise PrefectServerError(f"No answer from {url} in {_PATIENCE_SECONDS} s: see {self._log}")


@contextmanager
def starting_prefect_server(state: Path, port: int = 0) -> Iterator[StartingServer]:
    """Start a Prefect server, which takes seconds, and run it until the block ends.

    Args:
        state: Directory of the local cloud: the server's database lies in `state/prefect`, its
            log in `state/prefect-server.log`. A person's own Prefect profile is not touched.
        port: 0 takes a free one.
    """
    home = state.resolve() / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://{_HOST}:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "DO_NOT_TRACK": "1",
    }
    log = state / "prefect-server.log"
    with log.open("ab") as output:
        command = ["-m", "infra.local.prefect_process", "server", "start"]
        process = subprocess.Popen(
            [sys.executable, *command, "--host", _HOST, "--port", str(port)],
            env=os.environ | own,
            cwd=_PROJECT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the program, which ends the server itself
        )
    try:
        yield StartingServer(own, process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def prefect_server(state: Path, port: int = 0) -> Iterator[dict[str, str]]:
    """Run a Prefect server until the block ends, and wait until it is up.

    Args:
        state: As for `starting_prefect_server`.
        port: 0 takes a free one.

    Yields:
        The environment that makes flows report to it.

    Raises:
        PrefectServerError: It did not come up; the message names its log.
    """
    with starting_prefect_server(state, port) as server:
        server.wait()
        yield server.env


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((_HOST, 0))
        port: int = free.getsockname()[1]
        return port
