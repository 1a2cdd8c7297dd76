"""What the docs tell people to type, typed as it stands there."""

import base64
import re
import shlex
from pathlib import Path

import pytest

from infra.local.b3.format import DownloadQuery, content_of, render_csv
from infra.local.b3.sessions import SESSIONS
from tests.e2e.cloud import ROOT, Cloud, served

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# In test_views.py, in test_lake.py and test_quotes.py, and by Spark.
TESTED_ELSEWHERE = {"ANALYSTS.md", "ATHENA_QUERIES.md", "GLUE_JOB_STEPS.md"}
TEXT = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
SHELL = "\n".join(
    re.findall(r"^```(?:sh|console)\n(.*?)^```", "\n".join(TEXT.values()), re.M | re.S)
)
COMMANDS = sorted(set(re.findall(r"^(?:\$ )?python -m (flows\..+)$", SHELL, re.M)))
SQL = [
    sql
    for name, text in TEXT.items()
    if name not in TESTED_ELSEWHERE
    for sql in re.findall(r"^```sql\n(.*?)^```", text, re.M | re.S)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a person stands who has saved B3's file of the latest session."""
    query = DownloadQuery(language="pt-br", index="IBOV")
    content = content_of(served("IBOV", SESSIONS[-1]), query)
    name = f"IBOVDia_{SESSIONS[-1]:%d-%m-%y}.csv"
    (tmp_path / name).write_bytes(base64.b64decode(render_csv(content).body))
    return tmp_path


def test_the_docs_run_flows_and_ask_athena() -> None:
    assert len(COMMANDS) >= 6
    assert SQL


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_docs_ends_well(cloud: Cloud, folder: Path, command: str) -> None:
    module, *arguments = shlex.split(command)
    if module == "flows.report":  # of what readers see
        assert cloud.run_portfolio("--index", "IBOV", "SMLL").code == 0
    outcome = cloud.run_flow(module.removeprefix("flows."), *arguments, folder=folder)
    assert outcome.code == 0, outcome.error
    assert re.match("published|up to date|would|removed|wrote|verified", outcome.last_line)


@pytest.mark.parametrize("sql", SQL)
def test_each_question_of_the_docs_is_answered(cloud: Cloud, sql: str) -> None:
    cloud.query(sql)
