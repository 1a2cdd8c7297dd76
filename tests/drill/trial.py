"""A trial: a flow with one thing going wrong, readers at work, the lake in the end."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flows.dashboard import is_expected
from tests.drill.judge import Tally, count_doubled, count_lost
from tests.drill.lake import Kept, TableRows
from tests.drill.scene import Scene, open_scene, prepare
from tests.protocol.stage import KilledError

Go = Callable[[Scene, str, random.Random], None]


@dataclass(frozen=True)
class Trial:
    """One way to go wrong.

    Attributes:
        kind: What goes wrong, as the table says it.
        flow: What it happens to.
        go: Makes it go wrong in a scene: brings the flow on and lets it end, or not.
        heal: Takes away what is still wrong before the next run.
    """

    kind: str
    flow: str
    go: Go
    heal: Callable[[Scene], None] = lambda _scene: None


@dataclass
class Truth:
    """What a flow makes of a lake when nothing goes wrong.

    Attributes:
        kept: The lake before.
        before: What readers see then.
        after: What they see in the end.
        starts: How many runs of Glue that takes.
    """

    kept: Kept
    before: TableRows
    after: TableRows
    starts: int


@dataclass
class Drill:
    """The lakes and truths of every flow, each made when it is first asked for.

    Attributes:
        folder: Where files are saved.
    """

    folder: Path
    _truths: dict[str, Truth] = field(default_factory=dict)

    def truth_of(self, flow: str) -> Truth:
        """Return what a flow does undisturbed."""
        if flow not in self._truths:
            kept = prepare(self.folder, flow)
            with open_scene(kept, self.folder) as scene:
                before = scene.seen()
                scene.run(flow)
                self._truths[flow] = Truth(kept, before, scene.seen(), scene.glue_starts)
        return self._truths[flow]

    def try_it(self, trial: Trial, times: random.Random) -> Tally:
        """Run a trial and judge it."""
        truth = self.truth_of(trial.flow)
        with open_scene(truth.kept, self.folder) as scene:
            scene.expect(truth.before, truth.after)
            tally = _meet(scene, trial, times)
            trial.heal(scene)
            scene.wire.faults.clear()
            scene.replay.behave()
            # Who says that all is well has done all of it; anybody else gets another run.
            said = "" if tally.survived else _heal(scene, trial.flow)
            scene.stage.job.go_on()
            scene.jobs.join()
            scene.look()
            found = _find(scene)
            tally.lost = count_lost(found, truth.after)
            tally.doubled = count_doubled(found, truth.after)
            tally.half_shown, tally.looks = len(scene.misled), scene.looks
            tally.wasted = max(0, scene.glue_starts - truth.starts)
            tally.healed = 0 if said or tally.survived else 1
            wrong = [*tally.said, *([said] if said else []), *scene.misled]
            tally.said = tuple(f"{trial.kind}, {trial.flow}: {each}" for each in wrong)
            return tally


def _find(scene: Scene) -> TableRows:
    """Return what readers find in the end; nothing, where a file is gone."""
    try:
        return scene.seen()
    except LookupError as error:
        scene.misled.append(str(error))
        return {}


def _meet(scene: Scene, trial: Trial, times: random.Random) -> Tally:
    tally = Tally(times=1)
    try:
        trial.go(scene, trial.flow, times)
    except KilledError:
        pass
    except Exception as error:  # noqa: BLE001 - how it failed is what is looked at
        if not is_expected(error):
            tally.untyped = 1
            tally.said = (f"failed by {type(error).__name__}: {error}",)
    else:
        tally.survived = 1
    return tally


def _heal(scene: Scene, flow: str) -> str:
    """Run the flow again; return why it did not end well."""
    try:
        state = scene.run(flow)
    except Exception as error:  # noqa: BLE001 - likewise
        return f"the next run failed by {type(error).__name__}: {error}"
    return "" if state.is_completed() else f"the next run ended {state.name}: {state.message}"
