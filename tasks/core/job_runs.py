"""What Glue says of a run of its job, as `GetJobRun` answers."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

ACTIVE = {"STARTING", "RUNNING", "WAITING", "STOPPING"}


def describe_time(state: Mapping[str, Any], find_place: Callable[[dt.datetime], str]) -> str:
    """Say since when a run is at work and where it is, or how long it took.

    Args:
        state: The run, as Glue describes it.
        find_place: Says how far a run is that has started then.

    Returns:
        ` since 12:00:00 UTC, at 2025-08` or `, it took 0:01:02`; empty where it is not known.
    """
    started_at = state.get("StartedOn")
    if not started_at:
        return ""
    if state["JobRunState"] in ACTIVE:
        place = find_place(started_at)
        since = f" since {started_at.astimezone(dt.UTC):%H:%M:%S} UTC"
        return f"{since}, {place}" if place else since
    seconds = state.get("ExecutionTime") or 0
    return f", it took {dt.timedelta(seconds=seconds)}" if seconds else ""
