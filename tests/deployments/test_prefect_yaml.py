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
# Each deployment: its flow, when it runs by itself (in São Paulo), and with which parameters; of
# some the parameters depend on the time.
DEPLOYMENTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "daily-portfolio": (
        "flows/portfolio.py:daily_portfolio",
        {"weekdays": "30 8,12,17 * * 1-5", "weekends": "30 12 * * 0,6"},
        {"index_codes": ["all"]},
    ),
    "daily-quotes": (
        "flows/quotes.py:daily_quotes",
        {"weekdays": "15 21,23 * * 1-5", "mornings-after": "0 7 * * 2-6"},
        {},
    ),
    "index-levels": (
        "flows/levels.py:index_levels",
        {"weekdays": "30 21 * * 1-5", "mornings-after": "15 7 * * 2-6"},
        {"index_codes": ["all"]},
    ),
    "freshness": (
        "flows/freshness.py:freshness",
        {
            "portfolio-weekdays": ("15 9,18 * * 1-5", {"datasets": ["portfolio"]}),
            "quotes-and-levels-mornings-after": (
                "45 7 * * 2-6",
                {"datasets": ["quotes", "levels"]},
            ),
        },
        {},
    ),
    "backfill": ("flows/backfill.py:backfill", {}, {}),
    "import-portfolio": ("flows/import_portfolio.py:import_portfolio", {}, {}),
    "vacuum": ("flows/vacuum.py:vacuum", {"sundays": "0 6 * * 0"}, {"delete": True}),
}
STEPS = {
    "build": ["deployments.image.build_image"],
    "push": ["deployments.image.push_image"],
    "pull": ["prefect.deployments.steps.set_working_directory"],
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


def test_every_flow_is_deployed_once() -> None:
    assert [each["name"] for each in PROJECT["deployments"]] == list(DEPLOYMENTS)


@each_deployment
def test_each_deployment_is_as_written_down(deployment: dict[str, Any]) -> None:
    entrypoint, schedules, parameters = DEPLOYMENTS[deployment["name"]]
    rest = dict(deployment)
    assert rest.pop("name")
    assert rest.pop("entrypoint") == entrypoint
    assert rest.pop("parameters", {}) == parameters
    assert rest.pop("schedules", []) == [
        {"timezone": "America/Sao_Paulo", "slug": slug}
        | ({"cron": at} if isinstance(at, str) else {"cron": at[0], "parameters": at[1]})
        for slug, at in schedules.items()
    ]
    assert rest == {
        "tags": ["b3-pipeline"],  # what automations watch
        "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
        "work_pool": {
            "name": "{{ $DEPLOY_WORK_POOL_NAME }}",
            "job_variables": {"image": "{{ build-image.image }}"},
        },
    }


@each_deployment
def test_parameters_are_ones_that_the_flow_takes(deployment: dict[str, Any]) -> None:
    given = deployment.get("parameters", {})
    schedules = deployment.get("schedules", [{}])
    required = {"files": ["a.csv"]} if deployment["name"] == "import-portfolio" else {}
    for each in [{}, *schedules]:
        load(deployment).validate_parameters(required | given | each.get("parameters", {}))


@each_deployment
def test_schedules_are_ones_that_prefect_reads(deployment: dict[str, Any]) -> None:
    for schedule in deployment.get("schedules", []):
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


def test_the_image_is_built_pushed_and_holds_the_code() -> None:
    steps = {part: [name for step in PROJECT[part] for name in step] for part in STEPS}
    assert steps == STEPS
    assert PROJECT["push"][0][STEPS["push"][0]]["image"] == "{{ build-image.image }}"


def test_values_from_outside_are_these_variables() -> None:
    assert set(re.findall(r"\{\{ \$(\w+) \}\}", TEXT)) == VARIABLES


def test_code_in_the_image_is_where_runs_look_for_it() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \./", dockerfile, re.MULTILINE))
    assert {each["entrypoint"].split("/")[0] for each in PROJECT["deployments"]} <= copied
    assert "WORKDIR /app" in dockerfile
