"""An environment to deploy to: a file of Terraform variables that says which account and Prefect.

`deployments/environments/NAME.tfvars.json`; every variable of infra/terraform may stand in it.
"""

import json
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.core.errors import InvalidInputError, NotConfiguredError

DIRECTORY = Path(__file__).parent / "environments"
_CONFIGURATION = Path(__file__).parents[1] / "infra" / "terraform"
_SUFFIX = ".tfvars.json"
_EXAMPLE = "example"
_NOT_A_NAME = "default"
_EXAMPLES_ACCOUNT = "123456789012"  # nobody's: AWS keeps it for documentation
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
# As infra/terraform/variables_prefect.tf has it.
_API = r"^https?://[^/\s]+/api(/accounts/[0-9a-f-]{36}/workspaces/[0-9a-f-]{36})?$"
_EXAMPLES_ID = "00000000-0000-0000-0000-000000000000"


class Environment(BaseModel):
    """What has to be known before anything is applied.

    Attributes:
        account_id: The account to deploy to, and no other.
        region: Its region.
        prefect_api_url: Prefect's API.
        prefect_auth: What that asks for.
        work_pool_type: `ecs` or `ecs:push`.
        work_pool_name: The pool.
        name: What resources' names start with; the image repository's name.
        cpu_architecture: Processor that the image is built for.
        existing_role_name: Role for everything, where none may be created.
        state_bucket: Bucket of Terraform's state; None keeps it in a file on this machine.
        local_cloud: Whether this is the cloud on one machine.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    account_id: str = Field(pattern=r"^[0-9]{12}$")
    region: str = Field(default="us-east-1", min_length=1)
    prefect_api_url: str = Field(pattern=_API)
    prefect_auth: Literal["api_key", "auth_string", "none"] = "api_key"
    work_pool_type: Literal["ecs", "ecs:push"] = "ecs"
    work_pool_name: str = "b3-pipeline"
    name: str = "b3-pipeline"
    cpu_architecture: Literal["ARM64", "X86_64"] = "ARM64"
    existing_role_name: str | None = None
    state_bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")
    local_cloud: bool = False

    @property
    def is_prefect_here(self) -> bool:
        """Whether the address of Prefect's API is one of this machine."""
        return (urlsplit(self.prefect_api_url).hostname or "") in _THIS_MACHINE


def environment_file(name: str, directory: Path = DIRECTORY) -> Path:
    """Return the file of an environment.

    Raises:
        NotConfiguredError: The name is none, or there is no such file; the message lists those
            that are there.
    """
    known = sorted(file.name.removesuffix(_SUFFIX) for file in directory.glob(f"*{_SUFFIX}"))
    others = ", ".join(each for each in known if each != _EXAMPLE) or "none yet"
    example = directory / (_EXAMPLE + _SUFFIX)
    if not name:
        raise NotConfiguredError(
            f"Expected the name of an environment (ENV=name, or --env name), found none. There "
            f"are: {others}. For a new one copy {example} to name{_SUFFIX} beside it."
        )
    path = directory / f"{name}{_SUFFIX}"
    if name == _NOT_A_NAME:
        raise NotConfiguredError(
            f"Expected an environment of another name than {name!r}, whose state Terraform keeps "
            f"elsewhere than any other's: rename {path}."
        )
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) is None or not path.is_file():
        raise NotConfiguredError(
            f"Expected an environment {name!r} in {path}, found: {others}. Copy {example} to it "
            f"and fill it in."
        )
    return path


def read_environment(path: Path) -> Environment:
    """Read an environment.

    Raises:
        NotConfiguredError: A variable is missing, malformed, or as the example has it; the message
            names each.
    """
    try:
        environment = Environment.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise NotConfiguredError(f"{path} is no JSON: {error}") from error
    except ValidationError as error:
        problems = "\n".join(
            f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()
        )
        raise NotConfiguredError(f"{path}:\n{problems}") from error
    # Terraform only warns of these, and goes on with the default of what was meant.
    if unknown := sorted((environment.model_extra or {}).keys() - _variables()):
        raise NotConfiguredError(
            f"{path}: expected variables of infra/terraform, found {', '.join(unknown)}, which are "
            f"none: infra/terraform/variables*.tf has them all."
        )
    if environment.state_bucket in _own_buckets(environment):
        raise NotConfiguredError(
            f"{path}: state_bucket is a bucket that this deployment makes, and that a destroy "
            f"deletes with the state: name another one."
        )
    unfilled = _unfilled(environment)
    if unfilled:
        raise NotConfiguredError(f"{path} is not filled in yet:\n{unfilled}")
    return environment


def check_reach(environment: Environment) -> None:
    """See that tasks on AWS may reach Prefect's API.

    Raises:
        InvalidInputError: Its address is one of this machine.
    """
    if environment.is_prefect_here and not environment.local_cloud:
        raise InvalidInputError(
            f"Expected Prefect's API where AWS can reach it, found it on this machine "
            f"({environment.prefect_api_url}): a worker there would cost, and never take a run. "
            f"Name another server in prefect_api_url, or make the infrastructure alone "
            f"(INFRASTRUCTURE=1) and run flows here."
        )


def _own_buckets(environment: Environment) -> set[str]:
    suffix = f"{environment.account_id}-{environment.region}"
    return {f"{environment.name}-{what}-{suffix}" for what in ("lake", "athena")}


def _variables() -> set[str]:
    """Return the names of the variables of infra/terraform."""
    files = _CONFIGURATION.glob("variables*.tf")
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return set(re.findall(r'^variable "(\w+)"', text, flags=re.MULTILINE))


def _unfilled(environment: Environment) -> str:
    """Return what still is as the example has it, a line each."""
    lines = []
    if environment.account_id == _EXAMPLES_ACCOUNT and not environment.local_cloud:
        lines.append(
            f"  account_id: {_EXAMPLES_ACCOUNT} is the example's; `aws sts get-caller-identity` "
            f"shows yours"
        )
    if _EXAMPLES_ID in environment.prefect_api_url:
        lines.append(
            "  prefect_api_url: its zeros are the example's; `prefect config view` shows yours"
        )
    return "\n".join(lines)
