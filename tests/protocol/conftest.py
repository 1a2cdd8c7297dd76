"""A stage over one lake for each test: AWS inside this process, Glue as the stand-in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local.b3.replay import start
from infra.local.b3.sessions import SESSIONS
from tests.protocol.glue import Glue
from tests.protocol.lake import Lake
from tests.protocol.reported import Scene
from tests.protocol.runs import settings
from tests.protocol.stage import Stage, play
from tests.protocol.wire import Wire
from tests.standin.engine import StandIn
from tests.standin.glue import Jobs, standin
from tests.standin.spark import MirroredSpark, spark


@pytest.fixture
def jobs(no_run_logger: None) -> Iterator[Jobs]:
    """An empty lake with its catalog, and Glue's runs."""
    with standin(max_concurrent=5) as jobs:
        yield jobs


@pytest.fixture
def lake(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """That lake, to be written and read."""
    return Lake(monkeypatch)


@pytest.fixture(scope="module")
def real_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirroredSpark]:
    """One Spark for the tests of a file that want it; it takes seconds to start."""
    with spark(tmp_path_factory.mktemp("spark").resolve()) as engine:
        yield engine


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """What a run executes its plan with: the stand-in, or Spark where a test asks for it."""
    if getattr(request, "param", "stand-in") == "stand-in":
        return StandIn
    real: MirroredSpark = request.getfixturevalue("real_spark")
    return real.another


@pytest.fixture
def stage(
    lake: Lake, jobs: Jobs, engine: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A stage over that lake."""
    stage = Stage(Glue(jobs, engine), Wire())
    play(stage, monkeypatch)
    yield stage
    stage.close()


@pytest.fixture
def scene(stage: Stage, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """An empty lake on that stage, with B3's replay, where runs make reports."""
    with start(session=SESSIONS[-1]) as replay:
        for name, value in (settings(replay.url) | {"B3_REPORTS": "pt-BR"}).items():
            monkeypatch.setenv(name, value)
        scene = Scene(stage, lake, replay)
        scene.watch(monkeypatch)
        yield scene
