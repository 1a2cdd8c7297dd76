import asyncio
import logging
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import DEFAULT, AsyncMock, Mock
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from prefect.cli._utilities import load_json_key_values
from prefect.client.schemas.objects import FlowRun
from prefect_aws.workers.ecs_worker import ECSJobConfiguration, ECSWorker

from deployments.settings import DeploymentSettings, as_environment, load_deployment_settings
from deployments.template import base_job_template
from infra.local.aws.ecs.api import installed
from tasks.core.errors import NotConfiguredError
from tests.conftest import ROOT

IMAGE = {"image": "repository:0123abc"}


def make_template(**changes: Any) -> dict[str, Any]:
    settings = load_deployment_settings().model_copy(update=changes)
    return base_job_template(ECSWorker.get_default_base_job_template(), settings)


def configure(template: dict[str, Any], values: dict[str, Any] | None = None) -> Any:
    """What a worker makes of the template for a deployment."""
    return asyncio.run(
        ECSJobConfiguration.from_template_and_values(
            template, IMAGE | (values or {}), client=AsyncMock()
        )
    )


@pytest.mark.usefixtures("outputs")
def test_job_runs_where_terraform_says() -> None:
    job = configure(make_template())

    definition, request = job.task_definition, job.task_run_request
    assert definition["family"] == "b3-pipeline-flow"
    assert definition["executionRoleArn"].endswith("role/execution")
    assert request["overrides"]["taskRoleArn"].endswith("role/flow-run")
    assert request["cluster"].endswith("cluster/b3-pipeline")
    assert request["propagateTags"] == "TASK_DEFINITION"
    assert job.vpc_id == "vpc-1"
    assert job.network_configuration == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "ENABLED",
    }


@pytest.mark.usefixtures("outputs")
def test_container_has_its_memory_image_and_a_scratch_volume_and_may_write_nowhere_else() -> None:
    (container,) = configure(make_template()).task_definition["containerDefinitions"]

    assert container["image"] == "repository:0123abc"
    assert container["memory"] == 2048
    assert container["readonlyRootFilesystem"] is True
    assert [mount["containerPath"] for mount in container["mountPoints"]] == ["/tmp"]


@pytest.mark.usefixtures("outputs")
def test_container_and_task_are_as_decided() -> None:
    job = configure(make_template())

    (container,) = job.task_definition["containerDefinitions"]
    assert container == {
        "image": "repository:0123abc",
        "name": "prefect",
        "essential": True,
        "memory": 2048,
        "readonlyRootFilesystem": True,
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp", "readOnly": False}],
        "linuxParameters": {"initProcessEnabled": True},
        "stopTimeout": 120,  # the longest that Fargate allows
        "secrets": [
            {
                "name": "PREFECT_API_KEY",
                "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:prefect-x",
            }
        ],
    }
    assert job.task_definition["volumes"] == [{"name": "scratch"}]
    assert (job.task_definition["cpu"], job.task_definition["memory"]) == (1024, 2048)
    assert job.task_run_request["launchType"] == "FARGATE"
    assert job.labels == {"project": "b3-pipeline"}
    assert job.configure_cloudwatch_logs is True
    assert job.cloudwatch_logs_options == {
        "awslogs-group": "/ecs/b3-pipeline/flow-runs",
        "awslogs-create-group": "false",
    }
    private = configure(make_template(assign_public_ip=False)).network_configuration
    assert private["assignPublicIp"] == "DISABLED"


@pytest.mark.usefixtures("outputs")
def test_run_outlives_an_api_that_is_gone_for_a_minute() -> None:
    env = configure(make_template()).env
    assert {name: value for name, value in env.items() if value is not None} == {
        "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR": "reschedule",
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_CLIENT_MAX_RETRIES": "6",
        "PREFECT_API_REQUEST_TIMEOUT": "30",
        "AWS_DEFAULT_REGION": "us-east-1",
        "B3_LAKE_BUCKET": "lake",
    }


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize("architecture", ["ARM64", "X86_64"])
def test_processor_is_a_variable(architecture: str) -> None:
    default = configure(make_template(cpu_architecture=architecture))
    override = configure(make_template(), {"cpu_architecture": architecture})

    for job in (default, override):
        assert job.task_definition["runtimePlatform"] == {
            "cpuArchitecture": architecture,
            "operatingSystemFamily": "LINUX",
        }


@pytest.mark.usefixtures("outputs")
def test_deployments_share_one_definition_that_is_looked_for_before_it_is_registered() -> None:
    job = configure(make_template())

    assert job.match_latest_revision_in_family is True
    assert job.cloudwatch_logs_prefix == "flow-run"
    assert job.cloudwatch_logs_options["awslogs-group"] == "/ecs/b3-pipeline/flow-runs"
    assert "env" not in str(job.task_definition).lower()


@pytest.fixture
def ecs() -> Iterator[Any]:
    """ECS as the local cloud answers: with all that AWS adds to what was registered."""
    with mock_aws(), installed(Mock()):
        yield boto3.client("ecs", region_name="us-east-1")


def definition_for(ecs: Any, job: Any) -> tuple[str, bool]:
    """Have a worker find or register the definition of a run; its ARN, and whether it is new."""
    worker, run = ECSWorker("b3-pipeline"), FlowRun(flow_id=uuid4(), deployment_id=uuid4())
    wanted = worker._prepare_task_definition(job, "us-east-1", run)
    found: tuple[str, bool] = worker._get_or_register_task_definition(
        logging.getLogger(), ecs, job, run, wanted
    )
    return found


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize("changes", [{}, {"prefect_auth": "none", "prefect_secret_arn": None}])
def test_a_worker_takes_the_definition_that_another_run_has_registered(
    ecs: Any, changes: dict[str, Any]
) -> None:
    job = configure(make_template(**changes))

    arn, is_new = definition_for(ecs, job)

    assert is_new
    assert definition_for(ecs, job) == (arn, False)


@pytest.mark.usefixtures("outputs")
def test_a_worker_registers_what_differs_from_the_latest_definition(ecs: Any) -> None:
    arn, _ = definition_for(ecs, configure(make_template()))

    changed, is_new = definition_for(ecs, configure(make_template(), {"memory": 4096}))

    assert is_new
    assert (arn.rpartition(":")[2], changed.rpartition(":")[2]) == ("1", "2")


@pytest.mark.usefixtures("outputs")
def test_a_worker_that_meets_another_at_the_first_registration_tries_again(
    ecs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PREFECT_INTEGRATIONS_AWS_ECS_WORKER_REGISTER_TASK_DEFINITION_MAX_DELAY_SECONDS", "0"
    )
    said = "Too many concurrent attempts to create a new revision of the specified family."
    refused = ClientError(
        {"Error": {"Code": "ClientException", "Message": said}}, "RegisterTaskDefinition"
    )
    register = Mock(side_effect=[refused, refused, DEFAULT])
    register.return_value = {"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:…:1"}}
    monkeypatch.setattr(ecs, "register_task_definition", register)

    assert definition_for(ecs, configure(make_template())) == ("arn:aws:ecs:…:1", True)


@pytest.mark.usefixtures("outputs")
def test_spot_interruption_reschedules_the_run() -> None:
    env = configure(make_template()).env
    assert env["PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"] == "reschedule"
    assert env["B3_LAKE_BUCKET"] == "lake"


@pytest.mark.usefixtures("outputs")
def test_a_run_has_one_setting_more_by_the_job_variable_that_the_docs_show() -> None:
    page = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"--job-variable '(env=[^']+)'", page)

    env = configure(make_template(), load_json_key_values([shown], "job variable")).env

    assert env["B3_USER_AGENT"].startswith("Mozilla/5.0 (")
    assert env["B3_LAKE_BUCKET"] == "lake"
    assert env["PREFECT_LOGGING_LEVEL"] == "INFO"


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize(
    ("auth", "variable"),
    [("api_key", "PREFECT_API_KEY"), ("auth_string", "PREFECT_API_AUTH_STRING")],
)
def test_credential_reaches_the_container_as_a_secret(auth: str, variable: str) -> None:
    job = configure(make_template(prefect_auth=auth))

    (container,) = job.task_definition["containerDefinitions"]
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prefect-x"
    assert container["secrets"] == [{"name": variable, "valueFrom": arn}]


@pytest.mark.usefixtures("outputs")
def test_server_without_authentication_needs_no_secret() -> None:
    job = configure(make_template(prefect_auth="none", prefect_secret_arn=None))
    assert job.task_definition["containerDefinitions"][0]["secrets"] == []


@pytest.mark.usefixtures("outputs")
def test_nothing_of_the_workers_own_settings_reaches_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers = {
        "PREFECT_API_URL": "http://prefect/api",
        "PREFECT_API_KEY": "pnu_workers",
        "PREFECT_API_AUTH_STRING": "user:password",
        "PREFECT_HOME": "/worker",
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    monkeypatch.setattr(
        ECSJobConfiguration, "_base_environment", staticmethod(lambda: dict(workers))
    )
    job = configure(make_template())

    job.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="run"))

    found = {name: value for name, value in job.env.items() if name in workers}
    assert found == {"PREFECT_API_URL": "http://prefect/api", "PREFECT_LOGGING_LEVEL": "INFO"}


@pytest.mark.usefixtures("outputs")
def test_prefects_default_is_not_changed_and_the_block_of_a_push_pool_is_referred_to() -> None:
    default = ECSWorker.get_default_base_job_template()
    before = str(default)

    template = base_job_template(default, load_deployment_settings(), "1234")

    assert str(default) == before
    credentials = template["variables"]["properties"]["aws_credentials"]
    assert credentials["default"] == {"$ref": {"block_document_id": "1234"}}


# By our template, beside the processor, which Prefect's knows nothing of.
SET = [
    "aws_credentials",
    "cloudwatch_logs_options",
    "cloudwatch_logs_prefix",
    "cluster",
    "configure_cloudwatch_logs",
    "container_name",
    "cpu",
    "env",
    "execution_role_arn",
    "family",
    "labels",
    "launch_type",
    "match_latest_revision_in_family",
    "memory",
    "network_configuration",
    "task_role_arn",
    "vpc_id",
]


def refusal_of(template: dict[str, Any], block_id: str | None = "1234") -> str:
    settings = load_deployment_settings().model_copy(update={"work_pool_type": "ecs:push"})
    with pytest.raises(NotConfiguredError) as refused:
        base_job_template(template, settings, block_id)
    return str(refused.value)


@pytest.mark.usefixtures("outputs")
def test_all_that_is_set_is_a_variable_of_prefects_template() -> None:
    default = ECSWorker.get_default_base_job_template()["variables"]["properties"]
    settings = load_deployment_settings().model_copy(update={"launch_type": "FARGATE_SPOT"})
    template = base_job_template(ECSWorker.get_default_base_job_template(), settings, "1234")
    ours = template["variables"]["properties"]
    changed = {name for name, value in ours.items() if value != default.get(name)}
    assert sorted(changed - {"cpu_architecture"}) == SET


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize("name", SET)
def test_each_variable_that_prefects_template_lacks_is_named(name: str) -> None:
    template = ECSWorker.get_default_base_job_template()
    del template["variables"]["properties"][name]
    assert refusal_of(template) == (
        f"Expected Prefect's template of a work pool of type ecs:push to have all that a run "
        f"needs, found it without the variable {name}. The template of ecs comes with the package "
        f"prefect-aws, whose version requirements.lock pins: install that; that of ecs:push comes "
        f"from Prefect Cloud: take a work pool of type ecs until this project knows its new form. "
        f"Nothing was changed in Prefect."
    )


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize(
    ("path", "named"),
    [
        (["task_run_request"], "the job's task_run_request."),
        (["env"], "the job's env."),
        (["task_definition"], "the job's task_definition.containerDefinitions.0."),
        (
            ["task_definition", "containerDefinitions"],
            "the job's task_definition.containerDefinitions.0.",
        ),
        (
            ["task_definition", "containerDefinitions", 0],
            "the job's task_definition.containerDefinitions.0.",
        ),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, list) else "",
)
def test_each_part_of_the_job_that_prefects_template_lacks_is_named(
    path: list[str | int], named: str
) -> None:
    template: Any = ECSWorker.get_default_base_job_template()
    part = template["job_configuration"]
    for step in path[:-1]:
        part = part[step]
    del part[path[-1]]
    assert f"found it without {named}" in refusal_of(template)


@pytest.mark.usefixtures("outputs")
def test_a_template_that_lacks_everything_is_told_of_everything_at_once() -> None:
    variables = ", ".join(f"the variable {name}" for name in SET)
    job = "the job's env, the job's task_definition.containerDefinitions.0, the job's task_run"
    assert f"found it without {variables}, {job}_request. " in refusal_of({})
    assert "aws_credentials" not in refusal_of({}, None)  # which a worker's pool needs none of


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize(
    "name", sorted(n for n, f in DeploymentSettings.model_fields.items() if f.is_required())
)
def test_missing_output_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(f"DEPLOY_{name.upper()}")
    with pytest.raises(NotConfiguredError, match=f"DEPLOY_{name.upper()}: Field required"):
        load_deployment_settings()


@pytest.mark.usefixtures("outputs")
def test_api_that_asks_for_a_key_needs_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEPLOY_PREFECT_SECRET_ARN")
    with pytest.raises(NotConfiguredError, match=r"names\s+no secret"):
        load_deployment_settings()


@pytest.mark.usefixtures("outputs")
def test_what_terraform_need_not_say_has_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_AUTH", "CPU_ARCHITECTURE"):
        monkeypatch.delenv(f"DEPLOY_{name}")
    found = load_deployment_settings()
    assert (found.prefect_auth, found.cpu_architecture) == ("api_key", "ARM64")
    assert (found.launch_type, found.cpu, found.memory) == ("FARGATE", 1024, 2048)
    assert found.credentials_block is None


def test_outputs_become_variables_lists_as_json_and_nulls_left_out() -> None:
    assert as_environment({"a": "x", "b": ["y"], "c": True, "d": None}) == {
        "DEPLOY_A": "x",
        "DEPLOY_B": '["y"]',
        "DEPLOY_C": "true",
    }
