"""What a page in Portuguese must have in common with the English one that it is of.

The English page is `X.md`, its twin in Portuguese `X.pt-BR.md` beside it. They have the same
sections, and in each the same code, tables, figures, links and pictures; only the words are others.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from tests.markdown import (
    Section,
    codes,
    links,
    picture_count,
    read_sections,
    slugs,
    words,
)

Pages = Mapping[str, str]
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,:]\d+|-\d{2}(?!\d))*")
_PROGRAM = re.compile(r"(?:^|[^\w])(?:[A-ZÀ-Ý]\w*|vers(?:ão|ões))\s+$")
_LABELS = (
    (re.compile(r'"[^"]*"'), '""'),
    (re.compile(r"\|[^|]*\|"), "||"),
    (re.compile(r"(--|==|-\.)\s+[^-=.>|]+\s+(-->|---|==>|\.->)"), r"\1 \2"),
    (re.compile(r"(?<=[\[({])[^\[\](){}]+(?=[\])}])"), ""),
    (re.compile(r"(:|\bas\b|\btitle\b) .*"), r"\1"),
)


def twin_of(path: str) -> str:
    """Return where the page in Portuguese lies of an English one."""
    return f"{path.removesuffix('.md')}.pt-BR.md"


def differences(path: str, pages: Pages) -> list[str]:
    """Compare an English page with its twin in Portuguese.

    Args:
        path: The English page.
        pages: The text of every page in either language, by its path from one folder.

    Returns:
        A line for each difference, which names the section.
    """
    twin = twin_of(path)
    english, unlinked = _take_link(path, pages[path], f"[Português]({posixpath.basename(twin)})")
    portuguese, unlinked_too = _take_link(
        twin, pages[twin], f"[English]({posixpath.basename(path)})"
    )
    pairs = list(zip(read_sections(english), read_sections(portuguese), strict=False))
    apart = list(_outlines(english, portuguese))
    found = [
        f"{twin}, “{theirs.title or 'above the title'}”: {difference}"
        for ours, theirs in pairs
        for difference in _compare(path, ours, theirs, pages)
    ]
    return [*unlinked, *unlinked_too, *([f"{twin}: {apart[0]}"] if apart else found)]


def _take_link(path: str, text: str, link: str) -> tuple[str, list[str]]:
    """Return a page without the link to its twin, and what is wrong with that link."""
    lines = text.splitlines()
    below = [number for number, line in enumerate(lines) if line.strip()][:2]
    if len(below) == 2 and lines[below[0]].startswith("# ") and lines[below[1]] == link:
        del lines[below[1]]
        return "\n".join(lines) + "\n", []
    return text, [f"{path}: expected the line {link} below the title"]


def _outlines(english: str, portuguese: str) -> Iterator[str]:
    ours, theirs = read_sections(english)[1:], read_sections(portuguese)[1:]
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), 1):
        if one.level != other.level:
            yield (
                f"heading {number} is “{'#' * other.level} {other.title}”, in English "
                f"“{'#' * one.level} {one.title}”"
            )
    if len(ours) != len(theirs):
        yield f"{len(theirs)} headings, in English {len(ours)}"


def _compare(path: str, ours: Section, theirs: Section, pages: Pages) -> Iterator[str]:
    for rule in (_fences, _tables, _codes, _figures, _pictures):
        yield from rule(ours, theirs)
    expected = Counter(expected_link(path, link, pages) for link in links(ours.texts()))
    yield from _apart("links", expected, Counter(links(theirs.texts())))


def _apart(what: str, ours: Counter[str], theirs: Counter[str]) -> Iterator[str]:
    """Tell what one of two has that the other has not, or not as often."""
    missing, more = list((ours - theirs).elements()), list((theirs - ours).elements())
    if missing or more:
        told = [("expected", missing), ("found", more)]
        yield f"{what}: " + ", ".join(f"{word} {each}" for word, each in told if each)


def _fences(ours: Section, theirs: Section) -> Iterator[str]:
    languages = [[language for language, _ in each.fences] for each in (ours, theirs)]
    if languages[0] != languages[1]:
        yield f"blocks of code: expected {languages[0]}, found {languages[1]}"
        return
    for number, ((language, one), (_, other)) in enumerate(
        zip(ours.fences, theirs.fences, strict=True), 1
    ):
        if language == "mermaid":
            one, other = skeleton(one), skeleton(other)
        if one != other:
            lines = Counter(one.splitlines()), Counter(other.splitlines())
            told = next(_apart("differs", *lines), "differs: the order of lines")
            yield f"block of code {number} ({language}) {told}"


def _tables(ours: Section, theirs: Section) -> Iterator[str]:
    shapes = [
        [[len(row) for row in table] for table in section.tables()] for section in (ours, theirs)
    ]
    if len(shapes[0]) != len(shapes[1]):
        yield f"tables: expected {len(shapes[0])}, found {len(shapes[1])}"
        return
    for number, (one, other) in enumerate(zip(ours.tables(), theirs.tables(), strict=True), 1):
        if len(one) != len(other):
            yield f"rows of table {number}: expected {len(one)}, found {len(other)}"
            continue
        for place, (row, twin) in enumerate(zip(one, other, strict=True), 1):
            where = f"table {number}, row {place}"
            if len(row) != len(twin):
                yield f"{where}: expected {len(row)} columns, found {len(twin)}"
            yield from _apart(f"{where}, code", codes(row), codes(twin))


def _codes(ours: Section, theirs: Section) -> Iterator[str]:
    yield from _apart("code", codes(ours.prose()), codes(theirs.prose()))


def _figures(ours: Section, theirs: Section) -> Iterator[str]:
    yield from _apart("figures", english_figures(ours), portuguese_figures(theirs))


def _pictures(ours: Section, theirs: Section) -> Iterator[str]:
    counts = [picture_count(each.texts()) for each in (ours, theirs)]
    if counts[0] != counts[1]:
        yield f"pictures: expected {counts[0]}, found {counts[1]}"


def _figures_of(section: Section, read: Callable[[str, str], str]) -> Counter[str]:
    return Counter(
        read(found[0], text[: found.start()])
        for text in map(words, section.texts())
        for found in _NUMBER.finditer(text)
    )


def english_figures(section: Section) -> Counter[str]:
    """Return the numbers of a section in English, without the commas of thousands."""

    def read(number: str, _before: str) -> str:
        return number.replace(",", "") if _is_grouped(number, ",", ".") else number

    return _figures_of(section, read)


def portuguese_figures(section: Section) -> Counter[str]:
    """Return the numbers of a section in Portuguese, written as in English without thousands.

    A number with a point that groups no thousands is a version, which follows its program's name,
    or is written wrongly.
    """

    def read(number: str, before: str) -> str:
        if _is_grouped(number, ".", ","):
            return number.replace(".", "").replace(",", ".")
        if re.fullmatch(r"\d+\.\d+", number) and not _PROGRAM.search(before):
            return f"{number} (with a point)"
        return number.replace(",", ".")

    return _figures_of(section, read)


def _is_grouped(number: str, thousands: str, decimal: str) -> bool:
    form = rf"\d{{1,3}}(?:\{thousands}\d{{3}})+(?:\{decimal}\d+)?"
    return bool(re.fullmatch(form, number))


def expected_link(path: str, link: str, pages: Pages) -> str:
    """Return the target in Portuguese of a link on an English page.

    Args:
        path: The English page.
        link: Its link's target there.
        pages: The text of every page by its path.

    Returns:
        The same target; or of a page with a twin that one, at the heading of the same place.
    """
    to, mark, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), to)) if to else path
    if twin_of(target) not in pages:
        return link
    there = dict(zip(slugs(pages[target]), slugs(pages[twin_of(target)]), strict=False))
    return (twin_of(to) if to else "") + mark + there.get(anchor, anchor)


def skeleton(mermaid: str) -> str:
    """Return a diagram without the words of its labels."""
    for label, instead in _LABELS:
        mermaid = label.sub(instead, mermaid)
    return mermaid
