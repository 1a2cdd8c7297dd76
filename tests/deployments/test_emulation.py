import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployments.emulation import Machine, check_machine
from tasks.core.errors import NotConfiguredError

BUILDX = """Name:   default
Driver: docker

Nodes:
Name:      default
Endpoint:  default
Status:    running
Platforms: linux/amd64*, linux/amd64/v2, {others}
"""


def linux(
    emulators: Path, processor: str = "x86_64", listed: str = "linux/386", system: str = "Linux"
) -> Machine:
    return Machine(system, processor, emulators, lambda: BUILDX.format(others=listed))


def emulate(emulators: Path, name: str, state: str = "enabled") -> None:
    (emulators / name).write_text(f"{state}\ninterpreter /usr/bin/{name}-static\nflags: F\n")


@pytest.mark.parametrize(
    ("processor", "wanted", "platform", "other"),
    [
        ("x86_64", "ARM64", "arm64", "X86_64"),
        ("aarch64", "X86_64", "amd64", "ARM64"),
        ("riscv64", "X86_64", "amd64", "ARM64"),
    ],
)
@pytest.mark.parametrize("tool", ["docker", "podman", "buildah"])
def test_image_that_cannot_be_built_here_has_two_ways_out(
    tmp_path: Path, processor: str, wanted: str, platform: str, other: str, tool: str
) -> None:
    machine = Machine("Linux", processor, tmp_path, lambda: "Platforms: linux/386")
    with pytest.raises(NotConfiguredError) as refused:
        check_machine(wanted, tool, machine)
    assert str(refused.value) == (
        f"Expected a machine that can run linux/{platform}, found a processor {processor} and no "
        f"emulation of the other. Install it: `docker run --privileged --rm tonistiigi/binfmt "
        f"--install {platform}`, or on Debian and Ubuntu `sudo apt-get install qemu-user-static "
        f"binfmt-support`. Or have the tasks run on another processor: "
        f'"cpu_architecture": "{other}" in the environment\'s file.'
    )


@pytest.mark.parametrize(
    ("processor", "wanted"),
    [("x86_64", "X86_64"), ("AMD64", "X86_64"), ("aarch64", "ARM64"), ("arm64", "ARM64")],
)
def test_image_for_the_processor_that_is_here_needs_nothing(
    tmp_path: Path, processor: str, wanted: str
) -> None:
    check_machine(wanted, "podman", linux(tmp_path, processor))


@pytest.mark.parametrize(
    ("processor", "wanted", "emulator", "other"),
    [
        ("x86_64", "ARM64", "qemu-aarch64", "qemu-x86_64"),
        ("aarch64", "X86_64", "qemu-x86_64", "qemu-aarch64"),
    ],
)
def test_an_emulator_that_is_switched_on_does(
    tmp_path: Path, processor: str, wanted: str, emulator: str, other: str
) -> None:
    machine = linux(tmp_path, processor, "linux/386")
    emulate(tmp_path, other)
    emulate(tmp_path, emulator, "disabled")
    assert not machine.can_build(wanted, "podman")

    emulate(tmp_path, emulator)
    assert machine.can_build(wanted, "podman")


def test_docker_is_asked_what_its_builder_can(tmp_path: Path) -> None:
    machine = linux(tmp_path, listed="linux/arm64, linux/386")
    assert machine.can_build("ARM64", "docker")
    assert not machine.can_build("ARM64", "podman")
    assert not linux(tmp_path, listed="linux/arm/v7").can_build("ARM64", "docker")
    assert linux(tmp_path, "aarch64").can_build("X86_64", "docker")  # the star says: its own


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_a_desktops_virtual_machine_has_emulators(tmp_path: Path, system: str) -> None:
    check_machine("ARM64", "docker", linux(tmp_path, system=system))


def test_a_docker_without_a_builder_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def refuse(command: list[str], **_: Any) -> Any:
        asked.append(command)
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(subprocess, "run", refuse)
    assert not Machine("Linux", "x86_64", tmp_path).can_build("ARM64", "docker")
    assert asked == [["docker", "buildx", "inspect"]]


@pytest.mark.parametrize(
    ("printed", "code", "expected"),
    [
        (BUILDX.format(others="linux/arm64"), 0, True),
        (BUILDX.format(others="linux/386"), 0, False),
        ("", 1, False),  # a docker without buildx
    ],
)
def test_what_docker_prints_is_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, code: int, expected: bool
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"assert sys.argv[1:] == ['buildx', 'inspect']\n"
        f"sys.stdout.write({printed!r})\nsys.exit({code})\n"
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert Machine("Linux", "x86_64", tmp_path).can_build("ARM64", "docker") is expected
