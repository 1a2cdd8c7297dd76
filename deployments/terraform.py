"""Terraform, run for one environment: in a workspace, a state and a data directory of its own.

Terraform keeps what backend and workspace it works with in its data directory. With one for each
environment a command never meets another environment's state, even at the same moment.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from deployments.environment import Environment
from tasks.core.errors import NotConfiguredError

DIRECTORY = Path(__file__).parents[1] / "infra" / "terraform"
# Where every file of the state in the bucket begins: <here>/<environment>/<key>.
STATE_PREFIX = "b3-pipeline"
STATE_KEY = "terraform.tfstate"
LOCAL_STATES = "states"
# Not where Terraform keeps states by itself: what lies there it asks to copy into any bucket.
OLD_LOCAL_STATES = "terraform.tfstate.d"
# Which kind of backend; all else of it init is told, as two environments may have two buckets.
_OVERRIDE = "state_override.tf"


class Terraform:
    """Terraform's commands for an environment.

    Attributes:
        workspace: The environment's name.
    """

    def __init__(
        self,
        workspace: str,
        variables_file: Path,
        environment: Environment,
        directory: Path = DIRECTORY,
    ) -> None:
        self.workspace = workspace
        self._variables_file = variables_file
        self._environment = environment
        self._directory = directory
        self._data = directory / ".terraform" / "environments" / workspace

    def initialize(self) -> None:
        """Install the provider, and name the backend; nothing is written to the state."""
        # A workspace that was selected, and is not in this backend, would stop init.
        (self._data / "environment").unlink(missing_ok=True)
        self._adopt_states()
        kind, settings = self._backend()
        text = f'terraform {{\n  backend "{kind}" {{}}\n}}\n'
        override = self._directory / _OVERRIDE
        if not override.exists() or override.read_text() != text:
            override.write_text(text)
        given = [f"-backend-config={name}={value}" for name, value in settings.items()]
        # The lock file names what is installed, by its bytes; only an upgrade writes it.
        self._run("init", "-input=false", "-lockfile=readonly", "-reconfigure", *given)

    def _backend(self) -> tuple[str, dict[str, str]]:
        bucket = self._environment.state_bucket
        if bucket is None:
            return "local", {"workspace_dir": LOCAL_STATES}
        return "s3", {
            "bucket": bucket,
            "region": self._environment.region,
            "key": STATE_KEY,
            "workspace_key_prefix": STATE_PREFIX,
            "encrypt": "true",
            "use_lockfile": "true",
        }

    def _adopt_states(self) -> None:
        """Take over the states of before, of every environment."""
        states = self._directory / LOCAL_STATES
        for folder in sorted((self._directory / OLD_LOCAL_STATES).glob("*/")):
            states.mkdir(exist_ok=True)
            if not (states / folder.name).exists():
                folder.rename(states / folder.name)

    def prepare(self) -> None:
        """Initialize, and make the workspace where it is missing."""
        self.initialize()
        self._run("workspace", "select", "-or-create", self.workspace)

    def has_workspace(self) -> bool:
        """Return whether there is a state of the environment; it is selected if so."""
        found = self._read("workspace", "list").replace("*", " ").split()
        if self.workspace not in found:
            return False
        self._run("workspace", "select", self.workspace)
        return True

    def apply(self, image_tag: str | None, *, is_approved: bool) -> None:
        """Apply everything.

        Args:
            image_tag: What the worker runs; None for no worker yet.
            is_approved: Whether to go on without asking.
        """
        tag = [f"-var=image_tag={image_tag}"] if image_tag else []
        self._run("apply", *self._variables(), *tag, *_approval(is_approved=is_approved))

    def allow_deletion(self, addresses: Sequence[str], *, with_lake: bool) -> None:
        """Write into the state what may be deleted with all that it holds; deletes nothing.

        A destroy reads that from the state, and not from variables. It needs no credential of
        Prefect: the secret's value is not among the resources.

        Args:
            addresses: The resources, all of which are in the state.
            with_lake: Whether the lake's bucket is to be deleted with its data.
        """
        targets = [f"-target={address}" for address in addresses]
        self._run(
            "apply", "-auto-approve", *self._variables(), *_deletion(with_lake=with_lake), *targets
        )

    def destroy(self, *, with_lake: bool, is_approved: bool) -> None:
        """Destroy everything.

        Args:
            with_lake: Whether the lake's bucket is to be deleted with its data.
            is_approved: Whether to go on without asking.
        """
        approval = _approval(is_approved=is_approved)
        self._run("destroy", *self._variables(), *_deletion(with_lake=with_lake), *approval)

    def outputs(self) -> dict[str, Any]:
        """Return the outputs, `{name: value}`; none before the first apply.

        Raises:
            NotConfiguredError: Terraform cannot read its state.
        """
        found = json.loads(self._read("output", "-json"))
        return {name: each["value"] for name, each in found.items()}

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return what the state has of resources: their attributes by address.

        Raises:
            NotConfiguredError: Terraform cannot read its state.
        """
        values = json.loads(self._read("show", "-json")).get("values", {})
        return dict(_resources(values.get("root_module", {})))

    def pull_state(self) -> dict[str, Any]:
        """Return the state as its backend holds it; empty where it holds none.

        Raises:
            NotConfiguredError: Terraform cannot read its state.
        """
        found: dict[str, Any] = json.loads(self._read("state", "pull") or "{}")
        return found

    def push_state(self, file: Path) -> None:
        """Put a state into the backend, which refuses one of another origin and an older one."""
        self._run("state", "push", str(file))

    def _variables(self) -> list[str]:
        return [f"-var-file={self._variables_file}"]

    def _command(self, arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        environment = {name: value for name, value in os.environ.items() if name != "TF_WORKSPACE"}
        return (
            ["terraform", f"-chdir={self._directory}", *arguments],
            environment | {"TF_DATA_DIR": str(self._data)},
        )

    def _read(self, *arguments: str) -> str:
        command, environment = self._command(arguments)
        done = subprocess.run(  # noqa: S603
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NotConfiguredError(
                f"Terraform cannot read its state of {self.workspace} ({arguments[0]}): "
                f"{done.stderr.strip()}"
            )
        return done.stdout

    def _run(self, *arguments: str) -> None:
        command, environment = self._command(arguments)
        with subprocess.Popen(command, env=environment) as process:  # noqa: S603
            code = _wait(process)
        if code != 0:
            raise subprocess.CalledProcessError(code, command)


def _wait(process: "subprocess.Popen[bytes]") -> int:
    """Wait for Terraform's end, also when interrupted.

    It has been interrupted as well then, and ends by itself once its state is safe. Killed, it
    would leave behind what it has made and not written down yet, and its lock.

    Raises:
        KeyboardInterrupt: It was interrupted and came to a good end all the same: nothing follows.
    """
    is_interrupted = False
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            is_interrupted = True
        else:
            if is_interrupted and code == 0:
                raise KeyboardInterrupt
            return code


def _resources(module: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in module.get("resources", []):
        if each["mode"] == "managed":
            yield each["address"], each["values"]
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _approval(*, is_approved: bool) -> list[str]:
    return ["-auto-approve"] if is_approved else []


def _deletion(*, with_lake: bool) -> list[str]:
    return ["-var=force_destroy=true", f"-var=delete_lake={str(with_lake).lower()}"]
