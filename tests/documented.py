"""What the pages have people type, read from the pages.

A command is a line of a `sh` block, a line after `$ ` of a `console` block, a line that begins with
a program in a block that names no language, or a whole command between backticks. After a `\\`, or
within quotation marks, it goes on in the next line. Pages in two languages share their commands, so
each is there once.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.markdown import Fence, read_parts, without_fences

ROOT = Path(__file__).parents[1]
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_PROGRAMS = (
    r"make|python -m|prefect|aws|terraform|docker|npm|pip|git|jupyter|duckdb|pre-commit|pytest|uv"
    r"|export|set|cp"
)
_COMMAND = re.compile(rf"(?:[A-Z]\w*=\S+ )*(?:\.venv/bin/)?(?:{_PROGRAMS}) \S.*", re.S)
# What stands for something else makes a command a form of one: …, [--option], <name>, FILE, D.
_STANDS_FOR = re.compile(
    r"…|\[--|<[\w-]+>| (?:D|DIR|FILE|FOLDER|NAME|CODE|MOMENT|YYYY)\b|=$"
    r"| --(?:trading-date|user-name)$"
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: Path of the page.
        language: What stands beside the fence; may be empty.
        text: What is between the fences, without the indent of a list.
    """

    page: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """What is typed at once.

    Attributes:
        text: As it stands on the page, lines that go on in one.
        pages: The paths of the pages that have it.
        blocks: The lines of each block that has it; none where it stands in a sentence alone.
    """

    text: str
    pages: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]


def pages() -> list[Path]:
    """Return every page, in every language; the changelog tells of what was."""
    found = [
        *(path for path in ROOT.glob("*.md") if path.name.partition(".")[0] != "CHANGELOG"),
        *(ROOT / "infra").rglob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
    ]
    return sorted(path for path in found if ".terraform" not in path.parts)


def read_blocks(text: str, page: str = "") -> list[Block]:
    """Return the fenced blocks of a page's text, also those in lists and quotations."""
    found = [part for part in read_parts(text, page) if isinstance(part, Fence)]
    return [Block(page, fence.language, fence.text) for fence in found]


def read_lines(block: Block) -> list[str]:
    """Return the commands of a block, in their order."""
    lines = block.text.splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    elif block.language == "":
        lines = [line for line in lines if _COMMAND.match(line)]
    elif block.language not in ("sh", "bash", "shell"):
        return []
    return [line for line in _whole(lines) if not line.startswith("#")]


def _whole(lines: list[str]) -> Iterator[str]:
    held = ""
    for line in lines:
        held += line.strip() if held.endswith(" ") or not held else f"\n{line}"
        if held.endswith("\\"):
            held = f"{held.removesuffix(chr(92)).rstrip()} "
        elif held and not _is_open(held):
            yield held
            held = ""
    if held:
        raise ValueError(f"Expected a whole command, found {held!r}")


def _is_open(line: str) -> bool:
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return True
    return False


def read_inline(text: str) -> list[str]:
    """Return the commands, and forms of them, that stand in a page's sentences and tables."""
    paragraphs = re.split(r"\n\s*\n|\n(?=[|#])", without_fences(text))
    found = [
        " ".join(each.replace("\\|", "|").removeprefix("$ ").split())
        for paragraph in paragraphs
        for each in _INLINE.findall(paragraph)
    ]
    return [each for each in found if _COMMAND.fullmatch(each)]


def is_form(command: str) -> bool:
    """Return whether something in a command stands for something else."""
    return _STANDS_FOR.search(re.sub(r"'[^']*'", "''", command)) is not None


@cache
def blocks() -> tuple[Block, ...]:
    """Return the blocks of all pages, each text of a language once."""
    found: dict[tuple[str, str], Block] = {}
    for page in pages():
        for block in read_blocks(page.read_text(encoding="utf-8"), _name(page)):
            found.setdefault((block.language, block.text), block)
    return tuple(found.values())


@cache
def commands() -> tuple[Command, ...]:
    """Return the commands of all pages, each once, without forms of them."""
    found: dict[str, tuple[set[str], dict[tuple[str, ...], None]]] = {}
    for page in pages():
        text = page.read_text(encoding="utf-8")
        lines = [tuple(read_lines(block)) for block in read_blocks(text, _name(page))]
        for block in lines:
            for line in block:
                where, within = found.setdefault(line, (set(), {}))
                where.add(_name(page))
                within[block] = None
        for line in read_inline(text):
            where, _ = found.setdefault(line, (set(), {}))
            where.add(_name(page))
    return tuple(
        Command(line, tuple(sorted(where)), tuple(within))
        for line, (where, within) in found.items()
        if not is_form(line)
    )


def forms() -> list[str]:
    """Return what pages say of how a command is made up, each once."""
    texts = [page.read_text(encoding="utf-8") for page in pages()]
    inline = [line for text in texts for line in read_inline(text)]
    fenced = [line for block in blocks() for line in read_lines(block)]
    return [line for line in dict.fromkeys([*fenced, *inline]) if is_form(line)]


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
