from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound

from deployments.settings import load_deployment_settings
from deployments.work_pool import ensure_work_pool, find_credentials_block, main
from tasks.core.errors import NotConfiguredError

pytestmark = pytest.mark.usefixtures("prefect_server", "outputs")


def test_pool_is_made_once_and_brought_up_to_date() -> None:
    settings = load_deployment_settings()
    with get_client(sync_client=True) as client:
        assert ensure_work_pool(client, settings) == "created"
        assert ensure_work_pool(client, settings) == "unchanged"

        changed = settings.model_copy(update={"memory": 4096})
        assert ensure_work_pool(client, changed) == "updated"
        pool = client.read_work_pool("b3-pipeline")
        assert pool.type == "ecs"
        assert pool.base_job_template["variables"]["properties"]["memory"]["default"] == 4096


def test_pool_of_another_type_is_refused_and_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEPLOY_WORK_POOL_NAME", "taken")
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="taken", type="process"))

        assert main([]) == 1

        assert client.read_work_pool("taken").type == "process"
    assert "Expected work pool 'taken' to be of type ecs, found process." in capsys.readouterr().err


def test_missing_outputs_are_named_before_prefect_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DEPLOY_CLUSTER_ARN")
    assert main([]) == 1
    assert "DEPLOY_CLUSTER_ARN: Field required" in capsys.readouterr().err


def test_push_pool_without_its_block_is_refused() -> None:
    settings = load_deployment_settings().model_copy(
        update={"work_pool_type": "ecs:push", "work_pool_name": "push"}
    )
    with get_client(sync_client=True) as client, pytest.raises(NotConfiguredError):
        ensure_work_pool(client, settings)


def test_command_says_what_it_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEPLOY_WORK_POOL_NAME", "told")
    for done in ("created", "unchanged"):
        assert main([]) == 0
        assert capsys.readouterr().out == f"Work pool told (ecs): {done}.\n"
    with get_client(sync_client=True) as client:
        assert client.read_work_pool("told").description == "Runs the flows as tasks on AWS ECS."


def test_push_pool_of_a_prefect_that_has_none_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deployments.work_pool.find_credentials_block", lambda *_: "id")
    settings = load_deployment_settings().model_copy(
        update={"work_pool_type": "ecs:push", "work_pool_name": "push"}
    )
    with (
        get_client(sync_client=True) as client,
        pytest.raises(NotConfiguredError, match="an ecs:push pool needs Prefect Cloud"),
    ):
        ensure_work_pool(client, settings)


class Blocks:
    """Prefect's API, as far as a block is asked for."""

    def read_block_document_by_name(self, name: str, block_type: str) -> Any:
        if (name, block_type) != ("b3-submitter", "aws-credentials"):
            request = httpx.Request("GET", "https://prefect.example.com")
            response = httpx.Response(404, request=request)
            raise ObjectNotFound(httpx.HTTPStatusError("", request=request, response=response))
        return SimpleNamespace(id=1234)


def test_block_of_a_push_pool_is_found_by_its_name() -> None:
    client: Any = Blocks()
    assert find_credentials_block(client, "ecs:push", "b3-submitter") == "1234"
    assert find_credentials_block(client, "ecs", "b3-submitter") is None
    with pytest.raises(NotConfiguredError, match="block aws-credentials/other"):
        find_credentials_block(client, "ecs:push", "other")
    with pytest.raises(NotConfiguredError, match="into DEPLOY_CREDENTIALS_BLOCK"):
        find_credentials_block(client, "ecs:push", None)
