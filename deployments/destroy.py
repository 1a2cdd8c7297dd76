"""`python -m deployments.destroy --env NAME`: take down what Terraform has made.

The lake's data is deleted only where that is said. Each step may be repeated: after a failure, or a
kill, the same command goes on from there. Prefect is neither asked nor changed.
"""

import argparse
import shlex
import sys
from dataclasses import dataclass, field
from typing import Any

import boto3
import yaml  # type: ignore[import-untyped]

from deployments.automations import TAG
from deployments.backend import check_state, state_place, warn_of_local_state
from deployments.checks import check_account, check_terraform
from deployments.command import run_command
from deployments.environment import Environment, environment_file, read_environment
from deployments.holdings import Holding, describe_holdings, find_holdings
from deployments.schedules import PROJECT_FILE
from deployments.terraform import Terraform
from tasks.core.errors import InvalidInputError

_LAKE = "module.lake_bucket.aws_s3_bucket.this"
# What goes with all that it holds: it can be made again. Beside them the lake, where that is said.
_MADE_AGAIN = (
    "module.results_bucket.aws_s3_bucket.this",
    "module.athena.aws_athena_workgroup.this",
    "module.registry.aws_ecr_repository.this",
    "module.secret[0].aws_secretsmanager_secret.this",
)


@dataclass(frozen=True)
class Destruction:
    """What there is to take down.

    Attributes:
        name: The environment's name.
        environment: The environment.
        terraform: Its infrastructure.
        addresses: The resources that the state has.
        lake: Name of the lake's bucket; None where there is none any more.
        holdings: What the lake holds.
    """

    name: str
    environment: Environment
    terraform: Terraform
    addresses: list[str] = field(default_factory=list)
    lake: str | None = None
    holdings: dict[str, Holding] = field(default_factory=dict)

    def check_data(self, *, is_deleted: bool) -> None:
        """Say what data would be lost, and refuse where nobody has said that it may be.

        Raises:
            InvalidInputError: The lake holds data, and it is not to be deleted.
        """
        if not self.holdings:
            return
        told = f"The lake {self.lake} holds data:\n{describe_holdings(self.holdings)}"
        if is_deleted:
            print(f"{told}\nIt is deleted for good, with its commits.\n", flush=True)
            return
        raise InvalidInputError(
            f"{told}\nWhat B3 shows for a day only cannot be had again. Nothing was changed in "
            f"{self.name}. To keep a copy: `aws s3 sync s3://{self.lake} lake-of-{self.name}`. To "
            f"delete it with all else: --delete-data (make destroy ENV={self.name} DELETE_DATA=1)."
        )

    def run(self, *, with_lake: bool, is_approved: bool) -> None:
        """Take everything down."""
        held = [each for each in (*_MADE_AGAIN, _LAKE) if each in self.addresses]
        if held:
            print("\n1/2 Let go with what it holds (terraform apply): " + ", ".join(held))
            print("    Nothing is deleted yet.", flush=True)
            self.terraform.allow_deletion(held, with_lake=with_lake)
        print("\n2/2 Destroy everything (terraform destroy)", flush=True)
        self.terraform.destroy(with_lake=with_lake, is_approved=is_approved)


def look(name: str) -> Destruction:
    """Check everything, and return what there is to take down; nothing is changed.

    Raises:
        NotConfiguredError: The environment, Terraform, AWS's credentials or the state are missing.
        InvalidInputError: The credentials are another account's.
    """
    path = environment_file(name)
    environment = read_environment(path)
    check_terraform()
    check_account(environment)
    check_state(environment, name)
    if warning := warn_of_local_state(environment, name):
        print(warning, file=sys.stderr)
    terraform = Terraform(name, path, environment)
    terraform.initialize()
    resources = terraform.resources() if terraform.has_workspace() else {}
    lake = resources.get(_LAKE, {}).get("bucket")
    s3: Any = boto3.client("s3", region_name=environment.region)
    holdings = find_holdings(lake, s3) if lake else {}
    return Destruction(name, environment, terraform, list(resources), lake, holdings)


def describe_rest(name: str, environment: Environment) -> str:
    """Return what stays, and how it is removed."""
    project = yaml.safe_load(PROJECT_FILE.read_text())
    deployments = [each["name"] for each in project["deployments"]]
    commands = [
        *(f"prefect deployment delete {each}/{each}" for each in deployments),
        f"prefect work-pool delete {shlex.quote(environment.work_pool_name)}",
        f"prefect automation ls  # for each whose name begins with `{TAG}:`, its id:",
        "prefect automation delete --id ID",
        "prefect block ls  # for those that you made for it, such as slack-webhook/alerts:",
        "prefect block delete TYPE/NAME",
    ]
    lines = "\n".join(f"  {command}" for command in commands)
    return (
        f"In Prefect ({environment.prefect_api_url}) the deployments, the work pool, the "
        f"automations and your blocks stay, until you delete them:\n{lines}\n"
        f"Terraform's state of {name}, which is empty now, lies in "
        f"{state_place(environment, name)}."
    )


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deployments.destroy",
        description="Take down what Terraform has made of an environment. Refused while the lake "
        "holds data, unless told otherwise. Needs no key of Prefect's. Safe to repeat.",
    )
    parser.add_argument(
        "--env",
        default="",
        metavar="NAME",
        help="deployments/environments/NAME.tfvars.json says what",
    )
    parser.add_argument("--delete-data", action="store_true", help="delete the lake's data as well")
    parser.add_argument("--auto-approve", action="store_true", help="do not ask before destroying")
    parser.add_argument("--dry-run", action="store_true", help="say what there is, and stop")
    return parser.parse_args(argv)


def _destroy(options: argparse.Namespace) -> int:
    name = options.env
    found = look(name)
    if not found.addresses:
        print(
            f"\nThere is nothing to destroy: Terraform's state of {name} has no resources. Should "
            f"the account have some all the same, that state is lost: see docs/OPERATIONS.md."
        )
    else:
        print(f"\nTerraform's state of {name} has {len(found.addresses)} resources.")
        found.check_data(is_deleted=options.delete_data)
        if options.dry_run:
            print(f"Nothing was changed in {name}.")
            return 0
        found.run(with_lake=options.delete_data, is_approved=options.auto_approve)
        print(f"\nDestroyed {name}.")
    print(describe_rest(name, found.environment))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 1 when it is refused or a step fails, 130 when interrupted."""
    options = _parse(argv)
    return run_command(options.env, lambda: _destroy(options))


if __name__ == "__main__":
    sys.exit(main())
