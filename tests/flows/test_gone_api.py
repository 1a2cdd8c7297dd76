"""Prefect's API goes away under a flow, for good or for a while, asked of a process of its own."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import ending, leaving
from flows.dashboard import in_words, is_expected
from flows.orchestrator import api_is_gone, find_gone_api
from tasks.core.errors import BadDataError, OrchestratorError
from tests.conftest import ROOT
from tests.flows.door import Door

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door(PREFECT_API_URL.value() or "")
    yield door
    door.shut()


def run_half_way(door: Door, *, opens_again: bool) -> tuple[int, str, str]:
    """Shut the door when the flow is half-way; return exit code, output and error output."""
    command = [sys.executable, "-m", "tests.flows.half_way"]
    retries = "4" if opens_again else "1"
    env = os.environ | {"PREFECT_API_URL": door.url, "PREFECT_CLIENT_MAX_RETRIES": retries}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=env, text=True, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "half-way\n"
        door.shut()
        if opens_again:
            threading.Timer(3.0, door.open).start()
        process.stdin.write("\n")
        process.stdin.flush()
        out, error = process.communicate(timeout=120)
    return process.returncode, out, " ".join(error.split())


def test_a_flow_whose_api_is_gone_for_good_ends_and_says_so(door: Door) -> None:
    code, out, error = run_half_way(door, opens_again=False)
    assert (code, out) == (1, "")
    # Prefect's own threads may say something before it and after it.
    said = re.escape(f"failed: Expected Prefect's API at {door.url} to take how this run goes")
    whole = rf"{said}, found that it [^:]+: [^:]+\. The lake is whole: .*; it goes on from there\."
    assert len(re.findall(whole, error)) == 1
    assert error.count("failed: Expected") == 1


def test_an_api_that_is_gone_for_a_while_is_survived(door: Door) -> None:
    code, out, error = run_half_way(door, opens_again=True)
    assert (code, out) == (0, "published all of it\n")
    assert "failed:" not in error


def refused(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "http://127.0.0.1:9/api")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status))


def caused_by(error: Exception) -> Exception:
    outer = RuntimeError("a step")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("[Errno 111] Connection refused"),
        httpx.ReadTimeout(""),
        refused(500),
        refused(503),
        caused_by(httpx.ConnectError("refused")),
    ],
    ids=repr,
)
def test_what_an_api_that_is_gone_ends_with_is_told_as_such(error: Exception) -> None:
    assert isinstance(find_gone_api(error), OrchestratorError)
    assert isinstance(in_words(error), OrchestratorError)
    assert is_expected(error)


@pytest.mark.parametrize(
    "error",
    [refused(404), refused(422), KeyError("a mistake"), BadDataError("wrong"), api_is_gone("gone")],
    ids=repr,
)
def test_any_other_error_is_none_of_the_api(error: Exception) -> None:
    assert find_gone_api(error) is None


def test_who_asks_the_api_is_not_told() -> None:
    with temporary_settings({PREFECT_API_URL: "http://user:secret@127.0.0.1:9/api"}):
        said = str(api_is_gone(httpx.ReadTimeout("")))
    assert "http://127.0.0.1:9/api" in said
    assert "more: ReadTimeout." in said


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The times after which this process would be left."""
    found: list[float] = []

    def leave_after(seconds: float, code: int, message: str) -> threading.Timer:
        assert (code, message.startswith("failed: ")) == (1, True)
        found.append(seconds)
        return threading.Timer(0, print)

    monkeypatch.setattr(leaving, "leave_after", leave_after)
    yield found
    leaving.stay()


@pytest.mark.parametrize("is_ours", [True, False])
def test_only_a_process_of_its_own_is_left(
    timers: list[float], monkeypatch: pytest.MonkeyPatch, is_ours: bool
) -> None:
    leaving.stay()
    if is_ours:
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "x")
    leaving.end_within(5.0, OrchestratorError("gone"))
    assert timers == [5.0] * is_ours


def test_a_command_is_left_until_its_run_has_ended(timers: list[float]) -> None:
    leaving.begin()
    leaving.end_within(5.0, OrchestratorError("gone"))
    leaving.stay()
    leaving.end_within(5.0, OrchestratorError("gone"))
    assert timers == [5.0]
    assert leaving._ends == []


def test_a_run_without_its_api_has_a_minute_to_end_and_any_other_three(
    timers: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (leaving.GONE_SECONDS, leaving.END_SECONDS) == (60.0, 180.0)
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "x")

    def run() -> None:
        raise httpx.ConnectError("refused")

    with pytest.raises(OrchestratorError, match="refused"):
        ending.with_reason(run)()  # type: ignore[arg-type]
    assert timers == [60.0]
