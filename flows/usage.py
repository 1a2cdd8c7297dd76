"""A command's help, with examples that can be copied and the exit codes; and its wrong usage."""

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterable
from functools import partial
from typing import NoReturn

from flows.terminal import MOST_COLUMNS, say

Example = tuple[str, str]
"""Arguments of a command, and what they are good for."""

EXIT_CODES = {
    0: "it is done, or there was nothing to do: the last line on standard output says which",
    1: "it failed: the end of standard error says why",
    2: "wrong usage",
    130: "it was interrupted",
}
_HARD_SPACE = "\N{NO-BREAK SPACE}"  # where no line is broken: between an option and its values


class Parser(argparse.ArgumentParser):
    """Reads a command line; nothing that it says is wider than the terminal, or than 80 columns."""

    def __init__(self, command: str, purpose: str, examples: Iterable[Example]) -> None:
        """Read a command's line.

        Args:
            command: The command, without arguments.
            purpose: What it does.
            examples: Of its use.
        """
        width = min(MOST_COLUMNS, shutil.get_terminal_size().columns)
        super().__init__(
            prog=command,
            description=textwrap.fill(purpose, width),
            epilog=describe_use(command, examples, width),
            formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=width),
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the usage, and end."""
        self.print_usage(sys.stderr)
        say(f"{self.prog}: error: {message}")
        self.exit(2)


def describe_use(command: str, examples: Iterable[Example], width: int) -> str:
    """Return the end of a command's help, in lines of at most so many columns."""
    lines = ["examples:"]
    for arguments, purpose in examples:
        lines += _break_command(f"{command} {arguments}".rstrip(), width)
        lines += _fill(purpose, width, first=" " * 6)
    lines += ["", "exit codes:"]
    for code, meaning in EXIT_CODES.items():
        lines += _fill(meaning, width, first=f"  {code:<5}")
    return "\n".join(lines)


def _break_command(command: str, width: int) -> list[str]:
    """Break a command before its options, so that a shell takes it for one."""
    lines = textwrap.wrap(
        command.replace(" ", _HARD_SPACE).replace(f"{_HARD_SPACE}--", " --"),
        width - 2,  # leaves room for the sign that the line goes on
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    broken = [*(f"{line} \\" for line in lines[:-1]), lines[-1]]
    return [line.replace(_HARD_SPACE, " ") for line in broken]


def _fill(text: str, width: int, *, first: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=" " * len(first))
