import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate

from deployments.settings import load_deployment_settings
from deployments.work_pool import ensure_work_pool, main
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
