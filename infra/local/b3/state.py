"""What a replay shows and how it misbehaves: changed by people and tests while it serves."""

import datetime as dt
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt

from infra.local.b3.faults import FAULTS, NO_FAULT, Fault
from infra.local.b3.routes import Query
from infra.local.b3.sessions import SESSIONS
from infra.local.b3.wire_faults import FaultOptions


class Steering(BaseModel):
    """What `POST /replay` takes; what is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    session: dt.date | None = None
    fault: str | None = None
    times: PositiveInt | None = None
    options: FaultOptions = FaultOptions()


@dataclass(frozen=True)
class FaultInForce:
    """A fault with what was chosen of it; without arguments, none.

    Attributes:
        name: Its name; None if all is well.
        fault: What it does.
        options: What was chosen.
    """

    name: str | None = None
    fault: Fault = NO_FAULT
    options: FaultOptions = field(default_factory=FaultOptions)


class ReplayState:
    """One session is shown, and at most one fault is in force; safe to use from any thread.

    Attributes:
        requests: The requests that were understood, misbehaved answers included, in order.
    """

    def __init__(self, session: dt.date = SESSIONS[-1]) -> None:
        self.requests: list[Query] = []
        self._session = session
        self._in_force = FaultInForce()
        self._times_left: int | None = None
        self._lock = threading.Lock()

    def show(self, session: dt.date) -> None:
        """Show another session from now on; any day can be shown."""
        with self._lock:
            self._session = session

    def misbehave(self, fault: str, times: int | None = None, **options: float) -> None:
        """Misbehave from now on.

        Args:
            fault: A name in `faults.FAULTS`.
            times: How many answers misbehave; None for all until told otherwise.
            **options: Fields of `FaultOptions`.

        Raises:
            ValueError: There is no such fault or option, or a value is out of range.
        """
        if fault not in FAULTS:
            raise ValueError(f"There is no fault {fault!r}; there are {', '.join(FAULTS)}.")
        if times is not None and times < 1:
            raise ValueError(f"times must be 1 or more; found {times}.")
        in_force = FaultInForce(fault, FAULTS[fault], FaultOptions.model_validate(options))
        with self._lock:
            self._in_force, self._times_left = in_force, times

    def behave(self) -> None:
        """Answer well from now on."""
        with self._lock:
            self._in_force, self._times_left = FaultInForce(), None

    def steer(self, steering: Steering) -> None:
        """Do what a `POST /replay` says.

        Raises:
            ValueError: As `misbehave`, or something was chosen of a fault without naming it.
        """
        if steering.fault is None and steering.model_fields_set & {"times", "options"}:
            raise ValueError("times and options belong to a fault: name it in fault.")
        if steering.fault is not None:
            self.misbehave(steering.fault, steering.times, **steering.options.model_dump())
        elif "fault" in steering.model_fields_set:
            self.behave()
        if steering.session is not None:
            self.show(steering.session)

    def state(self) -> dict[str, Any]:
        """Return what `GET /replay` tells."""
        with self._lock:
            return {
                "session": self._session.isoformat(),
                "fault": self._in_force.name,
                "times": self._times_left,
                "requests": dict(Counter(query.call for query in self.requests)),
            }

    def take(self, query: Query) -> tuple[dt.date, FaultInForce]:
        """Note a request and use up one time of the fault, if it is for this page."""
        with self._lock:
            self.requests.append(query)
            in_force = self._in_force
            if query.page_number < in_force.fault.from_page:
                in_force = FaultInForce()
            elif self._times_left is not None:
                self._times_left -= 1
                if self._times_left == 0:
                    self._in_force, self._times_left = FaultInForce(), None
            return self._session, in_force
