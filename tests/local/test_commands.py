"""Commands that are forked from a process that has imported them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.commands import imported_commands
from tests.local.conftest import ROOT, is_alive, wait_until

MODULE = "sample_command"
SOURCE = """\
import atexit, os, sys
if __name__ == "__main__":
    atexit.register(print, "at the end", flush=True)
    print(sys.argv[1:], os.environ.get("ASKED"), "IMPORTED" in os.environ, sys.stdin.read() == "")
    sys.exit(int(sys.argv[1]))
print("imported", __name__)
"""
RUN = """\
import os
from infra.local.commands import imported_commands
with imported_commands(["sample_command"], dict(os.environ, IMPORTED="1")) as run:
    print([run("sample_command", [code, "a b"], dict(os.environ, ASKED="yes")) for code in "03"])
"""
WAIT = """\
import os, sys, time
if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        file.write(str(os.getpid()))
    time.sleep(600)
"""
INTERRUPTED = """\
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
from infra.local.commands import imported_commands
with imported_commands(["sample_command"], dict(os.environ)) as run:
    run("sample_command", [sys.argv[1]], dict(os.environ))
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")

    def write_module(source: str) -> Path:
        (tmp_path / f"{MODULE}.py").write_text(source)
        return tmp_path

    return write_module


def test_run_is_what_python_m_makes_of_it(write: Callable[[str], Path]) -> None:
    write(SOURCE)

    ended = subprocess.run(
        [sys.executable, "-c", RUN], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ended.stderr == ""
    once = ["imported sample_command"] if sys.platform == "linux" else []
    assert ended.stdout.splitlines() == [
        *once,
        "['0', 'a b'] yes False True",
        "at the end",
        "['3', 'a b'] yes False True",
        "at the end",
        "[0, 3]",
    ]


def test_module_that_cannot_be_imported_fails_and_says_why(
    write: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    write("raise RuntimeError('broken')")

    with imported_commands([MODULE], dict(os.environ)) as run:
        assert run(MODULE, [], dict(os.environ)) == 1

    assert "RuntimeError: broken" in capfd.readouterr().err


@pytest.mark.parametrize("send", [os.killpg, os.kill])  # Ctrl-C reaches both, `kill` the program
def test_nothing_is_left_of_a_run_whose_program_is_interrupted(
    write: Callable[[str], Path], send: Callable[[int, int], None]
) -> None:
    pid_file = write(WAIT) / "pid"
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(pid_file)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: pid_file.exists() and pid_file.read_text() != "")
    pid = int(pid_file.read_text())

    send(program.pid, signal.SIGINT)

    program.wait(timeout=20)
    wait_until(lambda: not is_alive(pid))
