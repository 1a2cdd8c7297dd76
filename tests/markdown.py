"""What a page of Markdown is made of: its sections, and what each of them holds."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

Row = list[str]
_FENCE = re.compile(r"^(?P<indent>[ >]*)(?P<mark>```+|~~~+) *(?P<language>[\w-]*)[^`\n]*$")
_HEADING = re.compile(r"^ {0,3}(#{1,6}) +(.+?)(?: +#+)? *$")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
_PICTURE = re.compile(r"!\[[^]]*\]\([^)]*\)|<img\b[^>]*>")
_LINK = re.compile(
    r"\[([^\[\]]*)\]\(([^)\s]+)[^)]*\)|<a\b[^>]*\bhref=\"([^\"]+)\"|(https?://[^\s<>]*[\w/])"
)
_TAG = re.compile(r"</?[a-z][^>]*>")
_RULE = re.compile(r"[|:\s-]+")


@dataclass(frozen=True)
class Fence:
    """A fenced block of code.

    Attributes:
        language: What stands beside the fence; may be empty.
        text: What is between the fences, without the indent of a list.
    """

    language: str
    text: str


def read_parts(text: str, page: str = "") -> Iterator[Fence | str]:
    """Yield the fenced blocks of a page's text, also those in lists, and each other line."""
    opened: re.Match[str] | None = None
    held: list[str] = []
    for line in text.splitlines():
        if opened is None:
            opened = _FENCE.match(line)
            if opened is None:
                yield line
        elif line.strip(" >") == opened["mark"]:
            yield Fence(opened["language"], "".join(f"{each}\n" for each in held))
            opened, held = None, []
        else:
            indent = opened["indent"]
            held.append(line[len(indent) :] if line[: len(indent)].strip(" >") == "" else line)
    if opened is not None:
        raise ValueError(f"{page}: a block is not closed: {opened[0]}")


def without_fences(text: str) -> str:
    """Return a page's text without its fenced blocks."""
    return "\n".join(part for part in read_parts(text) if isinstance(part, str))


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it, down to the next heading of any level.

    Attributes:
        level: How many `#` the heading has; 0 of what stands above the first one.
        title: The heading's words.
        fences: Blocks of code, each with its language.
        lines: All other lines.
    """

    level: int = 0
    title: str = ""
    fences: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def tables(self) -> list[list[Row]]:
        """Return the cells of each table, row by row, without the rule below its head."""
        return [
            [_cells(line) for line in lines if not _RULE.fullmatch(line)]
            for is_table, lines in self._blocks()
            if is_table
        ]

    def prose(self) -> list[str]:
        """Return the heading and the paragraphs, which are all but the tables."""
        texts = ["\n".join(lines) for is_table, lines in self._blocks() if not is_table]
        return [self.title, *texts]

    def texts(self) -> list[str]:
        """Return all that is no block of code: the heading, paragraphs and cells."""
        return [*self.prose(), *(cell for rows in self.tables() for row in rows for cell in row)]

    def _blocks(self) -> Iterator[tuple[bool, list[str]]]:
        """Yield lines that stand together, and whether they are a table."""
        for kind, lines in groupby(self.lines, key=_kind):
            if kind:
                yield kind == "table", list(lines)


def _kind(line: str) -> str:
    """Return what a line is part of; of an empty one nothing."""
    return "table" if line.strip().startswith("|") else "prose" if line.strip() else ""


def _cells(line: str) -> Row:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def read_sections(text: str) -> list[Section]:
    """Return the sections of a page, the first of which stands above its first heading."""
    found = [Section()]
    for part in read_parts(text):
        if isinstance(part, Fence):
            found[-1].fences.append((part.language, part.text))
        elif heading := _HEADING.match(part):
            found.append(Section(len(heading[1]), heading[2]))
        else:
            found[-1].lines.append(part)
    return found


def slugs(text: str) -> list[str]:
    """Return what a link's anchor names each heading of a page by, as the code host makes it.

    A heading keeps letters of any language, figures, `_` and `-`, in lower case, and a space
    becomes a `-`; of two that are the same the second one ends with `-1`.
    """
    found, seen = [], Counter[str]()
    for section in read_sections(text)[1:]:
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", section.title)
        slug = re.sub(r"[^\w\- ]", "", shown).strip().lower().replace(" ", "-")
        found.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def codes(texts: list[str]) -> Counter[str]:
    """Return the code within texts, a line's end in it a space."""
    return Counter(" ".join(code.split()) for text in texts for _, code in _CODE.findall(text))


def links(texts: list[str]) -> list[str]:
    """Return where the links of texts lead."""
    plain = [_PICTURE.sub("", _CODE.sub("", text)) for text in texts]
    return ["".join(found[1:]) for text in plain for found in _LINK.findall(text)]


def picture_count(texts: list[str]) -> int:
    """Return how many pictures texts show."""
    return sum(len(_PICTURE.findall(text)) for text in texts)


def words(text: str) -> str:
    """Return what a reader reads of a text, without code, addresses and tags."""
    return _TAG.sub(" ", _LINK.sub(r" \1 ", _CODE.sub(" ", text)))
