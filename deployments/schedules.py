"""Remove the schedules that `prefect.yaml` no longer names.

Prefect knows a schedule by its slug: deployed under another one it stays beside the new, and both
start runs. A schedule's `replaces` would rename it, but fails when the file is deployed once more.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound

PROJECT_FILE = Path(__file__).parents[1] / "prefect.yaml"


def remove_old_schedules(client: SyncPrefectClient, project: dict[str, Any]) -> list[str]:
    """Remove what a deployment has of schedules beside those that it is to have.

    One without a slug was made by somebody, not by a file, and stays.

    Args:
        client: Prefect's API.
        project: What `prefect.yaml` says.

    Returns:
        A line for each schedule that was removed.
    """
    removed: list[str] = []
    for wanted in project["deployments"]:
        slugs = {schedule["slug"] for schedule in wanted.get("schedules", [])}
        name = f"{wanted['name']}/{wanted['name']}"  # the flow has the deployment's name
        try:
            found = client.read_deployment_by_name(name)
        except ObjectNotFound:
            continue
        for schedule in found.schedules:
            if schedule.slug and schedule.slug not in slugs:
                client.delete_deployment_schedule(found.id, schedule.id)
                removed.append(f"{wanted['name']}: removed the schedule {schedule.slug}")
    return removed


def remove_all_old_schedules() -> list[str]:
    """Remove what `prefect.yaml` no longer names from the Prefect that is configured."""
    with get_client(sync_client=True) as client:
        return remove_old_schedules(client, yaml.safe_load(PROJECT_FILE.read_text()))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.schedules",
        description="Remove the schedules that prefect.yaml no longer names; safe to repeat.",
    )
    parser.parse_args(argv)
    for line in remove_all_old_schedules():
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
