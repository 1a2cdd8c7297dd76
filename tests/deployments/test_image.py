import os
import re
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployments import image
from tasks.core.errors import NotConfiguredError
from tests.conftest import ROOT

DOCKERFILE_PATH = Path(__file__).parents[2] / "Dockerfile"
DOCKERFILE = DOCKERFILE_PATH.read_text(encoding="utf-8")
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/b3-pipeline:0123abc"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run; docker is there, and no registry has the image."""
    run: list[list[str]] = []
    monkeypatch.setattr(image, "_run", lambda command, _answer=None: run.append(command))
    monkeypatch.setattr(image, "is_in_registry", lambda *_: False)
    monkeypatch.setattr("shutil.which", lambda tool: f"/bin/{tool}")
    return run


class Ecr:
    def get_authorization_token(self) -> Any:
        return {"authorizationData": [{"authorizationToken": "QVdTOnB3"}]}  # AWS:pw


@pytest.mark.parametrize(
    ("architecture", "platform"), [("ARM64", "linux/arm64"), ("X86_64", "linux/amd64")]
)
@pytest.mark.parametrize("tool", ["docker", "podman", "buildah"])
def test_image_is_built_for_the_tasks_processor(
    commands: list[list[str]], tool: str, architecture: str, platform: str
) -> None:
    assert image.build_image("b3:1", architecture, tool) == {"image": "b3:1"}
    assert commands == [[tool, "build", "--platform", platform, "--tag", "b3:1", "."]]


def test_build_pushes_one_image_and_nothing_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, str]] = []
    monkeypatch.setattr(subprocess, "run", lambda _command, **how: given.append(how["env"]))
    image._run(["docker", "build", "."])
    assert given[0]["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"
    assert given[0].items() >= os.environ.items()


def test_image_is_for_arm64_where_nothing_else_is_said(commands: list[list[str]]) -> None:
    image.build_image("b3:1")
    assert commands == [["docker", "build", "--platform", "linux/arm64", "--tag", "b3:1", "."]]


def test_build_takes_more_flags(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD_FLAGS", "--build-arg BASE_IMAGE='localhost/base image'")
    image.build_image("b3:1", "ARM64", "docker")
    assert commands[0][-3:] == ["--build-arg", "BASE_IMAGE=localhost/base image", "."]


def test_image_that_the_registry_has_is_neither_built_nor_pushed(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {("b3-pipeline", "0123abc", "us-east-1")}
    monkeypatch.setattr(image, "is_in_registry", lambda *asked: asked in there)
    image.build_image(ECR, "ARM64", "docker")
    image.push_image(ECR, "docker")
    assert commands == []


def test_push_signs_in_to_the_registry_first(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boto3.client", lambda *_, **__: Ecr())
    image.push_image(ECR, "podman")
    registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    assert commands == [
        ["podman", "login", "--username", "AWS", "--password-stdin", registry],
        ["podman", "push", ECR],
    ]


def test_registry_is_sent_the_password_and_nothing_else_on_standard_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run: list[tuple[list[str], dict[str, Any]]] = []
    monkeypatch.setattr("subprocess.run", lambda command, **how: run.append((command, how)))
    monkeypatch.setattr(image, "is_in_registry", lambda *_: False)
    monkeypatch.setattr("shutil.which", lambda tool: f"/bin/{tool}")
    monkeypatch.setattr("boto3.client", lambda *_, **__: Ecr())

    image.push_image(ECR, "docker")

    (login, how_login), (push, how_push) = run
    assert login[:4] == ["docker", "login", "--username", "AWS"]
    how = {"text": True, "check": True, "cwd": ROOT, "env": how_login["env"]}
    assert how_login == {"input": "pw", **how}
    assert "pw" not in how_login["env"].values()
    assert push == ["docker", "push", ECR]
    assert how_push == {"input": None, **how}


def test_image_without_a_registry_is_not_pushed(commands: list[list[str]]) -> None:
    with pytest.raises(NotConfiguredError, match="export DEPLOY_REPOSITORY_URL"):
        image.push_image("b3-pipeline:0123abc", "docker")
    assert commands == []


def test_without_images_nothing_is_built_or_pushed(commands: list[list[str]]) -> None:
    image.build_image("b3:1", "ARM64", "none")
    image.push_image("b3:1", "none")
    assert commands == []


def test_first_tool_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda tool: tool == "buildah" or None)
    assert image.find_tool() == "buildah"


@pytest.mark.parametrize("asked", ["", "podman"])
def test_machine_without_a_tool_is_told_which_would_do(
    monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(NotConfiguredError, match="install one, or set CONTAINER_TOOL"):
        image.find_tool(asked)


def test_tool_of_another_kind_is_refused() -> None:
    with pytest.raises(NotConfiguredError, match="one of docker, podman, buildah, found 'make'"):
        image.find_tool("make")


def test_failed_build_is_an_exit_code_and_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(command: list[str], _answer: str | None = None) -> None:
        raise subprocess.CalledProcessError(125, command)

    monkeypatch.setattr(image, "_run", fail)
    monkeypatch.setattr("shutil.which", lambda tool: tool)
    monkeypatch.setenv("CONTAINER_TOOL", "docker")
    assert image.main(["build", "--image", "b3:1"]) == 1
    assert "docker build ended with 125." in capsys.readouterr().err


def test_the_base_is_one_image_by_its_digest() -> None:
    (base,) = re.findall(r"^ARG BASE_IMAGE=(.*)$", DOCKERFILE, re.M)
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim@sha256:[0-9a-f]{64}", base)


def test_every_stage_begins_with_the_base() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert stages == ["${BASE_IMAGE}"] * 2


def test_nothing_is_copied_from_another_image() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.M))
    assert set(re.findall(r"--from=(\S+)", DOCKERFILE)) == stages


@pytest.mark.parametrize("region", ["us-east-1", "sa-east-1"])
def test_registry_is_asked_for_the_tag_in_its_region(region: str) -> None:
    with mock_aws():
        ecr: Any = boto3.client("ecr", region_name=region)
        assert not image.is_in_registry("b3-pipeline", "0123abc", region)  # no repository
        ecr.create_repository(repositoryName="b3-pipeline")
        assert not image.is_in_registry("b3-pipeline", "0123abc", region)  # no image
        manifest = '{"schemaVersion": 2, "layers": [], "config": {}}'
        ecr.put_image(
            repositoryName="b3-pipeline",
            imageManifest=manifest,
            imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json",
            imageTag="0123abc",
        )
        assert image.is_in_registry("b3-pipeline", "0123abc", region)
        assert not image.is_in_registry("b3-pipeline", "another", region)
        assert image._is_pushed(f"1.dkr.ecr.{region}.amazonaws.com/b3-pipeline:0123abc")
        assert not image._is_pushed("b3-pipeline:0123abc")


@pytest.mark.parametrize(("said", "differ"), [("", False), (" M flows/portfolio.py\n", True)])
def test_commit_and_changes_are_what_git_says_of_the_project(
    monkeypatch: pytest.MonkeyPatch, said: str, differ: bool
) -> None:
    def git(command: list[str], **how: Any) -> "subprocess.CompletedProcess[str]":
        # A failure of git is an error, and no commit without a name.
        assert how == {"capture_output": True, "text": True, "check": True, "cwd": ROOT}
        answers = {
            "git rev-parse --short=12 HEAD": "0123abcdef01\n",
            "git status --porcelain --untracked-files=no": said,
        }
        return subprocess.CompletedProcess(command, 0, answers[" ".join(command)])

    monkeypatch.setattr("subprocess.run", git)
    assert image.commit() == "0123abcdef01"
    assert image.has_changes() is differ


@pytest.mark.parametrize(
    ("given", "variables", "expected"),
    [
        (["build"], {}, ("b3-pipeline:0123", "ARM64", "")),
        (["build"], {"DEPLOY_REPOSITORY_URL": "r/b3"}, ("r/b3:0123", "ARM64", "")),
        (
            ["build"],
            {"DEPLOY_IMAGE": "r/b3:1", "CONTAINER_TOOL": "podman"},
            ("r/b3:1", "ARM64", "podman"),
        ),
        (["build"], {"DEPLOY_CPU_ARCHITECTURE": "X86_64"}, ("b3-pipeline:0123", "X86_64", "")),
        (
            ["build", "--image", "i:2", "--cpu-architecture", "X86_64"],
            {"DEPLOY_IMAGE": "r/b3:1"},
            ("i:2", "X86_64", ""),
        ),
        (["push"], {"DEPLOY_REPOSITORY_URL": "r/b3"}, ("r/b3:0123", "")),
    ],
)
def test_command_takes_its_image_from_what_is_given_then_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    variables: dict[str, str],
    expected: tuple[str, ...],
) -> None:
    done: list[tuple[str, ...]] = []
    for name in ("DEPLOY_IMAGE", "DEPLOY_REPOSITORY_URL", "DEPLOY_CPU_ARCHITECTURE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("CONTAINER_TOOL", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(image, "commit", lambda: "0123")
    monkeypatch.setattr(image, "has_changes", lambda: "--image" in given)
    monkeypatch.setattr(image, "build_image", lambda *asked: done.append(asked))
    monkeypatch.setattr(image, "push_image", lambda *asked: done.append(asked))
    assert image.main(given) == 0
    assert done == [expected]


@pytest.mark.parametrize("what", ["build", "push"])
def test_what_is_not_committed_gets_no_commits_tag(
    what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DEPLOY_IMAGE", raising=False)
    monkeypatch.setattr(image, "commit", lambda: "0123")
    monkeypatch.setattr(image, "has_changes", lambda: True)
    for name in ("build_image", "push_image"):
        monkeypatch.setattr(image, name, lambda *_: pytest.fail("it was done"))
    assert image.main([what]) == 1
    assert "the commit 0123 is the image's tag, found changes" in capsys.readouterr().err


def test_command_that_cannot_push_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTAINER_TOOL", "make")
    assert image.main(["build", "--image", "b3:1"]) == 1
    assert "found 'make'" in capsys.readouterr().err


def test_nothing_but_the_code_and_its_lock_reaches_the_builder() -> None:
    ignored = (DOCKERFILE_PATH.with_name(".dockerignore")).read_text(encoding="utf-8")
    patterns = [line for line in ignored.splitlines() if line and not line.startswith("#")]
    assert patterns[0] == "*"
    let_in = {each.removeprefix("!") for each in patterns if each.startswith("!")}
    copied = {
        source.removeprefix("./")
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for source in line.split()[:-1]
    }
    assert let_in == copied == {"requirements.lock", "pyproject.toml", "flows", "tasks"}


def test_no_layer_is_made_with_a_secret() -> None:
    given = re.findall(r"^ARG (\w+)", DOCKERFILE, re.M)
    assert given == ["BASE_IMAGE", "PIP_CERT"]
    assert (
        re.findall(r"(?i)\b\w*(?:secret|token|password|api_key|credential)\w*\b", DOCKERFILE) == []
    )
