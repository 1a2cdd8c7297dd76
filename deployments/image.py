"""The image of flow runs and worker: `python -m deployments.image build|push`.

Both are safe to repeat: an image is built once a tag, and pushed where the registry lacks it. They
are the build and push steps of `prefect.yaml` as well.
"""

import argparse
import base64
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import boto3

from tasks.core.errors import NotConfiguredError

PROJECT = Path(__file__).parents[1]
TOOLS = ("docker", "podman", "buildah")
NO_TOOL = "none"  # where tasks are processes and no image is wanted: the local cloud
# Docker would push an index with attestations beside the image, and ECR's rules count each of them.
_ONE_IMAGE = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
PLATFORMS = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}


def find_tool(asked: str = "") -> str:
    """Return the program that builds images.

    Args:
        asked: Its name; empty for the first that is there.

    Raises:
        NotConfiguredError: None is there, or it is not one of `TOOLS`.
    """
    if asked and asked not in TOOLS:
        raise NotConfiguredError(
            f"Expected CONTAINER_TOOL to be one of {', '.join(TOOLS)}, found {asked!r}."
        )
    for tool in [asked] if asked else TOOLS:
        if shutil.which(tool):
            return tool
    raise NotConfiguredError(
        f"Expected {asked or ' or '.join(TOOLS)} to build the image with, found none in PATH: "
        f"install one, or set CONTAINER_TOOL to another."
    )


def build_image(image: str, cpu_architecture: str = "ARM64", tool: str = "") -> dict[str, str]:
    """Build the image, unless this machine or the registry has it already.

    Args:
        image: `repository:tag`.
        cpu_architecture: `ARM64` or `X86_64`.
        tool: docker, podman, buildah, `none` to build nothing, or empty for the first there is.

    Returns:
        `{"image": image}`, for the steps that follow.

    Raises:
        NotConfiguredError: There is no program to build with.
    """
    if tool == NO_TOOL:
        print(f"{image}: not built, CONTAINER_TOOL is {NO_TOOL}.")
    elif _is_pushed(image):
        print(f"{image}: in the registry.")
    else:
        _build(image, PLATFORMS[cpu_architecture], find_tool(tool))
    return {"image": image}


def push_image(image: str, tool: str = "") -> dict[str, str]:
    """Push the image, unless the registry has it; its tags cannot be written twice.

    Args:
        image: `repository:tag`.
        tool: As for `build_image`.

    Raises:
        NotConfiguredError: There is no registry to push to, or no program to push with.
    """
    if tool == NO_TOOL:
        print(f"{image}: not pushed, CONTAINER_TOOL is {NO_TOOL}.")
    elif _is_pushed(image):
        print(f"{image}: in the registry.")
    elif "/" not in image:
        raise NotConfiguredError(
            f"Expected an image of a registry to push, found {image}: export "
            f"DEPLOY_REPOSITORY_URL, Terraform's output repository_url."
        )
    else:
        _push(image, find_tool(tool))
    return {"image": image}


def is_in_registry(repository_name: str, tag: str, region: str) -> bool:
    """Return whether ECR has an image of this tag; without the repository it has none."""
    client = boto3.client("ecr", region_name=region)
    try:
        found = client.describe_images(repositoryName=repository_name, imageIds=[{"imageTag": tag}])
    except (
        client.exceptions.ImageNotFoundException,
        client.exceptions.RepositoryNotFoundException,
    ):
        return False
    return bool(found["imageDetails"])


def _is_pushed(image: str) -> bool:
    repository, _, tag = image.rpartition(":")
    registry, _, name = repository.partition("/")
    if ".dkr.ecr." not in registry:
        return False
    return is_in_registry(name, tag, registry.split(".")[3])


def _build(image: str, platform: str, tool: str) -> None:
    flags = shlex.split(os.environ.get("BUILD_FLAGS", ""))
    _run([tool, "build", "--platform", platform, "--tag", image, *flags, "."])


def _push(image: str, tool: str) -> None:
    registry = image.partition("/")[0]
    if ".dkr.ecr." in registry:
        _log_in(registry, tool)
    _run([tool, "push", image])


def _log_in(registry: str, tool: str) -> None:
    client = boto3.client("ecr", region_name=registry.split(".")[3])
    token = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    _run([tool, "login", "--username", user, "--password-stdin", registry], password)


def _run(command: list[str], answer: str | None = None) -> None:
    print(" ".join(command), flush=True)
    subprocess.run(  # noqa: S603
        command, input=answer, text=True, check=True, cwd=PROJECT, env=os.environ | _ONE_IMAGE
    )


def commit() -> str:
    """Return the commit that is checked out, as an image's tag."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=True, cwd=PROJECT
    ).stdout.strip()


def has_changes() -> bool:
    """Return whether files differ from the commit, so that an image would not be the commit's."""
    command = ["git", "status", "--porcelain", "--untracked-files=no"]
    return bool(
        subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=True, cwd=PROJECT
        ).stdout.strip()
    )


def _check_clean() -> None:
    if has_changes():
        raise NotConfiguredError(
            f"Expected what is checked out to be as it is committed, since the commit {commit()} "
            f"is the image's tag, found changes: commit them, or name the image (--image)."
        )


def main(argv: list[str] | None = None) -> int:
    """Build or push; return 1 and say why when that cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.image",
        description="Build or push the image, unless that is done already.",
        epilog="Variables: CONTAINER_TOOL (docker, podman or buildah; the first that is there), "
        "BUILD_FLAGS (more arguments of its build command, such as --build-arg NAME=VALUE).",
    )
    parser.add_argument("what", choices=["build", "push"])
    parser.add_argument(
        "--image",
        default=os.environ.get("DEPLOY_IMAGE"),
        metavar="REPOSITORY:TAG",
        help="default: DEPLOY_IMAGE, else DEPLOY_REPOSITORY_URL or b3-pipeline, with the commit as "
        "tag",
    )
    parser.add_argument(
        "--cpu-architecture",
        choices=list(PLATFORMS),
        default=os.environ.get("DEPLOY_CPU_ARCHITECTURE") or "ARM64",
        help="default: DEPLOY_CPU_ARCHITECTURE, else ARM64",
    )
    options = parser.parse_args(argv)
    repository = os.environ.get("DEPLOY_REPOSITORY_URL") or "b3-pipeline"
    image = options.image or f"{repository}:{commit()}"
    tool = os.environ.get("CONTAINER_TOOL", "")
    try:
        if options.image is None:
            _check_clean()
        if options.what == "build":
            build_image(image, options.cpu_architecture, tool)
        else:
            push_image(image, tool)
    except NotConfiguredError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[0]} {error.cmd[1]} ended with {error.returncode}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
