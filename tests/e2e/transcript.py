"""What the READMEs show of `make demo`: `python -m tests.e2e.transcript` writes it there again.

The demo runs on a terminal of 80 × 24 with a state of its own, and what it prints for some of its
steps stands in the README of each language. Lines between them are left out, which a line `…` says.
"""

import fcntl
import os
import pty
import re
import struct
import sys
import tempfile
import termios
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

COLUMNS, LINES = 80, 24
README = ROOT / "README.md"
READMES = (README, ROOT / "README.pt-BR.md")
_BLOCK = re.compile(r"(?<=^```console\n)\$ make demo\n.*?(?=^```$)", re.M | re.S)
_HEADING = re.compile(r"^\d+\. .* ─+$", re.M)
_SHOWN_STEPS = (0, 3)  # the cloud; a session
_SHOWN_ANSWER = "Entries and exits. "
_CUT = "…"
# What differs from one run to the next.
_VOLATILE = (
    (re.compile(r"\b[0-9a-f]{12}\b"), "<run>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"\b\d+(\.\d+)? (s|seconds)\b"), "<seconds>"),
    (re.compile(r"\b\d?\d:\d\d:\d\d(\.\d+)?\b"), "<time>"),
    (re.compile(r"\breceived=\d{4}-\d\d-\d\d\b"), "received=<day>"),
    (re.compile(r"─+$", re.M), "─"),
)


@dataclass(frozen=True)
class Shown:
    """What a program has shown on a terminal.

    Attributes:
        text: Its lines as they stood there in the end, without colours.
        code: The exit code.
    """

    text: str
    code: int

    @property
    def steps(self) -> list[str]:
        """The text of each step, with its heading."""
        starts = [match.start() for match in _HEADING.finditer(self.text)]
        ends = [*starts[1:], len(self.text)]
        return [self.text[start:end] for start, end in zip(starts, ends, strict=True)]


def run_on_a_terminal(command: list[str], columns: int = COLUMNS) -> Shown:
    """Run a program on a terminal of its own, to its end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ["TERM"] = "xterm-256color"
        os.environ.pop("B3_REPORTS", None)  # as a person's is, whatever other tests have said
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    written = bytearray()
    try:
        while part := os.read(terminal, 65536):
            written += part
    except OSError:
        pass  # so ends a terminal on Linux
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return Shown(read_screen(written.decode()), os.waitstatus_to_exitcode(status))


def read_screen(written: str) -> str:
    """Return what stands on a terminal after it all: what is drawn over and cleared is gone."""
    lines: list[str] = [""]
    row = 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r\n|\n|\r|[^\x1b\r\n]+|.", written):
        if part in {"\n", "\r\n"}:
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r" or not part.startswith("\x1b"):
            lines[row] += part
        elif part.endswith("A"):
            row = max(0, row - int(part[2:-1] or 1))
        elif part.endswith("K"):
            lines[row] = ""
    return "".join(f"{line.rsplit(chr(13), 1)[-1].rstrip()}\n" for line in lines)


def run_demo(state: Path) -> Shown:
    """Run `make demo` on a terminal."""
    return run_on_a_terminal([sys.executable, "-m", "infra.local.demo", "--state", str(state)])


def excerpt(shown: Shown) -> str:
    """Return what the README shows of the demo."""
    steps = shown.steps
    answers = "".join(steps).split("\n\n")
    (answer,) = [each for each in answers if each.startswith(_SHOWN_ANSWER)]
    parts = ["$ make demo", *(steps[number].strip() for number in _SHOWN_STEPS), answer.strip()]
    return f"{parts[0]}\n{f'{chr(10)}{_CUT}{chr(10)}'.join(parts[1:])}\n{_CUT}\n"


def mask(text: str) -> list[str]:
    """Put a name in the place of what differs from run to run; in parallel, so does the order."""
    for volatile, name in _VOLATILE:
        text = volatile.sub(name, text)
    # While Glue works there is a line each half minute, and one more where it is seen to start.
    return sorted({line for line in text.splitlines() if "Glue: STARTING" not in line})


def readme_excerpt() -> str:
    """Return what stands in the README now."""
    found = _BLOCK.search(README.read_text(encoding="utf-8"))
    assert found, "README.md has no ```console block that begins with `$ make demo`"
    return found[0]


def main() -> int:
    """Run the demo, and write its excerpt into the READMEs."""
    with tempfile.TemporaryDirectory() as folder:
        shown = run_demo(Path(folder) / "state")
    if shown.code != 0:
        print(shown.text, file=sys.stderr)
        return 1
    for readme in READMES:
        text = readme.read_text(encoding="utf-8")
        readme.write_text(_BLOCK.sub(lambda _: excerpt(shown), text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
