"""One local cloud and one Prefect server, both processes of their own, for all end-to-end tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.prefect_server import prefect_server
from tests.e2e.cloud import Cloud

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cloud_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of the local cloud and of the Prefect server that flows report to."""
    state = tmp_path_factory.mktemp("cloud")
    command = [sys.executable, "-m", "infra.local", "up", "--state", str(state)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        lines = (state / "env").read_text().splitlines()
        settings = dict(line.split("=", 1) for line in lines)
        with prefect_server(state) as prefect:
            yield {"STATE": str(state)} | settings | prefect
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.fixture(scope="session")
def flow_processes(cloud_environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs the daily flow's command on request: see forked_flow.py."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.forked_flow"],
        cwd=ROOT,
        env=os.environ | cloud_environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process  # leaving the block closes its input, which ends it


@pytest.fixture
def cloud(
    cloud_environment: dict[str, str], flow_processes: "subprocess.Popen[str]"
) -> Iterator[Cloud]:
    """The local cloud, with B3's replay well behaved and showing its last session."""
    environment = {**os.environ, **cloud_environment}
    cloud = Cloud(environment, Path(cloud_environment["STATE"]), flow_processes)
    cloud.behave()
    yield cloud
    cloud.behave()
