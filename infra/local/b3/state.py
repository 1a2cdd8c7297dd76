"""What a replay shows and how it misbehaves: changed by people and tests while it serves."""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from infra.local.b3.faults import FAULTS, NO_FAULT, Fault
from infra.local.b3.format import PortfolioQuery
from infra.local.b3.routes import Query
from infra.local.b3.sessions import SESSIONS
from infra.local.b3.shown import Shown
from infra.local.b3.steering import Steering, check_code, check_codes, check_target
from infra.local.b3.wire_faults import FaultOptions


@dataclass(frozen=True)
class FaultInForce:
    """A fault with what was chosen of it; without arguments, none.

    Attributes:
        name: Its name; None if all is well.
        fault: What it does.
        options: What was chosen.
        times: How many answers it is still for; None for all until told otherwise.
    """

    name: str | None = None
    fault: Fault = NO_FAULT
    options: FaultOptions = field(default_factory=FaultOptions)
    times: int | None = None


@dataclass(frozen=True)
class _Coming:
    """A session to be shown once so many portfolio requests more have come."""

    session: dt.date
    after: int


class ReplayState:
    """What is shown, and the faults in force; safe to use from any thread.

    A fault is for one target, an index or one of `steering.CALLS` (`"list"` is the list of indices,
    the others are calls about every index); or, as None, for every request of every kind. A target
    has at most one. That of the index comes before that of the call, and both before that of every
    request.

    Attributes:
        requests: The requests that were understood, misbehaved answers included, in order.
    """

    def __init__(self, session: dt.date = SESSIONS[-1]) -> None:
        self.requests: list[Query] = []
        self._shown = Shown(session)
        self._coming: dict[str | None, _Coming] = {}
        self._faults: dict[str | None, FaultInForce] = {}
        self._lock = threading.RLock()

    def show(self, session: dt.date, index: str | None = None, after: int | None = None) -> None:
        """Show another session; any day can be shown.

        Args:
            session: What to show.
            index: The index to show it of; None for all, and what was told of single ones ends.
            after: How many portfolio requests, of that index if one is named, are answered
                before it is shown; None for none.

        Raises:
            ValueError: index is no index code, or after is out of range.
        """
        if index is not None:
            check_code(index)
        if after is not None and after < 1:
            raise ValueError(f"after must be 1 or more; found {after}.")
        with self._lock:
            if after is None:
                self._show_now(session, index)
            else:
                self._coming[index] = _Coming(session, after)

    def list_only(self, codes: Iterable[str] | None) -> None:
        """Name these indices in the list, and no other; those left out keep their portfolios.

        Args:
            codes: Their codes; one that is not in `sessions.INDEX_SIZES` has a portfolio and
                levels as long as it is listed. None for `sessions.INDEX_SIZES`.

        Raises:
            ValueError: One is no index code, or is named twice.
        """
        listed = None if codes is None else check_codes(tuple(codes))
        with self._lock:
            self._shown = replace(self._shown, listed=listed)

    def say_preview(self, in_force: bool | None) -> None:  # noqa: FBT001 - it reads as a sentence
        """Say of every index that a preview is in force, or that none is.

        What is answered for the preview stays as it is.

        Args:
            in_force: What to say; None for what the calendar tells.
        """
        with self._lock:
            self._shown = replace(self._shown, says_preview=in_force)

    def misbehave(
        self, fault: str, times: int | None = None, index: str | None = None, **options: float
    ) -> None:
        """Misbehave from now on.

        Args:
            fault: A name in `faults.FAULTS`.
            times: How many answers misbehave; None for all until told otherwise.
            index: For requests about this index alone, or for one of `steering.CALLS`.
            **options: Fields of `FaultOptions`.

        Raises:
            ValueError: There is no such fault or option, or a value is out of range.
        """
        if fault not in FAULTS:
            raise ValueError(f"There is no fault {fault!r}; there are {', '.join(FAULTS)}.")
        if times is not None and times < 1:
            raise ValueError(f"times must be 1 or more; found {times}.")
        if index is not None:
            check_target(index)
        chosen = FaultOptions.model_validate(options)
        with self._lock:
            self._faults[index] = FaultInForce(fault, FAULTS[fault], chosen, times)

    def behave(self, index: str | None = None) -> None:
        """Answer well from now on: to every request, or to those of one target.

        Raises:
            ValueError: index is neither an index code nor one of `steering.CALLS`.
        """
        with self._lock:
            if index is None:
                self._faults.clear()
            else:
                self._faults.pop(check_target(index), None)

    def steer(self, steering: Steering) -> None:
        """Do what a `POST /replay` says, all of it at once.

        Raises:
            ValueError: There is no such fault; nothing is done then.
        """
        with self._lock:
            if steering.fault is not None:
                options = steering.options.model_dump()
                self.misbehave(steering.fault, steering.times, steering.index, **options)
            elif steering.says("fault"):
                self.behave(steering.index)
            if steering.session is not None:
                self.show(steering.session, steering.index, steering.after)
            if steering.says("listed"):
                self.list_only(steering.listed)
            if steering.says("preview"):
                self.say_preview(steering.preview)

    def state(self) -> dict[str, Any]:
        """Return what `GET /replay` tells."""
        with self._lock:
            shown = self._shown
            for_all = self._faults.get(None, FaultInForce())
            return {
                "session": shown.session.isoformat(),
                "fault": for_all.name,
                "times": for_all.times,
                "requests": dict(Counter(query.call for query in self.requests)),
                "sessions": {code: day.isoformat() for code, day in shown.sessions.items()},
                "coming": [
                    {"session": one.session.isoformat(), "index": index, "after": one.after}
                    for index, one in self._coming.items()
                ],
                "faults": {
                    index: {"fault": one.name, "times": one.times}
                    for index, one in self._faults.items()
                    if index is not None
                },
                "listed": None if shown.listed is None else list(shown.listed),
                "preview": shown.says_preview,
            }

    def take(self, query: Query) -> tuple[Shown, FaultInForce]:
        """Note a request, and use up one time of the fault and one of what a session waits for."""
        with self._lock:
            self.requests.append(query)
            shown, in_force = self._shown, self._use_fault(query)
            if isinstance(query, PortfolioQuery):
                self._count_down(query.index_code)
            return shown, in_force

    def _show_now(self, session: dt.date, index: str | None) -> None:
        if index is None:
            self._shown = replace(self._shown, session=session, sessions={})
            self._coming.clear()
        else:
            sessions = {**self._shown.sessions, index: session}
            self._shown = replace(self._shown, sessions=sessions)
            self._coming.pop(index, None)

    def _count_down(self, index_code: str) -> None:
        for index in (None, index_code):
            coming = self._coming.get(index)
            if coming is None:
                continue
            if coming.after == 1:
                self._show_now(coming.session, index)
            else:
                self._coming[index] = replace(coming, after=coming.after - 1)

    def _use_fault(self, query: Query) -> FaultInForce:
        """Return the first fault that is for this request and page, its index's own before all."""
        for index in (*filter(None, (query.index_code, query.target)), None):
            in_force = self._faults.get(index, FaultInForce())
            if in_force.name is None or query.page_number < in_force.fault.from_page:
                continue
            if in_force.times == 1:
                del self._faults[index]
            elif in_force.times is not None:
                self._faults[index] = replace(in_force, times=in_force.times - 1)
            return in_force
        return FaultInForce()
