"""What is installed is what was locked: every package by version and hash, from any index."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
# Each lock file, and what of pyproject.toml it is of.
LOCKS = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-dev.lock": PROJECT["project"]["dependencies"] + EXTRAS["local"] + EXTRAS["dev"],
    "tests/proofs/awscli.lock": PROJECT["dependency-groups"]["awscli"],
    "tests/proofs/checkov.lock": PROJECT["dependency-groups"]["checkov"],
    "tests/proofs/parliament.lock": PROJECT["dependency-groups"]["parliament"],
}
_PACKAGE = re.compile(
    r"(?P<name>[a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(?P<version>[^\s;]+)(?: ; [^\\\n]+)? \\\n"
    r"(?:    --hash=sha256:[0-9a-f]{64} \\\n)*"
    r"    --hash=sha256:[0-9a-f]{64}\n"
)


def read_lock(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_lock_file_is_looked_at() -> None:
    found = [*ROOT.glob("*.lock"), *(ROOT / "tests").rglob("*.lock")]
    assert {path.relative_to(ROOT).as_posix() for path in found} == set(LOCKS)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_holds_versions_with_hashes_and_nothing_else(lock: str) -> None:
    rest = _PACKAGE.sub("", read_lock(lock))
    assert rest == ""


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_is_of_the_ranges(lock: str) -> None:
    locked: dict[str, list[str]] = {}
    for each in _PACKAGE.finditer(read_lock(lock)):
        locked.setdefault(each["name"], []).append(each["version"])
    wanted = [Requirement(each) for each in LOCKS[lock]]
    assert [
        f"{each} (found: {locked.get(canonicalize_name(each.name))})"
        for each in wanted
        if not any(map(each.specifier.contains, locked.get(canonicalize_name(each.name), ())))
    ] == [], "run: make lock"


def test_what_the_image_installs_is_what_the_tests_run_on() -> None:
    # For which Python a package is needed may differ: others may need it elsewhere too.
    image, tested = (
        {re.sub(r" ; [^\\\n]+", "", each.group()) for each in _PACKAGE.finditer(read_lock(lock))}
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert image <= tested


def test_packages_of_npm_are_locked_likewise() -> None:
    folder = ROOT / "tests" / "proofs" / "grammar"
    project, lock = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("package.json", "package-lock.json")
    )
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert lock["packages"][""]["dependencies"] == project["dependencies"], "run: make lock"
    assert packages.keys() >= {f"node_modules/{name}" for name in project["dependencies"]}
    for name, each in packages.items():
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", each["integrity"]), name
        assert "resolved" not in each, f"{name} names its registry"


@pytest.mark.parametrize("file", ["Dockerfile", "Makefile"])
def test_packages_are_installed_by_their_hashes(file: str) -> None:
    lines = re.sub(r"\\\n", " ", (ROOT / file).read_text(encoding="utf-8")).splitlines()
    commands = [each for line in lines for each in line.split("&&")]
    installing = [each for each in commands if re.search(r"\bpip (?:install|sync)\b", each)]
    assert installing
    assert [each for each in installing if "--require-hashes" not in each] == []
