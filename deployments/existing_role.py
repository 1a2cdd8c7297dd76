"""The role that stands for every other, where none may be made: whether it is there and will do."""

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployments.environment import Environment
from tasks.core.academy import GO_ON, has_session_ended
from tasks.core.errors import CredentialsError, NotConfiguredError

_GLUE = "glue.amazonaws.com"
_TASKS = "ecs-tasks.amazonaws.com"


def check_existing_role(
    environment: Environment, iam: Any = None, *, are_tasks_wanted: bool = True
) -> None:
    """See that `existing_role_name` is there, and that Glue and tasks may take it on.

    Args:
        environment: Where to deploy; without such a role nothing is asked.
        iam: Client of IAM; by default that of the environment's region.
        are_tasks_wanted: Whether flow runs are to be tasks.

    Raises:
        CredentialsError: The session of the lab has ended.
        NotConfiguredError: There is no such role, AWS does not show it, or it will not do.
    """
    name = environment.existing_role_name
    if name is None:
        return
    try:
        client = iam or boto3.client("iam", region_name=environment.region)
        role = client.get_role(RoleName=name)["Role"]
    except (BotoCoreError, ClientError) as error:
        if has_session_ended(str(error)):
            raise CredentialsError(
                f"Expected the session of a lab, found that it has ended ({error}). {GO_ON}."
            ) from error
        raise NotConfiguredError(
            f"Expected the role {name} (existing_role_name), found that AWS does not show it: "
            f"{error}. Look in the console under IAM, Roles, how it is called; Terraform looks it "
            f"up as well."
        ) from error
    found = _who_may_take_it_on(role["AssumeRolePolicyDocument"])
    missing = [each for each in (_GLUE, *[_TASKS] * are_tasks_wanted) if each not in found]
    if missing and "*" not in found:
        raise NotConfiguredError(
            f"Expected the role {name} to be one that {' and '.join(missing)} may take on, found "
            f"that only these may: {', '.join(sorted(found)) or 'none'}. Another role has to stand "
            f"for all, or whoever runs the account has to let them: existing_role_name names it."
        )


def _who_may_take_it_on(policy: dict[str, Any]) -> set[str]:
    statements = policy["Statement"]
    services: set[str] = set()
    for each in [statements] if isinstance(statements, dict) else statements:
        principal = each.get("Principal", {})
        named = principal.get("Service", []) if isinstance(principal, dict) else principal
        if each["Effect"] == "Allow":
            services.update([named] if isinstance(named, str) else named)
    return services
