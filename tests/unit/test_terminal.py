"""What a command shows on a terminal, at widths that people have."""

import io
import logging
import os
import pty
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prefect import task_engine

from flows import telling, terminal
from flows.telling import tell
from flows.terminal import columns, say, show_bar, show_log, show_story, wrap
from tasks.core.errors import BadDataError

URL = f"s3://b3-lake/landing/portfolio/{'0123456789abcdef' * 8}.json.gz"
LONG = f"Landed {URL} of {'a word ' * 30}and the end."
NOON = time.mktime((2025, 8, 4, 14, 3, 5, 0, 0, -1))
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    """Standard error that is a terminal of some width."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    @property
    def lines(self) -> list[str]:
        """What was written, without control codes."""
        return CODES.sub("", self.getvalue()).splitlines()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


Show = Callable[..., Terminal]


@pytest.fixture
def stand_at(monkeypatch: pytest.MonkeyPatch) -> Show:
    """Makes standard error a terminal of some width; pytest takes it back before a test begins."""

    def make(width: int = 80) -> Terminal:
        found = Terminal()
        size = os.terminal_size((width, 24))
        monkeypatch.setattr(os, "get_terminal_size", lambda *_: size)
        monkeypatch.setattr(sys, "stderr", found)
        return found

    return make


@pytest.fixture
def story() -> Iterator[logging.Logger]:
    """What `get_run_logger` gives in a step, while the story is shown."""
    logger = logging.getLogger("prefect.task_runs.steps")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    handler = terminal.StoryHandler()
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def record(name: str, level: int, message: str, *arguments: Any, **more: Any) -> logging.LogRecord:
    """A record of Prefect's own."""
    found = logging.LogRecord(name, level, task_engine.__file__, 1, message, arguments, None)
    found.__dict__ |= more
    return found


@pytest.mark.parametrize("width", [24, 60, 80])
@pytest.mark.parametrize("hang", [2, 4])
def test_no_line_is_too_long_and_nothing_is_lost(width: int, hang: int) -> None:
    lines = wrap(LONG, width, first="14:03:05  ", hang=hang)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("14:03:05  Landed")
    assert all(line.startswith(" " * (10 + hang)) for line in lines[1:])
    assert "".join("".join(lines).split()) == "14:03:05" + "".join(LONG.split())


def test_a_word_with_hyphens_is_not_broken_at_them() -> None:
    assert wrap("it is b3-refine-portfolio", 24) == ["it is", "    b3-refine-portfolio"]


def test_an_empty_text_is_an_empty_line() -> None:
    assert wrap("", 24) == [""]
    assert wrap("", 24, first="14:03:05  ") == ["14:03:05"]


@pytest.mark.parametrize(("at", "hang"), [(None, 4), (NOON, 12)])
def test_what_goes_on_in_another_line_hangs_below_its_beginning(
    stand_at: Show, at: float | None, hang: int
) -> None:
    error = stand_at()
    say("a word " * 20, at=at)
    first, second, *_ = error.lines
    assert first.startswith("14:03:05  a word" if at else "a word")
    assert second[:hang] == " " * hang
    assert second[hang] != " "


def test_the_time_is_grey_and_the_rest_is_not(stand_at: Show) -> None:
    error = stand_at()
    say("a text", at=NOON)
    assert error.getvalue().startswith("\x1b[90m14:03:05  \x1b[0ma text")


def test_lines_and_indents_of_a_text_are_kept() -> None:
    text = "IBOV failed 2 checks.\n  sum: expected 1; found 2\n\n    deep: it is too long for it"
    assert wrap(text, 30) == [
        "IBOV failed 2 checks.",
        "  sum: expected 1; found 2",
        "",
        "    deep: it is too long for",
        "        it",
    ]


def test_an_indent_is_never_wider_than_the_terminal() -> None:
    assert wrap(" " * 70 + "a word and more", 60) == [" " * 20 + "a word and more"]


@pytest.mark.parametrize(("width", "expected"), [(60, 60), (80, 80), (200, 80), (0, 80), (3, 24)])
def test_the_width_is_that_of_the_terminal_and_at_most_80(
    stand_at: Show, width: int, expected: int
) -> None:
    stand_at(width)
    assert columns(sys.stderr) == expected


def test_without_a_terminal_lines_have_80_columns_and_no_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    say(LONG, level=logging.ERROR, at=NOON)
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert 70 < max(map(len, told.splitlines())) <= 80
    assert told.startswith("14:03:05  error: Landed s3://b3-lake/")


@pytest.mark.parametrize("width", [60, 80])
def test_a_step_is_told_with_the_time(stand_at: Show, width: int, story: logging.Logger) -> None:
    error = stand_at(width)
    story.info("IBOV %s: %d constituents, sound", "2025-08-04", 84)
    story.warning(LONG)
    story.debug("nobody asked")
    assert re.fullmatch(r"\d\d:\d\d:\d\d  IBOV 2025-08-04: 84 constituents, sound", error.lines[0])
    assert re.match(r"\d\d:\d\d:\d\d  warning: Landed", error.lines[1])
    assert max(map(len, error.lines)) <= width
    assert "nobody asked" not in error.getvalue()


@pytest.mark.parametrize(("level", "code"), [(logging.WARNING, "33"), (logging.ERROR, "31")])
def test_warnings_and_errors_have_a_word_and_a_colour(
    stand_at: Show, level: int, code: str
) -> None:
    error = stand_at()
    say("a text [with] :smile: brackets", level=level)
    word = "error:" if level == logging.ERROR else "warning:"
    assert f"\x1b[{code}m{word} \x1b[0m" in error.getvalue()
    assert error.lines == [f"{word} a text [with] :smile: brackets"]


def test_no_color_is_respected(stand_at: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    error = stand_at()
    monkeypatch.setenv("NO_COLOR", "1")
    say("a text", level=logging.ERROR, at=NOON)
    assert error.getvalue() == "14:03:05  error: a text\n"


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (logging.INFO, "Beginning flow run 'IBOV' for flow 'daily-portfolio'"),
        (logging.INFO, "Finished in state Completed()"),
        (logging.ERROR, "Finished in state Failed('boom')"),
        (logging.INFO, "Hook 'stop' finished running successfully"),
        (logging.ERROR, "Encountered exception during execution: BadDataError('boom')"),
        (logging.ERROR, "Task run failed with exception: boom - Retries are exhausted"),
    ],
)
def test_what_prefect_keeps_book_of_is_no_story(level: int, message: str) -> None:
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        assert tell(record(name, level, message)) == ""


@pytest.mark.parametrize("level", [logging.WARNING, logging.ERROR])
def test_what_prefect_warns_of_is_told(level: int) -> None:
    text = "An error was encountered while running hook 'stop'"
    assert tell(record("prefect.flow_runs", level, text)) == text


@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_the_outcome_is_told_at_the_end_and_not_before(level: int) -> None:
    assert tell(record("prefect.flow_runs", level, "published", is_outcome=True)) == ""


@pytest.mark.parametrize(
    ("when", "said"),
    [("2.0 second(s) from now", "again in 2 s"), ("immediately", "again at once")],
)
def test_a_retry_is_told_in_short(when: str, said: str) -> None:
    told = tell(
        record(
            "prefect.task_runs",
            logging.INFO,
            "Task run failed with %s: %r - Retry %s/%s will start %s",
            *("exception", BadDataError("B3 answered 520.\n  It does so at times."), 2, 5, when),
            task_run_name="download-portfolio IBOV",
        )
    )
    assert told == (
        f"download-portfolio IBOV: attempt 2 of 6 failed, {said}: "
        "B3 answered 520. It does so at times."
    )


def test_a_retry_takes_two_lines_at_most() -> None:
    def tell_of(name: str) -> str:
        retry = ("exception", BadDataError("x " * 99), 1, 2, "immediately")
        return tell(
            record("prefect.task_runs", logging.INFO, telling._RETRY, *retry, task_run_name=name)
        )

    assert [len(tell_of("step")), len(tell_of("steps"))] in ([135, 136], [136, 135])
    assert tell_of("step").endswith(" x …")


def test_prefect_still_tells_of_a_retry_in_the_same_words() -> None:
    source = open(task_engine.__file__, encoding="utf-8").read()  # noqa: PTH123, SIM115
    assert f'"{telling._RETRY}"' in source


def test_others_are_heard_from_a_warning_on() -> None:
    assert tell(record("prefect", logging.INFO, "Starting temporary server")) == ""
    assert tell(record("botocore", logging.WARNING, "slow")) == "slow"


def test_a_traceback_is_told_of_a_defect_alone() -> None:
    def tell_of(error: Exception) -> str:
        try:
            raise error
        except type(error):
            found = record("steps", logging.ERROR, "it failed")
            found.exc_info = sys.exc_info()
            return tell(found)

    assert tell_of(BadDataError("wrong")) == "it failed"
    told = tell_of(RuntimeError("boom"))
    assert "test_terminal.py" in told
    assert told.splitlines()[-1] == "RuntimeError: boom"


def test_what_goes_round_in_circles_is_not_swallowed(
    monkeypatch: pytest.MonkeyPatch, story: logging.Logger
) -> None:
    def tell_again(_record: object) -> str:
        raise RecursionError

    monkeypatch.setattr(terminal, "tell", tell_again)
    with pytest.raises(RecursionError):
        story.info("a step")


def test_the_console_tells_the_story_until_the_log_is_asked_for(
    stand_at: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = stand_at()
    root, other = logging.getLogger(), logging.getLogger("uvicorn")
    on_console, in_file = logging.StreamHandler(error), logging.StreamHandler(io.StringIO())
    monkeypatch.setattr(root, "handlers", [on_console, in_file])
    monkeypatch.setattr(other, "handlers", [on_console])
    before = warnings.showwarning
    show_story()
    logging.getLogger("steps").warning("a warning")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("something is old", stacklevel=1)
    assert in_file in root.handlers
    assert on_console not in root.handlers + other.handlers
    assert "  warning: a warning" in error.lines[0]
    assert re.search(r"\d\d:\d\d:\d\d  warning: .*something is old", " ".join(error.lines))
    show_log()
    assert warnings.showwarning is before
    assert set(root.handlers) == {on_console, in_file}
    assert other.handlers == [on_console]


def test_no_bar_is_drawn_beside_prefects_log(stand_at: Show) -> None:
    error = stand_at()
    with show_bar() as draw:
        draw(0.5, "1 of 2 months published")
    assert error.getvalue() == ""


def test_without_a_terminal_lines_tell_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show_story()
    with show_bar() as draw:
        draw(0.5, "1 of 2 months published")
    told = capsys.readouterr().err
    assert re.fullmatch(r"\d\d:\d\d:\d\d  1 of 2 months published\n", told)


@pytest.mark.parametrize("width", [60, 80])
def test_lines_go_above_the_bar(stand_at: Show, width: int, story: logging.Logger) -> None:
    error = stand_at(width)
    show_story()
    text = "1 of 2 months published, 23 of 44 sessions"
    with show_bar() as draw:
        draw(0.5, text)
        assert error.lines[-1].endswith(text)  # at once
        story.info("a step")
        print("somebody else", file=sys.stderr)
        story.warning(LONG)
    assert max(map(len, CODES.sub("", error.getvalue().replace("\r", "\n")).splitlines())) <= width
    screen = Screen()
    screen.feed(error.getvalue())
    shown = [line for line in screen.lines if line]
    assert re.fullmatch(r"\d\d:\d\d:\d\d  a step", shown[0])
    assert shown[1] == "somebody else"
    assert not any(text in line for line in shown)  # it goes when it is done
    assert "".join("".join(shown).split()).endswith("".join(LONG.split())[-20:])


class Screen:
    """As much of a terminal as it takes to see what stays on it: lines, and going up to erase."""

    def __init__(self) -> None:
        self.lines, self.row, self.column = [""], 0, 0

    def feed(self, written: str) -> None:
        for code, text in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z]|[\r\n])|([^\x1b\r\n]+)", written):
            if text:
                line = self.lines[self.row].ljust(self.column)
                end = self.column + len(text)
                self.lines[self.row] = line[: self.column] + text + line[end:]
                self.column = end
            elif code == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines += [""] * (self.row >= len(self.lines))
            elif code == "\r":
                self.column = 0
            elif code.endswith("A"):
                self.row -= int(code[2:-1] or 1)
            elif code == "\x1b[2K":
                self.lines[self.row] = ""


def test_a_bar_is_one_line_on_the_narrowest_terminal(stand_at: Show) -> None:
    error = stand_at(16)
    show_story()
    with show_bar() as draw:
        draw(0.5, "1 of 2 months published")
        assert error.lines[-1].startswith("1 of 2 months")


@pytest.mark.parametrize(
    ("width", "share", "expected"),
    [
        (80, 0.5, "━━━━━━━━━━──────────  1 of 2 months published"),
        (40, 0.5, "━━━━━━━───────  1 of 2 months published"),
        (32, 0.5, "━━━───  1 of 2 months published"),
        (31, 0.5, "1 of 2 months published"),
        (30, 0.5, "1 of 2 months published"),
        (20, 0.5, "1 of 2 months published"),  # none is taken for narrower than 24
        (80, 1.0, "━━━━━━━━━━━━━━━━━━━━  1 of 2 months published"),
        (80, 1.5, "━━━━━━━━━━━━━━━━━━━━  1 of 2 months published"),
    ],
)
def test_a_bar_is_one_line_with_its_text_first(
    stand_at: Show, width: int, share: float, expected: str
) -> None:
    stand_at(width)
    assert str(terminal._bar(share, "1 of 2 months published")) == expected


def test_a_terminal_that_understands_nothing_gets_lines(
    stand_at: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = stand_at()
    monkeypatch.setenv("TERM", "dumb")
    show_story()
    with show_bar() as draw:
        for text in ("1 of 2", "1 of 2", "2 of 2"):
            draw(0.5, text)
    assert [line[8:] for line in error.lines] == ["  1 of 2", "  2 of 2"]


def test_a_terminal_that_does_not_say_how_wide_it_is_has_80_columns(
    stand_at: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at()

    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "get_terminal_size", fail)
    assert columns(sys.stderr) == 80


def test_a_text_that_is_too_long_for_a_bar_is_cut(stand_at: Show) -> None:
    stand_at(60)
    text = str(terminal._bar(0.5, "word " * 20))
    assert 50 < len(text) < 60
    assert text.endswith(" …")


def test_on_a_real_terminal_prefect_says_nothing_of_itself(tmp_path: Any) -> None:
    """At the first use, on a terminal, Prefect prints a notice when it is imported."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "DO_NOT_TRACK") and not name.startswith("PREFECT_")
    } | {"PREFECT_HOME": str(tmp_path), "COLUMNS": "80"}
    module = "-m", "flows.vacuum", "--help"
    told = b""
    process, door = pty.fork()
    if process == 0:
        os.execve(sys.executable, [sys.executable, *module], environment)
    try:
        while part := os.read(door, 65536):
            told += part
    except OSError:
        pass  # how Linux says that a terminal's program has ended
    os.close(door)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert told.startswith(b"usage: python -m flows.vacuum")
    assert b"anonymous" not in told
    assert not (tmp_path / ".sdk_telemetry" / "notice_shown").exists()


def test_what_a_terminal_would_obey_is_a_blank() -> None:
    assert wrap("\x1b[2Jone\x07 \u202etwo\nthree", 60) == [" [2Jone   two", "three"]
