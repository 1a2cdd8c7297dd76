"""What a command shows while it runs: its story, a line each, and how far it is.

It stands in place of Prefect's log on the console. Lines and bar go through one console, so that
lines go above the bar. No line is longer than the terminal is wide, nor than 80 columns; nothing of
a line is lost. `NO_COLOR` is respected; where standard error is no terminal, the lines are plain.
"""

import logging
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from flows.telling import tell
from tasks.core.texts import printable

MOST_COLUMNS = 80
_FEWEST_COLUMNS = 24
_FEWEST_CELLS, _MOST_CELLS = 6, 20

Draw = Callable[[float, str], None]
"""Shows how far a run is: the share that is done, and the same in words."""


class StoryHandler(logging.Handler):
    """Shows what steps tell, and warnings of whoever; not Prefect's book-keeping."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, unless it is none of the story."""
        try:
            text = tell(record)
            if text:
                say(text, level=record.levelno, at=record.created)
        except RecursionError:
            raise
        except Exception:  # noqa: BLE001 - as every handler of logging does
            self.handleError(record)


def show_story() -> None:
    """Show the story on the console from now on, in place of Prefect's log.

    It stays until the process ends, so that what Prefect says in ending is none of it either.
    """
    handler = StoryHandler()
    for logger in _loggers():
        for replaced in [each for each in logger.handlers if _is_console(each)]:
            logger.removeHandler(replaced)
            logger.addHandler(handler)
            _replaced.append((logger, replaced, handler))
    logging.captureWarnings(capture=True)
    _shown.append(handler)


def show_log() -> None:
    """Show Prefect's log again."""
    while _replaced:
        logger, replaced, handler = _replaced.pop()
        logger.removeHandler(handler)
        logger.addHandler(replaced)
    if _shown:
        logging.captureWarnings(capture=False)
        _shown.clear()


_replaced: list[tuple[logging.Logger, logging.Handler, logging.Handler]] = []
_shown: list[StoryHandler] = []


def _loggers() -> Iterator[logging.Logger]:
    yield logging.getLogger()
    for logger in list(logging.getLogger().manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield logger


def _is_console(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    return stream is not None and stream in (sys.stderr, sys.__stderr__)


def say(text: str, *, level: int = logging.INFO, at: float | None = None) -> None:
    """Write something to standard error, above the bar where there is one.

    Args:
        text: What; its lines are kept.
        level: From a warning on it begins with a word.
        at: When it was, if that is to be told.
    """
    clock = time.strftime("%H:%M:%S", time.localtime(at)) + "  " if at is not None else ""
    word, colour = _word_of(level)
    lines = wrap(f"{word}{text}", columns(sys.stderr), first=clock, hang=4 if not clock else 2)
    shown = Text("\n".join(lines))
    shown.stylize("bright_black", 0, len(clock))
    shown.stylize(colour, len(clock), len(clock) + len(word))
    _console().print(shown, soft_wrap=True)


def _word_of(level: int) -> tuple[str, str]:
    if level >= logging.ERROR:
        return "error: ", "red"
    return ("warning: ", "yellow") if level >= logging.WARNING else ("", "")


def wrap(text: str, width: int, *, first: str = "", hang: int = 4) -> list[str]:
    """Break text into lines of at most so many columns.

    Args:
        text: What; its own lines are kept, with their indents. What a terminal would obey, such
            as an escape character, is a blank.
        width: How many columns there are.
        first: What the first line begins with, and the others leave room for.
        hang: How much further in a line goes on that is broken.
    """
    lines = []
    for number, line in enumerate(map(printable, text.splitlines() or [""])):
        lead = first if number == 0 else " " * len(first)
        indent = " " * min(len(line) - len(line.lstrip()), width // 3)
        lines += textwrap.wrap(
            line.strip(),
            width,
            initial_indent=lead + indent,
            subsequent_indent=" " * (len(first) + len(indent) + hang),
            break_on_hyphens=False,
        ) or [lead.rstrip()]
    return lines


def columns(stream: TextIO) -> int:
    """Return how many columns a line may have: those of the terminal, and at most 80."""
    found = 0
    if stream.isatty():
        with suppress(OSError, ValueError):  # a terminal that does not say
            found = os.get_terminal_size(stream.fileno()).columns
    return max(_FEWEST_COLUMNS, min(MOST_COLUMNS, found or MOST_COLUMNS))


def _console() -> Console:
    if _live:
        return _live[-1].console
    is_terminal = sys.stderr.isatty()
    return Console(stderr=True, force_terminal=is_terminal)


_live: list[Live] = []


@contextmanager
def show_bar() -> Iterator[Draw]:
    """Show how far the run is while the block runs.

    Yields:
        To be called when it has come further. It draws a bar on a terminal, and says a line
        elsewhere; it does nothing where Prefect's log is shown.
    """
    if not _shown:
        yield lambda _share, _text: None
    elif not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _say_once_each()
    else:
        with Live(console=_console(), auto_refresh=False, transient=True) as live:
            _live.append(live)
            try:
                yield lambda share, text: live.update(_bar(share, text), refresh=True)
            finally:
                _live.remove(live)


def _say_once_each() -> Draw:
    """Say a line where it is another one than the last."""
    last = ""

    def draw(_share: float, text: str) -> None:
        nonlocal last
        if text != last:
            say(text, at=time.time())
        last = text

    return draw


def _bar(share: float, text: str) -> Text:
    """Return a bar with its text, in one line."""
    room = columns(sys.stderr) - 1
    text = textwrap.shorten(text, room, placeholder=" …")
    cells = min(_MOST_CELLS, room - len(text) - 2)
    cells = cells if cells >= _FEWEST_CELLS else 0
    done = round(cells * min(1.0, share))
    full, empty = "━─" if _console().encoding.startswith("utf") else "#-"
    gap = "  " if cells else ""
    bar = Text(no_wrap=True)
    bar.append(full * done, "green").append(empty * (cells - done), "bright_black")
    return bar.append(gap).append(text)
