"""End the runs that nothing is behind any more.

For a server that comes up again after everything was stopped, as on one machine: a run that was at
work then would seem to be so for ever, and hold its deployment's place.
"""

import datetime as dt

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelled, Crashed

_AT_WORK = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


def settle_runs(client: SyncPrefectClient) -> int:
    """Crash the runs that were at work, cancel those that are overdue; return how many."""
    at_work = client.read_flow_runs(flow_run_filter=_in_states(_AT_WORK))
    for run in at_work:
        client.set_flow_run_state(
            run.id,
            Crashed(message="Everything was stopped while this run was at work."),
            force=True,
        )
    overdue = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(
                before_=dt.datetime.now(dt.UTC)
            ),
        )
    )
    for run in overdue:
        client.set_flow_run_state(
            run.id, Cancelled(message="Nothing was running at its time."), force=True
        )
    return len(at_work) + len(overdue)


def _in_states(states: list[StateType]) -> FlowRunFilter:
    return FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)))
