"""All that the image installs is there as a wheel of its architecture, by a hash of the lock."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from tests.proofs.tools import PLATFORMS, ROOT, list_wheels, need

LOCK = ROOT / "requirements.lock"
_PACKAGE = re.compile(
    r"^(?P<name>[a-z0-9-]+)\S*==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\\n]+))? \\\n"
    r"(?P<hashes>(?:    --hash=\S+.*\n)+)",
    re.M,
)
ENVIRONMENT = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.12.14",
    "python_version": "3.12",
    "sys_platform": "linux",
}


def read_lock(platform: str) -> dict[tuple[str, str], set[str]]:
    """The hashes of each package, by name and version, that the image of a platform installs."""
    environment = ENVIRONMENT | {"platform_machine": platform.split("-")[0]}
    return {
        (each["name"], each["version"]): set(re.findall(r"sha256:([0-9a-f]{64})", each["hashes"]))
        for each in _PACKAGE.finditer(LOCK.read_text(encoding="utf-8"))
        if each["marker"] is None or Marker(each["marker"]).evaluate(environment)
    }


def list_of_index(folder: Path, platform: str) -> dict[tuple[str, str], dict[str, str]]:
    """The wheels of each package for a platform, by hash, as the index had them."""
    done = subprocess.run(
        [*list_wheels(LOCK, platform), "--offline"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {
        (canonicalize_name(each["name"]), each["version"]): {
            wheel["hashes"]["sha256"]: wheel["url"].rsplit("/", 1)[1] for wheel in each["wheels"]
        }
        for each in tomllib.loads(done.stdout)["packages"]
    }


def test_the_image_has_the_python_that_is_asked_about() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "ARG BASE_IMAGE=docker.io/library/python:3.12-slim@" in dockerfile


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_locked_package_is_there_as_a_wheel(platform: str) -> None:
    locked, there = read_lock(platform), list_of_index(need("wheels"), platform)

    assert len(locked) > 100
    assert there.keys() == locked.keys()
    assert [package for package in locked if not locked[package] & there[package].keys()] == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_wheels_are_those_of_the_platform(platform: str) -> None:
    there = list_of_index(need("wheels"), platform)
    names = {name for wheels in there.values() for name in wheels.values()}
    built = {name for name in names if not name.endswith("-none-any.whl")}

    assert len(built) > 20
    machine = platform.split("-")[0]
    assert [name for name in built if not name.endswith(f"_{machine}.whl")] == []
