"""What the docs tell people to type, typed as it stands there."""

import base64
import datetime as dt
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.b3.format import DownloadQuery, content_of, render_csv
from infra.local.b3.period import theoretical_portfolio
from infra.local.b3.sessions import SESSIONS, Portfolio
from tests.covered import blocks_run_by, run_by
from tests.documented import blocks
from tests.e2e.cloud import ROOT, Cloud, Outcome, served

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# In test_views.py, in test_lake.py and test_quotes.py, and by Spark.
TESTED_ELSEWHERE = {"ANALYSTS", "ATHENA_QUERIES", "GLUE_JOB_STEPS"}
COMMANDS = run_by(__file__, "test_each_command_of_the_docs_ends_well")
BLOCKS = blocks_run_by(__file__, "test_each_block_that_loads_the_settings_runs_in_its_order")
SQL = [
    block.text
    for block in blocks()
    if block.language == "sql" and Path(block.page).name.partition(".")[0] not in TESTED_ELSEWHERE
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a person stands who has saved B3's files of the latest session and of a period."""
    of_the_day = saved(served("IBOV", SESSIONS[-1]))
    (tmp_path / f"IBOVDia_{SESSIONS[-1]:%d-%m-%y}.csv").write_bytes(of_the_day)
    of_the_period = saved(theoretical_portfolio("IBOV", dt.date(2025, 1, 6), 84))
    assert b" do Dia 06/01/25" in of_the_period
    (tmp_path / "IBOVQuad_1-2025.csv").write_bytes(
        of_the_period.replace(b" do Dia 06/01/25", b" Jan. a Abr. 2025")
    )
    return tmp_path


def saved(portfolio: Portfolio) -> bytes:
    query = DownloadQuery(language="pt-br", index="IBOV")
    return base64.b64decode(render_csv(content_of(portfolio, query)).body)


def test_the_docs_run_flows_and_ask_athena() -> None:
    assert len(COMMANDS) >= 6
    assert SQL


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_docs_ends_well(cloud: Cloud, folder: Path, command: str) -> None:
    _, _, module, *arguments = shlex.split(command)
    if module == "flows.report":  # of what readers see
        assert cloud.run_portfolio("--index", "IBOV", "SMLL").code == 0
    outcome = cloud.run_flow(module.removeprefix("flows."), *arguments, folder=folder)
    assert outcome.code == 0, outcome.error
    assert re.match("published|up to date|would|removed|wrote|verified", outcome.last_line)


@pytest.mark.parametrize("block", BLOCKS, ids=" / ".join)
def test_each_block_that_loads_the_settings_runs_in_its_order(
    cloud: Cloud, tmp_path: Path, prefect_environment: dict[str, str], block: tuple[str, ...]
) -> None:
    (tmp_path / ".local").symlink_to(cloud.state)
    given = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ended = subprocess.run(
        ["bash", "-ec", "\n".join(block)],
        cwd=tmp_path,
        env=given
        | prefect_environment
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    outcome = Outcome.of(ended.returncode, ended.stdout, ended.stderr)
    assert outcome.code == 0, outcome.error
    assert re.match("published|up to date", outcome.last_line), outcome.shown


@pytest.mark.parametrize("sql", SQL)
def test_each_question_of_the_docs_is_answered(cloud: Cloud, sql: str) -> None:
    cloud.query(sql)
