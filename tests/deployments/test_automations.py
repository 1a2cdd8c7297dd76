import datetime as dt
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.automations import AutomationCore, ChangeFlowRunState, Posture, SendNotification
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType

from deployments.automations import automations, ensure_automations, main
from tasks.core.outcome import LEVEL_DIFFERS

BLOCK = UUID("00000000-0000-0000-0000-000000000001")
OF_A_RUN = (
    "{{ flow.name }}, run {{ flow_run.name }}: {{ flow_run.state.message }}\n{{ flow_run|ui_url }}"
)


def named(part: str) -> AutomationCore:
    (found,) = [each for each in automations(BLOCK) if part in each.name]
    return found


def test_run_whose_heartbeat_stopped_is_ended_after_three_missed_ones() -> None:
    automation = named("heartbeat")
    trigger: Any = automation.trigger

    assert trigger.posture == Posture.Proactive
    assert trigger.within == dt.timedelta(seconds=540)
    assert trigger.after == {"prefect.flow-run.heartbeat"}
    (action,) = automation.actions
    assert isinstance(action, ChangeFlowRunState)
    assert action.state == StateType.CRASHED


@pytest.mark.parametrize("state", ["Completed", "AwaitingRetry", "heartbeat"])
def test_any_event_of_a_run_is_a_sign_of_life(state: str) -> None:
    trigger: Any = named("heartbeat").trigger
    assert any(
        f"prefect.flow-run.{state}".startswith(event.removesuffix("*")) for event in trigger.expect
    )


def test_run_that_nothing_follows_on_is_ended_a_quarter_of_an_hour_after_a_worker_took_it() -> None:
    automation = named("not started")
    trigger: Any = automation.trigger

    assert trigger.posture == Posture.Proactive
    assert trigger.within == dt.timedelta(minutes=15)
    names = ("Pending", "Submitting", "InfrastructurePending")
    assert trigger.after == {f"prefect.flow-run.{name}" for name in names}
    assert trigger.expect == {"prefect.flow-run.*"}
    (action,) = automation.actions
    assert isinstance(action, ChangeFlowRunState)
    assert action.state == StateType.CRASHED
    assert action.message
    assert "it had not begun 15 minutes later" in action.message


def test_failed_crashed_and_timed_out_runs_are_told_of_at_once() -> None:
    automation = named("failed")
    trigger: Any = automation.trigger

    assert trigger.posture == Posture.Reactive
    assert trigger.expect == {f"prefect.flow-run.{n}" for n in ("Failed", "Crashed", "TimedOut")}
    assert isinstance(automation.actions[0], SendNotification)


def test_late_run_is_told_of_unless_it_starts_after_all() -> None:
    trigger: Any = named("late").trigger

    assert trigger.after == {"prefect.flow-run.Late"}
    assert trigger.within == dt.timedelta(minutes=10)
    assert trigger.posture == Posture.Proactive
    assert trigger.expect >= {"prefect.flow-run.Pending", "prefect.flow-run.Running"}


def test_a_level_that_differs_is_told_of_by_its_event() -> None:
    automation = named("level differs")
    trigger: Any = automation.trigger

    assert trigger.posture == Posture.Reactive
    assert trigger.expect == {LEVEL_DIFFERS}
    assert trigger.match.root == {"prefect.resource.id": "b3-pipeline.reconciliation.*"}
    (action,) = automation.actions
    assert isinstance(action, SendNotification)
    assert "{{ event.payload.message }}" in action.body


def test_only_runs_of_this_project_are_watched_each_by_itself() -> None:
    for automation in automations(BLOCK):
        trigger: Any = automation.trigger
        assert trigger.match_related.root == {"prefect.resource.id": "prefect.tag.b3-pipeline"}
        assert trigger.for_each == {"prefect.resource.id"}


@pytest.mark.parametrize(
    ("part", "after", "expect", "seconds"),
    [
        ("heartbeat", {"heartbeat"}, {"*"}, 540),
        ("failed", set(), {"Failed", "Crashed", "TimedOut"}, 0),
        ("late", {"Late"}, {"Pending", "Running", "Cancelling", "Cancelled", "Crashed"}, 600),
    ],
)
def test_each_automation_fires_once_on_its_events_within_its_time(
    part: str, after: set[str], expect: set[str], seconds: int
) -> None:
    trigger: Any = named(part).trigger
    assert trigger.match.root == {"prefect.resource.id": "prefect.flow-run.*"}
    assert trigger.after == {f"prefect.flow-run.{name}" for name in after}
    assert trigger.expect == {f"prefect.flow-run.{name}" for name in expect}
    assert trigger.within == dt.timedelta(seconds=seconds)
    assert trigger.threshold == 1


@pytest.mark.parametrize(
    ("part", "subject", "body"),
    [
        ("failed", "{{ flow_run.name }} {{ flow_run.state.name }}", OF_A_RUN),
        (
            "late",
            "{{ flow_run.name }} is late",
            f"Nothing has started it for 10 minutes: is the worker running?\n{OF_A_RUN}",
        ),
        (
            "level differs",
            "A level differs from portfolio and quotes",
            "{{ event.payload.message }}\n{{ flow_run|ui_url }}",
        ),
    ],
)
def test_each_notification_says_what_and_where(part: str, subject: str, body: str) -> None:
    (action,) = named(part).actions
    assert isinstance(action, SendNotification)
    assert (action.block_document_id, action.subject, action.body) == (BLOCK, subject, body)


@pytest.mark.usefixtures("prefect_server")
def test_command_makes_what_notifies_by_the_block_it_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEPLOY_NOTIFICATION_BLOCK", "slack-webhook/alerts")

    def found(_: Any, name: str, block_type: str) -> Any:
        assert (name, block_type) == ("alerts", "slack-webhook")
        return SimpleNamespace(id=BLOCK)

    monkeypatch.setattr(SyncPrefectClient, "read_block_document_by_name", found)
    monkeypatch.setattr(
        "deployments.automations.ensure_automations",
        lambda _, wanted: [each.name for each in wanted],
    )
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines() == [each.name for each in automations(BLOCK)]


def test_without_a_block_nothing_notifies() -> None:
    assert [each.name for each in automations(None)] == [
        "b3-pipeline: heartbeat lost",
        "b3-pipeline: run not started",
    ]


@pytest.mark.usefixtures("prefect_server")
def test_automations_are_made_once_and_brought_up_to_date() -> None:
    wanted = automations(None)[:1]
    with get_client(sync_client=True) as client:
        assert ensure_automations(client, wanted) == ["b3-pipeline: heartbeat lost: created"]
        assert ensure_automations(client, wanted) == ["b3-pipeline: heartbeat lost: unchanged"]

        wanted[0].description = "Another one."
        assert ensure_automations(client, wanted) == ["b3-pipeline: heartbeat lost: updated"]
        assert len(client.read_automations_by_name(wanted[0].name)) == 1


@pytest.mark.usefixtures("prefect_server")
def test_of_an_automation_that_was_made_twice_one_stays() -> None:
    wanted = named("heartbeat lost").model_copy(update={"name": "made twice"})
    with get_client(sync_client=True) as client:
        for _ in range(2):
            client.create_automation(wanted)
        assert ensure_automations(client, [wanted]) == ["made twice: unchanged"]
        assert len(client.read_automations_by_name("made twice")) == 1


@pytest.mark.usefixtures("prefect_server")
def test_block_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEPLOY_NOTIFICATION_BLOCK", f"slack-webhook/{uuid4()}")
    assert main([]) == 1
    assert "create it in the dashboard" in capsys.readouterr().err


@pytest.mark.usefixtures("prefect_server")
def test_command_says_that_nothing_notifies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DEPLOY_NOTIFICATION_BLOCK", raising=False)
    assert main([]) == 0
    assert "No notifications: DEPLOY_NOTIFICATION_BLOCK names no block." in capsys.readouterr().out
