"""`python -m deployments.automations`: what Prefect does by itself about runs that go wrong.

They watch the runs that carry the tag of this project, whichever flow they are of.
"""

import argparse
import datetime as dt
import os
import sys
from collections.abc import Sequence
from uuid import UUID

from prefect.automations import (
    AutomationCore,
    ChangeFlowRunState,
    EventTrigger,
    Posture,
    SendNotification,
)
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound

from tasks.core.errors import NotConfiguredError
from tasks.core.outcome import LEVEL_DIFFERS

TAG = "b3-pipeline"
BLOCK_VARIABLE = "DEPLOY_NOTIFICATION_BLOCK"
# Heartbeats come every 180 s: two may be lost on the way.
HEARTBEAT_LOST_AFTER = dt.timedelta(seconds=540)
LATE_AFTER = dt.timedelta(minutes=10)
# Starting a task takes a minute or two, with a large image and a busy zone a few.
NOT_STARTED_AFTER = dt.timedelta(minutes=15)

_RUN = "prefect.flow-run"
# A worker that has taken a run puts it into these, one after the other, until its task runs.
_TAKEN = {f"{_RUN}.{name}" for name in ("Pending", "Submitting", "InfrastructurePending")}
_ENDED_BADLY = {f"{_RUN}.{name}" for name in ("Failed", "Crashed", "TimedOut")}
_NO_LONGER_LATE = {
    f"{_RUN}.{name}" for name in ("Pending", "Running", "Cancelling", "Cancelled", "Crashed")
}
_BODY = (
    "{{ flow.name }}, run {{ flow_run.name }}: {{ flow_run.state.message }}\n{{ flow_run|ui_url }}"
)


def automations(notification_block_id: UUID | None) -> list[AutomationCore]:
    """Return the automations; those that notify only where there is a block to do it."""
    wanted = [_end_run_without_heartbeat(), end_run_that_did_not_start(NOT_STARTED_AFTER)]
    if notification_block_id is not None:
        wanted += [
            _notify_of_bad_end(notification_block_id),
            _notify_of_late(notification_block_id),
            _notify_of_difference(notification_block_id),
        ]
    return wanted


def _trigger(
    *,
    expect: set[str],
    after: set[str] | None = None,
    within: dt.timedelta = dt.timedelta(),
) -> EventTrigger:
    """Fire on an event, or with `after` when none has come `within` the time."""
    return EventTrigger(
        match={"prefect.resource.id": f"{_RUN}.*"},
        match_related={"prefect.resource.id": f"prefect.tag.{TAG}"},
        for_each={"prefect.resource.id"},
        after=after or set(),
        expect=expect,
        posture=Posture.Proactive if after else Posture.Reactive,
        threshold=1,
        within=within,
    )


def _end_run_without_heartbeat() -> AutomationCore:
    seconds = int(HEARTBEAT_LOST_AFTER.total_seconds())
    return AutomationCore(
        name=f"{TAG}: heartbeat lost",
        description=f"Ends a run that has given no sign of life for {seconds} s.",
        trigger=_trigger(
            after={f"{_RUN}.heartbeat"},
            # Any event: states have names of their own, as AwaitingConcurrencySlot.
            expect={f"{_RUN}.*"},
            within=HEARTBEAT_LOST_AFTER,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"No heartbeat for {seconds} s: the container is gone. Run it again.",
            )
        ],
    )


def end_run_that_did_not_start(within: dt.timedelta) -> AutomationCore:
    """End a run that a worker has taken, and of which nothing more has been heard `within` a time.

    Its worker died before it could start the task, or the task does not come up. Such a run may
    hold its deployment's place until it has ended. A task that comes up after all goes on.
    """
    minutes = f"{int(within.total_seconds() // 60)} minutes"
    return AutomationCore(
        name=f"{TAG}: run not started",
        description=f"Ends a run that has not begun {minutes} after a worker took it.",
        trigger=_trigger(after=_TAKEN, expect={f"{_RUN}.*"}, within=within),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"A worker took this run, and it had not begun {minutes} later: the worker "
                "died before it started the task, or ECS does not bring the task up. See that a "
                "worker runs, and what its log says of this run; then run it again.",
            )
        ],
    )


def _notify_of_bad_end(block_id: UUID) -> AutomationCore:
    return AutomationCore(
        name=f"{TAG}: run failed",
        description="Tells of a run that failed, crashed or took too long.",
        trigger=_trigger(expect=_ENDED_BADLY),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="{{ flow_run.name }} {{ flow_run.state.name }}",
                body=_BODY,
            )
        ],
    )


def _notify_of_late(block_id: UUID) -> AutomationCore:
    minutes = int(LATE_AFTER.total_seconds() // 60)
    return AutomationCore(
        name=f"{TAG}: run late",
        description=f"Tells of a run that nothing has started for {minutes} minutes.",
        trigger=_trigger(after={f"{_RUN}.Late"}, expect=_NO_LONGER_LATE, within=LATE_AFTER),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="{{ flow_run.name }} is late",
                body=f"Nothing has started it for {minutes} minutes: is the worker running?\n"
                + _BODY,
            )
        ],
    )


def _notify_of_difference(block_id: UUID) -> AutomationCore:
    return AutomationCore(
        name=f"{TAG}: level differs",
        description="Tells of levels that differ from what portfolio and quotes give.",
        trigger=EventTrigger(
            match={"prefect.resource.id": "b3-pipeline.reconciliation.*"},
            match_related={"prefect.resource.id": f"prefect.tag.{TAG}"},
            for_each={"prefect.resource.id"},
            expect={LEVEL_DIFFERS},
            posture=Posture.Reactive,
            threshold=1,
            within=dt.timedelta(),
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="A level differs from portfolio and quotes",
                body="{{ event.payload.message }}\n{{ flow_run|ui_url }}",
            )
        ],
    )


def ensure_automations(client: SyncPrefectClient, wanted: Sequence[AutomationCore]) -> list[str]:
    """Create what is missing and bring up to date what differs; safe to repeat.

    Returns:
        One line each: its name, and `created`, `updated` or `unchanged`.
    """
    return [f"{each.name}: {_ensure(client, each)}" for each in wanted]


def _ensure(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    found = client.read_automations_by_name(wanted.name)
    if not found:
        client.create_automation(wanted)
        return "created"
    for surplus in found[1:]:  # of two who deployed at the same time
        client.delete_automation(surplus.id)
    if AutomationCore(**found[0].model_dump(exclude={"id"})).model_dump() == wanted.model_dump():
        return "unchanged"
    client.update_automation(found[0].id, wanted)
    return "updated"


def _find_block_id(client: SyncPrefectClient, slug: str) -> UUID:
    block_type, _, name = slug.partition("/")
    try:
        return client.read_block_document_by_name(name, block_type).id
    except ObjectNotFound as error:
        raise NotConfiguredError(
            f"Expected a notification block {slug!r} ({BLOCK_VARIABLE}, of the form type/name such "
            f"as slack-webhook/alerts), found none: create it in the dashboard, or unset the "
            f"variable to go without notifications."
        ) from error


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 1 when the notification block is not there."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.automations",
        description="Create the automations or bring them up to date; safe to repeat.",
        epilog=f"{BLOCK_VARIABLE} names the block that notifies, e.g. slack-webhook/alerts.",
    )
    parser.parse_args(argv)
    slug = os.environ.get(BLOCK_VARIABLE)
    with get_client(sync_client=True) as client:
        try:
            block_id = _find_block_id(client, slug) if slug else None
        except NotConfiguredError as error:
            print(error, file=sys.stderr)
            return 1
        for line in ensure_automations(client, automations(block_id)):
            print(line)
    if not slug:
        print(f"No notifications: {BLOCK_VARIABLE} names no block.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
