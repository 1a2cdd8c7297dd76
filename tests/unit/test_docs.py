"""What the docs say is so: commands exist, SQL is the code's."""

import datetime as dt
import os
import re
import subprocess
from pathlib import Path

import pytest

from flows.settings import Settings
from infra.job_steps import job_steps
from infra.queries import documented_queries
from tasks.core.datasets import DATASETS
from tasks.core.plan import describe_tables
from tasks.session_pages import REPORTS, month_path, page_path
from tests.documented import pages
from tests.markdown import read_sections

ROOT = Path(__file__).parents[2]
PAGES = pages()
_SHELL = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.M | re.S)


def shell_lines(page: Path) -> list[str]:
    blocks = "\n".join(_SHELL.findall(page.read_text(encoding="utf-8")))
    return [line.strip() for line in blocks.splitlines()]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_of_the_docs_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:^|`)(?:\$ )?make ([a-z-]+)", text, re.M)
    assert set(named) <= make_targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_the_docs_run_exists(page: Path) -> None:
    modules = re.findall(r"python -m ([a-z_.]+[a-z])", page.read_text(encoding="utf-8"))
    for module in modules:
        path = ROOT / module.replace(".", "/")
        ours = module.split(".")[0] in ("flows", "infra", "deployments")
        assert not ours or path.with_suffix(".py").exists() or (path / "__main__.py").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_terraform_is_run_where_the_commands_for_an_environment_run_it(page: Path) -> None:
    lines = [line for line in shell_lines(page) if "terraform " in line]
    began = "TF_DATA_DIR=.terraform/environments/prod terraform -chdir=infra/terraform "
    for line in lines:
        assert line.startswith(began)
        command = line.removeprefix(began).split()[0]
        assert command in ("force-unlock", "output", "state")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_an_environment_that_the_docs_name_could_be_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"deployments/environments/([\w.-]+)", text))
    assert named <= {"example.tfvars.json", "prod.tfvars.json", "lab.tfvars.json"}


def first_cells(text: str) -> str:
    return "\n".join(re.findall(r"^\| ((?:[^|]|\\\|)+) \|", text, re.M))


def test_every_setting_and_every_command_has_its_row() -> None:
    page = (ROOT / "docs" / "USAGE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(B3_\w+)`", first_cells(page)))
    assert named == {f"B3_{name.upper()}" for name in Settings.model_fields} | {"B3_WORKGROUP"}
    assert "\n`python -m flows.portfolio [" in page
    described = set(re.findall(r"python -m flows\.(\w+)", first_cells(page))) | {"portfolio"}
    commands = [path for path in (ROOT / "flows").glob("*.py") if "\ndef main(" in path.read_text()]
    assert described == {path.stem for path in commands}


def test_pages_of_reports_lie_where_the_docs_say() -> None:
    named = {
        key
        for page in PAGES
        for key in re.findall(r"reports/portfolio/[^\s`\"]+", page.read_text(encoding="utf-8"))
    }
    month, session = "2025-08", dt.date(2025, 8, 4)
    assert named == {REPORTS + month_path(month), REPORTS + page_path(session, "IBOV")}


def test_every_file_that_the_threat_model_names_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_/]+/[a-z_]+\.[a-z]+)`", text)
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_the_job_steps_are_those_of_the_code() -> None:
    page = (ROOT / "docs/GLUE_JOB_STEPS.md").read_text(encoding="utf-8")
    assert page == job_steps(), "run: make docs"


def test_the_job_steps_show_each_statement_as_the_plan_carries_it() -> None:
    page = job_steps()
    for dataset in DATASETS:
        for table in describe_tables(dataset):
            assert f"## {table['name']}\n" in page
            assert f"```sql\n{table['statement']}\n```" in page
    assert page.count("```sql") == sum(len(dataset.refined) for dataset in DATASETS)


def test_the_job_steps_name_the_raw_tables_that_a_statement_reads() -> None:
    sections = dict(re.findall(r"^## (\w+)\n\n(.*?)```sql", job_steps(), re.M | re.S))
    named = {table: set(re.findall(r"`(raw_\w+)`", text)) for table, text in sections.items()}
    assert named == {
        "portfolio_daily": {"raw_portfolio"},
        "portfolio_daily_summary": {"raw_portfolio"},
        "portfolio_monthly": set(),
        "portfolio_theoretical": {"raw_portfolio_theoretical"},
        "portfolio_preview": {"raw_portfolio_preview"},
        "quotes_daily": {"raw_quotes"},
        "quotes_monthly": set(),
        "index_reconciliation": {"raw_reconciliation"},
        "constituent_reconciliation": {"raw_reconciliation"},
    }


def test_every_sql_block_of_the_queries_page_is_a_documented_query() -> None:
    page = (ROOT / "docs/ATHENA_QUERIES.md").read_text(encoding="utf-8")
    assert len(documented_queries()) == page.count("```sql") >= 8


def test_a_documented_query_is_told_by_its_heading_and_the_words_below_it_alone() -> None:
    page = (ROOT / "docs/ATHENA_QUERIES.md").read_text(encoding="utf-8")
    asking = [each for each in read_sections(page) if each.fences]
    assert [(query.title, query.about) for query in documented_queries()] == [
        (each.title, " ".join(" ".join(each.lines).split())) for each in asking
    ]


def test_bare_make_lists_every_target_with_a_word_on_it() -> None:
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in make_targets():
        assert re.search(rf"make {target} +\S", printed), target


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ("deploy", 'deploy --env ""'),
        ("deploy ENV=prod", 'deploy --env "prod"'),
        ("deploy ENV=prod DRY_RUN=1", 'deploy --env "prod" --dry-run'),
        ("state ENV=prod", 'state --env "prod"'),
        ("destroy", 'destroy --env ""'),
        ("destroy ENV=prod DRY_RUN=1", 'destroy --env "prod" --dry-run'),
        ("destroy ENV=prod DELETE_DATA=1", 'destroy --env "prod" --delete-data'),
        ("release", "release"),
        ("release DATE=2025-08-04", 'release --date "2025-08-04"'),
        ("release DATE=", 'release --date ""'),
    ],
)
def test_make_hands_on_what_it_is_given(given: str, run: str) -> None:
    # What this run of make itself was given is not to be taken for it.
    environment = {"PATH": os.environ["PATH"], "DATE": "2025-08-01"}
    printed = subprocess.run(
        ["make", "-n", *given.split()],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = printed.replace("\\\n", " ").split()
    assert " ".join(words).endswith(f"python -m deployments.{run}")


def test_the_version_is_the_same_everywhere() -> None:
    from tasks import __version__

    assert f'\nversion = "{__version__}"\n' in (ROOT / "pyproject.toml").read_text()
