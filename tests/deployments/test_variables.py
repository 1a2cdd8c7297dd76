import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deployments import variables
from deployments.variables import main, write_variables
from tasks.core.errors import NotConfiguredError
from tests.deployments.conftest import OUTPUTS

API = "https://prefect.example.com/api"
HEAD = "0123abcdef01"
FILE = Path(".local") / "prod.env"


class FakeTerraform:
    """Terraform, with a state of these outputs; whatever changes something fails."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self.held = outputs
        self.is_initialized = False

    def initialize(self) -> None:
        self.is_initialized = True

    def has_workspace(self) -> bool:
        return bool(self.held)

    def outputs(self) -> dict[str, Any]:
        assert self.is_initialized
        return self.held


@pytest.fixture
def terraform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeTerraform:
    """A deployment of `prod`, of which only the environment's file and the state are read."""
    file = tmp_path / "prod.tfvars.json"
    file.write_text(json.dumps({"account_id": "210987654321", "prefect_api_url": API}))
    fake = FakeTerraform(OUTPUTS | {"image_tag": "0ld"})
    monkeypatch.setattr(variables, "environment_file", lambda _name: file)
    monkeypatch.setattr(variables, "Terraform", lambda *_: fake)
    monkeypatch.setattr(variables, "commit", lambda: HEAD)
    for check in ("check_terraform", "check_account", "check_state"):
        monkeypatch.setattr(variables, check, lambda *_: None)
    monkeypatch.chdir(tmp_path)
    return fake


def loaded(said: str) -> dict[str, str]:
    """What a shell has, that has done what was said."""
    load = said.rpartition("To load them: ")[2]
    shell = ["bash", "-c", f"{load}\nenv -0"]
    done = subprocess.run(
        shell, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)


def test_a_shell_has_what_a_deployment_would_have_and_the_settings_of_the_flows(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", "prod"]) == 0

    said = capsys.readouterr().out
    assert said.endswith(f"To load them: set -a; . {FILE}; set +a\n")
    found = loaded(said)
    assert found["B3_LAKE_BUCKET"] == "lake"
    assert found["AWS_DEFAULT_REGION"] == "us-east-1"
    assert found["PREFECT_API_URL"] == API
    assert found["DEPLOY_WORKING_DIRECTORY"] == "/app"
    assert json.loads(found["DEPLOY_SUBNET_IDS"]) == OUTPUTS["subnet_ids"]
    assert said.startswith(f"Wrote {len(FILE.read_text().splitlines())} variables. ")


@pytest.mark.parametrize(("running", "tag"), [("0ld", "0ld"), (None, HEAD)])
def test_the_image_is_the_one_that_runs_or_before_the_first_that_of_the_commit(
    running: str | None, tag: str, terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    terraform.held["image_tag"] = running
    assert main(["--env", "prod"]) == 0
    found = loaded(capsys.readouterr().out)
    assert found["DEPLOY_IMAGE"] == f"{OUTPUTS['repository_url']}:{tag}"


@pytest.mark.usefixtures("terraform")
def test_no_secret_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret")
    assert main(["--env", "prod"]) == 0
    assert "secret" not in FILE.read_text().replace("secretsmanager", "").replace(
        "DEPLOY_PREFECT_SECRET_ARN", ""
    ).replace(":secret:prefect-x", "")


def test_what_is_not_deployed_is_said_and_nothing_written(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    terraform.held = {}
    assert main(["--env", "prod"]) == 1
    said = capsys.readouterr().err
    assert "found nothing in Terraform's state: make deploy ENV=prod; or" in said
    assert f"have {FILE} from whoever deployed it" in said
    assert not FILE.exists()


@pytest.mark.parametrize("check", ["check_terraform", "check_account", "check_state"])
def test_each_check_holds_it_up_before_terraform_is_asked(
    check: str,
    terraform: FakeTerraform,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: Any) -> None:
        raise NotConfiguredError(f"{check} says so")

    monkeypatch.setattr(variables, check, refuse)
    assert main(["--env", "prod"]) == 1
    assert capsys.readouterr().err == f"{check} says so\n"
    assert not terraform.is_initialized
    assert not FILE.exists()


def test_outputs_of_before_are_said(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    terraform.held["cluster_arn"] = None
    assert main(["--env", "prod"]) == 1
    assert "missing or malformed: cluster_arn" in capsys.readouterr().err
    assert not FILE.exists()


def test_the_file_of_before_is_replaced_and_values_are_quoted(tmp_path: Path) -> None:
    file = tmp_path / "state" / "prod.env"
    odd = 'it\'s $HOME; `id` "x"\nB=1'
    for values in ({"A": "x", "OLD": "1"}, {"A": odd}):
        write_variables(file, values)
    found = loaded(f"To load them: set -a; . {file}; set +a")
    assert found["A"] == odd
    assert "OLD" not in found
    assert [each.name for each in file.parent.iterdir()] == ["prod.env"]
