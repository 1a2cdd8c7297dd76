"""Every SQL of the docs in the grammar of its engine: Trino's, which is Athena's, or Spark's."""

import ast
import json
import re
import subprocess

import nbformat
import pytest

from infra.notebook import NOTEBOOK
from infra.queries import documented_queries
from tests.proofs.tools import HERE, ROOT, need

PAGES = [
    *sorted(page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# What runs in Spark, and what only DuckDB understands, by page and the heading above it.
OF_SPARK = "GLUE_JOB_STEPS.md"
OF_DUCKDB = {("ANALYSTS.md", "On AWS"), ("ANALYSTS.pt-BR.md", "Na AWS")}
# What the notebook's cells put into their questions, as they find it on some lake.
OF_NOTEBOOK = {
    "INDEX": "IBOV",
    "COMPARED": ["IBOV", "SMLL"],
    "SINCE": "2025-07",
    "LATEST": "DATE '2025-08-04'",
    "LAST_TWO": "DATE '2025-08-01', DATE '2025-08-04'",
}
_PART = re.compile(
    r"^#+ (?P<heading>[^\n]+)|^```sql\n(?P<block>.*?)^```|^sql = \"(?P<text>[^\n]+)\"$", re.M | re.S
)

SOUND = {
    "a list in order": "SELECT array_agg(a ORDER BY b) FILTER (WHERE a > 0) FROM t",
    "a window": "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS 2 PRECEDING) FROM t",
}
BROKEN = {
    "comma": "SELECT a, FROM t",
    "parenthesis": "SELECT (a FROM t",
    "word": "SELEC a FROM t",
    "list of DuckDB's": "SELECT [1, 2]",
    "exclusion of DuckDB's": "SELECT * EXCLUDE (a) FROM t",
    "cast of DuckDB's": "SELECT a::int FROM t",
    "qualification of DuckDB's": "SELECT a FROM t QUALIFY rank() OVER (ORDER BY a) = 1",
    "lambda of DuckDB's": "SELECT list_transform(a, lambda x: x + 1) FROM t",
}


def read_pages() -> dict[tuple[str, str, int], str]:
    """Every SQL of the docs by its page, the heading above it, and its number there."""
    found = {}
    for page in PAGES:
        heading, number = "", 0
        for part in _PART.finditer(page.read_text(encoding="utf-8")):
            if part["heading"]:
                heading, number = part["heading"], 0
            else:
                number += 1
                found[page.name, heading, number] = part["block"] or part["text"]
    return found


def read_notebook() -> dict[str, str]:
    """Every SQL that the notebook asks, by its cell and its number there."""
    code = [
        each for each in nbformat.read(NOTEBOOK, as_version=4).cells if each.cell_type == "code"
    ]
    return {
        f"{cell.id} {number}": eval(ast.unparse(call.args[0]), dict(OF_NOTEBOOK))
        for cell in code
        for number, call in enumerate(
            each
            for each in ast.walk(ast.parse(cell.source))
            if isinstance(each, ast.Call) and ast.unparse(each.func) == "ask"
        )
    }


DOCUMENTED = read_pages()
ASKED = {f"explore.ipynb {name}": ("TrinoSQL", sql) for name, sql in read_notebook().items()}
OF_DOCS = {
    " ".join(map(str, place)): ("SparkSQL" if place[0] == OF_SPARK else "TrinoSQL", sql)
    for place, sql in DOCUMENTED.items()
    if place[:2] not in OF_DUCKDB
}
# As `python -m deployments.verify` asks Athena whether it understands them.
EXPLAINED = {
    f"explained: {query.title}": ("TrinoSQL", f"EXPLAIN {query.sql}")
    for query in documented_queries()
}
OF_TRINO = {name: ("TrinoSQL", sql) for name, sql in (SOUND | BROKEN).items()}
ONLY_OF_DUCKDB = {
    " ".join(map(str, place)): ("TrinoSQL", sql)
    for place, sql in DOCUMENTED.items()
    if place[:2] in OF_DUCKDB
}


@pytest.fixture(scope="module")
def errors() -> dict[str, list[str]]:
    """What the grammars find wrong, by the statement's name."""
    asked = OF_DOCS | ASKED | EXPLAINED | OF_TRINO | ONLY_OF_DUCKDB
    done = subprocess.run(
        ["node", str(HERE / "grammar" / "validate.mjs"), str(need("grammar"))],
        input=json.dumps([{"grammar": grammar, "sql": sql} for grammar, sql in asked.values()]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(asked, json.loads(done.stdout), strict=True))


def test_every_sql_of_the_docs_is_looked_at() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert len(DOCUMENTED) == len(re.findall(r"^```sql$|^sql = ", pages, re.M))
    asked = {sql.strip() for grammar, sql in OF_DOCS.values() if grammar == "TrinoSQL"}
    assert {query.sql for query in documented_queries()} <= asked


def test_every_question_of_the_notebook_is_looked_at() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(ASKED) == len(re.findall(r"\bask\(f?\\\"", text)) >= 8


@pytest.mark.parametrize("name", [*OF_DOCS, *ASKED])
def test_sql_of_the_docs_is_of_its_engine(errors: dict[str, list[str]], name: str) -> None:
    assert errors[name] == []


@pytest.mark.parametrize("name", [*EXPLAINED, *SOUND])
def test_sound_sql_is_let_through(errors: dict[str, list[str]], name: str) -> None:
    assert errors[name] == []


@pytest.mark.parametrize("name", [*BROKEN, *ONLY_OF_DUCKDB])
def test_broken_sql_is_noticed(errors: dict[str, list[str]], name: str) -> None:
    assert errors[name]
