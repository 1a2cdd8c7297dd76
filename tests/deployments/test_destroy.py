import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deployments import destroy
from deployments.automations import automations
from deployments.destroy import describe_rest, main
from deployments.environment import Environment, environment_file
from deployments.holdings import Holding
from tasks.core.errors import InvalidInputError, NotConfiguredError
from tests.conftest import ROOT

VALUES: dict[str, Any] = {
    "account_id": "210987654321",
    "prefect_api_url": "https://prefect.example.com/api",
    "state_bucket": "the-states",
    "work_pool_name": "the pool",
}
LAKE = "module.lake_bucket.aws_s3_bucket.this"
GOES_WITH_WHAT_IT_HOLDS = [
    "module.results_bucket.aws_s3_bucket.this",
    "module.athena.aws_athena_workgroup.this",
    "module.registry.aws_ecr_repository.this",
    "module.secret[0].aws_secretsmanager_secret.this",
    LAKE,
]
EVERYTHING: dict[str, dict[str, Any]] = {
    **{address: {} for address in GOES_WITH_WHAT_IT_HOLDS},
    LAKE: {"bucket": "the-lake"},
    "module.cluster.aws_ecs_cluster.this": {},
}
HOLDINGS = {"raw": Holding(2, 1234, 1), "published": Holding(1, 5, 0)}


class FakeTerraform:
    """Terraform, whose state has some resources."""

    def __init__(self) -> None:
        self.has_state = True
        self.found = dict(EVERYTHING)
        self.done: list[tuple[Any, ...]] = []
        self.fails_at = ""

    def initialize(self) -> None:
        self.done.append(("initialize",))

    def has_workspace(self) -> bool:
        return self.has_state

    def resources(self) -> dict[str, dict[str, Any]]:
        if not self.has_state:
            pytest.fail("there is no state to read")
        return self.found

    def allow_deletion(self, addresses: list[str], *, with_lake: bool) -> None:
        self._do("allow", addresses, with_lake)

    def destroy(self, *, with_lake: bool, is_approved: bool) -> None:
        self._do("destroy", with_lake, is_approved)
        self.found = {}

    def _do(self, what: str, *how: Any) -> None:
        if what == self.fails_at:
            raise subprocess.CalledProcessError(1, ["terraform", "-chdir=x", what, "y"])
        self.done.append((what, *how))


@pytest.fixture
def holdings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Holding]:
    """What the lake holds: nothing, until a test says otherwise."""
    found: dict[str, Holding] = {}

    def find(bucket: str, s3: Any) -> dict[str, Holding]:
        assert (bucket, s3) == ("the-lake", ("s3", "us-east-1"))
        return found

    monkeypatch.setattr(destroy, "find_holdings", find)
    return found


@pytest.fixture(autouse=True)
def terraform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, holdings: dict[str, Holding]
) -> FakeTerraform:
    """An environment `prod`, where every check passes; without any key of Prefect's."""
    fake = FakeTerraform()
    (tmp_path / "prod.tfvars.json").write_text(json.dumps(VALUES))
    monkeypatch.setattr(destroy, "environment_file", lambda name: environment_file(name, tmp_path))
    monkeypatch.setattr(destroy, "check_terraform", lambda: None)
    monkeypatch.setattr(destroy, "check_account", lambda _: None)
    monkeypatch.setattr(destroy, "check_state", lambda *_: None)
    monkeypatch.setattr(destroy, "Terraform", lambda *_: fake)
    monkeypatch.setattr("boto3.client", lambda name, region_name: (name, region_name))
    for name in ("PREFECT_API_KEY", "TF_VAR_prefect_credential"):
        monkeypatch.delenv(name, raising=False)
    return fake


def test_empty_lake_goes_with_the_rest_and_stays_guarded_until_it_is_gone(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", "prod"]) == 0

    assert terraform.done == [
        ("initialize",),
        ("allow", GOES_WITH_WHAT_IT_HOLDS, False),
        ("destroy", False, False),
    ]
    told = capsys.readouterr().out
    assert "Terraform's state of prod has 6 resources." in told
    assert "Destroyed prod." in told
    assert "It is deleted for good" not in told


def test_data_is_spared_and_told_zone_by_zone(
    terraform: FakeTerraform, holdings: dict[str, Holding], capsys: pytest.CaptureFixture[str]
) -> None:
    holdings |= HOLDINGS
    for arguments in ([], ["--auto-approve"], ["--dry-run"]):
        terraform.done.clear()
        assert main(["--env", "prod", *arguments]) == 1
        assert terraform.done == [("initialize",)]
        assert capsys.readouterr().err == (
            "The lake the-lake holds data:\n"
            "  zone       objects  bytes  earlier versions\n"
            "  raw              2  1,234                 1\n"
            "  published        1      5                 0\n"
            "What B3 shows for a day only cannot be had again. Nothing was changed in prod. To "
            "keep a copy: `aws s3 sync s3://the-lake lake-of-prod`. To delete it with all else: "
            "--delete-data (make destroy ENV=prod DELETE_DATA=1).\n"
        )


def test_data_goes_where_that_is_said(
    terraform: FakeTerraform, holdings: dict[str, Holding], capsys: pytest.CaptureFixture[str]
) -> None:
    holdings |= HOLDINGS
    assert main(["--env", "prod", "--delete-data", "--auto-approve"]) == 0
    assert terraform.done[1:] == [
        ("allow", GOES_WITH_WHAT_IT_HOLDS, True),
        ("destroy", True, True),
    ]
    told = capsys.readouterr().out
    assert "  raw              2  1,234                 1\n" in told
    assert "It is deleted for good, with its commits." in told


@pytest.mark.parametrize("arguments", [[], ["--delete-data"]])
def test_dry_run_only_looks(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["--env", "prod", "--dry-run", *arguments]) == 0
    assert terraform.done == [("initialize",)]
    told = capsys.readouterr().out
    assert "Nothing was changed in prod." in told
    assert "Destroyed" not in told


@pytest.mark.parametrize("has_state", [False, True])
def test_nothing_to_destroy_is_said(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str], has_state: bool
) -> None:
    terraform.has_state = has_state
    terraform.found = {}
    assert main(["--env", "prod"]) == 0
    assert terraform.done == [("initialize",)]
    told = capsys.readouterr().out
    assert "There is nothing to destroy: Terraform's state of prod has no resources." in told
    assert "prefect work-pool delete" in told
    assert "Destroyed" not in told


def test_what_is_gone_already_is_not_made_again(terraform: FakeTerraform) -> None:
    terraform.found = {
        name: EVERYTHING[name]
        for name in (
            "module.registry.aws_ecr_repository.this",
            "module.cluster.aws_ecs_cluster.this",
        )
    }
    assert main(["--env", "prod"]) == 0
    assert terraform.done[1] == ("allow", ["module.registry.aws_ecr_repository.this"], False)

    terraform.done.clear()
    terraform.found = {"module.cluster.aws_ecs_cluster.this": {}}
    assert main(["--env", "prod"]) == 0
    assert terraform.done == [("initialize",), ("destroy", False, False)]


@pytest.mark.parametrize(("fails_at", "done"), [("allow", 1), ("destroy", 2)])
def test_step_that_fails_ends_it_and_the_next_one_is_not_taken(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str], fails_at: str, done: int
) -> None:
    terraform.fails_at = fails_at
    assert main(["--env", "prod"]) == 1
    assert len(terraform.done) == done
    told = capsys.readouterr()
    assert f"terraform -chdir=x {fails_at} y … ended with 1: mend what it says above" in told.err
    assert "Destroyed" not in told.out


@pytest.mark.parametrize("check", ["check_terraform", "check_account", "check_state"])
def test_nothing_is_touched_where_something_is_wrong(
    terraform: FakeTerraform,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    check: str,
) -> None:
    def refuse(*_: object) -> None:
        raise NotConfiguredError("not so")

    monkeypatch.setattr(destroy, check, refuse)
    assert main(["--env", "prod"]) == 1
    assert capsys.readouterr().err == "not so\n"
    assert terraform.done == []


def test_account_and_state_that_are_checked_are_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[Any] = []
    monkeypatch.setattr(destroy, "check_account", lambda *asked: checked.append(asked))
    monkeypatch.setattr(destroy, "check_state", lambda *asked: checked.append(asked))
    assert main(["--env", "prod"]) == 0
    environment = Environment.model_validate(VALUES)
    assert checked == [(environment,), (environment, "prod")]


def test_state_on_this_machine_is_warned_of_in_a_dry_run_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", "prod", "--dry-run"]) == 0
    assert capsys.readouterr().err == ""
    (tmp_path / "prod.tfvars.json").write_text(json.dumps(VALUES | {"state_bucket": None}))
    assert main(["--env", "prod", "--dry-run"]) == 0
    assert "Warning: what Terraform has made in prod is written down" in capsys.readouterr().err


def test_what_stays_is_told_with_what_removes_it() -> None:
    told = describe_rest("prod", Environment.model_validate(VALUES)).splitlines()
    project = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    names = [each["name"] for each in project["deployments"]]
    assert len(names) > 5
    assert [line.strip() for line in told[1:-1]] == [
        *(f"prefect deployment delete {name}/{name}" for name in names),
        "prefect work-pool delete 'the pool'",
        "prefect automation ls  # for each whose name begins with `b3-pipeline:`, its id:",
        "prefect automation delete --id ID",
        "prefect block ls  # for those that you made for it, such as slack-webhook/alerts:",
        "prefect block delete TYPE/NAME",
    ]
    assert told[0].startswith("In Prefect (https://prefect.example.com/api) the deployments, the")
    assert told[-1] == (
        "Terraform's state of prod, which is empty now, lies in "
        "s3://the-states/b3-pipeline/prod/terraform.tfstate."
    )
    assert all(each.name.startswith("b3-pipeline:") for each in automations(None))


def test_without_a_name_the_environments_are_told(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 1
    assert "There are: prod." in capsys.readouterr().err
    assert terraform.done == []


def test_refusal_is_of_the_kind_that_a_person_can_mend() -> None:
    found = destroy.Destruction("prod", Environment.model_validate(VALUES), None, [], "l", HOLDINGS)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        found.check_data(is_deleted=False)


def test_interrupted_it_ends_there_and_says_how_to_go_on(
    terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(terraform, "allow_deletion", interrupt)
    assert main(["--env", "prod", "--auto-approve"]) == 130
    assert terraform.done == [("initialize",)]
    assert capsys.readouterr().err.endswith(
        "Interrupted. What was done in prod stays: the same command goes on from there.\n"
    )
