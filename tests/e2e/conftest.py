"""A local cloud for each file's tests; for all, a Prefect server and a process that runs flows.

Each is a process of its own.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from infra.local.prefect_server import prefect_server
from tests.e2e.cloud import ROOT, Cloud, local_cloud
from tests.e2e.jobs import use_the_stand_in


@pytest.fixture(scope="session")
def prefect_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of the Prefect server that flows report to."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as environment:
        yield environment


@pytest.fixture(scope="session")
def flow_processes(prefect_environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs the portfolio flow's command on request: see forked_flow.py."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.forked_flow"],
        cwd=ROOT,
        env=os.environ | prefect_environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process  # leaving the block closes its input, which ends it


@pytest.fixture(scope="module")
def whole_cloud(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    prefect_environment: dict[str, str],
    flow_processes: "subprocess.Popen[str]",
) -> Iterator[Cloud]:
    """The local cloud of one file's tests; it starts empty. Files marked so have Spark in it."""
    with local_cloud(
        tmp_path_factory.mktemp("cloud"), prefect_environment, flow_processes
    ) as started:
        if not any(mark.name == "spark" for mark in request.node.iter_markers()):
            use_the_stand_in(started.client("s3"))
        yield started


@pytest.fixture
def cloud(whole_cloud: Cloud) -> Iterator[Cloud]:
    """That cloud, with B3's replay well behaved and showing its last session."""
    whole_cloud.behave()
    yield whole_cloud
    whole_cloud.behave()
