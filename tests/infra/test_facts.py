"""What an offline plan makes and what is scheduled, against `facts.txt`: no change goes unseen."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.infra.conftest import ROOT, Plan
from tests.infra.facts import (
    as_list,
    describe_deployments,
    describe_plan,
    read_facts,
    write_facts,
)

PROJECT = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
FACTS = Path(__file__).with_name("facts.txt")
BUCKET = "b3-pipeline-lake-123456789012-us-east-1"
LAKE = "arn:aws:s3:::lake"
# Never taken away: what readers see hangs on the commits, and how it was made on the plans.
KEPT = ("published/", "runs/")
ROLES = ("execution", "flow_run", "glue", "worker[0]")


def test_everything_is_as_written_down(plans: dict[str, Plan], tmp_path: Path) -> None:
    worker, push = (describe_plan(plans[name]) for name in ("worker", "push"))
    instead = {f"push: {name}": push[name] for name in push if push[name] != worker.get(name)}
    found = worker | instead | describe_deployments(PROJECT)
    (tmp_path / FACTS.name).write_text(write_facts(found), encoding="utf-8")

    assert found == read_facts(FACTS.read_text(encoding="utf-8")), (
        f"where this is meant: cp {tmp_path / FACTS.name} {FACTS}"
    )


def test_every_schedule_is_as_written_down() -> None:
    written = read_facts(FACTS.read_text(encoding="utf-8"))
    of_deployments = {name: written[name] for name in written if name.startswith("deployment ")}
    assert of_deployments == describe_deployments(PROJECT)


def resource(plan: Plan, address: str) -> dict[str, Any]:
    (found,) = [each for each in plan["resource_changes"] if each["address"] == address]
    after: dict[str, Any] = found["change"]["after"]
    return after


def rights(plan: Plan, role: str) -> set[tuple[str, str]]:
    """Each action that a role may take, on what, without the lake's ARN."""
    return {
        (action, where.removeprefix(f"{LAKE}/"))
        for statement in plan.policy(f"module.roles[0].aws_iam_role_policy.{role}")
        for action in as_list(statement["Action"])
        for where in as_list(statement["Resource"])
    }


def test_tables_lie_where_the_code_says(plans: dict[str, Plan]) -> None:
    tables = json.loads((ROOT / "infra" / "terraform" / "tables.json").read_text(encoding="utf-8"))
    for table in tables:
        address = f'module.catalog.aws_glue_catalog_table.this["{table["name"]}"]'
        found = resource(plans["worker"], address)
        (storage,) = found["storage_descriptor"]
        assert storage["location"] == f"s3://{BUCKET}/{table['location']}"
        for part, columns in (
            (found["partition_keys"], table["partition_keys"]),
            (storage["columns"], table["columns"]),
        ):
            assert [{name: each[name] for name in columns[0]} for each in part] == columns


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_take_anything_away_but_what_glue_wrote(
    plans: dict[str, Plan], role: str
) -> None:
    taken = {each for each in rights(plans["worker"], role) if each[0].startswith("s3:Delete")}
    assert taken <= {("s3:DeleteObject", "refined/*")}


@pytest.mark.parametrize("role", ROLES)
def test_only_flow_runs_publish(plans: dict[str, Plan], role: str) -> None:
    found = ("s3:PutObject", "published/*") in rights(plans["worker"], role)
    assert found == (role == "flow_run")


def test_commits_are_written_once_by_whomever(plans: dict[str, Plan]) -> None:
    statements = plans["worker"].policy("module.lake_bucket.aws_s3_bucket_policy.this[0]")
    refused = {
        action: (statement["Principal"], statement.get("Condition"))
        for statement in statements
        for action in as_list(statement["Action"])
        if statement["Effect"] == "Deny" and statement["Resource"] == f"{LAKE}/published/*"
    }
    assert refused == {
        "s3:PutObject": ("*", {"Null": {"s3:if-none-match": "true"}}),
        "s3:DeleteObject": ("*", None),
        "s3:DeleteObjectVersion": ("*", None),
    }


def test_no_lifecycle_takes_away_commits_and_plans(plans: dict[str, Plan]) -> None:
    address = "module.lake_bucket.aws_s3_bucket_lifecycle_configuration.this"
    rules = resource(plans["worker"], address)["rule"]
    reaches = [
        rule["filter"][0].get("prefix") or ""
        for rule in rules
        if rule["expiration"] or rule["noncurrent_version_expiration"] or rule["transition"]
    ]
    assert reaches
    assert [
        (prefix, kept)
        for prefix in reaches
        for kept in KEPT
        if prefix.startswith(kept) or kept.startswith(prefix)
    ] == []


def test_a_glue_run_is_over_well_before_the_vacuum_may_take_what_it_wrote(
    plans: dict[str, Plan],
) -> None:
    job = resource(plans["worker"], "module.glue_job.aws_glue_job.this")
    assert job["timeout"] <= 12 * 60
    assert job["max_retries"] == 0


@pytest.mark.parametrize(
    ("name", "lake", "made_again", "days"),
    [("worker", False, False, 7), ("let_go", False, True, 0), ("lake_too", True, False, 7)],
)
def test_the_lake_goes_with_its_data_by_a_variable_of_its_own(
    plans: dict[str, Plan], name: str, lake: bool, made_again: bool, days: int
) -> None:
    def found(address: str, attribute: str) -> Any:
        return resource(plans[name], f"module.{address}.this")[attribute]

    assert found("lake_bucket.aws_s3_bucket", "force_destroy") is lake
    assert found("results_bucket.aws_s3_bucket", "force_destroy") is made_again
    assert found("athena.aws_athena_workgroup", "force_destroy") is made_again
    assert found("registry.aws_ecr_repository", "force_delete") is made_again
    secret = "secret[0].aws_secretsmanager_secret"
    assert found(secret, "recovery_window_in_days") == days


def test_what_operations_says_of_a_lost_state_names_the_lakes_bucket(
    plans: dict[str, Plan],
) -> None:
    page = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    found = re.findall(r'import \{\n  to = (\S+)\n  id = "(\S+)"\n\}', page)
    ((address, name),) = found
    assert resource(plans["worker"], address)["bucket"] == name


def test_the_local_cloud_alone_does_without_conditions(plans: dict[str, Plan]) -> None:
    statements = plans["local"].policy("module.lake_bucket.aws_s3_bucket_policy.this[0]")
    assert [statement.get("Condition") for statement in statements] == [None]
    assert statements[0]["Action"] == ["s3:DeleteObjectVersion", "s3:DeleteObject"]
