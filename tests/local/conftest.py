import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.local.up import LocalCloud, local_cloud

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    state = tmp_path_factory.mktemp("cloud")
    with local_cloud(state, is_live=True) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.env.items():
            patch.setenv(name, value)
        yield cloud


@pytest.fixture(scope="package")
def lake(cloud: LocalCloud) -> Path:
    return cloud.state.lake / "b3-lake"


@pytest.fixture(scope="package")
def s3(cloud: LocalCloud) -> Any:
    return boto3.client("s3")


@pytest.fixture(scope="package")
def glue(cloud: LocalCloud) -> Any:
    return boto3.client("glue")


@pytest.fixture(scope="package")
def athena(cloud: LocalCloud) -> Any:
    return boto3.client("athena")


class Up:
    """`python -m infra.local up` as a user starts it."""

    def __init__(self, state: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "infra.local", "up", "--state", str(state), "--live"]
        self.process = subprocess.Popen(
            [*command, "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        assert self.first_line, self.process.communicate()[1]
        self.env = dict(line.split("=", 1) for line in (state / "env").read_text().splitlines())

    def client(self, service: str) -> Any:
        clients: Any = boto3
        return clients.client(
            service,
            endpoint_url=self.env["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            region_name=self.env["AWS_DEFAULT_REGION"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def up() -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(state: Path, *arguments: str) -> Up:
        started.append(Up(state, *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def wait_until(is_true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False  # it may have ended just now
    return "\nState:\tZ" not in status
