from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from deployments.environment import Environment
from deployments.existing_role import check_existing_role
from tasks.core.errors import CredentialsError, NotConfiguredError

VALUES = {"account_id": "210987654321", "prefect_api_url": "https://prefect.example.com/api"}
LAB = Environment.model_validate(VALUES | {"existing_role_name": "LabRole"})
GLUE, TASKS = "glue.amazonaws.com", "ecs-tasks.amazonaws.com"
ENDED = (
    "User: arn:aws:sts::210987654321:assumed-role/voclabs/user1 is not authorized to perform: "
    "iam:GetRole on resource: role LabRole with an explicit deny in an identity-based policy: "
    "arn:aws:iam::210987654321:policy/voc-cancel-cred"
)


class Iam:
    """IAM's answer about the role `LabRole`: by which statements it may be taken on."""

    def __init__(self, statements: Any) -> None:
        self.statements = statements

    def get_role(self, **asked: str) -> dict[str, Any]:
        assert asked == {"RoleName": "LabRole"}
        if isinstance(self.statements, Exception):
            raise self.statements
        return {"Role": {"AssumeRolePolicyDocument": {"Statement": self.statements}}}


def allowed(principal: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}


def refusal(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetRole")


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([allowed({"Service": ["ec2.amazonaws.com", TASKS, GLUE]})], id="one-list"),
        pytest.param([allowed({"Service": GLUE}), allowed({"Service": TASKS})], id="one-each"),
        pytest.param(allowed({"Service": [GLUE, TASKS]}), id="one-statement"),
        pytest.param([allowed("*")], id="everybody"),
        pytest.param(
            [allowed({"AWS": "arn:aws:iam::1:root"}), allowed({"Service": [GLUE, TASKS]})],
            id="people-too",
        ),
    ],
)
def test_a_role_that_glue_and_tasks_may_take_on_will_do(statements: Any) -> None:
    check_existing_role(LAB, Iam(statements))


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([allowed({"Service": ["ec2.amazonaws.com", GLUE]})], f"one that {TASKS} may take on"),
        ([allowed({"Service": TASKS})], f"{GLUE} may take on, found that only these may: {TASKS}"),
        ([], f"{GLUE} and {TASKS} may take on, found that only these may: none"),
        (
            [allowed({"Service": GLUE}) | {"Effect": "Deny"}, allowed({"Service": TASKS})],
            f"only these may: {TASKS}",
        ),
    ],
)
def test_a_role_that_will_not_do_is_said(statements: Any, told: str) -> None:
    with pytest.raises(NotConfiguredError) as refused:
        check_existing_role(LAB, Iam(statements))
    assert told in str(refused.value)


def test_without_tasks_glue_alone_has_to_take_it_on() -> None:
    check_existing_role(LAB, Iam([allowed({"Service": GLUE})]), are_tasks_wanted=False)
    with pytest.raises(NotConfiguredError, match=f"one that {GLUE} may take on"):
        check_existing_role(LAB, Iam([allowed({"Service": TASKS})]), are_tasks_wanted=False)


@pytest.mark.parametrize(
    "error", [refusal("NoSuchEntity", "The role cannot be found."), NoCredentialsError()]
)
def test_a_role_that_is_not_shown_is_said(error: Exception) -> None:
    with pytest.raises(NotConfiguredError, match="does not show it") as refused:
        check_existing_role(LAB, Iam(error))
    assert str(error) in str(refused.value)


def test_a_session_that_has_ended_is_told_from_a_right_that_is_missing() -> None:
    with pytest.raises(CredentialsError, match="has ended") as refused:
        check_existing_role(LAB, Iam(refusal("AccessDenied", ENDED)))
    assert "copy the lines of AWS Details into ~/.aws/credentials" in str(refused.value)


def test_where_roles_are_made_nobody_asks_for_one() -> None:
    check_existing_role(Environment.model_validate(VALUES), Iam(AssertionError()))
