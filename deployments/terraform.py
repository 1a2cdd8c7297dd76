"""Terraform, run for one environment in a workspace of its own."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.core.errors import NotConfiguredError

DIRECTORY = Path(__file__).parents[1] / "infra" / "terraform"


class Terraform:
    """Terraform's commands for an environment.

    Attributes:
        workspace: The environment's name.
    """

    def __init__(self, workspace: str, variables_file: Path) -> None:
        self.workspace = workspace
        self._variables_file = variables_file

    def prepare(self) -> None:
        """Install the provider, and make the workspace where it is missing."""
        self._run("init", "-input=false")
        self._run("workspace", "select", "-or-create", self.workspace)

    def apply(self, image_tag: str | None, *, is_approved: bool) -> None:
        """Apply everything.

        Args:
            image_tag: What the worker runs; None for no worker yet.
            is_approved: Whether to go on without asking.
        """
        tag = [f"-var=image_tag={image_tag}"] if image_tag else []
        approval = ["-auto-approve"] if is_approved else []
        self._run("apply", f"-var-file={self._variables_file}", *tag, *approval)

    def outputs(self) -> dict[str, Any]:
        """Return the outputs, `{name: value}`; none before the first apply.

        Raises:
            NotConfiguredError: Terraform cannot read its state.
        """
        environment = os.environ | {"TF_WORKSPACE": self.workspace}
        command = ["terraform", f"-chdir={DIRECTORY}", "output", "-json"]
        done = subprocess.run(  # noqa: S603
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NotConfiguredError(
                f"Terraform has no outputs for {self.workspace}: {done.stderr.strip()}"
            )
        return {name: each["value"] for name, each in json.loads(done.stdout).items()}

    def _run(self, *arguments: str) -> None:
        command: Sequence[str] = ["terraform", f"-chdir={DIRECTORY}", *arguments]
        subprocess.run(command, check=True)  # noqa: S603
