import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployments import state
from deployments.environment import Environment, environment_file
from deployments.state import ensure_bucket, main, move_state
from tasks.core.errors import InvalidInputError, NotConfiguredError

VALUES: dict[str, Any] = {
    "account_id": "210987654321",
    "prefect_api_url": "https://prefect.example.com/api",
    "state_bucket": "the-states",
}
RESOURCE = {"mode": "managed", "type": "aws_s3_bucket"}


def content(lineage: str = "a", serial: int = 4, resources: int = 1) -> dict[str, Any]:
    return {"lineage": lineage, "serial": serial, "resources": [RESOURCE] * resources}


class FakeTerraform:
    """Terraform, whose backend holds a state."""

    workspace = "prod"

    def __init__(self, held: dict[str, Any], kept: dict[str, Any] | None = None) -> None:
        self.held = held
        self.kept = kept  # what it keeps of what is pushed, where that is something else
        self.pushed: list[Path] = []
        self.is_prepared = False

    def prepare(self) -> None:
        self.is_prepared = True

    def pull_state(self) -> dict[str, Any]:
        return self.held

    def push_state(self, file: Path) -> None:
        self.pushed.append(file)
        self.held = self.kept if self.kept is not None else json.loads(file.read_text())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "states" / "prod" / "terraform.tfstate"
    found.parent.mkdir(parents=True)
    found.write_text(json.dumps(content()))
    return found


@pytest.fixture
def aws() -> Iterator[None]:
    """An account without any bucket."""
    with mock_aws():
        yield


def of(**changes: Any) -> Environment:
    return Environment.model_validate(VALUES | {"account_id": "123456789012"} | changes)


@pytest.mark.parametrize("region", ["us-east-1", "sa-east-1"])
@pytest.mark.usefixtures("aws")
def test_bucket_keeps_versions_is_encrypted_closed_and_asks_for_tls(region: str) -> None:
    s3: Any = boto3.client("s3", region_name=region)
    assert ensure_bucket(of(region=region)) == "made"
    for _ in range(2):
        assert s3.get_bucket_versioning(Bucket="the-states")["Status"] == "Enabled"
        assert s3.get_public_access_block(Bucket="the-states")[
            "PublicAccessBlockConfiguration"
        ] == {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        }
        encryption = s3.get_bucket_encryption(Bucket="the-states")
        (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        (statement,) = json.loads(s3.get_bucket_policy(Bucket="the-states")["Policy"])["Statement"]
        assert statement == {
            "Sid": "RefuseUnencryptedTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::the-states", "arn:aws:s3:::the-states/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        assert s3.head_bucket(Bucket="the-states")["BucketRegion"] == region
        assert ensure_bucket(of(region=region)) == "there"


@pytest.mark.usefixtures("aws")
def test_bucket_that_somebody_set_up_keeps_its_key_and_its_policy() -> None:
    s3: Any = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="the-states")
    policy = '{"Version": "2012-10-17", "Statement": []}'
    s3.put_bucket_policy(Bucket="the-states", Policy=policy)
    own = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(
        Bucket="the-states", ServerSideEncryptionConfiguration={"Rules": [own]}
    )

    assert ensure_bucket(of()) == "there"

    assert s3.get_bucket_policy(Bucket="the-states")["Policy"] == policy
    rules = s3.get_bucket_encryption(Bucket="the-states")["ServerSideEncryptionConfiguration"]
    assert rules["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}
    assert s3.get_bucket_versioning(Bucket="the-states")["Status"] == "Enabled"


@pytest.mark.usefixtures("aws")
def test_cloud_on_one_machine_speaks_no_tls_to_ask_for() -> None:
    ensure_bucket(of(local_cloud=True))
    s3: Any = boto3.client("s3", region_name="us-east-1")
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="the-states")


@pytest.mark.parametrize("held", [{}, content("new", 0, 0)], ids=["none", "empty"])
def test_state_is_moved_and_its_file_put_aside(file: Path, held: dict[str, Any]) -> None:
    terraform: Any = FakeTerraform(held)
    made = file.read_text()

    told = move_state(terraform, file, "the-states")

    aside = file.with_name("moved-to-the-states-4.tfstate")
    assert told == f"Moved the state of prod to the bucket; its file is {aside} now."
    assert terraform.held == content()
    assert not file.exists()
    assert aside.read_text() == made


@pytest.mark.parametrize("serial", [4, 5])
def test_move_that_was_killed_after_the_push_goes_on(file: Path, serial: int) -> None:
    terraform: Any = FakeTerraform(content(serial=serial))
    move_state(terraform, file, "the-states")
    assert terraform.pushed == []
    assert not file.exists()


@pytest.mark.parametrize("held", [content("other"), content(serial=3)], ids=["other", "older"])
def test_bucket_that_holds_another_state_is_left_as_it_is(file: Path, held: dict[str, Any]) -> None:
    terraform: Any = FakeTerraform(held)
    with pytest.raises(InvalidInputError, match="found one of 1 resources that is not that of"):
        move_state(terraform, file, "the-states")
    assert terraform.pushed == []
    assert file.exists()


@pytest.mark.parametrize("kept", [{}, content("other"), content(serial=3)])
def test_file_stays_where_the_bucket_does_not_hold_what_was_pushed(
    file: Path, kept: dict[str, Any]
) -> None:
    terraform: Any = FakeTerraform({}, kept)
    with pytest.raises(NotConfiguredError, match=r"found another. The file stays"):
        move_state(terraform, file, "the-states")
    assert file.exists()


def test_file_that_terraform_was_killed_before_writing_is_nothing(file: Path) -> None:
    file.write_text("")
    terraform: Any = FakeTerraform(content("b"))
    assert move_state(terraform, file, "the-states") == (
        "The state of prod on this machine was empty, and is gone."
    )
    assert terraform.pushed == []
    assert not file.exists()


@pytest.mark.parametrize("text", ['{"lineage": "a", "ser', "[]", '{"version": 4}'])
def test_file_that_is_no_state_stays(file: Path, text: str) -> None:
    file.write_text(text)
    terraform: Any = FakeTerraform({})
    with pytest.raises(NotConfiguredError, match=r"Expected a state of Terraform's in .* restore"):
        move_state(terraform, file, "the-states")
    assert terraform.pushed == []
    assert file.read_text() == text


def test_state_that_terraform_works_on_is_not_moved(file: Path) -> None:
    # A lock of this process would not stop this process.
    script = (
        "import fcntl, sys\n"
        "opened = open(sys.argv[1], 'r+')\n"
        "fcntl.lockf(opened, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(file)]
    terraform: Any = FakeTerraform({})
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InvalidInputError, match="Terraform is at work on"):
            move_state(terraform, file, "the-states")
        other.communicate("")
    assert (terraform.pushed, file.exists()) == ([], True)
    move_state(terraform, file, "the-states")


def test_nobody_works_on_a_state_while_it_is_moved(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[int] = []
    monkeypatch.setattr(fcntl, "lockf", lambda _, kind: locked.append(kind))
    terraform: Any = FakeTerraform({})
    move_state(terraform, file, "the-states")
    assert locked == [fcntl.LOCK_EX | fcntl.LOCK_NB]


@pytest.fixture
def terraform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path) -> FakeTerraform:
    """An environment `prod` on whose account and machine all is well."""
    fake = FakeTerraform({})
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "prod.tfvars.json").write_text(json.dumps(VALUES))
    monkeypatch.setattr(
        state, "environment_file", lambda name: environment_file(name, environments)
    )
    monkeypatch.setattr(state, "state_file", lambda _: file)
    monkeypatch.setattr(state, "check_terraform", lambda: None)
    monkeypatch.setattr(state, "check_account", lambda _: None)
    monkeypatch.setattr(state, "ensure_bucket", lambda _: "made")
    monkeypatch.setattr(state, "Terraform", lambda *_: fake)
    return fake


def test_command_makes_the_bucket_and_moves_the_state(
    terraform: FakeTerraform, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", "prod"]) == 0
    assert terraform.is_prepared
    assert (terraform.pushed, file.exists()) == ([file], False)
    made, moved, lies = capsys.readouterr().out.splitlines()
    assert made == "Bucket the-states: made; versioned, encrypted, closed to the public."
    assert moved.startswith("Moved the state of prod to the bucket")
    assert lies == (
        "Terraform's state of prod lies in s3://the-states/b3-pipeline/prod/terraform.tfstate."
    )

    assert main(["--env", "prod"]) == 0  # nothing is left to move
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_environment_that_names_no_bucket_is_told_a_name(
    terraform: FakeTerraform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "environments" / "prod.tfvars.json"
    path.write_text(json.dumps(VALUES | {"state_bucket": None, "region": "sa-east-1"}))
    assert main(["--env", "prod"]) == 1
    told = capsys.readouterr().err
    assert '"state_bucket": "b3-pipeline-state-210987654321-sa-east-1"' in told
    assert not terraform.is_prepared


@pytest.mark.parametrize("check", ["check_terraform", "check_account"])
def test_nothing_is_made_where_something_is_wrong(
    terraform: FakeTerraform,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    check: str,
) -> None:
    def refuse(*_: object) -> None:
        raise NotConfiguredError("not so")

    monkeypatch.setattr(state, check, refuse)
    monkeypatch.setattr(state, "ensure_bucket", lambda _: pytest.fail("a bucket was made"))
    assert main(["--env", "prod"]) == 1
    assert capsys.readouterr().err == "not so\n"
    assert not terraform.is_prepared


def test_terraform_that_fails_is_an_exit_code_and_the_file_stays(
    terraform: FakeTerraform,
    monkeypatch: pytest.MonkeyPatch,
    file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: Path) -> None:
        raise subprocess.CalledProcessError(1, ["terraform", "-chdir=x", "state", "push", "file"])

    monkeypatch.setattr(terraform, "push_state", fail)
    assert main(["--env", "prod"]) == 1
    assert "terraform -chdir=x state push … ended with 1" in capsys.readouterr().err
    assert file.exists()


def test_without_a_name_the_environments_are_told(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 1
    assert "There are: prod." in capsys.readouterr().err
    assert not terraform.is_prepared
