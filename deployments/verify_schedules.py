"""Whether Prefect has the work pool and every deployment, and when each runs next."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from deployments.polling import poll
from deployments.verdict import Verdict

_SCHEDULER_SECONDS = 60.0  # after a deployment it takes some
_ZONE = ZoneInfo("America/Sao_Paulo")


def verify_schedules(project: dict[str, Any], client: SyncPrefectClient) -> Iterator[Verdict]:
    """Yield a verdict a deployment.

    Args:
        project: What `prefect.yaml` says.
        client: Of Prefect's API.
    """
    for wanted in project["deployments"]:
        what = f"deployment {wanted['name']}"
        try:
            found = client.read_deployment_by_name(f"{wanted['name']}/{wanted['name']}")
        except ObjectNotFound:
            yield Verdict(what, "there is none: deploy again", holds=False)
            continue
        if not wanted.get("schedules"):
            yield Verdict(what, "runs when somebody starts it", holds=True)
            continue
        yield Verdict(what, *_next_run(found, client))


def _next_run(deployment: DeploymentResponse, client: SyncPrefectClient) -> tuple[str, bool]:
    if deployment.paused or not any(schedule.active for schedule in deployment.schedules):
        return "paused: resume it in the dashboard", False

    def look() -> dt.datetime | None:
        runs = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=1,
        )
        return runs[0].expected_start_time if runs else None

    at = poll(look, _SCHEDULER_SECONDS)
    if at is None:
        return "no run is scheduled: is Prefect's scheduler at work?", False
    at = at.astimezone(_ZONE)
    late = at < dt.datetime.now(dt.UTC)
    word = "should have started" if late else "runs next"
    return f"{word} {at:%Y-%m-%d %H:%M} in São Paulo", not late
