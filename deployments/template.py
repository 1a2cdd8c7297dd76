"""The work pool's base job template: Prefect's default, and what our tasks need beside it.

What is particular to this cloud becomes the default of a variable, so that the dashboard shows
it and a deployment may override it; what must always hold is written into the job itself.
"""

import copy
from collections.abc import Iterable
from typing import Any

from prefect.settings import Settings
from pydantic_settings import BaseSettings

from deployments.settings import SECRET_VARIABLES, DeploymentSettings
from tasks.core.errors import NotConfiguredError

CONTAINER_NAME = "prefect"
LOG_PREFIX = "flow-run"
_SCRATCH_PATH = "/tmp"  # noqa: S108 - in the container, on a volume of its own
_LONGEST_STOP_SECONDS = 120  # what Fargate allows, and Spot announces
_PROJECT_LABEL = "project"

# What is written into the job, beside the variables.
_PARTS: tuple[tuple[str | int, ...], ...] = (
    ("env",),
    ("task_definition", "containerDefinitions", 0),
    ("task_run_request",),
)

# What a run gets of the settings of the worker that starts it; Prefect would hand on all of them.
_FROM_THE_WORKER = {"PREFECT_API_URL"}


def base_job_template(
    default: dict[str, Any], settings: DeploymentSettings, credentials_block_id: str | None = None
) -> dict[str, Any]:
    """Return the pool's template.

    Args:
        default: Prefect's template for this type of pool.
        settings: The cloud.
        credentials_block_id: Id of the block that an ecs:push pool acts with.

    Raises:
        NotConfiguredError: The template lacks what a run of ours needs; the message names it all.
    """
    defaults = _defaults(settings)
    if credentials_block_id:
        defaults["aws_credentials"] = {"$ref": {"block_document_id": credentials_block_id}}
    _check(default, defaults, settings.work_pool_type)
    template = copy.deepcopy(default)
    properties = template["variables"]["properties"]
    for name, value in defaults.items():
        properties[name]["default"] = value
    properties["cpu_architecture"] = {
        "title": "CPU architecture",
        "description": "Processor that the image is built for.",
        "type": "string",
        "enum": ["ARM64", "X86_64"],
        "default": settings.cpu_architecture,
    }
    job = template["job_configuration"]
    # Nulls take away; what the variable `env` holds comes on top of them.
    job["env"] = dict.fromkeys(sorted(_setting_names(Settings) - _FROM_THE_WORKER))
    job["task_definition"] |= {
        "runtimePlatform": {
            "cpuArchitecture": "{{ cpu_architecture }}",
            "operatingSystemFamily": "LINUX",
        },
        "volumes": [{"name": "scratch"}],
        # ECS answers with it; a worker that finds a difference registers a revision a run.
        "enableFaultInjection": False,
    }
    job["task_definition"]["containerDefinitions"][0] |= _container(settings)
    job["task_run_request"]["propagateTags"] = "TASK_DEFINITION"
    return template


def _check(template: dict[str, Any], names: Iterable[str], pool_type: str) -> None:
    """See that the template has what we set: what it lacks would be left out of runs in silence."""
    properties = _part(template, "variables", "properties")
    missing = [f"the variable {name}" for name in sorted(names) if name not in properties]
    missing += [
        f"the job's {'.'.join(map(str, path))}"
        for path in _PARTS
        if not _part(template, "job_configuration", *path)
    ]
    if missing:
        raise NotConfiguredError(
            f"Expected Prefect's template of a work pool of type {pool_type} to have all that a "
            f"run needs, found it without {', '.join(missing)}. The template of ecs comes with the "
            f"package prefect-aws, whose version requirements.lock pins: install that; that of "
            f"ecs:push comes from Prefect Cloud: take a work pool of type ecs until this project "
            f"knows its new form. Nothing was changed in Prefect."
        )


def _part(template: Any, *path: str | int) -> Any:
    """Return what lies at a path, or an empty dict where nothing does."""
    for step in path:
        try:
            template = template[step]
        except (KeyError, IndexError, TypeError):
            return {}
    return template


def _defaults(settings: DeploymentSettings) -> dict[str, Any]:
    return {
        "cluster": settings.cluster_arn,
        "family": settings.task_family_prefix,
        "container_name": CONTAINER_NAME,
        "launch_type": settings.launch_type,
        "cpu": settings.cpu,
        "memory": settings.memory,
        "execution_role_arn": settings.execution_role_arn,
        "task_role_arn": settings.flow_run_role_arn,
        "vpc_id": settings.vpc_id,
        "network_configuration": {
            "subnets": settings.subnet_ids,
            "securityGroups": [settings.security_group_id],
            "assignPublicIp": "ENABLED" if settings.assign_public_ip else "DISABLED",
        },
        "configure_cloudwatch_logs": True,
        # The deployment's id in the log's prefix would make every deployment's definition differ.
        "cloudwatch_logs_prefix": LOG_PREFIX,
        "cloudwatch_logs_options": {
            "awslogs-group": settings.flow_run_log_group,
            "awslogs-create-group": "false",
        },
        "match_latest_revision_in_family": True,
        "labels": {_PROJECT_LABEL: settings.work_pool_name},
        "env": _environment(settings),
    }


def _environment(settings: DeploymentSettings) -> dict[str, str]:
    return {
        # A Spot interruption is no failure: the run starts again in another task.
        "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR": "reschedule",
        # At DEBUG a run sends more than a hundred lines to Prefect's API.
        "PREFECT_LOGGING_LEVEL": "INFO",
        # As `flows/__init__.py` has it, which a run imports after Prefect: an API that is gone for
        # a minute is survived, one that is gone for good ends the run.
        "PREFECT_CLIENT_MAX_RETRIES": "6",
        "PREFECT_API_REQUEST_TIMEOUT": "30",
        **settings.flow_environment,
    }


def _container(settings: DeploymentSettings) -> dict[str, Any]:
    secret = SECRET_VARIABLES.get(settings.prefect_auth)
    return {
        "essential": True,
        "memory": "{{ memory }}",
        "readonlyRootFilesystem": True,
        "mountPoints": [
            {"sourceVolume": "scratch", "containerPath": _SCRATCH_PATH, "readOnly": False}
        ],
        "linuxParameters": {"initProcessEnabled": True},
        "stopTimeout": _LONGEST_STOP_SECONDS,
        # Here, and not in the pool's field of that name: the worker would then have to hold the
        # key too, even where another one starts the task.
        "secrets": [{"name": secret, "valueFrom": settings.prefect_secret_arn}] if secret else [],
    }


def _setting_names(model: type[BaseSettings]) -> set[str]:
    """Return the environment variables of Prefect's settings."""
    names = set()
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
            names |= _setting_names(field.annotation)
        else:
            names.add(f"{model.model_config.get('env_prefix')}{name}".upper())
    return names
