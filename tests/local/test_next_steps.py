"""The lines that the demo and `make local` end with: each works as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.local import _describe
from infra.local.next_steps import DEFAULT_STATE, describe_next_steps, find_report, next_steps
from tests.local.conftest import ROOT, wait_until

ENV = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:65535",
    "PREFECT_API_URL": "http://127.0.0.1:65535/api",
    "B3_INDEX_URL": "http://127.0.0.1:65535",
    "B3_LAKE_BUCKET": "b3-lake",
}


def lines(state: Path) -> list[str]:
    return [line for _what, typed in next_steps(state) for line in typed]


def bash(line: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("state", [DEFAULT_STATE, Path("a folder/state")])
def test_lines_of_make_start_the_program_on_the_state(state: Path) -> None:
    makes = [line for line in lines(state) if line.startswith("make")]

    assert len(makes) == 3
    for line in makes:
        planned = bash(f"{line} --dry-run --assume-old=requirements-dev.lock")
        assert planned.returncode == 0, planned.stderr
        assert f"--state {state}" in planned.stdout
        assert ("--live" in planned.stdout) == ("LIVE=1" in line)


def test_lines_of_the_cloud_to_keep_lead_into_it(tmp_path: Path) -> None:
    state = tmp_path / "a folder"
    up, settings, flow, views = lines(state)[-4:]
    cloud = subprocess.Popen(
        ["bash", "-c", f"exec {up} --port 0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_until((state / "env").exists)
        asked = bash(f"{settings}; echo $B3_LAKE_BUCKET in $B3_LAKE_FOLDER; {flow} --help")
        file = tmp_path / "lake.duckdb"
        written = bash(f"{settings}; {views} --to '{file}'")
    finally:
        cloud.terminate()
        cloud.communicate(timeout=20)

    assert asked.returncode == 0, asked.stderr
    assert written.stdout.startswith(f"wrote {file}: ")
    folder = state / "lake" / "b3-lake"
    assert asked.stdout.startswith(f"b3-lake in {folder}\nusage: python -m flows.portfolio")


def test_python_is_that_of_the_environment() -> None:
    typed = lines(DEFAULT_STATE)[-1].split()[0]

    assert Path(typed).resolve() == Path(sys.executable).resolve()
    assert os.access(typed, os.X_OK)


def test_pages_fit_a_terminal() -> None:
    pages = [describe_next_steps(DEFAULT_STATE)]
    pages += [_describe(ENV, DEFAULT_STATE, is_live=is_live) for is_live in (False, True)]

    for page in pages:
        assert max(map(len, page.splitlines())) <= 80
        assert len(page.splitlines()) <= 24 - 4  # beside heading, prompt and what comes before


def test_the_report_to_open_is_that_of_the_latest_session(tmp_path: Path) -> None:
    assert find_report(tmp_path) is None
    reports = tmp_path / "lake" / "b3-lake" / "reports" / "portfolio"
    for path in (
        *("2025-07-31/IBOV.html", "2025-08-04/IBOV.html", "2025-08-01/IBOV.html"),
        *("2025-08-05/SMLL.html", "2025-08.html"),
    ):
        (reports / path).parent.mkdir(parents=True, exist_ok=True)
        (reports / path).touch()
    assert find_report(tmp_path) == reports / "2025-08-04" / "IBOV.html"
    assert find_report(tmp_path, "SMLL") == reports / "2025-08-05" / "SMLL.html"


def test_local_says_where_runs_and_artifacts_are() -> None:
    page = _describe(ENV, DEFAULT_STATE, is_live=False)

    for place in ("deployments", "runs", "artifacts"):
        assert f"http://127.0.0.1:65535/{place}\n" in page
