"""What the cloud's infrastructure tells Prefect's side: Terraform's outputs, by environment.

The output `cluster_arn` is the variable `DEPLOY_CLUSTER_ARN`, and so on; lists and maps are JSON.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.core.errors import NotConfiguredError

PREFIX = "DEPLOY_"
SECRET_VARIABLES = {"api_key": "PREFECT_API_KEY", "auth_string": "PREFECT_API_AUTH_STRING"}


class DeploymentSettings(BaseSettings):
    """Where flow runs run: `DEPLOY_` and the field's name, in upper case."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, env_ignore_empty=True, extra="ignore"
    )

    work_pool_name: str = Field(min_length=1, description="Name of the work pool.")
    work_pool_type: Literal["ecs", "ecs:push"] = Field(description="Type of the work pool.")
    region: str = Field(description="AWS region of everything.")
    cluster_arn: str = Field(pattern=r"^arn:", description="ECS cluster that runs tasks.")
    task_family_prefix: str = Field(min_length=1, description="Family of the task definition.")
    execution_role_arn: str = Field(pattern=r"^arn:", description="Role that starts containers.")
    flow_run_role_arn: str = Field(pattern=r"^arn:", description="Role that flow runs act as.")
    vpc_id: str = Field(min_length=1, description="VPC of the tasks.")
    subnet_ids: list[str] = Field(min_length=1, description="Subnets of the tasks.")
    security_group_id: str = Field(min_length=1, description="Security group of the tasks.")
    assign_public_ip: bool = Field(description="Whether tasks need a public address.")
    flow_run_log_group: str = Field(min_length=1, description="Log group of the flow runs.")
    lake_bucket: str = Field(min_length=1, description="Bucket of the lake, with its inbox.")
    flow_environment: dict[str, str] = Field(description="The flows' settings: `B3_` and AWS's.")
    prefect_auth: Literal["api_key", "auth_string", "none"] = Field(
        default="api_key", description="What Prefect's API asks for."
    )
    prefect_secret_arn: str | None = Field(
        default=None, description="Secret with Prefect's credential."
    )
    cpu_architecture: Literal["ARM64", "X86_64"] = Field(
        default="ARM64", description="Processor that the image is built for."
    )
    launch_type: Literal["FARGATE", "FARGATE_SPOT"] = Field(
        default="FARGATE", description="Spot is cheaper, and a task may be interrupted."
    )
    cpu: int = Field(default=1024, description="CPU units of a task; 1,024 are one processor.")
    memory: int = Field(default=2048, description="Memory of a task, in MiB.")
    credentials_block: str | None = Field(
        default=None, description="AwsCredentials block that an ecs:push pool acts with."
    )


def load_deployment_settings() -> DeploymentSettings:
    """Read the settings from the environment.

    Raises:
        NotConfiguredError: Something is missing or malformed; the message names each.
    """
    try:
        settings = DeploymentSettings()
    except ValidationError as error:
        problems = "\n".join(
            f"  {PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()
        )
        raise NotConfiguredError(
            f"Not configured:\n{problems}\nThese are the outputs of infra/terraform: "
            f"`python -m deployments.deploy --env NAME` hands them on."
        ) from error
    if settings.prefect_auth != "none" and settings.prefect_secret_arn is None:
        raise NotConfiguredError(
            f"Prefect's API asks for {settings.prefect_auth}, and {PREFIX}PREFECT_SECRET_ARN names "
            f"no secret with it: apply infra/terraform, or set prefect_auth to none."
        )
    return settings


def as_environment(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Turn Terraform's outputs, `{name: value}`, into environment variables; nulls are left out."""
    return {
        f"{PREFIX}{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in outputs.items()
        if value is not None
    }


def check_outputs(outputs: dict[str, Any]) -> None:
    """See that Terraform's outputs are all that the other steps need.

    Raises:
        NotConfiguredError: Some are missing or malformed; the message names each.
    """
    given = {name: value for name, value in outputs.items() if value is not None}
    try:
        DeploymentSettings.model_validate(given)
    except ValidationError as error:
        names = ", ".join(str(e["loc"][0]) for e in error.errors())
        raise NotConfiguredError(
            f"Expected outputs of infra/terraform, found these missing or malformed: {names}. "
            f"Apply the infra/terraform that is checked out here."
        ) from error
    if not given.get("repository_url"):
        raise NotConfiguredError(
            "Expected an output repository_url of infra/terraform, found none. Apply the "
            "infra/terraform that is checked out here."
        )
