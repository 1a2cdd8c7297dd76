"""Terraform's commands as they are run: a program of that name writes down what it was given."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployments.environment import Environment
from deployments.terraform import Terraform
from tasks.core.errors import NotConfiguredError

VALUES = {"account_id": "210987654321", "prefect_api_url": "https://prefect.example.com/api"}
FAKE = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path(os.environ["FAKE"])
command = sys.argv[2]
names = ("TF_DATA_DIR", "TF_WORKSPACE", "TF_VAR_prefect_credential")
given = {{name: os.environ[name] for name in names if name in os.environ}}
with (here / "calls").open("a") as calls:
    print(json.dumps([sys.argv[1:], given]), file=calls)
answer = here / command
if answer.exists():
    sys.stdout.write(answer.read_text())
failure = here / f"{{command}}.fails"
if failure.exists():
    print(failure.read_text(), file=sys.stderr)
    sys.exit(3)
"""

OF_INIT = ["-input=false", "-lockfile=readonly", "-reconfigure"]


class Program:
    """What stands for Terraform.

    Attributes:
        folder: What it answers, by command.
        directory: Where the configuration lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "fake"
        self.directory = folder / "infra"
        self.folder.mkdir()
        self.directory.mkdir()

    def calls(self) -> list[list[str]]:
        found = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        assert {each[0][0] for each in found} == {f"-chdir={self.directory}"}
        return [each[0][1:] for each in found]

    def environments(self) -> list[dict[str, str]]:
        return [json.loads(line)[1] for line in (self.folder / "calls").read_text().splitlines()]

    def answer(self, command: str, answer: str) -> None:
        (self.folder / command).write_text(answer)

    def of(self, name: str, **changes: Any) -> Terraform:
        environment = Environment.model_validate(VALUES | changes)
        return Terraform(name, Path("prod.tfvars.json"), environment, self.directory)

    def backend(self) -> str:
        return (self.directory / "state_override.tf").read_text()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    found = Program(tmp_path)
    (tmp_path / "terraform").write_text(FAKE.format(python=sys.executable))
    (tmp_path / "terraform").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(found.folder))
    monkeypatch.setenv("TF_WORKSPACE", "another")
    monkeypatch.delenv("TF_VAR_prefect_credential", raising=False)
    return found


def test_state_on_this_machine_lies_in_a_folder_that_no_init_asks_to_copy(program: Program) -> None:
    program.of("prod").prepare()
    assert program.calls() == [
        ["init", *OF_INIT, "-backend-config=workspace_dir=states"],
        ["workspace", "select", "-or-create", "prod"],
    ]
    assert program.backend() == 'terraform {\n  backend "local" {}\n}\n'


def test_state_in_a_bucket_is_encrypted_and_locked(program: Program) -> None:
    program.of("prod", state_bucket="the-states", region="sa-east-1").prepare()
    assert program.calls()[0] == [
        "init",
        *OF_INIT,
        "-backend-config=bucket=the-states",
        "-backend-config=region=sa-east-1",
        "-backend-config=key=terraform.tfstate",
        "-backend-config=workspace_key_prefix=b3-pipeline",
        "-backend-config=encrypt=true",
        "-backend-config=use_lockfile=true",
    ]
    assert program.backend() == 'terraform {\n  backend "s3" {}\n}\n'
    program.of("staging").prepare()
    assert program.backend() == 'terraform {\n  backend "local" {}\n}\n'


def test_each_environment_has_a_data_directory_and_a_workspace_of_its_own(program: Program) -> None:
    data = program.directory / ".terraform" / "environments"
    for name in ("prod", "staging"):
        (data / name).mkdir(parents=True)
        (data / name / "environment").write_text(name)
    program.answer("output", "{}")
    terraform = program.of("prod")
    terraform.initialize()
    terraform.apply("0123abc", is_approved=False)
    assert terraform.outputs() == {}
    assert program.environments() == [{"TF_DATA_DIR": str(data / "prod")}] * 3
    # init stops at a workspace that was selected once, and that its backend does not have.
    assert [path.parent.name for path in data.glob("*/environment")] == ["staging"]


def test_states_of_before_are_taken_over_once(program: Program) -> None:
    for folder, text in (("terraform.tfstate.d/prod", "old"), ("terraform.tfstate.d/test", "t")):
        (program.directory / folder).mkdir(parents=True)
        (program.directory / folder / "terraform.tfstate").write_text(text)
    program.of("prod", state_bucket="the-states").initialize()
    states = program.directory / "states"
    assert (states / "prod" / "terraform.tfstate").read_text() == "old"
    assert (states / "test" / "terraform.tfstate").read_text() == "t"

    again = program.directory / "terraform.tfstate.d" / "prod"
    again.mkdir()
    (again / "terraform.tfstate").write_text("another")
    program.of("prod").initialize()
    assert (states / "prod" / "terraform.tfstate").read_text() == "old"
    assert (again / "terraform.tfstate").read_text() == "another"


@pytest.mark.parametrize(
    ("tag", "is_approved", "expected"),
    [
        (None, False, []),
        ("0123abc", False, ["-var=image_tag=0123abc"]),
        ("0123abc", True, ["-var=image_tag=0123abc", "-auto-approve"]),
    ],
)
def test_apply_asks_unless_it_is_approved(
    program: Program, tag: str | None, is_approved: bool, expected: list[str]
) -> None:
    program.of("prod").apply(tag, is_approved=is_approved)
    assert program.calls() == [["apply", "-var-file=prod.tfvars.json", *expected]]


@pytest.mark.parametrize(("with_lake", "said"), [(False, "false"), (True, "true")])
def test_the_lake_goes_only_where_that_is_said(
    program: Program, with_lake: bool, said: str
) -> None:
    terraform = program.of("prod")
    variables = [
        "-var-file=prod.tfvars.json",
        "-var=force_destroy=true",
        f"-var=delete_lake={said}",
    ]
    terraform.allow_deletion(["module.a.b.c", "d.e"], with_lake=with_lake)
    terraform.destroy(with_lake=with_lake, is_approved=False)
    terraform.destroy(with_lake=with_lake, is_approved=True)
    assert program.calls() == [
        ["apply", "-auto-approve", *variables, "-target=module.a.b.c", "-target=d.e"],
        ["destroy", *variables],
        ["destroy", *variables, "-auto-approve"],
    ]


def test_a_state_that_is_not_there_is_not_made_by_looking(program: Program) -> None:
    program.answer("workspace", "* default\n  staging\n")
    assert not program.of("prod").has_workspace()
    assert program.calls() == [["workspace", "list"]]
    program.answer("workspace", "* default\n  prod\n")
    assert program.of("prod").has_workspace()
    assert program.calls()[1:] == [["workspace", "list"], ["workspace", "select", "prod"]]


def test_what_the_state_has_is_read_through_every_module(program: Program) -> None:
    def resource(address: str, mode: str = "managed") -> dict[str, Any]:
        return {"address": address, "mode": mode, "values": {"id": address}}

    inner = {"resources": [resource("module.a.module.b.c")]}
    root = {
        "resources": [resource("top"), resource("data.top", "data")],
        "child_modules": [{"resources": [resource("module.a.d")], "child_modules": [inner]}],
    }
    program.answer("show", json.dumps({"values": {"root_module": root}}))
    terraform = program.of("prod")
    assert terraform.resources() == {
        name: {"id": name} for name in ("top", "module.a.d", "module.a.module.b.c")
    }
    program.answer("show", '{"format_version": "1.0"}')
    assert terraform.resources() == {}


def test_outputs_and_state_are_read_as_terraform_prints_them(program: Program) -> None:
    program.answer("output", '{"region": {"value": "us-east-1", "sensitive": false}}')
    assert program.of("prod").outputs() == {"region": "us-east-1"}
    program.answer("state", '{"serial": 4}')
    assert program.of("prod").pull_state() == {"serial": 4}
    program.answer("state", "")
    assert program.of("prod").pull_state() == {}
    program.of("prod").push_state(Path("/states/a"))
    assert program.calls()[-1] == ["state", "push", "/states/a"]


def test_a_state_that_cannot_be_read_is_told_in_terraforms_words(program: Program) -> None:
    program.answer("output.fails", "the bucket is gone")
    with pytest.raises(NotConfiguredError, match=r"state of prod \(output\): the bucket is gone$"):
        program.of("prod").outputs()


def test_a_command_that_fails_is_told_with_its_code(program: Program) -> None:
    program.answer("apply.fails", "no")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        program.of("prod").apply(None, is_approved=True)
    assert failed.value.returncode == 3
    assert failed.value.cmd[:3] == ["terraform", f"-chdir={program.directory}", "apply"]


def test_terraform_is_waited_for_when_it_is_interrupted(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait: Any = subprocess.Popen.wait
    interruptions = [KeyboardInterrupt(), KeyboardInterrupt()]

    def interrupted(process: Any, timeout: float | None = None) -> int:
        if interruptions:
            raise interruptions.pop()
        return int(wait(process, timeout))

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda _: pytest.fail("Terraform was killed"))
    program.answer("apply.fails", "interrupted, and ended in good order")
    with pytest.raises(subprocess.CalledProcessError) as ended:
        program.of("prod").apply(None, is_approved=True)
    assert ended.value.returncode == 3


def test_nothing_follows_a_terraform_that_was_interrupted_at_its_good_end(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait: Any = subprocess.Popen.wait
    interruptions = [KeyboardInterrupt()]

    def interrupted(process: Any, timeout: float | None = None) -> int:
        if interruptions:
            raise interruptions.pop()
        return int(wait(process, timeout))

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        program.of("prod").allow_deletion(["a.b"], with_lake=True)
    assert [call[0] for call in program.calls()] == ["apply"]
