import json
import re
from pathlib import Path

import pytest

from infra.tables import describe_tables
from tasks.core.datasets import TABLES
from tests.infra.conftest import ROOT, Terraform

FOLDER = ROOT / "infra" / "terraform"
MODULES = sorted(path for path in (FOLDER / "modules").iterdir() if path.is_dir())


def test_the_tables_that_terraform_makes_are_those_of_the_code() -> None:
    written = (FOLDER / "tables.json").read_text(encoding="utf-8")
    assert written == describe_tables(), (
        "tables have changed: python -m infra.tables > infra/terraform/tables.json"
    )


def test_each_table_is_described_with_its_columns_in_order() -> None:
    described = {table["name"]: table for table in json.loads(describe_tables())}
    assert list(described) == [table.name for table in TABLES]
    for table in TABLES:
        assert described[table.name]["location"] == table.location
        parts = {"columns": table.columns, "partition_keys": (table.partition_key,)}
        for part, columns in parts.items():
            found = [(column["name"], column["type"]) for column in described[table.name][part]]
            assert found == [(column.name, column.type) for column in columns]


@pytest.mark.parametrize("folder", [FOLDER, *MODULES], ids=lambda path: path.name)
def test_each_module_has_the_same_four_files(folder: Path) -> None:
    names = {path.name for path in folder.glob("*.tf")}
    assert {"main.tf", "variables.tf", "outputs.tf", "versions.tf"} <= names


@pytest.mark.parametrize("folder", [FOLDER, *MODULES], ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("block", "needed"), [("variable", ("type", "description")), ("output", ("description",))]
)
def test_each_variable_and_output_says_what_it_is(
    folder: Path, block: str, needed: tuple[str, ...]
) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.tf"))
    found = re.findall(rf'^{block} "(\w+)" \{{\n(.*?)^\}}', text, flags=re.MULTILINE | re.DOTALL)
    assert found
    for name, body in found:
        for attribute in needed:
            assert re.search(rf"^  {attribute}\s+=", body, flags=re.MULTILINE), (
                f"{block} {name} of {folder.name} has no {attribute}"
            )


@pytest.mark.parametrize("folder", [FOLDER, *MODULES], ids=lambda path: path.name)
def test_what_has_no_null_for_a_default_takes_none(folder: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("variables*.tf"))
    found = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, flags=re.MULTILINE | re.DOTALL)
    wrong = [
        name
        for name, body in found
        if ("\n  default = null\n" in _narrow(body)) == ("\n  nullable = false\n" in _narrow(body))
    ]
    assert wrong == []


def _narrow(body: str) -> str:
    return "\n" + re.sub(r" +=", " =", body)


def test_the_provider_is_pinned_by_its_bytes_on_every_platform() -> None:
    lock = (FOLDER / ".terraform.lock.hcl").read_text(encoding="utf-8")
    (wanted,) = re.findall(r'^ +version = "(.+)"$', (FOLDER / "versions.tf").read_text(), re.M)
    assert re.findall(r'^  (version|constraints) += "(.+)"$', lock, re.MULTILINE) == [
        ("version", "5.100.0"),
        ("constraints", wanted),
    ]
    packages = re.findall(r'^    "zh:[0-9a-f]{64}",$', lock, re.MULTILINE)
    unpacked = re.findall(r'^    "h1:[A-Za-z0-9+/]{43}=",$', lock, re.MULTILINE)
    assert len(packages) >= 14
    assert len(unpacked) >= 3


def test_every_finding_that_is_passed_over_has_a_reason() -> None:
    skips = [
        line.strip()
        for path in FOLDER.rglob("*.tf")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "checkov:skip" in line
    ]
    assert skips
    for skip in skips:
        assert re.fullmatch(r"# checkov:skip=CKV2?_AWS_\d+: .{30,}", skip), skip


def test_it_is_formatted(terraform: Terraform) -> None:
    terraform.run("fmt", "-check", "-diff", "-recursive")


def test_it_is_valid(terraform: Terraform) -> None:
    terraform.run("validate", "-no-color")


def test_its_variants_hold(terraform: Terraform) -> None:
    assert "0 failed" in terraform.run("test", "-no-color")
