"""The pictures' pure parts: what a terminal shows, which are wanted, what is read of settings."""

import json
import string
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from infra.local.pictures import browser, terminal
from infra.local.pictures.__main__ import NAMES, choose, main
from infra.local.pictures.dashboard import DEPLOYMENTS, PICTURES, RUNS, describe, describe_state
from infra.local.pictures.platform import read_settings
from infra.local.pictures.terminal import COMMANDS, PROJECT, render
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("one\r\ntwo\r\n", ["one", "two"], id="lines"),
        pytest.param("one\ntwo", ["one", "   two"], id="a line feed alone stays in its column"),
        pytest.param("12 %\r100 %", ["100 %"], id="a carriage return writes over"),
        pytest.param("100 %\r9", ["900 %"], id="what is not written over stays"),
        pytest.param("abd\bc", ["abc"], id="backspace"),
        pytest.param("\x1b[1;31mred\x1b[0m", ["red"], id="colours"),
        pytest.param("\x1b]0;title\x07a\x1b]8;;u\x1b\\b", ["ab"], id="titles and links"),
        pytest.param("\x1b[?25la\x1b[?25h", ["a"], id="the cursor hidden"),
        pytest.param("bar\r\n\x1b[1A\x1b[2Kline\r\nbar", ["line", "bar"], id="a bar moved down"),
        pytest.param("one\r\ntwo\r\n\x1b[2A\x1b[Jx", ["x"], id="all below erased"),
        pytest.param("abcdef\x1b[3G\x1b[K", ["ab"], id="the rest of a row erased"),
        pytest.param("abcdef\x1b[3G\x1b[1Kx", ["  xdef"], id="the begin of a row erased"),
        pytest.param("a\x1b[2Bb", ["a", "", " b"], id="down"),
        pytest.param("12345678", ["12345678"], id="a full row"),
        pytest.param("12345678\r\nx", ["12345678", "x"], id="a full row and its end"),
        pytest.param("1234567890", ["12345678↩", "90"], id="a row too long"),
        pytest.param("a\x1b[1Ab", ["ab"], id="there is nothing above the first row"),
    ],
)
def test_a_terminal_of_eight_columns_shows(written: str, shown: list[str]) -> None:
    assert render(written, 8) == shown


class Connection:
    """A browser's end: answers every command, and tells of requests when it is listened to."""

    def __init__(self, told: list[dict[str, Any]]) -> None:
        self._told, self._answers = told, list[dict[str, Any]]()

    def send(self, message: str) -> None:
        self._answers.append({"id": json.loads(message)["id"], "result": {"result": {"value": 1}}})

    def recv(self, timeout: float) -> str:
        if self._answers:
            return json.dumps(self._answers.pop())
        if self._told:
            return json.dumps(self._told.pop(0))
        raise TimeoutError(timeout)


def request(number: str, url: str = "http://127.0.0.1/api") -> dict[str, Any]:
    return {
        "method": "Network.requestWillBeSent",
        "params": {"requestId": number, "request": {"url": url}},
    }


def answered(number: str, how: str = "Finished") -> dict[str, Any]:
    return {"method": f"Network.loading{how}", "params": {"requestId": number}}


@pytest.mark.parametrize(
    ("told", "is_at_rest"),
    [
        pytest.param([], True, id="nothing asked"),
        pytest.param([request("1"), request("2"), answered("1"), answered("2")], True, id="all"),
        pytest.param([request("1"), answered("1", "Failed")], True, id="a request that failed"),
        pytest.param([request("1"), request("2"), answered("2")], False, id="one under way"),
        pytest.param([request("1", "blob:http://127.0.0.1/1")], True, id="a worker's source"),
    ],
)
def test_a_page_is_at_rest_once_all_of_its_requests_are_answered(
    told: list[dict[str, Any]], is_at_rest: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_QUIET_SECONDS", 0)
    monkeypatch.setattr(browser, "_SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(browser, "_BEGIN_SECONDS", 0)
    page = browser.Page(cast("Any", Connection(told)))
    assert page.open("http://127.0.0.1/v2") == is_at_rest


def test_the_last_rows_are_kept_as_they_stood_every_few_seconds_where_they_changed() -> None:
    pieces = [(1.0, "line\r\n0 %"), (6.0, "\r50 %"), (21.0, "\r100 %\r\n"), (22.0, "done")]
    assert terminal._frames(pieces, 80) == [
        *("", "# after 5 s", "line", "0 %"),
        *("", "# after 10 s", "line", "50 %"),
    ]


def test_every_picture_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []


def test_all_are_taken_unless_some_are_named() -> None:
    assert choose(None) == list(NAMES)


def test_those_that_a_pattern_fits_are_taken_once_and_in_their_order() -> None:
    assert choose(["links", "audit*", "audit"]) == [
        name for name in NAMES if name.startswith("audit") or name == "links"
    ]


def test_a_pattern_that_fits_nothing_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--to", str(tmp_path / "to"), "--only", "links", "linsk"])
    assert ended.value.code == 2
    assert "no picture is named linsk; there are import-logs, " in capsys.readouterr().err
    assert not (tmp_path / "to").exists()


def test_a_missing_browser_is_one_line_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--to", str(tmp_path / "to"), "--only", "links"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "apt install chromium" in line
    assert browser.NAMES[0] in line
    assert not (tmp_path / "to").exists()


def test_a_picture_says_all_that_its_address_needs() -> None:
    for picture in PICTURES:
        needs = {field for _, field, _, _ in string.Formatter().parse(picture.path) if field}
        assert ("artifact" in needs) == (picture.artifact is not None), picture.name
        assert ("deployment" in needs) == (picture.deployment is not None), picture.name
        assert "run" not in needs or picture.run in RUNS, picture.name
        assert picture.artifact is None or picture.run in RUNS, picture.name


def test_every_deployment_of_the_project_is_shown() -> None:
    lines = (ROOT / "prefect.yaml").read_text().splitlines()
    named = [line.partition("- name: ")[2] for line in lines if line.startswith("  - name: ")]
    assert sorted(DEPLOYMENTS) == sorted(named)
    assert {run.deployment for run in RUNS.values()} <= set(named)


def test_every_command_of_the_project_shows_its_help() -> None:
    helped = {one.arguments[0] for one in COMMANDS if one.arguments[1:] == ("--help",)}
    commands = {
        f"flows.{path.stem}"
        for path in (ROOT / "flows").glob("*.py")
        if "\ndef main(" in path.read_text()
    }
    assert helped == commands
    assert PROJECT == ROOT


def test_settings_are_read_as_a_shell_reads_them(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\n# no=comment\nB='two words'\nC=\nD=x=y\n")
    assert read_settings(tmp_path / "env") == {"A": "1", "B": "two words", "C": "", "D": "x=y"}


def test_a_line_of_a_log_is_written_with_its_time_level_and_logger() -> None:
    line = {
        "timestamp": "2025-08-04T12:00:01.123456Z",
        "level": 30,
        "name": "prefect.flow_runs",
        "message": "B3 asks to wait",
    }
    assert describe(line) == "12:00:01 WARNING prefect.flow_runs: B3 asks to wait"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"message": "expected a\n  b"}, "Failed expected a b"),
        ({"message": None}, "Failed"),
        (None, "Failed"),
    ],
)
def test_how_a_run_ended_is_one_line(state: dict[str, object] | None, said: str) -> None:
    assert describe_state({"state_name": "Failed", "state": state}) == said
