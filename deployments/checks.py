"""What must hold before a deployment changes anything; each check names what to do if not."""

import os
import shutil
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_KEY,
    PREFECT_API_URL,
    temporary_settings,
)

from deployments.backend import check_state
from deployments.emulation import check_machine
from deployments.environment import Environment, check_reach
from deployments.existing_role import check_existing_role
from deployments.image import NO_TOOL, commit, find_tool, has_changes, is_in_registry
from deployments.settings import SECRET_VARIABLES
from deployments.work_pool import BLOCK_VARIABLE, find_credentials_block, find_pool
from tasks.core.academy import GO_ON
from tasks.core.errors import B3PipelineError, InvalidInputError, NotConfiguredError

T = TypeVar("T")
# How Prefect's credential is given; `prefect cloud login` is for Prefect Cloud alone.
_WAYS_IN = {
    "api_key": "export {0}, or sign in with `.venv/bin/prefect cloud login`",
    "auth_string": "export {0}, which is user:password",
}
_SIGN_IN = "Sign in (`aws sso login`), or name a profile in AWS_PROFILE."


def check_terraform() -> None:
    """See that Terraform is here.

    Raises:
        NotConfiguredError: It is not.
    """
    if shutil.which("terraform") is None:
        raise NotConfiguredError(
            "Expected terraform 1.11 or newer in PATH, found none: install it from "
            "https://developer.hashicorp.com/terraform/install."
        )


def check_account(environment: Environment, sts: Any = None) -> None:
    """See that the AWS credentials are those of the environment's account.

    Args:
        environment: Where to deploy.
        sts: Client of STS; by default that of the environment's region.

    Raises:
        NotConfiguredError: There are none, or they are refused.
        InvalidInputError: They are another account's.
    """
    try:
        client = sts or boto3.client("sts", region_name=environment.region)
        found = client.get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        how = _SIGN_IN if environment.existing_role_name is None else f"{GO_ON}, or: {_SIGN_IN}"
        raise NotConfiguredError(f"AWS does not know who you are: {error}. {how}") from error
    if found != environment.account_id:
        raise InvalidInputError(
            f"Expected AWS account {environment.account_id}, found credentials of {found}. "
            f"{_SIGN_IN} Or mend account_id in the environment's file."
        )


def prefect_credential(environment: Environment) -> str | None:
    """Return what Prefect's API asks for, from the environment or the person's profile.

    Raises:
        NotConfiguredError: It is asked for and is not there, or cannot be one.
    """
    if environment.prefect_auth == "none":
        return None
    variable = SECRET_VARIABLES[environment.prefect_auth]
    setting = {"api_key": PREFECT_API_KEY, "auth_string": PREFECT_API_AUTH_STRING}
    value = os.environ.get(variable) or setting[environment.prefect_auth].value()
    if value is None:
        raise NotConfiguredError(
            f"Prefect's API at {environment.prefect_api_url} asks for {environment.prefect_auth}, "
            f"and there is none: {_WAYS_IN[environment.prefect_auth].format(variable)}."
        )
    text = str(getattr(value, "get_secret_value", lambda: value)())
    # Such a value is no header of HTTP, and what refuses it would show it.
    if any(unicodedata.category(each) == "Cc" for each in text) or (
        environment.prefect_auth == "api_key" and not (text.isascii() and " " not in text)
    ):
        raise NotConfiguredError(
            f"Expected {environment.prefect_auth} ({variable}) in one line and as it was given to "
            f"you, found a line break, a space or a character that none has: set it again."
        )
    return text


def check_prefect(
    environment: Environment,
    client: SyncPrefectClient | None = None,
    *,
    is_block_needed: bool = True,
) -> None:
    """See that Prefect's API lets us in, and that the pool can be what it should.

    Args:
        environment: Where to deploy.
        client: Of Prefect's API; by default of the environment's.
        is_block_needed: Whether a push pool's block has to be there yet.

    Raises:
        NotConfiguredError: There is no credential, the API does not answer or refuses it, or the
            block of a push pool is not there.
        InvalidInputError: The pool has another type.
    """
    prefect_credential(environment)
    url = environment.prefect_api_url
    try:
        with temporary_settings({PREFECT_API_URL: url}):
            found = client or get_client(sync_client=True)
            find_pool(found, environment.work_pool_name, environment.work_pool_type)
            if is_block_needed:
                block = os.environ.get(BLOCK_VARIABLE)
                find_credentials_block(found, environment.work_pool_type, block)
    except PrefectHTTPStatusError as error:
        raise NotConfiguredError(
            f"Prefect's API at {url} answers {error.response.status_code}: check prefect_api_url, "
            f"and that the credential{_of_variable(environment)} is one that it takes."
        ) from error
    except httpx.TransportError as error:
        # The words of a request that cannot be made have the header with the credential.
        is_ours = isinstance(error, httpx.LocalProtocolError)
        reason = type(error).__name__ if is_ours else error
        raise NotConfiguredError(
            f"Prefect's API at {url} does not answer ({reason}): check prefect_api_url and your "
            f"network."
        ) from error


def _of_variable(environment: Environment) -> str:
    if environment.prefect_auth == "none":
        return " (prefect_auth says that it asks for none)"
    variable = SECRET_VARIABLES[environment.prefect_auth]
    return f" ({variable}, or else that of your Prefect profile)"


def check_roles(environment: Environment) -> None:
    """See that somebody can start the tasks.

    Raises:
        InvalidInputError: A push pool would have nobody to sign in as.
    """
    if environment.work_pool_type == "ecs:push" and environment.existing_role_name is not None:
        raise InvalidInputError(
            f"Expected a work pool of type ecs beside existing_role_name, found ecs:push: Prefect "
            f"Cloud signs in as a user of its own, and where only {environment.existing_role_name} "
            f'may be used none is made. Set "work_pool_type": "ecs", or leave '
            f"existing_role_name out where users and roles may be created."
        )


def check_image(environment: Environment, tag: str, tool: str = "") -> bool:
    """See that there is an image of the tag, or that one can be made; return whether it is there.

    Args:
        environment: Where to deploy.
        tag: The image's tag, a commit.
        tool: What builds images; empty for the first that is there.

    Raises:
        InvalidInputError: There is none, and what is checked out is not that commit.
        NotConfiguredError: There is none, and nothing to build it with, or not for the tasks'
            processor.
    """
    if is_in_registry(environment.name, tag, environment.region):
        return True
    if environment.local_cloud and tool == NO_TOOL:
        return False  # tasks there are processes: nothing is built, and nothing missed
    problem = f"The repository {environment.name} has no image {tag}, and"
    if tag != commit():
        raise InvalidInputError(
            f"{problem} the commit that is checked out is {commit()}: check out {tag} to build it, "
            f"or leave IMAGE_TAG out to deploy {commit()}."
        )
    if has_changes():
        raise InvalidInputError(
            f"{problem} files differ from that commit: commit or stash them, so that the image is "
            f"what its tag says."
        )
    try:
        check_machine(environment.cpu_architecture, find_tool(tool))
    except NotConfiguredError as error:
        raise NotConfiguredError(f"{problem} it cannot be built here. {error}") from error
    return False


def find_problems(
    name: str,
    environment: Environment,
    tag: str,
    tool: str,
    *,
    is_infrastructure_only: bool = False,
) -> tuple[list[str], bool]:
    """Run every check; return what is wrong, and whether the image is in the registry.

    For the infrastructure alone nobody looks for an image, and it is said to be in none.
    """
    problems: list[str] = []
    _note(check_terraform, problems)
    _note(lambda: check_roles(environment), problems)
    _note(lambda: check_prefect(environment, is_block_needed=not is_infrastructure_only), problems)
    found_before = len(problems)
    _note(lambda: check_account(environment), problems)
    if len(problems) > found_before:
        return problems, False  # another account's registry says nothing
    are_tasks_wanted = not is_infrastructure_only
    _note(lambda: check_existing_role(environment, are_tasks_wanted=are_tasks_wanted), problems)
    _note(lambda: check_state(environment, name), problems)
    if is_infrastructure_only:
        return problems, False  # no image is wanted yet, nor anything to build one with
    _note(lambda: check_reach(environment), problems)
    is_pushed = _note(lambda: check_image(environment, tag, tool), problems)
    return problems, bool(is_pushed)


def _note(check: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return check()
    except B3PipelineError as error:
        problems.append(str(error))
        return None
