"""The changelog, in the form of Keep a Changelog: its sections, and what a release makes of it.

Pure: text comes in, text goes out.

    ## [Unreleased]             what is to be released, or nothing

    ## [0.1.0] - 2025-08-04     a release, with its day; the latest first
"""

import datetime as dt
import re
from dataclasses import dataclass

FILE = "CHANGELOG.md"
UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## \[([^\]\n]+)\](?: - (\S+))?[ \t]*$", re.M)
_ANY_HEADING = re.compile(r"^## .*$", re.M)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: `Unreleased`, or a version.
        day: As its heading has it; empty where that has none.
        text: What stands below the heading, without blank lines around it.
    """

    name: str
    day: str
    text: str


def parse_day(text: str) -> dt.date:
    """Return a day, which has to be written as `2025-08-04`.

    Raises:
        ValueError: It is no day, or written otherwise.
    """
    if _DAY.fullmatch(text) is None:
        raise ValueError(f"Expected a day as 2025-08-04, found {text!r}.")
    return dt.date.fromisoformat(text)


def read_sections(page: str) -> list[Section]:
    """Return the page's sections, from its top."""
    pieces = _HEADING.split(page)
    return [
        Section(name, day or "", text.strip())
        for name, day, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True)
    ]


def find_section(page: str, name: str) -> Section | None:
    """Return the section of a name, if there is one."""
    return next((each for each in read_sections(page) if each.name == name), None)


def find_problem(page: str, version: str) -> str | None:
    """Return why no release of a version can be made of the page, with what to do; None if it can.

    Either something stands under `Unreleased`, and there is no section of the version; or that has
    a day and a text, and nothing is left under `Unreleased`.
    """
    if (odd := _find_odd_heading(page)) is not None:
        return odd
    unreleased, release = find_section(page, UNRELEASED), find_section(page, version)
    is_open = unreleased is not None and _has_entries(unreleased.text)
    if release is None:
        missing = f"nothing under [{UNRELEASED}]: write there what {version} has"
        return None if is_open else missing
    if is_open:
        return (
            f"a section [{version}], and something under [{UNRELEASED}] as well: move it to the "
            f"section, or raise the version"
        )
    if not _has_entries(release.text):
        return f"nothing under [{version}]: write there what it has"
    return None


def _find_odd_heading(page: str) -> str | None:
    headings = _ANY_HEADING.findall(page)
    odd = [each for each in headings if not _is_in_form(each)]
    if odd:
        return f"{odd[0]!r}: write ## [{UNRELEASED}], or ## [1.2.3] - and its day, as 2025-08-04"
    names = [each.name for each in read_sections(page)]
    if names[:1] != [UNRELEASED]:
        return f"no ## [{UNRELEASED}] as first section: put one there"
    twice = next((name for name in names if names.count(name) > 1), None)
    return twice and f"two sections [{twice}]: make one of them"


def _is_in_form(heading: str) -> bool:
    found = _HEADING.fullmatch(heading)
    if found is None:
        return False
    name, day = found.groups()
    if name == UNRELEASED:
        return day is None
    try:
        parse_day(day or "")
    except ValueError:
        return False
    return True


def _has_entries(text: str) -> bool:
    """Return whether more than headings stands there."""
    return any(line.strip() and not line.startswith("#") for line in text.splitlines())


def notes(page: str, version: str) -> str:
    """Return what a release's section says, or will say where there is none yet."""
    section = find_section(page, version) or find_section(page, UNRELEASED)
    return section.text if section else ""


def with_release(page: str, version: str, day: str) -> str:
    """Return the page with what is under `Unreleased` as the section of a version."""
    opened = f"## [{UNRELEASED}]"
    return re.sub(
        rf"^{re.escape(opened)}[ \t]*$",
        f"{opened}\n\n## [{version}] - {day}",
        page,
        count=1,
        flags=re.M,
    )
