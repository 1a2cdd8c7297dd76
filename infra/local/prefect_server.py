"""A Prefect server of the local cloud's own, on 127.0.0.1, with its history under the state."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 120


class PrefectServerError(Exception):
    """The server did not come up."""


@contextmanager
def prefect_server(state: Path, port: int = 0) -> Iterator[dict[str, str]]:
    """Run a Prefect server until the block ends.

    Args:
        state: Directory of the local cloud: the server's database lies in `state/prefect`, its
            log in `state/prefect-server.log`. A person's own Prefect profile is not touched.
        port: 0 takes a free one.

    Yields:
        The environment that makes flows report to it: `PREFECT_HOME` and `PREFECT_API_URL`.

    Raises:
        PrefectServerError: It ended, or did not answer in two minutes; the message names its log.
    """
    home = state.resolve() / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://{_HOST}:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    log = state / "prefect-server.log"
    with log.open("ab") as output:
        command = ["-m", "prefect", "server", "start", "--host", _HOST, "--port", str(port)]
        process = subprocess.Popen(
            [sys.executable, *command],
            env=os.environ | own,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the program, which ends the server itself
        )
    try:
        _wait_until_healthy(own["PREFECT_API_URL"], process, log)
        yield own
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((_HOST, 0))
        port: int = free.getsockname()[1]
        return port


def _wait_until_healthy(api_url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PrefectServerError(
                f"The Prefect server ended with {process.returncode}: see {log}"
            )
        try:
            if requests.get(f"{api_url}/health", timeout=2).ok:
                return
        except requests.ConnectionError:
            pass  # not up yet
        time.sleep(0.2)
    raise PrefectServerError(f"No answer from {api_url} in {_PATIENCE_SECONDS} s: see {log}")
