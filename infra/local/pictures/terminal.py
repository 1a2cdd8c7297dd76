"""The commands as a terminal shows them: of 80 and of 60 columns, without colour, without any."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[3]
_PATIENCE_SECONDS = 300.0
_FRAME_SECONDS = 5.0
_FRAME_ROWS = 4
_ROWS = 24
_CONTROL = re.compile(
    r"\x1b\[(?P<arguments>[0-9;?]*)(?P<end>[A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b."
)


@dataclass(frozen=True)
class Command:
    """A command to be shown.

    Attributes:
        name: Of its transcript.
        arguments: What follows `python -m`.
        columns: Of its terminal; None where it has none.
        env: What is set beside the settings.
    """

    name: str
    arguments: tuple[str, ...]
    columns: int | None = 80
    env: tuple[tuple[str, str], ...] = ()


_FLOWS = (
    "portfolio",
    "quotes",
    "levels",
    *("reconcile", "report", "backfill", "import_portfolio", "freshness", "vacuum"),
    *("verify", "views"),
)
_PUBLISH = ("flows.portfolio", "--trading-date", "2025-08-04", "--index", "IBOV")
_NOT_SHOWN = ("flows.portfolio", "--trading-date", "2025-07-30", "--index", "IBOV")
# Two months, of which no other picture asks.
_RANGES = {80: ("2025-05-29", "2025-06-03"), 60: ("2025-03-28", "2025-04-02")}


def _backfill(columns: int) -> tuple[str, ...]:
    start, end = _RANGES[columns]
    return ("flows.backfill", "--dataset", "quotes", "--start", start, "--end", end)


COMMANDS = (
    *(
        Command(f"terminal-{name}-{columns}", arguments, columns)
        for columns in _RANGES
        for name, arguments in (
            ("success", (*_PUBLISH, "--force")),
            ("up-to-date", _PUBLISH),
            ("failure", _NOT_SHOWN),
            ("usage", ("flows.portfolio", "--trading-date", "04/08/2025")),
            ("backfill", _backfill(columns)),
            *((f"help-{flow}", (f"flows.{flow}", "--help")) for flow in _FLOWS),
        )
    ),
    Command("terminal-no-color", (*_PUBLISH, "--force"), env=(("NO_COLOR", "1"),)),
    Command("terminal-none-success", (*_PUBLISH, "--force"), columns=None),
    Command("terminal-none-failure", _NOT_SHOWN, columns=None),
)


def take(command: Command, settings: dict[str, str], to: Path) -> str:
    """Run a command, and write what a terminal shows of it to `NAME.txt`, as it came to `NAME.raw`.

    Returns:
        One line about it.
    """
    python = [sys.executable, "-m", *command.arguments]
    env = {name: value for name, value in settings.items() if name not in ("COLUMNS", "LINES")}
    env |= {"TERM": "xterm-256color"} | dict(command.env)
    started = time.monotonic()
    if command.columns is None:
        raw, code = _run_without(python, env)
        shown, frames = raw.splitlines(), []
    else:
        code, pieces = _run_in(python, env, command.columns)
        raw = "".join(text for _, text in pieces)
        shown, frames = render(raw, command.columns), _frames(pieces, command.columns)
    seconds = time.monotonic() - started
    (to / f"{command.name}.raw").write_text(raw, newline="")
    size = "no terminal" if command.columns is None else f"{command.columns} columns"
    head = [f"# {size}", *(f"# {name}={value}" for name, value in command.env)]
    last = f"exit code {code}, {len(shown)} rows, {seconds:.0f} s"
    lines = [*head, f"$ python -m {' '.join(command.arguments)}", *shown, f"# {last}", *frames]
    (to / f"{command.name}.txt").write_text("\n".join(lines) + "\n")
    return last


def _frames(pieces: list[tuple[float, str]], columns: int) -> list[str]:
    """Return the last rows as they stood every few seconds: where a bar and lines may collide."""
    lines, text, due, before = list[str](), "", _FRAME_SECONDS, list[str]()
    for seconds, piece in pieces:
        while seconds > due:
            rows = render(text, columns)[-_FRAME_ROWS:]
            if rows != before:
                lines += ["", f"# after {due:.0f} s", *rows]
            due, before = due + _FRAME_SECONDS, rows
        text += piece
    return lines


def _run_without(python: list[str], env: dict[str, str]) -> tuple[str, int]:
    ended = subprocess.run(
        python,
        env=env,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=_PATIENCE_SECONDS,
    )
    return f"[stdout]\n{ended.stdout}[stderr]\n{ended.stderr}", ended.returncode


def _run_in(
    python: list[str], env: dict[str, str], columns: int
) -> tuple[int, list[tuple[float, str]]]:
    """Run in a terminal; return the exit code, and what came after how many seconds."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    process = subprocess.Popen(
        python,
        env=env,
        cwd=PROJECT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    pieces, started = list[tuple[float, bytes]](), time.monotonic()
    try:
        while (seconds := time.monotonic() - started) < _PATIENCE_SECONDS:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # nobody has the other end any more
                    break
                pieces.append((seconds, data))
            elif process.poll() is not None:
                break
    finally:
        os.close(ours)
        if process.poll() is None and time.monotonic() - started >= _PATIENCE_SECONDS:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    return code, [(seconds, data.decode(errors="replace")) for seconds, data in pieces]


def render(text: str, columns: int) -> list[str]:
    """Return the rows that a terminal shows once a text was written to it; nothing scrolls away.

    A row that goes on in the next one, for want of columns, ends in `↩`.
    """
    screen, at = _Screen(columns), 0
    for control in _CONTROL.finditer(text):
        screen.write(text[at : control.start()])
        screen.obey(control["end"], control["arguments"])
        at = control.end()
    screen.write(text[at:])
    return screen.shown()


class _Screen:
    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[list[str]] = [[]]
        self._wrapped: set[int] = set()
        self._row = self._column = 0

    def write(self, text: str) -> None:
        for character in text:
            if character == "\n":
                self._move_to(self._row + 1)
            elif character == "\r":
                self._column = 0
            elif character == "\b":
                self._column = max(0, self._column - 1)
            elif character >= " ":
                self._put(character)

    def obey(self, end: str | None, arguments: str | None) -> None:
        """Move or erase as a control sequence says; colours and the like change no letter."""
        number = int(arguments) if arguments and arguments.isdigit() else 0
        if end == "A":
            self._move_to(max(0, self._row - (number or 1)))
        elif end == "B":
            self._move_to(self._row + (number or 1))
        elif end == "G":
            self._column = max(0, number - 1)
        elif end == "K":
            self._erase(number)
        elif end == "J" and number == 0:
            self._erase(0)
            del self._rows[self._row + 1 :]

    def shown(self) -> list[str]:
        rows = [
            "".join(row).rstrip() + ("↩" if number in self._wrapped else "")
            for number, row in enumerate(self._rows)
        ]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def _put(self, character: str) -> None:
        if self._column == self._columns:
            self._wrapped.add(self._row)
            self._move_to(self._row + 1)
            self._column = 0
        row = self._rows[self._row]
        row += " " * (self._column + 1 - len(row))
        row[self._column] = character
        self._column += 1

    def _erase(self, how: int) -> None:
        row = self._rows[self._row]
        if how == 0:
            del row[self._column :]
        else:  # before the cursor, or the whole row
            row[:] = [] if how == 2 else [" "] * self._column + row[self._column :]
        self._wrapped.discard(self._row)

    def _move_to(self, row: int) -> None:
        self._rows += [[] for _ in range(row + 1 - len(self._rows))]
        self._row = row
