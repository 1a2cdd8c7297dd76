import json
import os
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import PrefectHTTPStatusError

from deployments import checks, deploy
from deployments.deploy import main
from deployments.environment import Environment, environment_file
from deployments.settings import check_outputs
from deployments.variables import deployment_variables
from tasks.core.errors import InvalidInputError, NotConfiguredError
from tests.conftest import ROOT
from tests.deployments.conftest import OUTPUTS

ACCOUNT = "210987654321"
ANOTHER = "345678901234"
HEAD = "0123abcdef01"
CREDENTIAL = "TF_VAR_prefect_credential"
VALUES = {"account_id": ACCOUNT, "prefect_api_url": "https://prefect.example.com/api"}
ENVIRONMENT = Environment.model_validate(VALUES)


class Sts:
    """AWS's answer to who is asking."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer

    def get_caller_identity(self) -> dict[str, str]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Account": self.answer}


class Prefect:
    """Prefect's API, as far as a pool is asked for."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer

    def read_work_pool(self, name: str) -> WorkPool:
        if isinstance(self.answer, Exception):
            raise self.answer
        return WorkPool(name=name, type=self.answer, default_queue_id=uuid4())


class FakeTerraform:
    """What was applied, in order: the images' tags."""

    def __init__(self) -> None:
        self.applied: list[str | None] = []

    def prepare(self) -> None:
        pass

    def outputs(self) -> dict[str, Any]:
        return OUTPUTS | {"image_tag": "running"} if self.applied else {"image_tag": "running"}

    def apply(self, image_tag: str | None, *, is_approved: bool) -> None:
        self.applied.append(image_tag)


@pytest.fixture(autouse=True)
def all_is_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment `prod`, where every check passes and the image is not pushed yet."""
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_key")
    monkeypatch.setenv(CREDENTIAL, "pnu_key")
    monkeypatch.delenv("IMAGE_TAG", raising=False)
    monkeypatch.delenv("CONTAINER_TOOL", raising=False)
    (tmp_path / "prod.tfvars.json").write_text(json.dumps(VALUES))
    monkeypatch.setattr(deploy, "environment_file", lambda name: environment_file(name, tmp_path))
    monkeypatch.setattr(deploy, "commit", lambda: HEAD)
    monkeypatch.setattr(checks, "commit", lambda: HEAD)
    monkeypatch.setattr(checks, "has_changes", lambda: False)
    monkeypatch.setattr(checks, "find_tool", lambda _: "docker")
    monkeypatch.setattr(checks, "check_machine", lambda *_: None)
    monkeypatch.setattr(checks, "is_in_registry", lambda *_: False)
    monkeypatch.setattr(checks, "check_state", lambda *_: None)
    monkeypatch.setattr(checks, "check_existing_role", lambda *_, **__: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr("boto3.client", lambda *_, **__: Sts(ACCOUNT))
    monkeypatch.setattr(checks, "get_client", lambda **_: Prefect("ecs"))


@pytest.fixture
def terraform(monkeypatch: pytest.MonkeyPatch) -> FakeTerraform:
    fake = FakeTerraform()
    monkeypatch.setattr(deploy, "Terraform", lambda *_: fake)
    return fake


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The modules that would have been run, each with its environment."""
    run: list[tuple[list[str], dict[str, str]]] = []

    def note(command: list[str], *, env: dict[str, str], **_: Any) -> None:
        run.append((command[2:], env))

    monkeypatch.setattr("subprocess.run", note)
    return run


def test_new_image_is_made_before_the_worker_starts_on_it(
    terraform: FakeTerraform, modules: list[tuple[list[str], dict[str, str]]]
) -> None:
    assert main(["--env", "prod", "--auto-approve"]) == 0

    assert [command for command, _ in modules] == [
        ["deployments.image", "build"],
        ["deployments.image", "push"],
        ["deployments.work_pool"],
        ["prefect", "--no-prompt", "deploy", "--all"],
        ["deployments.schedules"],
        ["deployments.automations"],
    ]
    assert terraform.applied == ["running", HEAD]


def test_image_that_is_there_is_not_made_again(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    modules: list[tuple[list[str], dict[str, str]]],
) -> None:
    monkeypatch.setattr(checks, "is_in_registry", lambda *_: True)

    assert main(["--env", "prod", "--image-tag", "0ld"]) == 0

    assert [command[0] for command, _ in modules] == [
        "deployments.work_pool",
        "prefect",
        "deployments.schedules",
        "deployments.automations",
    ]
    assert terraform.applied == ["0ld"]


def test_steps_find_the_outputs_in_their_environment(
    terraform: FakeTerraform, modules: list[tuple[list[str], dict[str, str]]]
) -> None:
    main(["--env", "prod"])

    for _, env in modules:
        assert env["DEPLOY_CLUSTER_ARN"] == OUTPUTS["cluster_arn"]
        assert env["DEPLOY_IMAGE"] == f"{OUTPUTS['repository_url']}:{HEAD}"
        assert env["DEPLOY_WORKING_DIRECTORY"] == "/app"
        assert env["PREFECT_API_URL"] == VALUES["prefect_api_url"]


def test_tasks_of_the_cloud_on_one_machine_run_what_is_checked_out() -> None:
    environment = Environment.model_validate(VALUES | {"local_cloud": True})
    found = deployment_variables(dict(OUTPUTS), environment, HEAD)
    assert found["DEPLOY_WORKING_DIRECTORY"] == str(ROOT)


def test_dry_run_lists_the_steps_and_does_nothing(
    terraform: FakeTerraform,
    modules: list[tuple[list[str], dict[str, str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--env", "prod", "--dry-run"]) == 0

    assert (terraform.applied, modules) == ([], [])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1. Apply the infrastructure (terraform apply)"
    assert lines[-2:] == [
        "8. Create or update the automations",
        "Every check holds. Nothing was changed in prod.",
    ]


def test_state_on_this_machine_is_warned_of_in_a_dry_run_too(
    terraform: FakeTerraform,
    modules: list[tuple[list[str], dict[str, str]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    warning = "Warning: what Terraform has made in prod is written down in one file"
    for arguments in ([], ["--dry-run"]):
        assert main(["--env", "prod", *arguments]) == 0
        assert warning in capsys.readouterr().err

    (tmp_path / "prod.tfvars.json").write_text(json.dumps(VALUES | {"state_bucket": "the-states"}))
    assert main(["--env", "prod", "--dry-run"]) == 0
    assert capsys.readouterr().err == ""


def test_state_that_is_not_where_it_should_be_stops_it_before_anything_changes(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[Any] = []

    def refuse(*given: object) -> None:
        asked.append(given)
        raise NotConfiguredError("no state")

    monkeypatch.setattr(checks, "check_state", refuse)
    assert main(["--env", "prod"]) == 1
    assert asked == [(ENVIRONMENT, "prod")]
    assert "no state\n\nNothing was changed in prod" in capsys.readouterr().err
    assert terraform.applied == []


@pytest.mark.parametrize("fails_at", range(6))
def test_step_that_fails_is_the_last_one(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    capsys: pytest.CaptureFixture[str],
    fails_at: int,
) -> None:
    run: list[str] = []

    def fail(command: list[str], **options: Any) -> None:
        assert options["check"] is True  # so that an exit code is an error
        assert options["cwd"] == ROOT
        run.append(" ".join(command[2:4]))
        if len(run) == fails_at + 1:
            raise subprocess.CalledProcessError(7, command)

    monkeypatch.setattr("subprocess.run", fail)
    assert main(["--env", "prod"]) == 1
    assert len(run) == fails_at + 1
    assert f"{run[-1]} … ended with 7: mend what it says above" in capsys.readouterr().err
    # The worker starts on the image after the pool, the third module, is there.
    assert terraform.applied == ["running", *([HEAD] if fails_at > 2 else [])]


@pytest.mark.parametrize(
    ("auth", "variable"),
    [("api_key", "PREFECT_API_KEY"), ("auth_string", "PREFECT_API_AUTH_STRING")],
)
def test_credential_is_handed_on_to_terraform(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    tmp_path: Path,
    auth: str,
    variable: str,
) -> None:
    (tmp_path / "prod.tfvars.json").write_text(json.dumps(VALUES | {"prefect_auth": auth}))
    monkeypatch.delenv(CREDENTIAL)
    monkeypatch.setenv(variable, "the-credential")
    assert main(["--env", "prod", "--dry-run"]) == 0
    assert os.environ.pop(CREDENTIAL) == "the-credential"

    monkeypatch.setenv(CREDENTIAL, "of an earlier deployment")
    assert main(["--env", "prod", "--dry-run"]) == 0
    assert os.environ[CREDENTIAL] == "the-credential"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("find_tool", NotConfiguredError("Expected docker"), "cannot be built here. Expected"),
        ("has_changes", True, "commit or stash them"),
    ],
)
def test_image_that_cannot_be_made_stops_it_before_anything_changes(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: object,
    message: str,
) -> None:
    def answer(*_: object) -> object:
        if isinstance(value, Exception):
            raise value
        return value

    monkeypatch.setattr(checks, name, answer)

    assert main(["--env", "prod"]) == 1

    error = capsys.readouterr().err
    assert f"The repository b3-pipeline has no image {HEAD}, and" in error
    assert message in error
    assert terraform.applied == []


def test_image_for_another_processor_is_told_before_anything_changes(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*asked: str) -> None:
        raise NotConfiguredError(f"No emulation: {asked}")

    monkeypatch.setattr(checks, "check_machine", refuse)
    for architecture in ("ARM64", "X86_64"):
        values = VALUES | {"cpu_architecture": architecture}
        (tmp_path / "prod.tfvars.json").write_text(json.dumps(values))
        assert main(["--env", "prod"]) == 1
        assert (
            f"has no image {HEAD}, and it cannot be built here. "
            f"No emulation: ('{architecture}', 'docker')"
        ) in capsys.readouterr().err
    assert terraform.applied == []

    monkeypatch.setattr(checks, "is_in_registry", lambda *_: True)
    assert main(["--env", "prod", "--dry-run"]) == 0  # nothing has to be built


def test_without_a_name_the_environments_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--env", ""]):
        assert main(arguments) == 1
        assert "found none. There are: prod." in capsys.readouterr().err


def test_tag_that_is_neither_pushed_nor_checked_out_stops_it(
    terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", "prod", "--image-tag", "0ther"]) == 1
    assert "has no image 0ther, and the commit that is checked out is" in capsys.readouterr().err
    assert terraform.applied == []


def test_wrong_account_and_missing_key_are_told_together_and_nothing_changes(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("boto3.client", lambda *_, **__: Sts(ANOTHER))
    monkeypatch.delenv("PREFECT_API_KEY")

    assert main(["--env", "prod"]) == 1

    error = capsys.readouterr().err
    assert f"Expected AWS account {ACCOUNT}, found credentials of {ANOTHER}." in error
    assert "mend account_id" in error
    assert "export PREFECT_API_KEY, or sign in with `.venv/bin/prefect cloud login`" in error
    assert "Nothing was changed in prod" in error
    assert terraform.applied == []


def test_missing_outputs_stop_it_before_prefect_is_touched(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    modules: list[tuple[list[str], dict[str, str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(terraform, "outputs", lambda: {"region": "us-east-1"})
    assert main(["--env", "prod"]) == 1
    assert "found these missing or malformed: work_pool_name, work_pool" in capsys.readouterr().err
    assert modules == []


@pytest.mark.parametrize("name", ["cluster_arn", "repository_url", "subnet_ids"])
def test_missing_output_is_named(name: str) -> None:
    with pytest.raises(NotConfiguredError, match=name):
        check_outputs({key: value for key, value in OUTPUTS.items() if key != name})


def test_machine_without_terraform_is_told_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert main(["--env", "prod"]) == 1
    assert "Expected terraform 1.11 or newer in PATH" in capsys.readouterr().err


def test_nobody_signed_in_to_aws_is_told_how() -> None:
    with pytest.raises(NotConfiguredError, match="aws sso login"):
        checks.check_account(ENVIRONMENT, Sts(NoCredentialsError()))


def test_pool_of_the_wrong_type_is_refused() -> None:
    client: Any = Prefect("process")
    with pytest.raises(InvalidInputError, match="to be of type ecs, found process"):
        checks.check_prefect(ENVIRONMENT, client)


def test_push_pool_without_its_block_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEPLOY_CREDENTIALS_BLOCK", raising=False)
    client: Any = Prefect("ecs:push")
    with pytest.raises(NotConfiguredError, match="put its name into DEPLOY_CREDENTIALS_BLOCK"):
        checks.check_prefect(ENVIRONMENT.model_copy(update={"work_pool_type": "ecs:push"}), client)


@pytest.mark.parametrize("is_pushed", [False, True])
def test_user_of_a_push_pool_is_made_before_there_is_a_block_with_its_key(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    modules: list[tuple[list[str], dict[str, str]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    is_pushed: bool,
) -> None:
    monkeypatch.delenv("DEPLOY_CREDENTIALS_BLOCK", raising=False)
    monkeypatch.setattr(checks, "is_in_registry", lambda *_: is_pushed)
    monkeypatch.setattr(checks, "get_client", lambda **_: Prefect("ecs:push"))
    outputs = OUTPUTS | {"image_tag": "running", "submitter_user_name": "b3-submitter"}
    monkeypatch.setattr(terraform, "outputs", lambda: outputs)
    values = VALUES | {"work_pool_type": "ecs:push", "state_bucket": "the-states"}
    (tmp_path / "prod.tfvars.json").write_text(json.dumps(values))

    assert main(["--env", "prod"]) == 1
    assert "`make deploy ENV=name INFRASTRUCTURE=1` makes it" in capsys.readouterr().err
    assert terraform.applied == []

    assert main(["--env", "prod", "--infrastructure"]) == 0
    assert (terraform.applied, modules) == (["running"], [])
    assert capsys.readouterr().out.splitlines() == [
        "",
        "1/1 Apply the infrastructure (terraform apply)",
        "",
        "The infrastructure of prod is there; nothing else was deployed.",
        (
            "Prefect Cloud acts as b3-submitter: make its key (aws iam create-access-key "
            "--user-name b3-submitter), keep it in a block, named in DEPLOY_CREDENTIALS_BLOCK."
        ),
        "Next: make deploy ENV=prod",
    ]


def test_push_pool_beside_an_existing_role_is_refused_before_anything_changes(
    terraform: FakeTerraform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = VALUES | {"existing_role_name": "LabRole"}
    (tmp_path / "prod.tfvars.json").write_text(json.dumps(values))
    assert main(["--env", "prod", "--dry-run"]) == 0
    values |= {"work_pool_type": "ecs:push"}
    (tmp_path / "prod.tfvars.json").write_text(json.dumps(values))

    assert main(["--env", "prod"]) == 1

    error = capsys.readouterr().err
    assert "Expected a work pool of type ecs beside existing_role_name, found ecs:push" in error
    assert "where only LabRole may be used" in error
    assert terraform.applied == []


@pytest.mark.parametrize("options", [[], ["--infrastructure"]])
def test_role_that_will_not_do_is_said_before_anything_changes(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    def refuse(environment: Environment, *, are_tasks_wanted: bool) -> None:
        raise NotConfiguredError(f"{environment.account_id}, with tasks: {are_tasks_wanted}")

    monkeypatch.setattr(checks, "check_existing_role", refuse)

    assert main(["--env", "prod", *options]) == 1

    assert f"{ACCOUNT}, with tasks: {not options}" in capsys.readouterr().err
    assert terraform.applied == []


def test_infrastructure_alone_wants_nothing_to_build_an_image_with(
    monkeypatch: pytest.MonkeyPatch, terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        pytest.fail("nobody needs an image yet")

    for name in ("is_in_registry", "find_tool", "has_changes"):
        monkeypatch.setattr(checks, name, fail)

    assert main(["--env", "prod", "--infrastructure"]) == 0

    assert terraform.applied == ["running"]
    assert capsys.readouterr().out.endswith("Next: make deploy ENV=prod\n")


@pytest.mark.parametrize("role", [None, "LabRole"])
def test_keys_that_aws_does_not_take_are_got_anew_where_they_came_from(role: str | None) -> None:
    said = {"Error": {"Code": "ExpiredToken", "Message": "The token has expired"}}
    sts = Sts(ClientError(said, "GetCallerIdentity"))  # type: ignore[arg-type]
    with pytest.raises(NotConfiguredError, match="The token has expired") as refused:
        checks.check_account(ENVIRONMENT.model_copy(update={"existing_role_name": role}), sts)
    assert ("AWS Details" in str(refused.value)) == (role is not None)
    assert "aws sso login" in str(refused.value)


def test_session_of_a_lab_that_has_ended_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, terraform: FakeTerraform, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = "not authorized: ecr:DescribeImages with an explicit deny: policy/voc-cancel-cred"
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": denied}}, "DescribeImages")

    def refuse(*_: Any) -> bool:
        raise error

    monkeypatch.setattr(checks, "is_in_registry", refuse)

    assert main(["--env", "prod"]) == 1

    told = capsys.readouterr().err
    assert denied in told
    assert told.endswith("into ~/.aws/credentials (docs/ACADEMY.md).\n")
    assert terraform.applied == []


def test_refused_key_and_silent_api_are_told_apart() -> None:
    request = httpx.Request("GET", "https://prefect.example.com/api")
    refusal = PrefectHTTPStatusError("", request=request, response=httpx.Response(401))
    client: Any = Prefect(refusal)
    with pytest.raises(NotConfiguredError, match="answers 401: check prefect_api_url"):
        checks.check_prefect(ENVIRONMENT, client)
    client = Prefect(httpx.ConnectError("no route"))
    with pytest.raises(NotConfiguredError, match="does not answer \\(no route\\)"):
        checks.check_prefect(ENVIRONMENT, client)


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ("api_key", r"credential \(PREFECT_API_KEY, or else that of your Prefect profile\)"),
        ("auth_string", r"credential \(PREFECT_API_AUTH_STRING, or else that of"),
        ("none", r"credential \(prefect_auth says that it asks for none\)"),
    ],
)
def test_refused_credential_is_told_by_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch, auth: str, told: str
) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:wrong")
    request = httpx.Request("GET", "https://prefect.example.com/api")
    client: Any = Prefect(PrefectHTTPStatusError("", request=request, response=httpx.Response(401)))
    with pytest.raises(NotConfiguredError, match=told):
        checks.check_prefect(ENVIRONMENT.model_copy(update={"prefect_auth": auth}), client)


def test_server_of_ones_own_is_not_signed_in_to_by_prefect_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PREFECT_API_AUTH_STRING", raising=False)
    with pytest.raises(NotConfiguredError) as refused:
        checks.prefect_credential(ENVIRONMENT.model_copy(update={"prefect_auth": "auth_string"}))
    assert str(refused.value).endswith("export PREFECT_API_AUTH_STRING, which is user:password.")


def test_server_without_authentication_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_KEY")
    open_server = ENVIRONMENT.model_copy(update={"prefect_auth": "none"})
    client: Any = Prefect("ecs")
    checks.check_prefect(open_server, client)
    assert checks.prefect_credential(open_server) is None


@pytest.mark.parametrize(
    ("auth", "variable", "value"),
    [
        ("api_key", "PREFECT_API_KEY", "pnu_hidden\n"),
        ("api_key", "PREFECT_API_KEY", "pnu_hidden extra"),
        ("api_key", "PREFECT_API_KEY", "pnu_hiddén"),
        ("auth_string", "PREFECT_API_AUTH_STRING", "user:hidden\r\nX-Other: 1"),
    ],
)
def test_credential_that_cannot_be_one_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, auth: str, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    environment = ENVIRONMENT.model_copy(update={"prefect_auth": auth})
    with pytest.raises(NotConfiguredError, match=f"{auth} \\({variable}\\) in one line") as refused:
        checks.check_prefect(environment)
    assert "hid" not in str(refused.value)


def test_auth_string_may_have_any_other_character(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = "usér:a \"b\" 'c' $d `e` \\f: % "
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", odd)
    environment = ENVIRONMENT.model_copy(update={"prefect_auth": "auth_string"})
    assert checks.prefect_credential(environment) == odd


def test_words_of_a_request_that_cannot_be_made_are_not_shown() -> None:
    client: Any = Prefect(httpx.LocalProtocolError("Illegal header value b'Bearer pnu_hidden '"))
    with pytest.raises(NotConfiguredError, match=r"not answer \(LocalProtocolError\)") as refused:
        checks.check_prefect(ENVIRONMENT, client)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "Interrupted. What was done in prod stays: the same command"),
        (EndpointConnectionError(endpoint_url="https://ecr"), 1, "Could not connect to the"),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeImages"), 1, "AccessDenied"),
    ],
)
def test_whatever_stops_it_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    terraform: FakeTerraform,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    message: str,
) -> None:
    def fail(*_: Any) -> bool:
        raise error

    monkeypatch.setattr(checks, "is_in_registry", fail)
    assert main(["--env", "prod"]) == code
    assert message in capsys.readouterr().err
    assert terraform.applied == []


@pytest.mark.parametrize("host", ["127.0.0.1:4200", "localhost:4200", "[::1]:4200"])
def test_prefect_on_this_machine_is_refused_but_for_the_infrastructure_alone(
    host: str,
    terraform: FakeTerraform,
    modules: list[tuple[list[str], dict[str, str]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = VALUES | {"prefect_api_url": f"http://{host}/api"}
    (tmp_path / "prod.tfvars.json").write_text(json.dumps(values))
    assert main(["--env", "prod"]) == 1
    assert f"found it on this machine (http://{host}/api)" in capsys.readouterr().err
    assert (terraform.applied, modules) == ([], [])

    assert main(["--env", "prod", "--infrastructure"]) == 0
    assert terraform.applied == ["running"]
    told = capsys.readouterr().out
    assert told.endswith("Next: .venv/bin/python -m deployments.variables --env prod\n")

    (tmp_path / "prod.tfvars.json").write_text(json.dumps(values | {"local_cloud": True}))
    assert main(["--env", "prod"]) == 0
