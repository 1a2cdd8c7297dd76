"""The task definition of flow runs, registered before the first of them."""

import asyncio
import uuid
from typing import Any

import boto3
from prefect.client.schemas.objects import FlowRun, WorkPool
from prefect_aws.workers.ecs_worker import ECSJobConfiguration, ECSWorker


def register_task_definition(pool: WorkPool, image: str, connection: dict[str, str]) -> None:
    """Register what a worker would register at the first run.

    The worker finds it and takes it; without it, it warns in the run's log that there is none.

    Args:
        pool: The work pool.
        image: The deployments' image.
        connection: The arguments of `boto3.client`: endpoint and credentials.
    """
    asyncio.run(_register(pool, image, connection))


async def _register(pool: WorkPool, image: str, connection: dict[str, str]) -> None:
    configuration = await ECSJobConfiguration.from_template_and_values(
        pool.base_job_template, {"image": image}
    )
    # The pool names family and log group: which run asks makes no difference.
    definition = ECSWorker(pool.name)._prepare_task_definition(  # noqa: SLF001 - no other way in
        configuration, connection["region_name"], FlowRun(flow_id=uuid.uuid4())
    )
    clients: Any = boto3
    clients.client("ecs", **connection).register_task_definition(**definition)
