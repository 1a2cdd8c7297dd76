"""An environment to deploy to: a file of Terraform variables that says which account and Prefect.

`deployments/environments/NAME.tfvars.json`; every variable of infra/terraform may stand in it.
"""

import json
import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.core.errors import NotConfiguredError

DIRECTORY = Path(__file__).parent / "environments"
_SUFFIX = ".tfvars.json"
_EXAMPLE = "example"


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
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    account_id: str = Field(pattern=r"^[0-9]{12}$")
    region: str = Field(default="us-east-1", min_length=1)
    prefect_api_url: str = Field(pattern=r"^https?://[^/]+/api(/.*)?$")
    prefect_auth: Literal["api_key", "auth_string", "none"] = "api_key"
    work_pool_type: Literal["ecs", "ecs:push"] = "ecs"
    work_pool_name: str = "b3-pipeline"
    name: str = "b3-pipeline"


def environment_file(name: str, directory: Path = DIRECTORY) -> Path:
    """Return the file of an environment.

    Raises:
        NotConfiguredError: The name is none, or there is no such file; the message lists those
            that are there.
    """
    path = directory / f"{name}{_SUFFIX}"
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) is None or not path.is_file():
        known = sorted(file.name.removesuffix(_SUFFIX) for file in directory.glob(f"*{_SUFFIX}"))
        others = ", ".join(each for each in known if each != _EXAMPLE) or "none yet"
        raise NotConfiguredError(
            f"Expected an environment {name!r} in {path}, found: {others}. Copy "
            f"{directory / (_EXAMPLE + _SUFFIX)} to it and fill it in."
        )
    return path


def read_environment(path: Path) -> Environment:
    """Read an environment.

    Raises:
        NotConfiguredError: A variable is missing or malformed; the message names each.
    """
    try:
        return Environment.model_validate(json.loads(path.read_text()))
    except json.JSONDecodeError as error:
        raise NotConfiguredError(f"{path} is no JSON: {error}") from error
    except ValidationError as error:
        problems = "\n".join(
            f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()
        )
        raise NotConfiguredError(f"{path}:\n{problems}") from error
