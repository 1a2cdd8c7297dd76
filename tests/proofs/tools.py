"""What proofs need beside the project's environment: each in a folder under `build/proofs`.

`make proofs` gets it, by its lock file, so that no test leaves the machine. A test whose tool is
not there, or is of another lock file than the tree's, skips and says so; where REQUIRE_PROOFS names
the tool, as CI does, it fails.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build" / "proofs"
UV = str(Path(sys.executable).with_name("uv"))
# The image's, whose Debian has a glibc newer than that of these wheels.
PLATFORMS = ("aarch64-manylinux_2_28", "x86_64-manylinux_2_28")
_SECONDS = 300  # a network that answers nothing
_OF = "of.lock"  # what the tool in a folder is of


@dataclass(frozen=True)
class Tool:
    """What a test needs and no environment of the project has.

    Attributes:
        lock: What it is of.
        commands: What gets it, run in its folder.
        files: What these need there.
    """

    lock: Path
    commands: tuple[tuple[str, ...], ...]
    files: tuple[Path, ...] = ()


def list_wheels(lock: Path, platform: str) -> tuple[str, ...]:
    """Return the command that lists the wheels of a platform for each package of a lock file."""
    return (
        *(UV, "pip", "compile", str(lock), "--quiet", "--system-certs", "--no-deps"),
        "--no-python-downloads",
        *("--python-version", "3.12", "--python-platform", platform, "--only-binary", ":all:"),
        *("--format", "pylock.toml", "--no-header", "--cache-dir", "cache"),
    )


def _environment(lock: Path) -> Tool:
    """A Python environment of the wheels of a lock file."""
    make = (UV, "venv", "--quiet", "--clear", "--python", sys.executable, "environment")
    fill = (
        *(UV, "pip", "sync", "--quiet", "--system-certs", "--python", "environment"),
        *("--require-hashes", "--only-binary", ":all:", str(lock)),
    )
    return Tool(lock, (make, fill))


_GRAMMAR = HERE / "grammar"
_IMAGE = ROOT / "requirements.lock"
TOOLS = {
    "grammar": Tool(
        _GRAMMAR / "package-lock.json",
        (
            (
                *("npm", "ci", "--loglevel=error", "--fetch-retries=1", "--no-audit", "--no-fund"),
                *("--ignore-scripts", "--engine-strict"),
            ),
        ),
        (_GRAMMAR / "package.json", _GRAMMAR / "package-lock.json"),
    ),
    "parliament": _environment(HERE / "parliament.lock"),
    "checkov": _environment(HERE / "checkov.lock"),
    "awscli": _environment(HERE / "awscli.lock"),
    "wheels": Tool(_IMAGE, tuple(list_wheels(_IMAGE, platform) for platform in PLATFORMS)),
}


def get(name: str) -> str:
    """Get a tool. Return why it cannot be had, or nothing where it is there."""
    tool, folder = TOOLS[name], FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _OF).unlink(missing_ok=True)
    for file in tool.files:
        shutil.copy(file, folder)
    for command in tool.commands:
        told = " ".join([Path(command[0]).name, *command[1:3]])
        try:
            subprocess.run(
                command, cwd=folder, check=True, capture_output=True, text=True, timeout=_SECONDS
            )
        except FileNotFoundError:
            return f"{command[0]} is not on PATH"
        except subprocess.CalledProcessError as error:
            return f"{told} …: {error.stderr.strip()}"
        except subprocess.TimeoutExpired:
            return f"{told} …: no end after {_SECONDS} seconds"
    shutil.copy(tool.lock, folder / _OF)
    return ""


def need(name: str) -> Path:
    """Return the folder of a tool; where it is not there, the test skips, or fails as CI says."""
    required = set(os.environ.get("REQUIRE_PROOFS", "").split())
    assert required <= set(TOOLS), f"REQUIRE_PROOFS: expected of {list(TOOLS)}, found {required}"
    folder, lock = FOLDER / name, TOOLS[name].lock
    of = folder / _OF
    if of.exists() and of.read_bytes() == lock.read_bytes():
        return folder
    reason = f"{name} of {lock.relative_to(ROOT)} is not in {FOLDER.relative_to(ROOT)}: make proofs"
    if name in required:
        pytest.fail(reason)
    pytest.skip(reason)
