"""What goes wrong with Glue's runs themselves."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local.aws.glue.runs import JobRun
from tasks import glue
from tests.drill.scene import Scene
from tests.drill.trial import Go, Trial
from tests.drill.wire import spared
from tests.protocol.stage import before
from tests.protocol.wire import Fault
from tests.standin.engine import StandIn
from tests.standin.glue import JOB

FOR_EVER = 10**9
FLOWS = ("quotes", "import", "portfolio")


class _Hurried:
    """A clock on which every wait is over at once: who waits for ever comes to the end of it."""

    def __init__(self) -> None:
        self._waited = 0.0

    def sleep(self, seconds: float) -> None:
        self._waited += seconds
        time.sleep(0.001)

    def monotonic(self) -> float:
        return time.monotonic() + self._waited

    time = staticmethod(time.time)


def _instead(scene: Scene, run_it: Callable[[JobRun], None]) -> None:
    """Have the next run of Glue do something else than its work."""
    jobs: Any = scene.jobs
    usual = jobs._run

    def run(job_run: JobRun) -> None:
        jobs._run = usual
        with spared():
            run_it(job_run)

    jobs._run = run


def _ends(state: str, said: str | None) -> Go:
    def go(scene: Scene, flow: str, _times: random.Random) -> None:
        _instead(scene, lambda run: scene.jobs.runs.end(run, state, said))
        scene.run(flow)

    return go


def _stays(state: str) -> Go:
    def go(scene: Scene, flow: str, _times: random.Random) -> None:
        def stay(run: JobRun) -> None:
            run.state = state

        _instead(scene, stay)
        _run_hurried(scene, flow)

    return go


def _run_hurried(scene: Scene, flow: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glue, "time", _Hurried())
        scene.run(flow)


def _vanishes(scene: Scene, flow: str, _times: random.Random) -> None:
    def vanish(run: JobRun) -> None:
        scene.jobs.runs._runs.pop(run.id)

    _instead(scene, vanish)
    scene.run(flow)


def _is_busy(scene: Scene, flow: str, _times: random.Random) -> None:
    scene.wire.faults.append(Fault("glue:StartJobRun", "busy for ever", FOR_EVER))
    _run_hurried(scene, flow)


class _Died(StandIn):
    """Ends in the middle of its work."""

    def write(self, table: dict[str, Any], folder: str) -> int:
        rows = super().write(table, folder)
        raise SystemExit(f"died after {rows} rows of {table['name']}")


def _dies_half_way(scene: Scene, flow: str, _times: random.Random) -> None:
    usual = scene.jobs.make_engine

    def make_engine() -> StandIn:
        scene.jobs.make_engine = usual
        return _Died()

    scene.jobs.make_engine = make_engine
    scene.run(flow)


def _writes_too_little(scene: Scene, flow: str, _times: random.Random) -> None:
    scene.stage.glue.writes_too_little = True
    try:
        scene.run(flow)
    finally:
        scene.stage.glue.writes_too_little = False


def _starts_twice(scene: Scene, flow: str, _times: random.Random) -> None:
    scene.stage.glue.starts_twice = True
    try:
        scene.run(flow)
    finally:
        scene.stage.glue.starts_twice = False


def _stopped_and_late(scene: Scene, flow: str, _times: random.Random) -> None:
    """Glue says that the run was stopped; it writes its outcome after all others have ended."""
    scene.stage.job.wait_at(before("s3:PutObject", "outcome.json"))
    actor = scene.actor(flow)
    actor.goes_to(before("glue:GetJobRun"))
    scene.stage.job.is_there()
    scene.stage.job.lets_others_pass()
    scene.stage.glue.stop_all()
    actor.ends()


KINDS: dict[str, Go] = {
    "fails": _ends("FAILED", "drilled"),
    "times out": _ends("TIMEOUT", "drilled"),
    "is stopped": _ends("STOPPED", None),
    "ends in ERROR": _ends("ERROR", "drilled"),
    "expires": _ends("EXPIRED", None),
    "succeeds without outcome": _ends("SUCCEEDED", None),
    "stays waiting": _stays("WAITING"),
    "stays starting": _stays("STARTING"),
    "vanishes": _vanishes,
    "is busy for ever": _is_busy,
    "dies half way": _dies_half_way,
    "writes too little": _writes_too_little,
    "starts twice": _starts_twice,
    "a zombie writes late": _stopped_and_late,
}


def _end_all(scene: Scene) -> None:
    for run in scene.jobs.runs.of_job(JOB):
        if run.state in ("WAITING", "STARTING"):
            run.state, run.error = "FAILED", "drilled"


def trials(times: random.Random, *, all_flows: bool) -> Iterator[Trial]:
    """Yield a trial for each way in which Glue fails, of one flow or of all that refine."""
    for kind, go in KINDS.items():
        for flow in FLOWS if all_flows else [times.choice(FLOWS[:2])]:
            yield Trial(f"Glue {kind}", flow, go, _end_all)
