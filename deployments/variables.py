"""`python -m deployments.variables --env NAME`: a deployment's variables, for a shell to load.

With them `prefect deploy`, the flows, views and notebooks of this machine work on the deployment.
It writes a file here and changes nothing there.
"""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from deployments.backend import check_state
from deployments.checks import check_account, check_terraform
from deployments.command import run_command
from deployments.environment import Environment, environment_file, read_environment
from deployments.image import commit
from deployments.settings import as_environment, check_outputs
from deployments.terraform import Terraform
from tasks.core.errors import NotConfiguredError

PROJECT = Path(__file__).parents[1]
FOLDER = Path(".local")  # which git does not know
_WORKING_DIRECTORY = "/app"  # WORKDIR of the Dockerfile


def deployment_variables(
    outputs: dict[str, Any], environment: Environment, tag: str
) -> dict[str, str]:
    """Return what `prefect.yaml` and the modules of a deployment read from the environment.

    Args:
        outputs: Terraform's.
        environment: Where they are of.
        tag: Of the image that flow runs are to run.
    """
    return {
        **as_environment(outputs),
        "AWS_DEFAULT_REGION": environment.region,
        "PREFECT_API_URL": environment.prefect_api_url,
        "DEPLOY_IMAGE": f"{outputs['repository_url']}:{tag}",
        # On one machine tasks are processes, which run what is checked out.
        "DEPLOY_WORKING_DIRECTORY": str(PROJECT) if environment.local_cloud else _WORKING_DIRECTORY,
        "CONTAINER_TOOL": os.environ.get("CONTAINER_TOOL", ""),
    }


def read_outputs(name: str, environment: Environment, terraform: Terraform) -> dict[str, Any]:
    """Return Terraform's outputs of an environment that is there; nothing is changed.

    Raises:
        NotConfiguredError: Nothing was deployed, or something to look with is missing.
        InvalidInputError: The AWS credentials are another account's.
    """
    check_terraform()
    check_account(environment)
    check_state(environment, name)
    terraform.initialize()
    outputs = terraform.outputs() if terraform.has_workspace() else {}
    if not outputs:
        raise NotConfiguredError(
            f"Expected a deployment of {name}, found nothing in Terraform's state: make deploy "
            f"ENV={name}; or, where it was deployed from another machine, its state lies there: "
            f"have {FOLDER / name}.env from whoever deployed it."
        )
    check_outputs(outputs)
    return outputs


def write_variables(file: Path, variables: dict[str, str]) -> None:
    """Write a file of `NAME=value`, quoted for a shell; the one before is replaced in one step."""
    file.parent.mkdir(exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
    part.write_text("".join(lines), encoding="utf-8")
    part.replace(file)


def _write(name: str, folder: Path) -> int:
    path = environment_file(name)
    environment = read_environment(path)
    outputs = read_outputs(name, environment, Terraform(name, path, environment))
    # The image that runs there; before the first one, that of the commit.
    tag = outputs.get("image_tag") or commit()
    variables = deployment_variables(outputs, environment, tag) | outputs["flow_environment"]
    file = folder / f"{name}.env"
    write_variables(file, variables)
    print(f"Wrote {len(variables)} variables. To load them: set -a; . {file}; set +a")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.variables",
        description=f"Write the variables of a deployment to {FOLDER}/NAME.env, for a shell to "
        "load: then prefect deploy, the flows and a notebook work on it. There is no secret among "
        "them, and nothing is changed.",
    )
    parser.add_argument(
        "--env",
        default="",
        metavar="NAME",
        help="deployments/environments/NAME.tfvars.json says which",
    )
    name = parser.parse_args(argv).env
    return run_command(name, lambda: _write(name, FOLDER))


if __name__ == "__main__":
    sys.exit(main())
