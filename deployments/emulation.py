"""Whether this machine can build an image for the tasks' processor.

A build runs programs of the image. On Linux those of another processor need an emulator that the
kernel knows of; without one the build ends in `exec format error`, after minutes.
"""

import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployments.image import PLATFORMS
from tasks.core.errors import NotConfiguredError

_SAME = {"x86_64": "X86_64", "amd64": "X86_64", "arm64": "ARM64", "aarch64": "ARM64"}
_EMULATORS = {"ARM64": "qemu-aarch64", "X86_64": "qemu-x86_64"}
_OTHER = {"ARM64": "X86_64", "X86_64": "ARM64"}


def _inspect_builder() -> str:
    command = ["docker", "buildx", "inspect"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return done.stdout


@dataclass(frozen=True)
class Machine:
    """What builds the image.

    Attributes:
        system: Its operating system, as `platform.system` calls it.
        processor: Its processor, as `platform.machine` calls it.
        emulators: Where its kernel lists what it starts programs of other processors with.
        inspect_builder: Returns what Docker says of its builder; nothing where it has none.
    """

    system: str = platform.system()
    processor: str = platform.machine()
    emulators: Path = Path("/proc/sys/fs/binfmt_misc")
    inspect_builder: Callable[[], str] = _inspect_builder

    def can_build(self, cpu_architecture: str, tool: str) -> bool:
        """Return whether it can build for a processor.

        Args:
            cpu_architecture: `ARM64` or `X86_64`.
            tool: What builds: docker, podman or buildah.
        """
        if _SAME.get(self.processor.lower()) == cpu_architecture:
            return True
        if self.system != "Linux":  # there, tools build in a virtual machine that has emulators
            return True
        emulator = self.emulators / _EMULATORS[cpu_architecture]
        if emulator.is_file() and emulator.read_text().startswith("enabled"):
            return True
        return tool == "docker" and PLATFORMS[cpu_architecture] in _platforms(
            self.inspect_builder()
        )


def _platforms(said: str) -> set[str]:
    lines = [line.partition(":")[2] for line in said.splitlines() if "Platforms:" in line]
    return {each.strip().rstrip("*") for line in lines for each in line.split(",")}


def check_machine(cpu_architecture: str, tool: str, machine: Machine | None = None) -> None:
    """See that an image for a processor can be built here.

    Args:
        cpu_architecture: `ARM64` or `X86_64`.
        tool: What builds: docker, podman or buildah.
        machine: What builds; by default this machine.

    Raises:
        NotConfiguredError: It cannot; the message has both ways out.
    """
    found = machine or Machine()
    if found.can_build(cpu_architecture, tool):
        return
    wanted = PLATFORMS[cpu_architecture]
    raise NotConfiguredError(
        f"Expected a machine that can run {wanted}, found a processor {found.processor} and no "
        f"emulation of the other. Install it: `docker run --privileged --rm tonistiigi/binfmt "
        f"--install {wanted.removeprefix('linux/')}`, or on Debian and Ubuntu `sudo apt-get "
        f"install qemu-user-static binfmt-support`. Or have the tasks run on another processor: "
        f'"cpu_architecture": "{_OTHER[cpu_architecture]}" in the environment\'s file.'
    )
