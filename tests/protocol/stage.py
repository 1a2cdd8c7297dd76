"""A stage on which flows, Glue's jobs and a vacuum take turns: the test drives, not the clock.

    a = stage.flow("a")
    a.goes_to(before_put)      # it runs in a thread of its own, and waits there
    stage.flow("b").ends()     # meanwhile another one runs to its end
    a.ends()

A point is a call to AWS, or a step, before or after it is made. Steps are run without Prefect, with
their retries and without their delays. Threads that an actor starts act for it (see
`tasks/side_by_side.py`), and wait where it waits. Whoever is killed makes no call any more.
"""

import datetime as dt
import functools
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import endpoint
from botocore.client import BaseClient
from prefect import Task
from tenacity import Retrying

from flows import levels, portfolio, quotes, reconcile
from flows import report as report_flow
from tasks import glue, objects, refine, report, shelf, store
from tasks.core.errors import SourceHasNoDataError
from tasks.refine import publish_months
from tasks.retries import OVER_AWS, may_pass
from tasks.sweep import mark, remove, survey
from tests.protocol.glue import Glue
from tests.protocol.lake import MONTH, SUBJECT, Lake
from tests.protocol.wire import Wire, lay

PATIENCE_SECONDS = 60.0
_HELPER = re.compile(r"(/_\d+)+\Z")  # how `tasks/side_by_side.py` calls its threads


class KilledError(BaseException):
    """The actor is dead: nothing that it does from here on has an effect."""


@dataclass(frozen=True)
class Event:
    """What an actor does, or has done.

    Attributes:
        when: `before` or `after`.
        what: Of a call `glue:GetJobRun`, of a step its name.
        parameters: What the call asks for.
        answer: What it got, once it has.
    """

    when: str
    what: str
    parameters: dict[str, Any] = field(default_factory=dict)
    answer: Any = None

    @property
    def key(self) -> str:
        """The object or prefix that a call to S3 is about."""
        return str(self.parameters.get("Key") or self.parameters.get("Prefix") or "")


Point = Callable[[Event], bool]


def before(what: str, key: str = "", **parameters: str) -> Point:
    """The moment before a call or step."""
    return _point("before", what, key, parameters)


def after(what: str, key: str = "", **parameters: str) -> Point:
    """The moment after a call or step."""
    return _point("after", what, key, parameters)


def _point(when: str, what: str, key: str, parameters: dict[str, str]) -> Point:
    return lambda event: (
        (event.when, event.what) == (when, what)
        and key in event.key
        and all(event.parameters.get(name) == value for name, value in parameters.items())
    )


class Actor:
    """Somebody on the stage, in a thread of its own."""

    def __init__(self, name: str, act: Callable[[], Any]) -> None:
        self.name = name
        self._act = act
        self._thread: threading.Thread | None = None
        self._point: Point | None = None
        self._changed = threading.Condition()
        self._is_held = self._is_over = self._is_dead = False
        self._result: Any = None
        self._error: BaseException | None = None
        self.faults: list[tuple[Point, Callable[[], BaseException]]] = []

    def goes_to(self, point: Point) -> None:
        """Let it go on until it comes to a point, and wait there."""
        self._go_on(point)
        assert self._is_held, f"{self.name} ended before: {self._error!r} {self._result!r}"

    def comes_to(self, point: Point) -> bool:
        """As `goes_to`; return whether it came there, and not to its end before."""
        self._go_on(point)
        return self._is_held

    def ends(self) -> Any:
        """Let it go on to its end; return what it returns, or raise what it raises."""
        self._go_on(None)
        if self._error:
            raise self._error
        return self._result

    def fails(self, kind: type[Exception], said: str = "") -> None:
        """Let it go on to its end, which is a failure that says something."""
        self._go_on(None)
        assert isinstance(self._error, kind), f"{self._error!r} {self._result!r}"
        assert said in str(self._error)

    def is_killed(self) -> None:
        """End it where it is, as a lost machine would."""
        self._is_dead = True
        if self._thread:
            self._go_on(None)

    def loses(self, point: Point, error: Callable[[], BaseException]) -> None:
        """Have it get an error at a point, once."""
        self.faults.append((point, error))

    def meets(self, event: Event) -> None:
        """Called in its own threads, at everything that it does."""
        if self._is_dead:
            raise KilledError
        with self._changed:
            self._wait_at(event)
            fault = next((fault for fault in self.faults if fault[0](event)), None)
            if fault and not self._is_dead:
                self.faults.remove(fault)
        if self._is_dead:
            raise KilledError
        if fault:
            raise fault[1]()

    def _wait_at(self, event: Event) -> None:
        self._changed.wait_for(lambda: not self._is_held)  # another thread of its may wait
        if self._point and self._point(event):
            self._is_held = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._is_held)

    def _go_on(self, point: Point | None) -> None:
        with self._changed:
            self._point = point
            self._is_held = False
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()
            done = self._changed.wait_for(lambda: self._is_held or self._is_over, PATIENCE_SECONDS)
        assert done, f"{self.name} neither ended nor came to its point"

    def _run(self) -> None:
        try:
            self._result = self._act()
        except BaseException as error:  # noqa: BLE001 - raised again where the test asks
            self._error = error
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


class Jobs(Actor):
    """All of Glue's jobs: their threads are the stand-in's, and they are held like actors."""

    def __init__(self) -> None:
        super().__init__("job", lambda: None)
        self._thread = threading.current_thread()

    def _wait_at(self, event: Event) -> None:
        if self._point and self._point(event):
            self._is_held = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._is_held)

    def wait_at(self, point: Point) -> None:
        """Have the next job that comes to a point wait there; others go on meanwhile."""
        with self._changed:
            self._point = point
            self._is_held = False

    def is_there(self) -> None:
        """Wait until a job waits at its point."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_held, PATIENCE_SECONDS), "no job came"

    def lets_others_pass(self) -> None:
        """Have only the one that waits already wait on."""
        with self._changed:
            self._point = None

    def go_on(self) -> None:
        """Let jobs go on, without a point."""
        with self._changed:
            self._point = None
            self._is_held = False
            self._changed.notify_all()


def no_mend(key: str) -> str:
    """What is lost stays lost."""
    raise SourceHasNoDataError(f"nothing is known of {key}")


def sweep(grace: dt.timedelta) -> list[str]:
    """What the vacuum does with a dataset."""
    found = survey(SUBJECT, grace, mends=True)
    mark(SUBJECT, found.unneeded)
    return [unit.folder for unit in remove(SUBJECT, found.ripe, grace)]


class Stage:
    """See the module. Made by the fixture `stage`."""

    def __init__(self, glue: Glue, wire: Wire) -> None:
        self.job = Jobs()
        self.glue = glue
        self.wire = wire
        self._actors: dict[str, Actor] = {}

    def actor(self, name: str, act: Callable[[], Any]) -> Actor:
        """Bring somebody on; it does nothing before it is told to."""
        assert name not in self._actors
        self._actors[name] = Actor(name, act)
        return self._actors[name]

    def flow(
        self, name: str, *, force: bool = False, mend: Callable[[str], str] = no_mend
    ) -> Actor:
        """A flow that publishes the month; it returns the run's id."""
        return self.actor(
            name, lambda: publish_months(SUBJECT, [MONTH], force=force, mend=mend).run_of(MONTH)
        )

    def backfill(self, name: str, months: list[str]) -> Actor:
        """A flow that publishes several months; it returns what came of each."""
        return self.actor(name, lambda: publish_months(SUBJECT, months, mend=no_mend))

    def vacuum(self, name: str = "vacuum", grace_days: int = 1) -> Actor:
        """A vacuum that marks and removes; it returns the folders that it removed."""
        return self.actor(name, lambda: sweep(dt.timedelta(days=grace_days)))

    @property
    def glue_starts(self) -> int:
        """How many runs Glue has had."""
        return self.glue.starts

    def outcomes(self) -> list[dict[str, Any]]:
        """What every start of Glue said that it made."""
        return [json.loads(body) for body in Lake.bodies("runs/", "outcome.json")]

    def plans(self) -> list[dict[str, Any]]:
        """Every plan that was made."""
        return [json.loads(body) for body in Lake.bodies("runs/", "plan.json")]

    def meets(self, event: Event) -> None:
        """Called by whoever does something, the test itself included."""
        name = _actors_name()
        if name != threading.main_thread().name:
            self._actors.get(name, self.job).meets(event)

    def close(self) -> None:
        """Let nobody go on."""
        self.job.go_on()
        for actor in self._actors.values():
            actor.is_killed()


def _actors_name() -> str:
    """Whose thread this is: its own name, or of one that works for others, theirs."""
    return _HELPER.sub("", threading.current_thread().name)


class _FlowRun:
    """Whose run it is: every actor is a flow run of its own name."""

    @property
    def id(self) -> str:
        return threading.current_thread().name.partition("/")[0]


def play(stage: Stage, patch: pytest.MonkeyPatch) -> None:
    """Have every step and every call to AWS in this process pass by the stage."""
    make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: BaseClient, operation: str, parameters: Any) -> Any:
        what = f"{client.meta.service_model.service_name}:{operation}"
        stage.meets(Event("before", what, parameters))
        answer = make(client, operation, parameters)
        stage.meets(Event("after", what, parameters, answer))
        return answer

    def step(self: Task[Any, Any], *args: Any, **named: Any) -> Any:
        stage.meets(Event("before", self.name))
        result = _with_retries(self.fn, int(self.retries or 0), may_pass, args, named)
        stage.meets(Event("after", self.name))
        return result

    def plumb(self: Retrying, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        name = function.__name__.replace("_", "-")
        stage.meets(Event("before", name))
        may: Any = self.retry
        result = _with_retries(function, OVER_AWS["retries"], may.predicate, args, named)
        stage.meets(Event("after", name))
        return result

    lay(stage.wire, patch)
    patch.setattr(boto3, "client", functools.cache(boto3.client))  # making one takes its time
    patch.setattr(BaseClient, "_make_api_call", call)
    patch.setattr(Task, "__call__", step)
    patch.setattr(Retrying, "__call__", plumb)
    for name in ("create_markdown_artifact", "create_table_artifact"):
        patch.setattr(report, name, lambda **_: None)
    for flow in (levels, portfolio, quotes, reconcile, report_flow):
        patch.setattr(flow, "rename_flow_run", lambda _name: None)
    patch.setattr(refine, "runtime", SimpleNamespace(flow_run=_FlowRun()))
    for module in (shelf, store):
        patch.setattr(module, "add_asset_metadata", lambda *_: None)
    for module in (glue, objects, endpoint):
        clock = SimpleNamespace(sleep=_nap, monotonic=time.monotonic, time=time.time)
        patch.setattr(module, "time", clock)


def _with_retries(
    function: Callable[..., Any],
    retries: int,
    may: Callable[[BaseException], bool],
    args: Any,
    named: Any,
) -> Any:
    for _ in range(retries):
        try:
            return function(*args, **named)
        except Exception as error:
            if not may(error):
                raise
    return function(*args, **named)


def _nap(_seconds: float) -> None:
    time.sleep(0.002)
