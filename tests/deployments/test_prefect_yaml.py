import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "prefect.yaml").read_text()
PROJECT = yaml.safe_load(TEXT)
VARIABLES = {
    "CONTAINER_TOOL",
    "DEPLOY_CPU_ARCHITECTURE",
    "DEPLOY_IMAGE",
    "DEPLOY_WORKING_DIRECTORY",
    "DEPLOY_WORK_POOL_NAME",
}
each_deployment = pytest.mark.parametrize(
    "deployment", PROJECT["deployments"], ids=lambda each: each["name"]
)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def load(deployment: dict[str, Any]) -> Flow[..., Any]:
    return load_flow_from_entrypoint(deployment["entrypoint"])


@each_deployment
def test_entrypoint_loads_and_is_named_as_its_deployment(deployment: dict[str, Any]) -> None:
    assert load(deployment).name == deployment["name"]


@each_deployment
def test_parameters_are_the_flows_own_and_each_is_described(deployment: dict[str, Any]) -> None:
    properties = parameter_schema(load(deployment)).properties
    assert set(deployment.get("parameters", {})) <= set(properties)
    undescribed = [name for name, each in properties.items() if not each.get("description")]
    assert undescribed == []


@each_deployment
def test_schedules_keep_to_the_clock_of_sao_paulo(deployment: dict[str, Any]) -> None:
    for schedule in deployment.get("schedules", []):
        cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
        assert cron.timezone == "America/Sao_Paulo"
        assert schedule["slug"]


@each_deployment
def test_one_run_at_a_time_the_next_waits(deployment: dict[str, Any]) -> None:
    limit = deployment["concurrency_limit"]
    assert limit == {"limit": 1, "collision_strategy": "ENQUEUE"}


@each_deployment
def test_runs_carry_the_tag_that_automations_watch(deployment: dict[str, Any]) -> None:
    assert "b3-pipeline" in deployment["tags"]


def test_daily_portfolio_has_several_chances_on_each_weekday() -> None:
    (daily,) = [each for each in PROJECT["deployments"] if each["name"] == "daily-portfolio"]
    (schedule,) = daily["schedules"]
    assert schedule["cron"] == "30 8,12,17 * * 1-5"


def test_values_from_outside_are_these_variables() -> None:
    assert set(re.findall(r"\{\{ \$(\w+) \}\}", TEXT)) == VARIABLES


def test_code_in_the_image_is_where_runs_look_for_it() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \./", dockerfile, re.MULTILINE))
    assert {each["entrypoint"].split("/")[0] for each in PROJECT["deployments"]} <= copied
    assert "WORKDIR /app" in dockerfile
