"""Where the pages lead, and what an anchor may name, as the code host makes it of a heading."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.markdown import slugs, without_fences

_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.S)
_INLINE = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'(][^)]*)?\)")
_DEFINED = re.compile(r"^ {0,3}\[[^\]\n]+\]:\s*<?([^\s>]+)", re.M)
_OF_HTML = re.compile(r"<\w+[^>]*?\s(?:href|src|srcset)\s*=\s*[\"']?([^\"'\s>]+)")
_BARE = re.compile(r"https?://[^\s)>\]\"'|]+")
_NAMED = re.compile(r"<\w+[^>]*?\s(?:id|name)\s*=\s*[\"']?([^\"'\s>]+)")
_LINE = re.compile(r"L(\d+)(?:-L(\d+))?")
# Whose pages a page may lead to; what is below one of them is its own.
HOSTS = (
    *("aws.amazon.com", "b3.com.br", "bmfbovespa.com.br", "docker.com", "github.com"),
    *("hashicorp.com", "prefect.cloud", "prefect.io", "python.org"),
)


@dataclass(frozen=True)
class Link:
    """Where a page leads.

    Attributes:
        page: The page that has it.
        target: As it is written there.
    """

    page: Path
    target: str

    def __str__(self) -> str:
        return f"{self.page.name}: {self.target}"


def read_links(page: Path) -> list[Link]:
    """Return the links of a page, those of pictures and of HTML too."""
    text = _CODE.sub("", without_fences(page.read_text(encoding="utf-8")))
    found = [each for form in (_INLINE, _DEFINED, _OF_HTML, _BARE) for each in form.findall(text)]
    return [Link(page, target) for target in dict.fromkeys(found)]


def what_is_wrong(link: Link) -> str:
    """Return why a link leads nowhere; nothing where it does."""
    parts = urlsplit(link.target)
    if parts.scheme or parts.netloc:
        return _wrong_address(link.target)
    target = (link.page.parent / unquote(parts.path)).resolve() if parts.path else link.page
    if parts.path.startswith("/"):
        return "a path that begins at the root of the host"
    if not target.exists() or target.name not in {each.name for each in target.parent.iterdir()}:
        return "nothing is there"
    anchor = unquote(parts.fragment)
    if not anchor:
        return "a # without a name" if link.target.endswith("#") else ""
    if target.suffix == ".md":
        known = anchors(target.read_text(encoding="utf-8"))
        return "" if anchor in known else "no heading of that name"
    lines = _LINE.fullmatch(anchor)
    if lines is None or target.is_dir() or target.suffix == ".ipynb":
        return "nothing that an anchor could name"
    last = max(int(each) for each in lines.groups("0"))
    count = len(target.read_text(encoding="utf-8").splitlines())
    return "" if 0 < last <= count else "no such line"


def _wrong_address(target: str) -> str:
    parts = urlsplit(target)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return "expected https"
    if not any(host == each or host.endswith(f".{each}") for each in HOSTS):
        return "expected a host of HOSTS in tests/links.py"
    return "" if parts.port is None and parts.username is None else "expected a host alone"


def anchors(text: str) -> set[str]:
    """Return what a link to a page may name: its headings, and what HTML names."""
    return {*slugs(text), *_NAMED.findall(without_fences(text))}
