"""`python -m deployments.verify --env NAME`: ask the real services what no test here can.

After a deployment. It changes nothing of the lake: it simulates rights, has one Glue run fail, runs
one task, and has Athena explain the saved queries.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import yaml  # type: ignore[import-untyped]
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.checks import check_prefect
from deployments.command import run_command
from deployments.environment import Environment, environment_file, read_environment
from deployments.schedules import PROJECT_FILE
from deployments.terraform import Terraform
from deployments.variables import read_outputs
from deployments.verdict import Verdict, as_table
from deployments.verify_rights import verify_rights
from deployments.verify_schedules import verify_schedules
from deployments.verify_services import (
    verify_alarms,
    verify_glue,
    verify_queries,
    verify_worker,
)
from deployments.verify_task import verify_task
from tasks.core.errors import NotConfiguredError

CHECKS = ("rights", "glue", "task", "queries", "alarms", "worker", "schedules")
Check = Callable[[], Iterator[Verdict]]


def checks(outputs: dict[str, Any], client: SyncPrefectClient, session: Any) -> dict[str, Check]:
    """Return what each of `CHECKS` asks.

    Args:
        outputs: Terraform's.
        client: Of Prefect's API.
        session: Session of boto3, in the deployment's region.
    """
    aws = session.client
    image = f"{outputs['repository_url']}:{outputs['image_tag']}"
    project = yaml.safe_load(PROJECT_FILE.read_text(encoding="utf-8"))
    return {
        "rights": lambda: verify_rights(outputs, aws("iam")),
        "glue": lambda: verify_glue(outputs, aws("glue")),
        "task": lambda: verify_task(outputs, image, client, aws("ecs"), aws("logs")),
        "queries": lambda: verify_queries(outputs, aws("athena")),
        "alarms": lambda: verify_alarms(outputs, aws("sns")),
        "worker": lambda: verify_worker(outputs, aws("ecs")),
        "schedules": lambda: verify_schedules(project, client),
    }


def run_checks(wanted: dict[str, Check]) -> list[Verdict]:
    """Run checks, one after another; one that cannot be done takes no other with it."""
    verdicts = []
    for name, check in wanted.items():
        print(f"Asking: {name} …", file=sys.stderr, flush=True)
        try:
            for each in check():
                verdicts.append(each)  # noqa: PERF402 - those before an error stay
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was found
            verdicts.append(Verdict(name, f"{type(error).__name__}: {error}", holds=None))
    return verdicts


def _outputs(name: str, environment: Environment, terraform: Terraform) -> dict[str, Any]:
    check_prefect(environment, is_block_needed=False)
    outputs = read_outputs(name, environment, terraform)
    if not outputs.get("image_tag"):
        raise NotConfiguredError(
            f"Expected a deployment of {name}, found no image in Terraform's state: "
            f"make deploy ENV={name}."
        )
    return outputs


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deployments.verify",
        description="Ask the real services whether a deployment is as it should be, and print a "
        "table. It takes some minutes and some cents. One run of Glue fails, and is meant to: the "
        "alarm tells of it.",
    )
    parser.add_argument(
        "--env",
        default="",
        metavar="NAME",
        help="deployments/environments/NAME.tfvars.json says which",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=CHECKS,
        default=CHECKS,
        metavar="CHECK",
        help=f"{', '.join(CHECKS)} (default: all, in this order)",
    )
    return parser.parse_args(argv)


def _verify(options: argparse.Namespace) -> int:
    path = environment_file(options.env)
    environment = read_environment(path)
    outputs = _outputs(options.env, environment, Terraform(options.env, path, environment))
    session = boto3.Session(region_name=environment.region)
    with (
        temporary_settings({PREFECT_API_URL: environment.prefect_api_url}),
        get_client(sync_client=True) as client,
    ):
        known = checks(outputs, client, session)
        verdicts = run_checks({name: known[name] for name in options.only})
    print(as_table(verdicts))
    held = sum(each.holds is True for each in verdicts)
    print(f"\n{held} of {len(verdicts)} hold.")
    return 0 if held == len(verdicts) else 1


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 1 when something does not hold or could not be told."""
    options = _parse(argv)
    return run_command(options.env, lambda: _verify(options))


if __name__ == "__main__":
    sys.exit(main())
