"""What a command does about Prefect's temporary server before it runs its flow."""

import subprocess
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_EPHEMERAL_ENABLED,
    temporary_settings,
)
from prefect.states import Completed

from flows import import_portfolio, portfolio, temporary_server
from flows.command import run_command
from flows.temporary_server import PrefectServerError, start_temporary_server

DONE: Any = Completed(message="published IBOV 2025-08-01")


@pytest.fixture(autouse=True)
def no_server_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect keeps one server a process: that of other tests is not the one of these."""
    monkeypatch.setattr(SubprocessASGIServer, "_instances", {})
    monkeypatch.setattr(temporary_server, "_started", [])


@pytest.fixture(autouse=True)
def no_server_is_named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("B3_LAKE_BUCKET", "b3-lake")
    monkeypatch.setenv("B3_DATABASE", "b3")
    monkeypatch.setenv("B3_GLUE_JOB", "b3-refine-portfolio")
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The patience of each start of a server; none is really started."""
    starts: list[int | None] = []

    def start(_self: SubprocessASGIServer, timeout: int | None = None) -> None:
        starts.append(timeout)

    monkeypatch.setattr(SubprocessASGIServer, "start", start)
    return starts


def test_the_server_is_there_before_the_flow(started: list[int | None]) -> None:
    assert run_command(lambda: DONE if started else pytest.fail("no server"), check=int) == 0
    assert started == [20]  # Prefect's own wait, before ours


def test_a_server_that_is_named_is_used(started: list[int | None]) -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert run_command(lambda: DONE, check=int) == 0
    assert started == []


def test_nothing_is_started_where_prefect_would_start_nothing(started: list[int | None]) -> None:
    with temporary_settings({PREFECT_SERVER_EPHEMERAL_ENABLED: False}):
        start_temporary_server()
    assert started == []


@pytest.mark.parametrize("name", ["B3_LAKE_BUCKET", "B3_GLUE_JOB"])
def test_settings_are_checked_before_a_server_is_started(
    started: list[int | None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.delenv(name)
    assert portfolio.main([]) == 1
    assert capsys.readouterr().err.startswith(f"failed: Not configured:\n  {name}: ")
    assert started == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Expected a file or a folder at "),
        (
            b"a;b;c\r\n",
            "Line 1: expected 'IBOV - Carteira do Dia DD/MM/YY', found a file of another",
        ),
    ],
    ids=["missing", "another-file"],
)
def test_files_are_checked_before_a_server_is_started(
    started: list[int | None],
    tmp_path: Any,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    said: str,
) -> None:
    path = tmp_path / "saved.csv"
    if content:
        path.write_bytes(content)
    assert import_portfolio.main([str(path)]) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert started == []


def test_after_a_while_a_slow_start_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert temporary_server._SILENCE_SECONDS == 5
    said = threading.Event()
    say = temporary_server._say_that_it_starts

    def say_and_tell() -> None:
        say()
        said.set()

    monkeypatch.setattr(temporary_server, "_say_that_it_starts", say_and_tell)
    holding: list[bool] = []

    def start(_self: SubprocessASGIServer, timeout: int | None = None) -> None:
        timers = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
        holding.extend(not each.daemon for each in timers if each.function is say_and_tell)
        said.wait(30)

    monkeypatch.setattr(temporary_server, "_SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(SubprocessASGIServer, "start", start)
    start_temporary_server()
    assert holding == [False]  # nothing that has ended waits for it
    assert "Prefect's temporary server is still starting" in capsys.readouterr().err


def test_a_quick_start_is_not_told(
    started: list[int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    start_temporary_server()
    assert started
    assert capsys.readouterr().err == ""


class Process:
    """A server's process that answers from a moment on, or ends."""

    def __init__(self, code: int | None = None) -> None:
        self.code = code

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None: ...

    def wait(self, timeout: float | None = None) -> int:
        return 0


def fail_to_start(
    monkeypatch: pytest.MonkeyPatch, error: Exception, process: Process | None
) -> None:
    """Have Prefect's own wait end with an error, and leave that process behind."""

    def start(self: Any, timeout: int | None = None) -> None:
        self.server_process, self.port = process, 1
        raise error

    monkeypatch.setattr(SubprocessASGIServer, "start", start)
    monkeypatch.setattr(temporary_server, "_LOOK_SECONDS", 0)


@pytest.mark.parametrize(
    "error", [RuntimeError("Timed out"), httpx.ReadTimeout("busy")], ids=["silent", "busy"]
)
def test_a_server_that_is_slow_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    assert temporary_server.PATIENCE_SECONDS > 120
    fail_to_start(monkeypatch, error, Process())
    answers = iter([None, httpx.Response(503), httpx.Response(200)])

    def get(url: str) -> httpx.Response:
        assert url.endswith("/api/health")
        answer = next(answers)
        if answer is None:
            raise httpx.ConnectError("not yet")
        return answer

    monkeypatch.setattr(httpx, "get", get)
    start_temporary_server()
    server = SubprocessASGIServer()
    try:
        assert server.running
        assert list(answers) == []
    finally:
        server.stop()


@pytest.mark.parametrize("process", [None, Process(1)], ids=["no-process", "ended"])
def test_a_server_that_has_ended_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], process: Process | None
) -> None:
    fail_to_start(monkeypatch, RuntimeError("Timed out. It exited with code 1."), process)
    monkeypatch.setattr(httpx, "get", lambda _url: pytest.fail("it was asked"))
    assert run_command(lambda: pytest.fail("it ran"), check=int) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith(
        "failed: Prefect's temporary server did not come up: Timed out. It exited with code 1. What"
    )
    assert "PREFECT_API_URL" in said


def test_a_server_that_ends_while_it_is_waited_for_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = Process()
    fail_to_start(monkeypatch, RuntimeError("Timed out"), process)

    def get(_url: str) -> httpx.Response:
        process.code = 1
        raise httpx.ConnectError("gone")

    monkeypatch.setattr(httpx, "get", get)
    with pytest.raises(PrefectServerError, match="it ended before it answered"):
        start_temporary_server()


def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    looks_after = temporary_server._LOOK_SECONDS
    fail_to_start(monkeypatch, RuntimeError("Timed out"), Process())
    monkeypatch.setattr(temporary_server, "_LOOK_SECONDS", looks_after)
    clock = iter([0.0, 1.0, temporary_server.PATIENCE_SECONDS])
    slept: list[float] = []
    monkeypatch.setattr(
        temporary_server,
        "time",
        SimpleNamespace(monotonic=lambda: next(clock), sleep=slept.append),
    )
    monkeypatch.setattr(httpx, "get", lambda _url: httpx.Response(503))
    with pytest.raises(PrefectServerError, match="within 180 s; the machine may be too busy"):
        start_temporary_server()
    assert slept == [0.2]


def test_a_server_runs_apart_from_ctrl_c_and_reports_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[dict[str, Any]] = []

    def start(args: list[str], **how: Any) -> Process:
        assert "uvicorn" in args
        started.append(how)
        return Process(3)

    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "")  # so that it is put back
    monkeypatch.delenv("PREFECT_SERVER_ANALYTICS_ENABLED")
    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(PrefectServerError):
        start_temporary_server()
    is_as_it_was: bool = subprocess.Popen is start  # type: ignore[comparison-overlap]
    assert is_as_it_was
    assert started[0]["process_group"] == 0
    assert started[0]["env"]["PREFECT_SERVER_ANALYTICS_ENABLED"].lower() == "false"


def test_a_server_can_be_stopped_before_the_program_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[SubprocessASGIServer] = []
    monkeypatch.setattr(SubprocessASGIServer, "start", lambda _self, timeout: None)

    def stop(self: SubprocessASGIServer) -> None:
        stopped.append(self)

    monkeypatch.setattr(SubprocessASGIServer, "stop", stop)
    start_temporary_server()
    temporary_server.stop_temporary_server()
    temporary_server.stop_temporary_server()
    assert stopped == [SubprocessASGIServer()]


def test_a_server_that_ends_at_once_is_started_a_few_times_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts: list[int] = []

    def run(self: Any) -> Process:
        starts.append(self.port)
        return Process(3)  # as uvicorn ends where its application does not start

    monkeypatch.setattr(SubprocessASGIServer, "_run_uvicorn_command", run)
    with pytest.raises(PrefectServerError, match="ended at each of 3 starts"):
        start_temporary_server()
    assert len(starts) == temporary_server.MOST_STARTS
