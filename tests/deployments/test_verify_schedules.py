"""When each deployment runs next, as a Prefect server tells it."""

import datetime as dt
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.states import Completed, Scheduled

from deployments import verify_schedules
from deployments.verdict import Verdict

pytestmark = pytest.mark.usefixtures("prefect_server")
NEXT = dt.datetime(2100, 3, 1, 10, 30, tzinfo=dt.UTC)
# Once in a century: a server schedules nothing of it, so that a run is what a test has made.
SELDOM = IntervalSchedule(interval=dt.timedelta(days=36_500), anchor_date=NEXT)


def deploy(
    client: SyncPrefectClient, name: str, *, paused: bool = False, active: bool = True
) -> Any:
    @flow(name=name)
    def any_flow() -> None:
        pass

    schedule = DeploymentScheduleCreate(schedule=SELDOM, slug="seldom", active=active)
    flow_id = client.create_flow(any_flow)
    return client.create_deployment(flow_id, name, schedules=[schedule], paused=paused)


def verdict(client: SyncPrefectClient, name: str, *, is_scheduled: bool = True) -> Verdict:
    wanted = {"name": name} | ({"schedules": [{"slug": "seldom"}]} if is_scheduled else {})
    (found,) = verify_schedules.verify_schedules({"deployments": [wanted]}, client)
    assert found.what == f"deployment {name}"
    return found


def test_the_next_run_is_told_in_sao_paulo() -> None:
    with get_client(sync_client=True) as client:
        deployment = deploy(client, "next")
        for day in (1, 0):
            at = NEXT + dt.timedelta(days=day)
            client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=at))
        client.create_flow_run_from_deployment(deployment, state=Completed())
        found = verdict(client, "next")
    assert (found.holds, found.found) == (True, "runs next 2100-03-01 07:30 in São Paulo")


def test_a_run_that_should_have_started_does_not_hold() -> None:
    at = dt.datetime(2024, 1, 2, 12, tzinfo=dt.UTC)
    with get_client(sync_client=True) as client:
        deployment = deploy(client, "late")
        client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=at))
        found = verdict(client, "late")
    assert (found.holds, found.found) == (
        False,
        "should have started 2024-01-02 09:00 in São Paulo",
    )


@pytest.mark.parametrize("how", [{"paused": True}, {"active": False}])
def test_what_is_paused_runs_never(how: dict[str, bool]) -> None:
    name = "-".join(["off", *how])
    with get_client(sync_client=True) as client:
        deployment = deploy(client, name, **how)
        client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=NEXT))
        found = verdict(client, name)
    assert (found.holds, found.found) == (False, "paused: resume it in the dashboard")


def test_what_has_no_run_in_time_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_schedules, "_SCHEDULER_SECONDS", -1.0)
    with get_client(sync_client=True) as client:
        deploy(client, "fresh")
        found = verdict(client, "fresh")
    assert found.holds is False
    assert found.found.startswith("no run is scheduled")


def test_what_is_not_deployed_is_said() -> None:
    with get_client(sync_client=True) as client:
        found = verdict(client, "nowhere")
    assert (found.holds, found.found) == (False, "there is none: deploy again")


def test_what_runs_by_hand_needs_no_schedule() -> None:
    with get_client(sync_client=True) as client:
        deploy(client, "by-hand")
        found = verdict(client, "by-hand", is_scheduled=False)
    assert (found.holds, found.found) == (True, "runs when somebody starts it")
