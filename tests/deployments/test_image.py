import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deployments import image
from tasks.core.errors import NotConfiguredError

DOCKERFILE = (Path(__file__).parents[2] / "Dockerfile").read_text(encoding="utf-8")
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
    how = {"text": True, "check": True, "cwd": image.PROJECT, "env": how_login["env"]}
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
