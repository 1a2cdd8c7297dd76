"""checkov finds nothing in Terraform and the Dockerfile that has no reason beside it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proofs.tools import ROOT, need

Findings = set[tuple[str, str]]  # the file and the check, of a copy of the project

_REASON = re.compile(r"# checkov:skip=(?P<check>\w+): (?P<reason>.*)")


def files() -> Iterator[Path]:
    """The project's files that checkov reads, from its root."""
    yield Path("Dockerfile")
    terraform = ROOT / "infra" / "terraform"
    yield from (path.relative_to(ROOT) for path in terraform.glob("*.tf"))
    yield from (path.relative_to(ROOT) for path in (terraform / "modules").rglob("*.tf"))


REASONS = {
    (f"/{path}", found["check"]): found["reason"]
    for path in files()
    for found in _REASON.finditer((ROOT / path).read_text(encoding="utf-8"))
}
# Reasons for what checkov cannot tell, as it follows no variable through `count` and `for_each`.
UNDECIDED = {
    ("/infra/terraform/modules/glue_job/main.tf", "CKV_AWS_338"),
    ("/infra/terraform/modules/worker/main.tf", "CKV_AWS_333"),
    ("/infra/terraform/modules/worker/main.tf", "CKV_AWS_338"),
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Findings]:
    """What is found in two copies of the project: one as it is, one without its reasons."""
    checkov = need("checkov") / "environment" / "bin" / "checkov"
    folder = tmp_path_factory.mktemp("checkov")
    for path in files():
        for copy in ("as_it_is", "without_reasons"):
            (folder / copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / copy / path)
        bare = _REASON.sub("", (ROOT / path).read_text(encoding="utf-8"))
        (folder / "without_reasons" / path).write_text(bare, encoding="utf-8")
    done = subprocess.run(
        [
            *(str(checkov), "--directory", str(folder), "--framework", "terraform", "dockerfile"),
            *("--skip-download", "--compact", "--quiet", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    failed: list[dict[str, Any]] = [
        each for report in json.loads(done.stdout) for each in report["results"]["failed_checks"]
    ]
    return {
        copy: {
            (each["file_path"].removeprefix(f"/{copy}"), each["check_id"])
            for each in failed
            if each["file_path"].startswith(f"/{copy}/")
        }
        for copy in ("as_it_is", "without_reasons")
    }


def test_nothing_is_found_that_has_no_reason_beside_it(findings: dict[str, Findings]) -> None:
    assert findings["as_it_is"] == set()


def test_every_reason_is_one_for_something_that_is_found(findings: dict[str, Findings]) -> None:
    assert findings["without_reasons"] == REASONS.keys() - UNDECIDED


def test_every_reason_says_something() -> None:
    assert REASONS.keys() > UNDECIDED
    assert [each for each, reason in REASONS.items() if len(reason) < 30] == []
