"""Every link of the pages leads somewhere: files, headings, and hosts that we know."""

from pathlib import Path

import pytest

from tests.documented import ROOT, pages
from tests.links import Link, anchors, read_links, what_is_wrong

LINKS = [link for page in [*pages(), ROOT / "CHANGELOG.md"] for link in read_links(page)]
OTHER = """\
# Publicação e prévia

## `make state`, now: 1/2 & [more](x.md)

## Twice
## Twice ##

```sh
# Nothing
```

<a id="by-hand"></a>
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "other.md").write_text(OTHER, encoding="utf-8")
    (tmp_path / "notes.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "code.py").write_text("1\n2\n", encoding="utf-8")
    return tmp_path / "page.md"


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_every_link_leads_somewhere(link: Link) -> None:
    assert what_is_wrong(link) == "", link


def test_pages_lead_to_pages_headings_pictures_notebooks_and_sources() -> None:
    found = {link.target.partition("#")[0].rpartition(".")[2] for link in LINKS}
    assert found >= {"md", "png", "ipynb"}
    assert any("#" in link.target for link in LINKS)
    assert any(link.target.startswith("https://") for link in LINKS)


def test_anchors_are_what_the_code_host_makes_of_headings() -> None:
    assert anchors(OTHER) == {
        "publicação-e-prévia",
        "make-state-now-12--more",
        "twice",
        "twice-1",
        "by-hand",
    }


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ('[a](b.md) and ![c](d.png "e")', ["b.md", "d.png"]),
        ("[a][b]\n\n[b]: c.md", ["c.md"]),
        ('<img alt="a" src="b.png"> <a href=\'#c\'>d</a>', ["b.png", "#c"]),
        ('<picture><source srcset="a.png"></picture>', ["a.png"]),
        (
            "see <https://github.com/a> or https://python.org",
            ["https://github.com/a", "https://python.org"],
        ),
        ("`[a](b.md)` and\n\n```\n[a](b.md)\n```\n", []),
    ],
)
def test_links_are_read(page: Path, text: str, targets: list[str]) -> None:
    page.write_text(text, encoding="utf-8")
    assert [link.target for link in read_links(page)] == targets


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        ("other.md", ""),
        ("other.md#publicação-e-prévia", ""),
        ("other.md#publica%C3%A7%C3%A3o-e-pr%C3%A9via", ""),
        ("other.md#publicacao-e-previa", "no heading"),
        ("other.md#twice-1", ""),
        ("other.md#twice-2", "no heading"),
        ("other.md#nothing", "no heading"),
        ("other.md#by-hand", ""),
        ("other.md#", "without a name"),
        ("Other.md", "nothing is there"),
        ("gone.png", "nothing is there"),
        ("/other.md", "root of the host"),
        ("code.py#L2", ""),
        ("code.py#L1-L3", "no such line"),
        ("notes.ipynb", ""),
        ("notes.ipynb#first", "nothing that an anchor could name"),
        ("https://docs.aws.amazon.com/a", ""),
        ("http://docs.aws.amazon.com/a", "expected https"),
        ("https://evilaws.amazon.com.example/a", "HOSTS"),
        ("https://user@github.com/a", "a host alone"),
        ("//github.com/a", "expected https"),
    ],
)
def test_a_link_that_leads_nowhere_is_told(page: Path, target: str, wrong: str) -> None:
    said = what_is_wrong(Link(page, target))
    assert wrong in said
    assert bool(said) == bool(wrong)
