"""`python -m deployments.work_pool`: create the work pool, or bring it up to date."""

import argparse
import asyncio
import sys
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from deployments.settings import DeploymentSettings, load_deployment_settings
from deployments.template import base_job_template
from tasks.core.errors import InvalidInputError, NotConfiguredError

_DESCRIPTION = "Runs the flows as tasks on AWS ECS."
_PUSH = "ecs:push"
BLOCK_VARIABLE = "DEPLOY_CREDENTIALS_BLOCK"
_USER = (
    "The key is that of a user that Terraform makes: `make deploy ENV=name INFRASTRUCTURE=1` makes "
    "it, names it, and stops there."
)


def find_pool(client: SyncPrefectClient, name: str, pool_type: str) -> WorkPool | None:
    """Return the pool, or None where there is none.

    Raises:
        InvalidInputError: A pool of this name has another type.
    """
    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        return None
    if pool.type != pool_type:
        raise InvalidInputError(
            f"Expected work pool {name!r} to be of type {pool_type}, found {pool.type}. A pool "
            f"keeps its type: set another work_pool_name, or delete it and its runs with "
            f"`prefect work-pool delete {name}`."
        )
    return pool


def ensure_work_pool(client: SyncPrefectClient, settings: DeploymentSettings) -> str:
    """Make the pool what the settings say; safe to repeat.

    Returns:
        `created`, `updated` or `unchanged`.

    Raises:
        InvalidInputError: A pool of this name has another type.
        NotConfiguredError: The block with the credentials of a push pool is not there.
    """
    name, pool_type = settings.work_pool_name, settings.work_pool_type
    pool = find_pool(client, name, pool_type)
    block_id = find_credentials_block(client, pool_type, settings.credentials_block)
    template = base_job_template(_default_template(pool_type), settings, block_id)
    if pool is None:
        client.create_work_pool(
            WorkPoolCreate(
                name=name, type=pool_type, description=_DESCRIPTION, base_job_template=template
            )
        )
        return "created"
    if pool.base_job_template == template:
        return "unchanged"
    client.update_work_pool(
        name, WorkPoolUpdate(description=_DESCRIPTION, base_job_template=template)
    )
    return "updated"


def _default_template(pool_type: str) -> dict[str, Any]:
    template = asyncio.run(get_default_base_job_template_for_infrastructure_type(pool_type))
    if template is None:
        raise NotConfiguredError(
            f"Prefect knows no work pool of type {pool_type!r} here: an ecs pool needs the package "
            f"prefect-aws, an {_PUSH} pool needs Prefect Cloud."
        )
    return template


def find_credentials_block(
    client: SyncPrefectClient, pool_type: str, name: str | None
) -> str | None:
    """Return the id of the block that a push pool acts with; a worker's pool needs none.

    Raises:
        NotConfiguredError: It is needed and is not there.
    """
    if pool_type != _PUSH:
        return None
    if name is None:
        raise NotConfiguredError(
            f"An {_PUSH} pool acts with an access key, which Prefect Cloud keeps in a block: "
            f"create a block of type AWS Credentials and put its name into {BLOCK_VARIABLE}. "
            f"{_USER}"
        )
    try:
        return str(client.read_block_document_by_name(name, "aws-credentials").id)
    except ObjectNotFound as error:
        raise NotConfiguredError(
            f"Expected a block aws-credentials/{name} ({BLOCK_VARIABLE}), found none: create it in "
            f"the dashboard. {_USER}"
        ) from error


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 1 and say why when the pool cannot be what it should."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.work_pool",
        description="Create the ECS work pool or bring it up to date; safe to repeat.",
        epilog="The settings are variables DEPLOY_…, the outputs of infra/terraform.",
    )
    parser.parse_args(argv)
    try:
        settings = load_deployment_settings()
        with get_client(sync_client=True) as client:
            done = ensure_work_pool(client, settings)
    except (InvalidInputError, NotConfiguredError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Work pool {settings.work_pool_name} ({settings.work_pool_type}): {done}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
