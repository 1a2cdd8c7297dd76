"""`python -m deployments.deploy --env NAME`: bring an environment to what is checked out.

Everything is checked first; nothing is changed while something is wrong. Each step may be repeated,
so after a failure the same command goes on from there.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deployments.backend import warn_of_local_state
from deployments.checks import find_problems, prefect_credential
from deployments.command import run_command
from deployments.environment import Environment, environment_file, read_environment
from deployments.image import commit
from deployments.settings import check_outputs
from deployments.terraform import Terraform
from deployments.variables import PROJECT, deployment_variables
from deployments.work_pool import BLOCK_VARIABLE
from tasks.core.errors import NotConfiguredError


@dataclass(frozen=True)
class Step:
    """One step of a deployment.

    Attributes:
        title: What it does.
        do: Does it.
    """

    title: str
    do: Callable[[], None]


@dataclass
class Deployment:
    """A deployment of one image to one environment.

    Attributes:
        environment: Where to.
        terraform: Its infrastructure.
        tag: The image's tag.
        is_pushed: Whether the image is in the registry.
        is_approved: Whether Terraform need not ask.
        is_infrastructure_only: Whether to stop once the infrastructure is there.
    """

    environment: Environment
    terraform: Terraform
    tag: str
    is_pushed: bool
    is_approved: bool
    is_infrastructure_only: bool = False
    _variables: dict[str, str] = field(default_factory=dict)

    def steps(self) -> list[Step]:
        """Return the steps, in order."""
        module, python = self._run_module, f"in {self.environment.work_pool_name}"
        infrastructure = [Step("Apply the infrastructure (terraform apply)", self._apply)]
        if self.is_infrastructure_only:
            return infrastructure
        image = [
            Step(f"Build the image {self.tag}", lambda: module("deployments.image", "build")),
            Step(f"Push the image {self.tag}", lambda: module("deployments.image", "push")),
        ]
        pool = [Step("Create or update the work pool", lambda: module("deployments.work_pool"))]
        worker = [Step(f"Start the worker on image {self.tag} (terraform apply)", self._apply_tag)]
        prefect = [
            Step(
                f"Deploy every flow {python} (prefect deploy --all)",
                lambda: module("prefect", "--no-prompt", "deploy", "--all"),
            ),
            Step("Remove schedules of before", lambda: module("deployments.schedules")),
            Step("Create or update the automations", lambda: module("deployments.automations")),
        ]
        if self.is_pushed:
            return [*infrastructure, *pool, *prefect]
        return [*infrastructure, *image, *pool, *worker, *prefect]

    def describe_end(self, name: str) -> str:
        """Return what is said when all steps are done, and what is next."""
        if not self.is_infrastructure_only:
            verify = f".venv/bin/python -m deployments.verify --env {name}"
            return f"Deployed {self.tag} to {name}.\nNext: {verify}"
        told = f"The infrastructure of {name} is there; nothing else was deployed.\n"
        if user := self.terraform.outputs().get("submitter_user_name"):
            told += f"Prefect Cloud acts as {user}: make its key (aws iam create-access-key "
            told += f"--user-name {user}), keep it in a block, named in {BLOCK_VARIABLE}.\n"
        if self.environment.is_prefect_here and not self.environment.local_cloud:
            return f"{told}Next: .venv/bin/python -m deployments.variables --env {name}"
        return f"{told}Next: make deploy ENV={name}"

    def _apply(self) -> None:
        self.terraform.prepare()
        running = self.terraform.outputs().get("image_tag")
        is_tag_taken = self.is_pushed and not self.is_infrastructure_only
        self.terraform.apply(self.tag if is_tag_taken else running, is_approved=self.is_approved)
        outputs = self.terraform.outputs()
        check_outputs(outputs)
        self._variables = deployment_variables(outputs, self.environment, self.tag)

    def _apply_tag(self) -> None:
        self.terraform.apply(self.tag, is_approved=self.is_approved)

    def _run_module(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        subprocess.run(  # noqa: S603
            command, env=os.environ | self._variables, cwd=PROJECT, check=True
        )


def plan(
    name: str, tag: str, *, is_approved: bool, is_infrastructure_only: bool = False
) -> Deployment:
    """Check everything, and return what is to be done.

    Raises:
        NotConfiguredError: Something is wrong; the message lists all of it. Nothing was changed.
    """
    path = environment_file(name)
    environment = read_environment(path)
    tool = os.environ.get("CONTAINER_TOOL", "")
    problems, is_pushed = find_problems(
        name, environment, tag, tool, is_infrastructure_only=is_infrastructure_only
    )
    if problems:
        raise NotConfiguredError(
            "\n\n".join([*problems, f"Nothing was changed in {name}: mend this, and run it again."])
        )
    credential = prefect_credential(environment)
    if credential is not None:
        # The one that Prefect has just let in, whatever an earlier deployment has left here.
        os.environ["TF_VAR_prefect_credential"] = credential  # noqa: SIM112 - Terraform has it so
    terraform = Terraform(name, path, environment)
    return Deployment(environment, terraform, tag, is_pushed, is_approved, is_infrastructure_only)


def run_steps(steps: Sequence[Step]) -> None:
    """Run the steps in order, up to the first that fails."""
    for number, step in enumerate(steps, start=1):
        print(f"\n{number}/{len(steps)} {step.title}", flush=True)
        step.do()


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deployments.deploy",
        description="Bring an environment to what is checked out: infrastructure, image, work "
        "pool, deployments, automations. Safe to repeat.",
    )
    parser.add_argument(
        "--env",
        default="",
        metavar="NAME",
        help="deployments/environments/NAME.tfvars.json says where to; without it the command says "
        "which there are",
    )
    parser.add_argument(
        "--image-tag",
        default=os.environ.get("IMAGE_TAG"),
        metavar="COMMIT",
        help="image to deploy, e.g. an earlier one (default: IMAGE_TAG, else the commit here)",
    )
    parser.add_argument(
        "--auto-approve", action="store_true", help="let Terraform change things without asking"
    )
    parser.add_argument(
        "--infrastructure",
        action="store_true",
        help="stop once the infrastructure is there: a push pool's user is made before its key",
    )
    parser.add_argument("--dry-run", action="store_true", help="check, list the steps, and stop")
    return parser.parse_args(argv)


def _deploy(options: argparse.Namespace) -> int:
    deployment = plan(
        options.env,
        options.image_tag or commit(),
        is_approved=options.auto_approve,
        is_infrastructure_only=options.infrastructure,
    )
    if warning := warn_of_local_state(deployment.environment, options.env):
        print(warning, file=sys.stderr)
    if options.dry_run:
        for number, step in enumerate(deployment.steps(), start=1):
            print(f"{number}. {step.title}")
        print(f"Every check holds. Nothing was changed in {options.env}.")
        return 0
    run_steps(deployment.steps())
    print(f"\n{deployment.describe_end(options.env)}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 1 when something is wrong or a step fails, 130 when interrupted."""
    options = _parse(argv)
    return run_command(options.env, lambda: _deploy(options))


if __name__ == "__main__":
    sys.exit(main())
