"""What the commands say of themselves: each has examples that work, and fits a terminal."""

import importlib
import shlex
from typing import Any

import pytest

import flows.command
from flows.command import parse
from flows.usage import EXIT_CODES, describe_use
from tests.conftest import ROOT
from tests.portfolios import FRIDAY

COMMANDS = sorted(
    path.stem
    for path in (ROOT / "flows").glob("*.py")
    if "\ndef main(" in path.read_text(encoding="utf-8")
)


@pytest.fixture(autouse=True)
def on_a_friday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.command, "today_in_sao_paulo", lambda: FRIDAY)


def read_help(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"flows.{command}").main(["--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_all_eleven_commands_are_looked_at() -> None:
    assert len(COMMANDS) == 11


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_the_terminal_and_has_examples_and_exit_codes(
    command: str,
    columns: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = importlib.import_module(f"flows.{command}")
    text = read_help(command, monkeypatch, capsys, columns)
    assert max(map(len, text.splitlines())) <= min(80, columns)
    words = " ".join(text.split())
    for flag, _ in module.OPTIONS:
        assert flag in words or flag.upper().rstrip("S") in words
    assert ("--verbose" in words) == (command != "views")  # which is no flow, and has no log
    assert "examples:" in words
    assert str(module.__doc__).splitlines()[0] in words
    for code, meaning in EXIT_CODES.items():
        assert f" {code} {meaning}" in words


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_two_examples_that_it_takes_as_they_stand_in_its_help(
    command: str,
    columns: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = importlib.import_module(f"flows.{command}")
    text = read_help(command, monkeypatch, capsys, columns)
    joined = text.replace(" \\\n", " ").splitlines()
    shown = [line for line in joined if line.startswith(f"  python -m flows.{command}")]
    ran: list[list[str]] = []

    def take(*given: Any, **named: Any) -> Any:
        ran.append(given[-1])
        return parse(*given, **named)

    monkeypatch.setattr(module, "parse", take)
    monkeypatch.setattr(module, "run_command", lambda *_, **__: 0)
    for line in shown:
        _, _, _, *arguments = shlex.split(line)
        assert module.main(arguments) == 0
    assert len(ran) == len(module.EXAMPLES) == 2
    assert [shlex.split(arguments) for arguments, _ in module.EXAMPLES] == ran


def test_examples_and_exit_codes_are_laid_out_so_that_they_can_be_copied() -> None:
    examples = [
        ("--start 2025-08-01 --end 2025-08-29", "a month, with whatever it takes to say so here"),
        ("", "nothing"),
        ("s3://b3-lake/a-folder-of-a-name-that-is-long/", "one word"),
    ]
    # The widest line of the first example has one column left, for the sign that it goes on.
    assert describe_use("python -m flows.of-the-past", examples, 51).splitlines() == [
        "examples:",
        "  python -m flows.of-the-past --start 2025-08-01 \\",
        "    --end 2025-08-29",
        "      a month, with whatever it takes to say so",
        "      here",
        "  python -m flows.of-the-past",
        "      nothing",
        "  python -m flows.of-the-past s3://b3-lake/a-folder-of-a-name-that-is-long/",
        "      one word",
        "",
        "exit codes:",
        "  0    it is done, or there was nothing to do: the",
        "       last line on standard output says which",
        "  1    it failed: the end of standard error says",
        "       why",
        "  2    wrong usage",
        "  130  it was interrupted",
    ]


def test_wrong_usage_fits_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("flows.x", "What it does.", [], [], ["--wrong", *["word"] * 40])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert max(map(len, told.splitlines())) <= 80
    assert "flows.x: error: unrecognized arguments: --wrong word" in " ".join(told.split())
