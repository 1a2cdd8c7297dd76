import datetime as dt

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Pending, Running, Scheduled

from deployments.settle import settle_runs

pytestmark = pytest.mark.usefixtures("prefect_server")


@flow
def any_flow() -> None:
    pass


def after_settling(state: State) -> str | None:
    """The name of the state that a run is in after all was stopped in `state`."""
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(any_flow, state=state)
        settle_runs(client)
        return name_of_state(client, run.id)


def name_of_state(client: SyncPrefectClient, run_id: object) -> str | None:
    found = client.read_flow_run(run_id).state  # type: ignore[arg-type]
    assert found
    return found.name


@pytest.mark.parametrize("state", [Running(), Pending()], ids=["running", "pending"])
def test_run_that_was_at_work_has_crashed(state: State) -> None:
    assert after_settling(state) == "Crashed"


def test_run_whose_time_has_passed_is_cancelled_and_one_to_come_stays() -> None:
    hour = dt.timedelta(hours=1)
    now = dt.datetime.now(dt.UTC)
    assert after_settling(Scheduled(scheduled_time=now - hour)) == "Cancelled"
    assert after_settling(Scheduled(scheduled_time=now + hour)) == "Scheduled"


def test_run_that_has_ended_stays_as_it_is() -> None:
    assert after_settling(Completed()) == "Completed"
