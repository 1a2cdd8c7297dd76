import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# What the module reads of the project: itself, the Glue scripts and the page of queries.
READ_BY_TERRAFORM = ("infra/terraform", "infra/glue", "docs")
PLANS = Path(__file__).with_name("plan.tftest.hcl")


class Terraform:
    """Terraform in a copy of the project, so that no state or provider lands in the tree.

    Attributes:
        environment: Environment variables of each command, beside those of the tests.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self.environment = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}

    def try_to(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.project / "infra" / "terraform",
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        done = self.try_to(*arguments)
        assert done.returncode == 0, f"terraform {arguments[0]}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        found = json.loads(self.run("output", "-json"))
        return {name: output["value"] for name, output in found.items()}

    def planned_changes(self, *arguments: str) -> dict[str, list[str]]:
        """What an apply would do now: create, update, delete, by the resource's address."""
        self.run("plan", "-no-color", "-out=plan", *arguments)
        plan = json.loads(self.run("show", "-json", "plan"))
        return {
            change["address"]: change["change"]["actions"]
            for change in plan.get("resource_changes", [])
            if change["change"]["actions"] not in (["no-op"], ["read"])
        }


class Plan(dict[str, Any]):
    """A plan as Terraform writes it in JSON."""

    def policy(self, address: str) -> list[dict[str, Any]]:
        """The statements of the policy of one resource."""
        (change,) = [each for each in self["resource_changes"] if each["address"] == address]
        statements: list[dict[str, Any]] = json.loads(change["change"]["after"]["policy"])[
            "Statement"
        ]
        return statements


def skip(reason: str) -> None:
    """Skip the test; where Terraform must be tested, as CI says, fail instead."""
    if os.environ.get("REQUIRE_TERRAFORM"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    if shutil.which("terraform") is None:
        skip("terraform is not on PATH; install 1.11 or newer to test infra/terraform")
    project = tmp_path_factory.mktemp("terraform")
    for folder in READ_BY_TERRAFORM:
        shutil.copytree(
            ROOT / folder,
            project / folder,
            ignore=shutil.ignore_patterns(
                ".terraform*", "*.tfstate*", "*.tfvars*", "*_override.tf"
            ),
        )
    found = Terraform(project)
    started = found.try_to("init", "-no-color")
    if started.returncode != 0:
        skip(
            "terraform init found no provider: allow it the network, or name a folder with the "
            f"provider by TF_CLI_ARGS_init=-plugin-dir=…\n{started.stderr}"
        )
    return found


@pytest.fixture(scope="session")
def plans(terraform: Terraform) -> dict[str, Plan]:
    """The plans of `plan.tftest.hcl`, by name."""
    folder = terraform.project / "infra" / "terraform" / "plans"
    folder.mkdir()
    shutil.copy(PLANS, folder)
    output = terraform.run("test", "-json", "-verbose", f"-test-directory={folder.name}")
    events = [json.loads(line) for line in output.splitlines()]
    return {each["@testrun"]: Plan(each["test_plan"]) for each in events if "test_plan" in each}
