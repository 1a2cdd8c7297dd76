"""Runs of flows in processes forked from one that has imported them already.

Importing takes longer than a run. A request is a line of JSON on standard input; the answer, on
standard output, is the exit code of `python -m flows.<flow>` with those arguments.

Whatever the local cloud answers is looked at on the way: where it has not AWS's own form, the run
ends with `NOT_AS_AWS`, and tells what on standard error.

| field | meaning |
|---|---|
| flow | module of the flow, e.g. `portfolio` |
| arguments | of the command |
| environment | the whole environment of the run |
| folder | where the run is at home, for paths of the command |
| output | path without suffix: what the run prints goes to `.out` and `.err` |
| kill_after | SIGKILL the run at this boundary between two steps; 0 for none |
| kill_after_seconds | SIGKILL the run after so many seconds; 0 for never |
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from prefect import Task
from tenacity import Retrying

import tasks.shelf
import tasks.turns
from flows import (
    backfill,
    freshness,
    import_portfolio,
    levels,
    portfolio,
    quotes,
    reconcile,
    report,
    vacuum,
    verify,
    views,
)
from tests.answers import UNREADABLE, each_answer_seen_by

FLOWS: dict[str, Callable[[list[str]], int]] = {
    "backfill": backfill.main,
    "freshness": freshness.main,
    "portfolio": portfolio.main,
    "import_portfolio": import_portfolio.main,
    "levels": levels.main,
    "quotes": quotes.main,
    "reconcile": reconcile.main,
    "report": report.main,
    "vacuum": vacuum.main,
    "verify": verify.main,
    "views": views.main,
}


NOT_AS_AWS = 99


def kill_at(boundary: int) -> None:
    """Have this process killed after so many steps.

    A boundary lies behind every task and every other call that is tried again, behind the commit,
    and behind each partition that follows.
    """
    count = 0

    def with_boundary(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            result = function(*args, **kwargs)
            count += 1
            if count == boundary:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    Task.__call__ = with_boundary(Task.__call__)  # type: ignore[method-assign]
    Retrying.__call__ = with_boundary(Retrying.__call__)  # type: ignore[method-assign]
    for step in ("put_if_absent", "point_partition"):
        setattr(tasks.shelf, step, with_boundary(getattr(tasks.shelf, step)))


def run(request: dict[str, Any]) -> int:
    """Run the command in this process."""
    for number, suffix in ((1, "out"), (2, "err")):
        file = os.open(f"{request['output']}.{suffix}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ |= request["environment"]
    tasks.turns.PAUSE_SECONDS = 0.0  # the replay need not be spared: tests/tasks/test_turns.py
    verify.LOOK_AGAIN_SECONDS = 0.5  # the local cloud answers sooner than AWS
    if request["kill_after"]:
        kill_at(request["kill_after"])
    if request["kill_after_seconds"]:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, request["kill_after_seconds"])
    faults: list[str] = []
    try:
        with each_answer_seen_by(faults.extend):
            code = FLOWS[request["flow"]](request["arguments"])
    except SystemExit as usage:
        code = int(usage.code or 0)
    finally:
        for handler in logging.getLogger("prefect.flow_runs").handlers:
            handler.flush()  # to Prefect; a program that ends by itself does so
        sys.stdout.flush()
        sys.stderr.flush()
    # What cannot be parsed was cut by the test.
    wrong = sorted({each for each in faults if UNREADABLE not in each})
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr, flush=True)
    return NOT_AS_AWS if wrong else code


def serve() -> None:
    """Fork a run for each request, one after another, until standard input ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(run(json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
