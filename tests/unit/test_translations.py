"""Pages in Portuguese have the code, figures, links, tables and pictures of the English ones."""

import re

import pytest

from tests.conftest import ROOT
from tests.markdown import read_sections, slugs
from tests.translations import differences, skeleton, twin_of

# The pages that have a twin in Portuguese; without it, or without the page itself, tests fail.
TRANSLATED = {
    "README.md",
    "docs/ACADEMY.md",
    "docs/ANALYSTS.md",
    "docs/ATHENA_QUERIES.md",
    "docs/INSTALL.md",
    "docs/USAGE.md",
}
PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
}


def test_each_page_that_is_to_be_in_portuguese_is_and_no_other_one() -> None:
    twins = {path for path in PAGES if path.endswith(".pt-BR.md")}
    assert twins == {twin_of(path) for path in TRANSLATED}
    assert set(PAGES) >= TRANSLATED


@pytest.mark.parametrize("path", sorted(TRANSLATED))
def test_a_page_in_portuguese_is_its_english_one_in_other_words(path: str) -> None:
    assert differences(path, PAGES) == []


@pytest.mark.parametrize("path", sorted(TRANSLATED))
def test_all_of_a_page_is_compared(path: str) -> None:
    for text in (PAGES[path], PAGES[twin_of(path)]):
        found = read_sections(text)
        assert len(found) == 1 + len(re.findall(r"^#", re.sub(r"(?ms)^```.*?^```", "", text), re.M))
        assert sum(len(each.fences) for each in found) * 2 == len(re.findall("^ *```", text, re.M))
        lines = sum(len(row) for each in found for table in each.tables() for row in table)
        assert lines == sum(
            len(re.findall(r"(?<!\\)\|", line)) - 1
            for line in text.splitlines()
            if re.match(r"\| [^-]", line)
        )


ENGLISH = """\
# A page

[Português](A.pt-BR.md)

A day costs 0.10 to 1,234.5 USD since 2025-08-04, in Python 3.11, by `make
demo`, as [B](B.md#the-third) says and [the end](#the-end). See [C](C.md) and
[ADR 7](adr/7.md#what).

```sh
make demo  # a
```

## The table

| name | price |
|---|---|
| `a\\|b` | 2,500 |
| [`c`](https://example.com/2) | 100.000 |

```mermaid
flowchart LR
    a([bytes]) -- "read (once)" --> b[(raw<br/>as typed)]
b -- check --> c{passed?}
```

![A picture of 7](pictures/a.png)

```sql
SELECT 1
```

## The end

At 08:30, by `x` and `y`, in 2019-2026; `[B](B.md)` is code.

<img alt="No words of 8" src="pictures/b.png" width="400">
"""
PORTUGUESE = """\
# Uma página

[English](A.md)

Desde 2025-08-04 um dia custa de 0,10 a 1.234,5 USD, com o Python 3.11, por
`make demo`, como dizem [o fim](#o-fim) e [B](B.pt-BR.md#a-terceira-não). Veja [C](C.md) e
o [ADR 7](adr/7.md#what).

```sh
make demo  # a
```

## A tabela

| nome | preço |
|---|---|
| `a\\|b` | 2.500 |
| [`c`](https://example.com/2) | 100,000 |

```mermaid
flowchart LR
    a([bytes]) -- "leitura (uma vez)" --> b[(raw<br/>com tipos)]
b -- confere --> c{passou?}
```

![Uma imagem de 7](pictures/a-pt.png)

```sql
SELECT 1
```

## O fim

Às 08:30, por `y` e `x`, em 2019-2026; `[B](B.md)` é código.

<img alt="Sem palavras" src="pictures/b.png" width="300">
"""
OTHERS = {
    "docs/B.md": "# B\n\n## Two\n\n### The third\n",
    "docs/B.pt-BR.md": "# B\n\n## Dois\n\n### A terceira, não?\n",
    "docs/C.md": "# C\n",
}


def compare(english: str, portuguese: str) -> list[str]:
    return differences("docs/A.md", OTHERS | {"docs/A.md": english, "docs/A.pt-BR.md": portuguese})


def test_two_pages_that_differ_in_words_alone_are_the_same() -> None:
    assert compare(ENGLISH, PORTUGUESE) == []


CASES = {
    "link to the twin missing": (
        "[English](A.md)\n",
        "",
        "",
        "expected the line [English](A.md) below the title",
    ),
    "level of a heading": (
        "## O fim",
        "### O fim",
        "",
        "heading 3 is “### O fim”, in English “## The end”",
    ),
    "heading that is none": ("## A tabela", "A tabela", "", "2 headings, in English 3"),
    "heading more": ("Às 08:30", "## Mais\n\nÀs 08:30", "", "4 headings, in English 3"),
    "word of a block": (
        "make demo  # a",
        "make demo  # b",
        "Uma página",
        "block of code 1 (sh) differs: expected ['make demo  # a'], found ['make demo  # b']",
    ),
    "space of a block": (
        "make demo  # a\n",
        "make demo  # a \n",
        "Uma página",
        "block of code 1 (sh) differs: expected ['make demo  # a'], found ['make demo  # a ']",
    ),
    "language of a block": (
        "```sql",
        "```",
        "A tabela",
        "blocks of code: expected ['mermaid', 'sql'], found ['mermaid', '']",
    ),
    "block missing": (
        "```sql\nSELECT 1\n```",
        "",
        "A tabela",
        "blocks of code: expected ['mermaid', 'sql'], found ['mermaid']",
    ),
    "node of a diagram": (
        "--> c{",
        "--> d{",
        "A tabela",
        "block of code 1 (mermaid) differs: expected ['b -- --> c{}'], found ['b -- --> d{}']",
    ),
    "edge of a diagram missing": (
        "b -- confere --> c{passou?}\n",
        "",
        "A tabela",
        "block of code 1 (mermaid) differs: expected ['b -- --> c{}']",
    ),
    "column": ("| nome |", "|", "A tabela", "table 1, row 1: expected 2 columns, found 1"),
    "row of a table": (
        "| [`c`](https://example.com/2) | 100,000 |\n",
        "\n[c](https://example.com/2) 100,000\n",
        "A tabela",
        "rows of table 1: expected 3, found 2",
    ),
    "table more": ("O fim\n", "O fim\n\n| a |\n|---|\n", "O fim", "tables: expected 0, found 1"),
    "code of a row": (
        "`a\\|b`",
        "`a\\|c`",
        "A tabela",
        "table 1, row 2, code: expected ['a\\\\|b'], found ['a\\\\|c']",
    ),
    "code": (
        "`make demo`",
        "`make test`",
        "Uma página",
        "code: expected ['make demo'], found ['make test']",
    ),
    "code missing": ("`y` e `x`", "`y`", "O fim", "code: expected ['x']"),
    "code twice": ("`y` e", "`y`, `y` e", "O fim", "code: found ['y']"),
    "figure": ("0,10", "0,15", "Uma página", "figures: expected ['0.10'], found ['0.15']"),
    "decimal point": (
        "0,10",
        "0.10",
        "Uma página",
        "figures: expected ['0.10'], found ['0.10 (with a point)']",
    ),
    "decimals": (
        "100,000",
        "100.000",
        "A tabela",
        "figures: expected ['100.000'], found ['100000']",
    ),
    "thousands": ("2.500", "2,500", "A tabela", "figures: expected ['2500'], found ['2.500']"),
    "both": ("1.234,5", "1,234.5", "Uma página", "figures: expected ['1234.5'], found ['1.234.5']"),
    "date": (
        "2025-08-04",
        "04/08/2025",
        "Uma página",
        "figures: expected ['2025-08-04'], found ['04', '08', '2025']",
    ),
    "time": ("08:30", "8h30", "O fim", "figures: expected ['08:30'], found ['8']"),
    "picture's words": ("imagem de 7", "imagem", "A tabela", "figures: expected ['7']"),
    "years": (
        "2019-2026",
        "2019-2027",
        "O fim",
        "figures: expected ['2026'], found ['2027']",
    ),
    "version": (
        "Python 3.11",
        "Python 3.12",
        "Uma página",
        "figures: expected ['3.11'], found ['3.12']",
    ),
    "link elsewhere": (
        "(C.md)",
        "(B.md)",
        "Uma página",
        "links: expected ['C.md'], found ['B.md']",
    ),
    "link missing": ("[C](C.md)", "C", "Uma página", "links: expected ['C.md']"),
    "link to its twin": ("O fim\n", "O fim\n\n[inglês](A.md)\n", "O fim", "links: found ['A.md']"),
    "link to an English page": (
        "(B.pt-BR.md#a-terceira-não)",
        "(B.md#the-third)",
        "Uma página",
        "links: expected ['B.pt-BR.md#a-terceira-não'], found ['B.md#the-third']",
    ),
    "link as a tag": (
        "é código",
        '<a href="C.md">é código</a>',
        "O fim",
        "links: found ['C.md']",
    ),
    "address": (
        "é código",
        "é código de https://example.com/3",
        "O fim",
        "links: found ['https://example.com/3']",
    ),
    "anchor of another heading": (
        "#a-terceira-não",
        "#dois",
        "Uma página",
        "links: expected ['B.pt-BR.md#a-terceira-não'], found ['B.pt-BR.md#dois']",
    ),
    "anchor": (
        "(#o-fim)",
        "(#a-tabela)",
        "Uma página",
        "links: expected ['#o-fim'], found ['#a-tabela']",
    ),
    "link of a row": (
        "https://example.com/2",
        "https://example.com/3",
        "A tabela",
        "links: expected ['https://example.com/2'], found ['https://example.com/3']",
    ),
    "picture missing": (
        "![Uma imagem de 7](pictures/a-pt.png)",
        "Uma imagem de 7",
        "A tabela",
        "pictures: expected 1, found 0",
    ),
    "picture more": (
        "## O fim",
        '## O fim\n\n<img alt="a" src="a.png">',
        "O fim",
        "pictures: expected 1, found 2",
    ),
}


@pytest.mark.parametrize(("old", "new", "section", "told"), CASES.values(), ids=CASES)
def test_what_a_page_in_portuguese_lacks_or_has_more_is_told(
    old: str, new: str, section: str, told: str
) -> None:
    assert PORTUGUESE.count(old) == 1
    where = f", “{section}”" if section else ""
    assert compare(ENGLISH, PORTUGUESE.replace(old, new)) == [f"docs/A.pt-BR.md{where}: {told}"]


@pytest.mark.parametrize(
    "line",
    ["", "[Português](docs/A.pt-BR.md)", "Also [in Portuguese](A.pt-BR.md)"],
    ids=["missing", "elsewhere", "other words"],
)
def test_an_english_page_without_a_link_to_its_twin_is_told(line: str) -> None:
    found = compare(ENGLISH.replace("[Português](A.pt-BR.md)", line), PORTUGUESE)
    assert found[0] == "docs/A.md: expected the line [Português](A.pt-BR.md) below the title"


def test_a_block_in_another_order_is_told() -> None:
    english, portuguese = (text.replace("SELECT 1", "a\nb") for text in (ENGLISH, PORTUGUESE))
    assert compare(english, portuguese.replace("a\nb", "b\na")) == [
        "docs/A.pt-BR.md, “A tabela”: block of code 2 (sql) differs: the order of lines"
    ]


def test_each_difference_is_told() -> None:
    portuguese = PORTUGUESE.replace("0,10", "0,15").replace("`x`", "`z`").replace("1.234,5", "1,5")
    where = "docs/A.pt-BR.md, “{}”: {}"
    figures = "figures: expected ['0.10', '1234.5'], found ['0.15', '1.5']"
    assert compare(ENGLISH, portuguese) == [
        where.format("Uma página", figures),
        where.format("O fim", "code: expected ['x'], found ['z']"),
    ]


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ('a["An answer (as it came)"] --> b', "a[] --> b"),
        ("a([start]) -->|yes, or no| b{{more?}}", "a([]) -->|| b{{}}"),
        ("a -. now and then .-> b", "a -. .-> b"),
        ("a == always ==> b", "a == ==> b"),
        ("a -- b c --- d", "a -- --- d"),
        ("a --> b", "a --> b"),
        ("subgraph cloud [The cloud]", "subgraph cloud []"),
        ("participant A as The lake", "participant A as"),
        ("A->>B: asks (twice)", "A->>B:"),
    ],
)
def test_a_diagram_without_its_words_keeps_nodes_and_edges(line: str, bare: str) -> None:
    assert skeleton(line) == bare


def test_headings_are_named_as_github_names_them() -> None:
    page = "# A `b`, c!\n\n```sh\n# no\n```\n\n## Não é só\n\n## x_y-z\n\n### Não é só\n"
    assert slugs(page) == ["a-b-c", "não-é-só", "x_y-z", "não-é-só-1"]
