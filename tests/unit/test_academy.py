"""A lab of AWS Academy: its page, in both languages, names what there is; its words are known."""

import json
import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from deployments.environment import read_environment
from infra.queries import documented_queries
from tasks.core.academy import has_session_ended
from tasks.core.datasets import DATASETS
from tasks.core.errors import NotConfiguredError
from tasks.core.plan import describe_tables
from tests.conftest import ROOT

PAGES = {name: ROOT / "docs" / name for name in ("ACADEMY.md", "ACADEMY.pt-BR.md")}
TEXTS = {name: page.read_text(encoding="utf-8") for name, page in PAGES.items()}
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
both = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


def section(text: str, number: int) -> str:
    return re.split(r"^## ", text, flags=re.M)[number]


def written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


@both
def test_there_are_ten_steps(text: str) -> None:
    found = [int(each) for each in re.findall(r"^## (\d+)\. ", text, re.M)]
    assert found == list(range(1, 11))


@both
def test_the_environment_to_write_is_one(text: str, tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)
    file = tmp_path / "lab.tfvars.json"
    account = json.loads(shown)["account_id"]
    with pytest.raises(NotConfiguredError, match=rf"account_id: {account} is the example's"):
        read_environment(written(file, shown))
    environment = read_environment(written(file, shown.replace(account, "210987654321")))
    assert (environment.existing_role_name, environment.work_pool_type) == ("LabRole", "ecs")
    assert (environment.model_extra or {})["network_type"] == "public"


@both
def test_every_statement_has_its_line_in_order(text: str) -> None:
    linked = re.findall(r"^\| \[`(\w+)`\]\(GLUE_JOB_STEPS\.md#(\w+)\)", text, re.M)
    tables = [table["name"] for dataset in DATASETS for table in describe_tables(dataset)]
    assert linked == [(name, name) for name in tables]


@both
def test_its_queries_are_those_that_are_saved(text: str) -> None:
    queries = {query.sql.strip() for query in documented_queries()}
    asked = [each.strip() for each in re.findall(r"^```sql\n(.*?)^```", text, re.M | re.S)]
    assert len(asked) == 2
    assert set(asked) <= queries


@pytest.mark.parametrize(
    ("name", "ten"), [("ACADEMY.md", "ten deployments"), ("ACADEMY.pt-BR.md", "dez deployments")]
)
def test_deployments_are_as_many_and_the_daily_ones_come_first(name: str, ten: str) -> None:
    text = " ".join(section(TEXTS[name], 7).split())
    assert len(DEPLOYMENTS) == 10
    assert ten in text
    _, _, first = text.partition("`prefect.yaml`")
    assert re.findall(r"`([a-z-]+)`", first) == [each["name"] for each in DEPLOYMENTS[:5]]


@both
def test_the_worker_is_turned_off_by_the_names_that_terraform_gives(text: str) -> None:
    variables = (ROOT / "infra/terraform/variables.tf").read_text(encoding="utf-8")
    (name,) = re.findall(r'^variable "name" \{.*?default +=+ "([^"]+)"', variables, re.M | re.S)
    main = (ROOT / "infra/terraform/main.tf").read_text(encoding="utf-8")
    assert 'name               = "${var.name}-worker"' in main
    commands = re.findall(r"aws ecs update-service (--cluster \S+ --service \S+) ", text)
    assert commands == [f"--cluster {name} --service {name}-worker"] * 2


@pytest.mark.parametrize(
    ("reason", "has_ended"),
    [
        ("with an explicit deny in arn:aws:iam::123456789012:policy/voc-cancel-cred", True),
        ("because no identity-based policy allows the iam:CreateRole action", False),
    ],
)
def test_an_ended_session_is_told_from_what_a_lab_refuses(reason: str, *, has_ended: bool) -> None:
    said = f"User: arn:aws:sts::123456789012:assumed-role/voclabs/a is not authorized {reason}"
    assert has_session_ended(said) is has_ended
