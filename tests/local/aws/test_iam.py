"""The verdicts of SimulatePrincipalPolicy, by a principal's own policies."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.aws.iam import decide
from infra.local.up import LocalCloud

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:Put*"], "Resource": "arn:aws:s3:::b/*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": ["arn:aws:s3:::b/kept/*"]},
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        },
    ],
}


@pytest.fixture(scope="module")
def iam(cloud: LocalCloud) -> Iterator[Any]:
    client: Any = boto3.client("iam")
    client.create_role(RoleName="role", AssumeRolePolicyDocument="{}")
    client.put_role_policy(RoleName="role", PolicyName="p", PolicyDocument=json.dumps(POLICY))
    client.create_user(UserName="user")
    client.put_user_policy(UserName="user", PolicyName="p", PolicyDocument=json.dumps(POLICY))
    yield client
    client.delete_role_policy(RoleName="role", PolicyName="p")
    client.delete_role(RoleName="role")
    client.delete_user_policy(UserName="user", PolicyName="p")
    client.delete_user(UserName="user")


def decisions(iam: Any, who: str, **asked: Any) -> dict[tuple[str, str], str]:
    arn = f"arn:aws:iam::123456789012:{who}"
    found = iam.simulate_principal_policy(PolicySourceArn=arn, **asked)["EvaluationResults"]
    return {
        (each["EvalActionName"], each["EvalResourceName"]): each["EvalDecision"] for each in found
    }


@pytest.mark.parametrize("who", ["role/role", "user/user"])
def test_each_action_on_each_resource_has_its_verdict(iam: Any, who: str) -> None:
    here, kept = "arn:aws:s3:::b/x", "arn:aws:s3:::b/kept/x"
    asked = {"ActionNames": ["s3:PutObject", "s3:DeleteObject"], "ResourceArns": [here, kept]}

    assert decisions(iam, who, **asked) == {
        ("s3:PutObject", here): "allowed",
        ("s3:PutObject", kept): "explicitDeny",
        ("s3:DeleteObject", here): "implicitDeny",
        ("s3:DeleteObject", kept): "explicitDeny",
    }


@pytest.mark.parametrize(
    ("service", "decision"),
    [("ecs-tasks.amazonaws.com", "allowed"), ("glue.amazonaws.com", "implicitDeny")],
)
def test_conditions_count(iam: Any, service: str, decision: str) -> None:
    context = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": [service],
        "ContextKeyType": "string",
    }
    found = decisions(iam, "role/role", ActionNames=["iam:PassRole"], ContextEntries=[context])
    assert found == {("iam:PassRole", "*"): decision}


def test_a_principal_that_nobody_knows_is_refused(iam: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        decisions(iam, "role/another", ActionNames=["s3:GetObject"])


ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
DENY: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("deny", "decision"),
    [
        (DENY | {"Action": "S3:getobject"}, "explicitDeny"),
        (DENY | {"Resource": "arn:aws:s3:::b/[k]"}, "allowed"),
        (DENY | {"Principal": {"AWS": "*"}}, "explicitDeny"),
        (DENY | {"Condition": {"Bool": {"aws:SecureTransport": False}}}, "explicitDeny"),
        (DENY | {"Condition": {"Bool": {"aws:SecureTransport": True}}}, "allowed"),
    ],
)
def test_policies_are_read_as_iam_reads_them(deny: dict[str, Any], decision: str) -> None:
    context = {"aws:SecureTransport": "false"}
    policies: list[dict[str, Any]] = [{"Statement": ALLOW}, {"Statement": [deny]}]
    assert decide(policies, "s3:GetObject", "arn:aws:s3:::b/k", context) == decision


@pytest.mark.parametrize(
    ("statement", "unread"),
    [
        ({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}, "NotAction"),
        ({"Effect": "Deny", "Action": "*", "NotResource": "a"}, "NotResource"),
        (DENY | {"Action": "x:*", "Condition": {"StringLike": {"a": "b"}}}, "StringLike"),
        (DENY | {"Principal": {"AWS": "arn:aws:iam::1:root"}}, "the principal"),
        (DENY | {"Condition": {"ForAllValues:StringEquals": {"a": "b"}}}, "ForAllValues:StringE"),
    ],
)
def test_what_is_not_read_gives_no_verdict(statement: dict[str, Any], unread: str) -> None:
    with pytest.raises(ValueError, match=f"found {unread}.*: teach"):
        decide([{"Statement": [ALLOW, statement]}], "s3:GetObject", "arn:aws:s3:::b/k", {})
