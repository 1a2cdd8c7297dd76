"""Where a trial plays: AWS in this process, B3's replay, a lake that was prepared once.

Flows run as functions on the stage of `tests/protocol`, Glue's jobs on the stand-in, a reader looks
after every call that may change what readers see.
"""

import contextlib
import datetime as dt
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import moto.s3.urls
import pytest
from moto.s3.models import S3Backend
from prefect.logging import disable_run_logger

from flows import fetching, reconcile, verify
from infra.local.b3.replay import Replay, start
from tasks import download, download_period, download_quotes, http, report, turns
from tasks.core.datasets import TABLES
from tasks.core.exchange import month_of
from tests.drill.judge import is_half_shown
from tests.drill.lake import Kept, TableRows, keep, put_back, seen_by_athena, seen_by_views
from tests.drill.wire import DrillWire, is_spared, spared
from tests.protocol.glue import Glue
from tests.protocol.lake import Lake
from tests.protocol.runs import flows_of, save_portfolio, settings
from tests.protocol.stage import Actor, Event, Stage, play
from tests.standin.engine import StandIn
from tests.standin.glue import DATABASE, Jobs, standin

INDEX = "IEEX"  # one of the smallest
BEFORE, SESSION = dt.date(2025, 8, 1), dt.date(2025, 8, 4)
READERS = [table.name for table in TABLES]
DATASETS = {"portfolio", "quotes", "reconciliation"}  # whose months are refined
ATTEMPT_SECONDS = 1.0  # for what B3 sends so slowly that it never ends
# What has been before a flow has the work that it is tried at.
BEFORE_FLOW: dict[str, tuple[str, ...]] = {
    "portfolio": ("portfolio before",),
    "dated": ("portfolio before",),
    "quotes": (),
    "reconcile": ("portfolio", "quotes", "levels"),
    "levels": (),
    "import": ("portfolio before",),
    "backfill": (),
    "revision": ("portfolio before", "portfolio"),
    "marking": ("portfolio", "revision"),
    "removing": ("portfolio", "revision", "marking"),
    "repair": ("portfolio before", "portfolio"),  # and then `damage`
}


class DrillStage(Stage):
    """A stage by which readers and the drill itself pass unseen."""

    def meets(self, event: Event) -> None:
        if not is_spared():
            super().meets(event)


@dataclass
class Scene:
    """See the module.

    Attributes:
        stage: Actors and Glue.
        jobs: Glue's runs.
        wire: Faults of AWS.
        replay: B3.
        states: What the lake may show; empty while nobody looks.
        watched: The tables that readers look at.
        looks: How often a reader looked.
        misled: What readers saw that no state is, in words.
    """

    stage: DrillStage
    jobs: Jobs
    wire: DrillWire
    lake: Lake
    replay: Replay
    folder: Path
    states: Sequence[TableRows] = ()
    watched: Sequence[str] = ()
    looks: int = 0
    misled: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def actor(self, flow: str) -> Actor:
        """Bring a flow on, by its name in `BEFORE_FLOW`; it waits to be let go."""
        if flow in ("marking", "removing"):
            self.lake.passes(days=3)
        session = BEFORE if flow == "portfolio before" else SESSION
        saved = self.folder / f"saved-{session}.csv"
        if not saved.exists():
            save_portfolio(saved, INDEX, session)
        flows = flows_of(INDEX, session, saved)
        names = {"portfolio before": "import", "marking": "vacuum", "removing": "vacuum"}
        return self.stage.actor(f"{flow}-{next(self._numbers)}", flows[names.get(flow, flow)])

    def run(self, flow: str) -> Any:
        """Run a flow to its end; return its state, or raise what it raises."""
        return self.actor(flow).ends()

    def look(self) -> None:
        """Look as readers do, both ways, and keep what was never right."""
        if not self.states:
            return
        with spared():
            self.looks += 1
            for way, at_once in (("Athena", False), ("views", True)):
                self._look(way, at_once=at_once)

    def expect(self, *states: TableRows) -> None:
        """Have readers look from now on, at what is not raw, and expect one of these states."""
        self.states = states
        self.watched = sorted(
            {table for state in states for table, rows in state.items() if rows}
            - {table for table in READERS if table.startswith("raw_")}
        )

    def _look(self, way: str, *, at_once: bool) -> None:
        try:
            found = self.seen(way, self.watched)
        except LookupError as error:
            self.misled.append(f"{way}: {error}")
            return
        states = self.states
        if at_once:  # each dataset's months move by themselves
            for dataset in sorted(set(map(dataset_of, self.watched)) & DATASETS):
                part = _part(found, dataset)
                parts = [_part(state, dataset) for state in states]
                if is_half_shown(part, parts, at_once=True):
                    self.misled.append(f"{way}: tables of {dataset} that do not go together")
        elif is_half_shown(found, states, at_once=False):
            self.misled.append(f"{way}: a table as it never was")

    @staticmethod
    def seen(way: str = "Athena", tables: Sequence[str] = READERS) -> TableRows:
        """What readers see of some tables."""
        with spared():
            if way == "Athena":
                return seen_by_athena(tables)
            found: TableRows = {}
            for dataset in sorted(set(map(dataset_of, tables)) & DATASETS):
                found |= seen_by_views(dataset)
            return found

    @property
    def glue_starts(self) -> int:
        """How many runs Glue has had."""
        return self.stage.glue_starts


def dataset_of(table: str) -> str:
    """The dataset that a refined table belongs to; of any other table a name of its own."""
    first, _, last = table.rpartition("_")
    return last if last == "reconciliation" and first != "raw" else table.partition("_")[0]


def _part(state: TableRows, dataset: str) -> TableRows:
    return {table: rows for table, rows in state.items() if dataset_of(table) == dataset}


@contextmanager
def open_scene(kept: Kept | None, folder: Path) -> Iterator[Scene]:
    """Open a lake that holds what was kept, or nothing, and show the session at B3."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stack.enter_context(disable_run_logger())
        _set_environment(patch)
        jobs = stack.enter_context(standin(max_concurrent=5))
        replay = stack.enter_context(start(session=SESSION))
        _patch(patch, replay.url)
        lake, wire = Lake(patch), DrillWire()
        stage = DrillStage(Glue(jobs, StandIn), wire)
        play(stage, patch)
        stack.callback(stage.close)
        scene = Scene(stage, jobs, wire, lake, replay, folder)
        wire.on_change = scene.look
        if kept:
            with spared():
                put_back(kept)
        yield scene


def _set_environment(patch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        patch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "testing")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _patch(patch: pytest.MonkeyPatch, b3_url: str) -> None:
    for name, value in settings(b3_url).items():
        patch.setenv(name, value)
    patch.setattr(S3Backend, "_url_module", moto.s3.urls)  # else read again for each request
    patch.setattr(turns, "PAUSE_SECONDS", 0.0)
    patch.setattr(http, "TURNS", turns.Turns())
    for module in (download, download_period):
        patch.setattr(module, "ATTEMPT_SECONDS", ATTEMPT_SECONDS)
    for name in ("READ_TIMEOUT_SECONDS", "FILE_READ_TIMEOUT_SECONDS"):
        patch.setattr(http, name, ATTEMPT_SECONDS)
    patch.setattr(download_quotes, "FILE_BUDGET_SECONDS", 4 * ATTEMPT_SECONDS)
    clock = SimpleNamespace(sleep=lambda _seconds: None, monotonic=time.monotonic)
    for module in (fetching, verify):
        patch.setattr(module, "time", clock)
    patch.setattr(reconcile, "report_differences", lambda *_: None)
    for name in ("create_progress_artifact", "update_progress_artifact"):
        patch.setattr(report, name, lambda *_, **__: None)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing of the flows' own story is shown beside the table."""
    hook, threading.excepthook = threading.excepthook, lambda _args: None
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
            yield
    finally:
        logging.disable(logging.NOTSET)
        threading.excepthook = hook


def prepare(folder: Path, flow: str) -> Kept:
    """Return a lake in which a flow has its work before it."""
    with open_scene(None, folder) as scene:
        for each in BEFORE_FLOW[flow]:
            scene.run(each)
        if flow == "repair":
            damage(scene.lake)
        return keep(READERS)


def damage(lake: Lake) -> None:
    """Take a partition away, and leave another one behind the commit: what a repair mends."""
    glue: Any = boto3.client("glue")
    month = {"DatabaseName": DATABASE, "PartitionValues": [month_of(SESSION)]}
    glue.delete_partition(TableName="portfolio_monthly", **month)
    first, _ = (json.loads(body) for body in lake.bodies("published/portfolio/", ".json"))
    behind = {"DatabaseName": DATABASE, "TableName": "portfolio_daily_summary"}
    found = glue.get_partition(**behind, PartitionValues=month["PartitionValues"])["Partition"]
    place = found["StorageDescriptor"]
    place["Location"] = first["tables"]["portfolio_daily_summary"]["location"]
    glue.update_partition(
        **behind,
        PartitionValueList=month["PartitionValues"],
        PartitionInput={"Values": month["PartitionValues"], "StorageDescriptor": place},
    )


Prepare = Callable[[str], Kept]
