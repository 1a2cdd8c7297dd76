"""The server that Prefect starts for a command without one: waited for as long as it takes.

Prefect itself gives it 20 seconds, which a busy machine may need for the start alone, and starts a
server that ends at once again and again, without end. And it runs apart: a Ctrl-C in the terminal
ends the command alone, which can then still tell the server that it was interrupted, and stop it.
"""

import itertools
import os
import subprocess
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_EPHEMERAL_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
)

from flows.terminal import say
from tasks.core.errors import B3PipelineError

if TYPE_CHECKING:
    from prefect.server.api.server import SubprocessASGIServer

PATIENCE_SECONDS = 180.0
MOST_STARTS = 3
_FIRST_WAIT_SECONDS = 20
_SILENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_started: list["SubprocessASGIServer"] = []


class PrefectServerError(B3PipelineError):
    """Prefect's temporary server did not come up: run again, or name a server."""


def start_temporary_server() -> None:
    """Start the server, if Prefect would start one, and wait until it answers.

    Raises:
        PrefectServerError: It ended, or did not answer in time.
    """
    if PREFECT_API_URL.value() or not PREFECT_SERVER_EPHEMERAL_ENABLED.value():
        return
    # The server is ours: it reports to nobody, unless somebody says so in a profile.
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    # Imported here: Prefect's server takes seconds to import, which other commands need not wait.
    from prefect.server.api.server import SubprocessASGIServer

    note = threading.Timer(_SILENCE_SECONDS, _say_that_it_starts)
    note.daemon = True
    note.start()
    server = SubprocessASGIServer()
    _started.append(server)
    try:
        _start(server)
    except RuntimeError as error:
        server.stop()
        raise PrefectServerError(
            f"Prefect's temporary server did not come up: {str(error).rstrip('.')}. What it said "
            f"stands above. Run it again, or name a server in PREFECT_API_URL."
        ) from error
    finally:
        note.cancel()


def stop_temporary_server() -> None:
    """Stop the server where one was started, without waiting for the end of the program."""
    while _started:
        _started.pop().stop()


def _start(server: "SubprocessASGIServer") -> None:
    _start_it_a_few_times_only(server)
    _start_it_apart(server)
    try:
        server.start(timeout=_FIRST_WAIT_SECONDS)
    except (RuntimeError, httpx.TimeoutException):
        if server.server_process is None or server.server_process.poll() is not None:
            raise
        _wait_until_it_answers(server)
        server.running = True


def _start_it_a_few_times_only(server: "SubprocessASGIServer") -> None:
    """Have Prefect give up on a server that ends at once; for each start it asks for a port."""
    find_port, starts = server.find_available_port, itertools.count(1)

    def find_port_or_give_up() -> int:
        if next(starts) > MOST_STARTS:
            raise RuntimeError(f"it ended at each of {MOST_STARTS} starts")
        return find_port()

    server.find_available_port = find_port_or_give_up  # type: ignore[method-assign]


def _start_it_apart(server: "SubprocessASGIServer") -> None:
    """Have Prefect start the server in a process group of its own, where no Ctrl-C comes to it."""
    start = server._run_uvicorn_command  # noqa: SLF001 - Prefect has no other door

    def start_apart() -> "subprocess.Popen[Any]":
        as_it_was = subprocess.Popen
        subprocess.Popen = partial(as_it_was, process_group=0)  # type: ignore[assignment,misc]
        try:
            return start()
        finally:
            subprocess.Popen = as_it_was  # type: ignore[misc]

    server._run_uvicorn_command = start_apart  # type: ignore[method-assign]  # noqa: SLF001


def _wait_until_it_answers(server: "SubprocessASGIServer") -> None:
    patience = max(PATIENCE_SECONDS, PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if server.server_process is None or server.server_process.poll() is not None:
            raise RuntimeError("it ended before it answered")
        try:
            if httpx.get(f"{server.api_url}/health").is_success:
                return
        except httpx.HTTPError:
            pass  # not yet
        time.sleep(_LOOK_SECONDS)
    raise RuntimeError(f"it did not answer within {patience:.0f} s; the machine may be too busy")


def _say_that_it_starts() -> None:
    say(f"Prefect's temporary server is still starting; waiting for up to {PATIENCE_SECONDS:.0f} s")
