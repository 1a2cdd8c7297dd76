"""What a command does about Prefect's temporary server before it runs its flow."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed

from flows import command, import_portfolio, portfolio
from flows.command import PrefectServerError, run_command, start_temporary_server

DONE: Any = Completed(message="published IBOV 2025-08-01")


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


def test_the_server_is_there_before_the_flow_and_has_more_than_prefects_20_seconds(
    started: list[int | None],
) -> None:
    assert run_command(lambda: DONE if started else pytest.fail("no server"), check=int) == 0
    assert started == [command.SERVER_PATIENCE_SECONDS]
    assert command.SERVER_PATIENCE_SECONDS >= 120


def test_a_server_that_is_named_is_used(started: list[int | None]) -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert run_command(lambda: DONE, check=int) == 0
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
    [(None, "Expected a file or a folder at "), (b"a;b;c\r\n", "Line 1: expected 'IBOV - Cart")],
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
    assert said in capsys.readouterr().err
    assert started == []


def test_after_a_while_a_slow_start_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command._SILENCE_SECONDS == 5
    said = threading.Event()
    say = command._say_that_it_starts
    monkeypatch.setattr(command, "_SILENCE_SECONDS", 0.01)

    def say_and_tell() -> None:
        say()
        said.set()

    monkeypatch.setattr(command, "_say_that_it_starts", say_and_tell)
    monkeypatch.setattr(SubprocessASGIServer, "start", lambda _self, timeout: said.wait(30))
    start_temporary_server()
    assert "Prefect's temporary server is still starting" in capsys.readouterr().err


def test_a_quick_start_is_not_told(
    started: list[int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    start_temporary_server()
    assert started
    assert capsys.readouterr().err == ""


def test_a_server_too_busy_for_the_first_question_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_self: SubprocessASGIServer, timeout: int | None = None) -> None:
        raise httpx.ReadTimeout("busy")

    asked: list[tuple[str, float]] = []

    def get(url: str, timeout: float) -> Any:
        asked.append((url, timeout))
        return SimpleNamespace(raise_for_status=lambda: None)

    monkeypatch.setattr(SubprocessASGIServer, "start", start)
    monkeypatch.setattr(httpx, "get", get)
    start_temporary_server()
    server = SubprocessASGIServer()
    try:
        assert server.running
        assert asked == [(f"{server.api_url}/health", command.SERVER_PATIENCE_SECONDS)]
    finally:
        server.stop()


def test_a_server_that_does_not_come_up_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(_self: SubprocessASGIServer, timeout: int | None = None) -> None:
        raise RuntimeError("Timed out")

    monkeypatch.setattr(SubprocessASGIServer, "start", start)
    with pytest.raises(PrefectServerError, match="PREFECT_API_URL"):
        start_temporary_server()
    assert run_command(lambda: pytest.fail("it ran"), check=int) == 1
    assert "failed: Prefect's temporary server did not answer" in capsys.readouterr().err
