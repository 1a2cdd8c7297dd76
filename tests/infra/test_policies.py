"""parliament finds nothing in the policies of a plan that has no reason here."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.conftest import Plan
from tests.proofs.tools import HERE, need

POOLS = ("worker", "push")
# What is accepted: where, beginning with what, and why.
_TRUST = "it is what a trust is about: which service takes the role, under which conditions"
_HAND = "only the roles of tasks, and only to ECS: that is how it starts a flow run"
ACCEPTED = {
    ("aws_iam_role.", "CREDENTIALS_EXPOSURE ['sts:assumerole']"): _TRUST,
    (
        "aws_iam_role_policy.execution",
        "CREDENTIALS_EXPOSURE ['ecr:getauthorizationtoken']",
    ): "without the registry's token ECS pulls no image",
    ("aws_iam_role_policy.worker[0]", "PERMISSIONS_MANAGEMENT_ACTIONS ['iam:passrole']"): _HAND,
    ("aws_iam_user_policy.submitter[0]", "PERMISSIONS_MANAGEMENT_ACTIONS ['iam:passrole']"): _HAND,
}
# These are given no policy; AWS gives them its own.
WITHOUT = {
    "module.network.aws_vpc_endpoint.s3[0]",
}
# A policy, as one statement, and what is to be found in it.
LAKE = "arn:aws:s3:::lake"
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no such action": ({"Action": "s3:GetObjects", "Resource": f"{LAKE}/*"}, "UNKNOWN_ACTION"),
    "no such service": ({"Action": "s4:GetObject", "Resource": f"{LAKE}/*"}, "UNKNOWN_PREFIX"),
    "objects of a bucket": ({"Action": "s3:GetObject", "Resource": LAKE}, "RESOURCE_MISMATCH"),
    "everything": ({"Action": "ecs:RegisterTaskDefinition", "Resource": "*"}, "RESOURCE_STAR"),
    "no such condition": (
        {
            "Action": "s3:GetObject",
            "Resource": f"{LAKE}/*",
            "Condition": {"StringEquals": {"s3:prefix": "raw/"}},
        },
        "UNKNOWN_CONDITION_FOR_ACTION",
    ),
    "no such principal": (
        {"Action": "s3:GetObject", "Resource": f"{LAKE}/*", "Principal": {"AWS": "anybody"}},
        "UNKNOWN_PRINCIPAL",
    ),
}

Policies = dict[tuple[str, str], dict[str, Any]]
Findings = dict[tuple[str, str], list[str]]


def read_policies(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each policy of a plan, by type and name; a role's trust as if it were of that role."""
    for change in plan["resource_changes"]:
        for name, value in (change["change"]["after"] or {}).items():
            if not isinstance(value, str) or '"Statement"' not in value:
                continue
            policy = json.loads(value)
            if name == "assume_role_policy":
                on = {"Resource": "arn:aws:iam::123456789012:role/its-own"}
                policy["Statement"] = [each | on for each in policy["Statement"]]
            yield change["address"].removeprefix(f"{change['module_address']}."), policy


@pytest.fixture(scope="module")
def policies(plans: dict[str, Plan]) -> Policies:
    return {(pool, name): each for pool in POOLS for name, each in read_policies(plans[pool])}


@pytest.fixture(scope="module")
def findings(policies: Policies) -> Findings:
    broken = {
        ("broken", name): {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", **statement}],
        }
        for name, (statement, _) in BROKEN.items()
    }
    asked = policies | broken
    python = need("parliament") / "environment" / "bin" / "python"
    done = subprocess.run(
        [str(python), str(HERE / "findings.py")],
        input=json.dumps(list(asked.values())),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(asked, json.loads(done.stdout), strict=True))


def accepted(name: str, finding: str) -> set[tuple[str, str]]:
    return {each for each in ACCEPTED if name.startswith(each[0]) and finding == each[1]}


@pytest.mark.parametrize("pool", POOLS)
def test_every_policy_of_a_plan_is_known_before_it_is_applied(
    plans: dict[str, Plan], pool: str
) -> None:
    unknown = {
        change["address"]
        for change in plans[pool]["resource_changes"]
        for name, is_unknown in change["change"]["after_unknown"].items()
        if name in ("policy", "assume_role_policy") and is_unknown
    }
    assert unknown == WITHOUT


def test_policies_of_every_kind_are_looked_at(policies: Policies) -> None:
    assert {name.split(".")[0] for _, name in policies} == {
        "aws_iam_role",
        "aws_iam_role_policy",
        "aws_iam_user_policy",
        "aws_s3_bucket_policy",
        "aws_sns_topic_policy",
        "aws_sqs_queue_policy",
    }


@pytest.mark.parametrize("pool", POOLS)
def test_nothing_is_found_that_is_not_accepted(findings: Findings, pool: str) -> None:
    found = [(name, each) for of, name in findings if of == pool for each in findings[of, name]]
    assert found
    assert [each for each in found if not accepted(*each)] == []


def test_what_is_accepted_is_still_found(findings: Findings) -> None:
    found = {name: each for (_, name), each in findings.items()}
    assert {way for name in found for each in found[name] for way in accepted(name, each)} == set(
        ACCEPTED
    )


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(findings: Findings, name: str) -> None:
    assert [each.split()[0] for each in findings["broken", name]] == [BROKEN[name][1]]
