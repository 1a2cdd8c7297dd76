import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from deployments.automations import TAG

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "prefect.yaml").read_text()
PROJECT = yaml.safe_load(TEXT)
VARIABLES = {
    "CONTAINER_TOOL",
    "DEPLOY_CPU_ARCHITECTURE",
    "DEPLOY_IMAGE",
    "DEPLOY_LAKE_BUCKET",
    "DEPLOY_WORKING_DIRECTORY",
    "DEPLOY_WORK_POOL_NAME",
}
ZONE = {"timezone": "America/Sao_Paulo"}
# Each deployment: its flow, the tag of its kind, when it runs by itself (in São Paulo) and with
# which parameters then, and with which ones it runs where nobody gives any.
DEPLOYMENTS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "daily-portfolio": (
        "flows/portfolio.py:daily_portfolio",
        "daily",
        {"weekdays-08h30-12h30-17h30": "30 8,12,17 * * 1-5", "weekends-12h30": "30 12 * * 0,6"},
        {"index_codes": ["all"]},
    ),
    "daily-quotes": (
        "flows/quotes.py:daily_quotes",
        "daily",
        {"weekdays-21h15-23h15": "15 21,23 * * 1-5", "mornings-after-07h00": "0 7 * * 2-6"},
        {},
    ),
    "index-levels": (
        "flows/levels.py:index_levels",
        "daily",
        {"weekdays-21h30": "30 21 * * 1-5", "mornings-after-07h15": "15 7 * * 2-6"},
        {"index_codes": ["all"]},
    ),
    "reconcile": (
        "flows/reconcile.py:reconcile",
        "daily",
        {"mornings-after-07h30": "30 7 * * 2-6"},
        {"index_codes": ["all"]},
    ),
    "freshness": (
        "flows/freshness.py:freshness",
        "upkeep",
        {
            "portfolio-weekdays-09h15-18h15": ("15 9,18 * * 1-5", {"datasets": ["portfolio"]}),
            "quotes-and-levels-mornings-after-07h45": (
                "45 7 * * 2-6",
                {"datasets": ["quotes", "levels"]},
            ),
        },
        {},
    ),
    "backfill": ("flows/backfill.py:backfill", "by-hand", {}, {}),
    "import-portfolio": (
        "flows/import_portfolio.py:import_portfolio",
        "by-hand",
        {},
        {"files": ["s3://{{ $DEPLOY_LAKE_BUCKET }}/inbox/"]},
    ),
    "report": ("flows/report.py:report", "by-hand", {}, {"index_codes": ["all"]}),
    "vacuum": (
        "flows/vacuum.py:vacuum",
        "upkeep",
        {"sundays-06h00": ("0 6 * * 0", {"delete": True})},
        {},
    ),
    "verify": ("flows/verify.py:verify", "upkeep", {"nightly-03h00": "0 3 * * *"}, {}),
}
DAYS = {
    "1-5": "weekdays",
    "0,6": "weekends",
    "2-6": "mornings-after",
    "0": "sundays",
    "*": "nightly",
}
STEPS = {
    "build": {
        "deployments.image.build_image": {
            "id": "build-image",
            "image": "{{ $DEPLOY_IMAGE }}",
            "cpu_architecture": "{{ $DEPLOY_CPU_ARCHITECTURE }}",
            "tool": "{{ $CONTAINER_TOOL }}",
        }
    },
    "push": {
        "deployments.image.push_image": {
            "image": "{{ build-image.image }}",
            "tool": "{{ $CONTAINER_TOOL }}",
        }
    },
    "pull": {
        "prefect.deployments.steps.set_working_directory": {
            "directory": "{{ $DEPLOY_WORKING_DIRECTORY }}"
        }
    },
}
each_deployment = pytest.mark.parametrize(
    "deployment", PROJECT["deployments"], ids=lambda each: each["name"]
)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def load(deployment: dict[str, Any]) -> Flow[..., Any]:
    return load_flow_from_entrypoint(deployment["entrypoint"])


def check(deployment: dict[str, Any], parameters: dict[str, Any]) -> None:
    """See that Prefect's server and the flow take parameters."""
    flow = load(deployment)
    validate(parameters, parameter_schema(flow).model_dump(), raise_on_error=True)
    assert parameters.keys() <= flow.validate_parameters(parameters).keys()


@each_deployment
def test_entrypoint_loads_and_is_named_as_its_deployment(deployment: dict[str, Any]) -> None:
    assert load(deployment).name == deployment["name"]


def test_every_flow_is_deployed_once() -> None:
    assert [each["name"] for each in PROJECT["deployments"]] == list(DEPLOYMENTS)


@each_deployment
def test_each_deployment_is_as_written_down(deployment: dict[str, Any]) -> None:
    entrypoint, kind, schedules, parameters = DEPLOYMENTS[deployment["name"]]
    rest = dict(deployment)
    assert rest.pop("name")
    assert rest.pop("entrypoint") == entrypoint
    assert rest.pop("parameters", {}) == parameters
    assert rest.pop("schedules", []) == [
        {"slug": slug, **ZONE}
        | ({"cron": at} if isinstance(at, str) else {"cron": at[0], "parameters": at[1]})
        for slug, at in schedules.items()
    ]
    assert rest.pop("description")
    assert rest == {
        "tags": [TAG, kind],
        "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
        "work_pool": {
            "name": "{{ $DEPLOY_WORK_POOL_NAME }}",
            "job_variables": {"image": "{{ build-image.image }}"},
        },
    }


@each_deployment
def test_parameters_are_ones_that_the_flow_takes(deployment: dict[str, Any]) -> None:
    given = deployment.get("parameters", {})
    for each in [{}, *deployment.get("schedules", [])]:
        check(deployment, given | each.get("parameters", {}))


@each_deployment
def test_schedules_are_ones_that_prefect_reads(deployment: dict[str, Any]) -> None:
    for schedule in deployment.get("schedules", []):
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


@each_deployment
def test_a_slug_says_the_days_and_hours_of_its_cron(deployment: dict[str, Any]) -> None:
    for schedule in deployment.get("schedules", []):
        minute, hours, *_, days = schedule["cron"].split(" ")
        times = [f"{int(hour):02}h{int(minute):02}" for hour in hours.split(",")]
        said = "-".join([DAYS[days], *times])
        of_what = "-and-".join(schedule.get("parameters", {}).get("datasets", []))
        assert schedule["slug"] == (f"{of_what}-{said}" if of_what else said)


@each_deployment
def test_a_description_says_when_it_runs_and_gives_an_example_that_is_taken(
    deployment: dict[str, Any],
) -> None:
    description = deployment["description"]
    (example,) = re.findall(r"^```json\n(.+)\n```$", description, re.MULTILINE)
    check(deployment, json.loads(example))
    for schedule in deployment.get("schedules", []):
        for time in re.findall(r"(\d\d)h(\d\d)", schedule["slug"]):
            assert ":".join(time) in description
    assert "Args:" not in description


def test_vacuum_is_dry_but_where_its_schedule_starts_it() -> None:
    (vacuum,) = [each for each in PROJECT["deployments"] if each["name"] == "vacuum"]
    assert "parameters" not in vacuum
    assert parameter_schema(load(vacuum)).properties["delete"]["default"] is False
    assert [each["parameters"] for each in vacuum["schedules"]] == [{"delete": True}]


def test_verify_changes_nothing_by_itself() -> None:
    (verify,) = [each for each in PROJECT["deployments"] if each["name"] == "verify"]
    assert "parameters" not in verify
    assert parameter_schema(load(verify)).properties["repair"]["default"] is False
    assert all("parameters" not in each for each in verify["schedules"])


def test_import_says_how_a_file_comes_to_the_inbox_that_it_takes() -> None:
    (imports,) = [each for each in PROJECT["deployments"] if each["name"] == "import-portfolio"]
    (inbox,) = imports["parameters"]["files"]
    assert re.search(rf"^aws s3 cp \S+\.csv {re.escape(inbox)}$", imports["description"], re.M)


def test_the_image_is_built_pushed_and_holds_the_code() -> None:
    assert {part: PROJECT[part] for part in STEPS} == {part: [STEPS[part]] for part in STEPS}


def test_values_from_outside_are_these_variables() -> None:
    assert set(re.findall(r"\{\{ \$(\w+) \}\}", TEXT)) == VARIABLES


def test_code_in_the_image_is_where_runs_look_for_it() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \./", dockerfile, re.MULTILINE))
    assert {each["entrypoint"].split("/")[0] for each in PROJECT["deployments"]} <= copied
    assert "WORKDIR /app" in dockerfile
