"""The task definition of flow runs, as a worker would register it at the first run."""

import asyncio
import uuid
from typing import Any

from prefect.client.schemas.objects import FlowRun, WorkPool
from prefect_aws.workers.ecs_worker import ECSJobConfiguration, ECSWorker


def register_task_definition(pool: WorkPool, image: str, ecs: Any) -> str:
    """Register what a worker would register, and return its ARN.

    A worker finds it and takes it; without it, it warns in the first run's log that there is none.

    Args:
        pool: The work pool.
        image: The deployments' image.
        ecs: Client of ECS.
    """
    return asyncio.run(_register(pool, image, ecs))


async def _register(pool: WorkPool, image: str, ecs: Any) -> str:
    configuration = await ECSJobConfiguration.from_template_and_values(
        pool.base_job_template, {"image": image}
    )
    # The pool names family and log group: which run asks makes no difference.
    definition = ECSWorker(pool.name)._prepare_task_definition(  # noqa: SLF001 - no other way in
        configuration, ecs.meta.region_name, FlowRun(flow_id=uuid.uuid4())
    )
    registered = ecs.register_task_definition(**definition)
    return str(registered["taskDefinition"]["taskDefinitionArn"])
