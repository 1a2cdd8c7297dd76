"""Fixtures that every layer of tests shares."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import moto.s3.urls
import pytest
from boto3.session import Session
from botocore.loaders import create_loader
from moto.s3.models import S3Backend
from prefect.logging import disable_run_logger
from prefect.testing.utilities import prefect_test_harness

from flows import terminal
from infra.local.pictures.browser import browser, find_browser
from infra.local.pictures.page import BrowserError, Page
from tasks import http, turns

ROOT = Path(__file__).parents[1]
UNIT = Path(__file__).with_name("unit")
SAMPLES = ROOT.parent / "shared" / "b3" / "samples"
INPUTS = SAMPLES.with_name("inputs")
PAUSE_SECONDS = turns.PAUSE_SECONDS  # as it is outside of tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of `unit` first, each worker's too."""
    items.sort(key=lambda item: UNIT not in item.path.parents)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Trace lines for the tests of `unit` alone, which cover `tasks/core` by themselves.

    Everything else would take twice as long, with what it starts. They come first: a line that
    runs once a process, as imports do, must not have run before without being traced.
    """
    plugin = item.config.pluginmanager.get_plugin("_cov")
    coverage = getattr(plugin, "cov_controller", None)
    if coverage is None or UNIT in item.path.parents:
        return (yield)
    coverage.pause()
    try:
        return (yield)
    finally:
        coverage.resume()


@pytest.fixture(scope="session", autouse=True)
def no_real_aws_profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Made-up credentials for the whole session; profiles and instance roles are out of reach.

    A local cloud that a test starts puts its own in their place.
    """
    nowhere = tmp_path_factory.mktemp("aws")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session", autouse=True)
def no_reports() -> Iterator[None]:
    """Runs make no reports, which take a second each; tests about reports have them made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("B3_REPORTS", "none")
        yield


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """Read what botocore knows of each service once, not with the session of every test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", cache(create_loader))
        yield


@pytest.fixture(scope="session", autouse=True)
def addresses_read_once() -> Iterator[None]:
    """Let moto not load the module of S3's addresses again for each request that it answers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Backend, "_url_module", moto.s3.urls)
        yield


@pytest.fixture(scope="session", autouse=True)
def clients_made_once() -> Iterator[None]:
    """Make the client of a service once a session of boto3, and not for every step of a test."""
    make: Any = Session.client

    def client(session: Session, service_name: str, **options: Any) -> Any:
        if options:
            return make(session, service_name, **options)
        settings = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        made: dict[Any, Any] = session.__dict__.setdefault("made_clients", {})
        key = (service_name, *sorted(settings.items()))
        if key not in made:
            made[key] = make(session, service_name)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "client", client)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_pause_between_requests() -> Iterator[None]:
    """Ask replays of B3, which do not mind, without a pause; test_turns.py has the pause."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "PAUSE_SECONDS", 0.0)
        yield


@pytest.fixture(autouse=True)
def turns_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test was asked to wait for, the next one does not."""
    monkeypatch.setattr(http, "TURNS", turns.Turns())


@pytest.fixture(autouse=True)
def console_of_its_own() -> Iterator[None]:
    """Prefect's log is back on the console after a test that has run a command."""
    yield
    terminal.show_log()


@pytest.fixture
def no_run_logger() -> Iterator[None]:
    """Let `task.fn` log without a run around it."""
    with disable_run_logger():
        yield


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of B3's real answers and files, which lie outside the project."""
    if not SAMPLES.is_dir():
        pytest.skip(f"B3's real files are not on this machine: {SAMPLES}")
    return SAMPLES


@pytest.fixture(scope="session")
def inputs() -> Path:
    """The folder of files as people saved them, which lie outside the project."""
    if not INPUTS.is_dir():
        pytest.skip(f"Files that people saved are not on this machine: {INPUTS}")
    return INPUTS


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One Prefect server for all tests that run flows; it takes some seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        with prefect_test_harness(server_startup_timeout=180):
            yield


def need_browser() -> str:
    """Return the path of a browser; without one the test skips, or fails where CI requires it."""
    try:
        return find_browser()
    except BrowserError as error:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    """The page of a browser, which starts once; each test opens in it what it looks at."""
    with browser(need_browser()) as shown:
        yield shown
