from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
)
from prefect.client.schemas.schedules import CronSchedule

from deployments import schedules
from deployments.schedules import main, remove_old_schedules

pytestmark = pytest.mark.usefixtures("prefect_server")
CRON = CronSchedule(cron="0 7 * * 2-6", timezone="America/Sao_Paulo")


def project(name: str, *slugs: str) -> dict[str, Any]:
    """What prefect.yaml says of one deployment."""
    named = {"schedules": [{"slug": slug} for slug in slugs]} if slugs else {}
    return {"deployments": [{"name": name, **named}]}


def create(client: SyncPrefectClient, name: str, *slugs: str | None) -> None:
    """Deploy a flow for the first time."""

    @flow(name=name)
    def any_flow() -> None:
        pass

    made = [DeploymentScheduleCreate(schedule=CRON, slug=slug) for slug in slugs]
    client.create_deployment(client.create_flow(any_flow), name, schedules=made)


def deploy(client: SyncPrefectClient, name: str, *slugs: str) -> None:
    """Deploy it again, as `prefect deploy` does."""
    wanted = [DeploymentScheduleUpdate(schedule=CRON, slug=slug) for slug in slugs]
    deployment = client.read_deployment_by_name(f"{name}/{name}")
    client.update_deployment(deployment.id, DeploymentUpdate(schedules=wanted))


def slugs_of(client: SyncPrefectClient, name: str) -> list[str | None]:
    found = client.read_deployment_by_name(f"{name}/{name}").schedules
    return sorted((each.slug for each in found), key=str)


def test_renamed_schedule_runs_under_its_new_slug_alone_however_often_it_is_deployed() -> None:
    wanted = project("renamed", "mornings-07h00", "evenings-21h00")
    with get_client(sync_client=True) as client:
        create(client, "renamed", "mornings", "evenings-21h00")
        for removed in (["renamed: removed the schedule mornings"], []):
            deploy(client, "renamed", "mornings-07h00", "evenings-21h00")
            assert remove_old_schedules(client, wanted) == removed
            assert slugs_of(client, "renamed") == ["evenings-21h00", "mornings-07h00"]


def test_schedule_that_somebody_made_by_hand_stays() -> None:
    with get_client(sync_client=True) as client:
        create(client, "by-hand", None)
        assert remove_old_schedules(client, project("by-hand")) == []
        assert slugs_of(client, "by-hand") == [None]


def test_deployment_that_is_not_there_has_nothing_to_remove() -> None:
    with get_client(sync_client=True) as client:
        assert remove_old_schedules(client, project("nowhere", "mornings")) == []


def test_command_goes_by_the_file_and_says_what_it_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prefect.yaml"
    file.write_text(yaml.safe_dump(project("told", "kept")))
    monkeypatch.setattr(schedules, "PROJECT_FILE", file)
    with get_client(sync_client=True) as client:
        create(client, "told", "gone", "kept")
    assert main([]) == 0
    assert capsys.readouterr().out == "told: removed the schedule gone\n"
