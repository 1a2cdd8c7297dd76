"""When a run's process ends that would not end by itself: interrupted, or without Prefect's API.

Where the API is gone, Prefect's client asks again for two minutes each time it has something to
say, and what it logs waits for it as well. The lake needs nothing of that: what a run has not done
by then, the next one does.
"""

import os
import threading

from prefect.context import FlowRunContext

from flows.temporary_server import stop_temporary_server
from flows.terminal import say
from tasks.core.errors import OrchestratorError

INTERRUPTED = 130
INTERRUPTED_SECONDS = 10.0  # to tell Prefect's server, and to stop what can be stopped
GONE_SECONDS = 60.0  # for Prefect to see that it cannot say how a run ended
END_SECONDS = 180.0  # for Prefect to say so, which it tries for two minutes and a half

_said = threading.Event()
_is_command = threading.Event()
_ends: list[threading.Timer] = []


def begin() -> None:
    """This process is a command's: it may be left when its run does not end."""
    stay()
    _said.clear()
    _is_command.set()


def stay() -> None:
    """The run has ended: nothing needs to be left any more."""
    _is_command.clear()
    while _ends:
        _ends.pop().cancel()


def say_once(message: str) -> None:
    """Say why the process ends, where that was not said before."""
    if not _said.is_set():
        _said.set()
        say(message)


def leave_after(seconds: float, code: int, message: str) -> threading.Timer:
    """Leave whatever still goes on then: steps in other threads end their waits for B3 first."""
    timer = threading.Timer(seconds, _leave, [code, message])
    timer.daemon = True
    timer.start()
    return timer


def _leave(code: int, message: str) -> None:
    say_once(message)
    stop_temporary_server()
    os._exit(code)


def end_within(seconds: float, error: OrchestratorError) -> None:
    """Leave when Prefect has not ended this run by then, where the process is the run's own."""
    is_own = _is_command.is_set() or "PREFECT__FLOW_RUN_ID" in os.environ
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if is_own and not (run and run.parent_task_run_id):  # else the run around it has more to do
        _ends.append(leave_after(seconds, 1, f"failed: {error}"))
