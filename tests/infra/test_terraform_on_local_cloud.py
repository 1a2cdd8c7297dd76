"""The whole deployment: made on the local cloud, used, changed, and taken down again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import awswrangler as wr
import boto3
import pytest

from infra.local.prefect_server import prefect_server
from infra.queries import documented_queries
from tasks.core.datasets import TABLES
from tests.e2e.cloud import Cloud
from tests.infra.conftest import ROOT, Terraform
from tests.permissions import denied, read_trail

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

VARIABLES = (
    "-var=local_cloud=true",
    "-var=force_destroy=true",
    "-var=database=b3_terraform",  # the local cloud has a b3 of its own
    "-var=prefect_api_url=http://127.0.0.1:4200/api",
    "-var=image_tag=0123abc",
    "-var=network_type=private",
    "-var=alarm_email=team@example.com",
)
# Much of an apply is waiting for queues and buckets to settle.
AT_ONCE = "-parallelism=20"
CREDENTIAL = "pnu_example"
FLOW_RUN_ROLE = "b3-pipeline-flow-run"
SCRIPT = "module.glue_job.aws_s3_object.script"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud in a process of its own, which this process's clients talk to as well."""
    state = tmp_path_factory.mktemp("cloud")
    command = [sys.executable, "-m", "infra.local", "up", "--state", str(state), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "ready" in process.stdout.readline()
            lines = (state / "env").read_text(encoding="utf-8").splitlines()
            with pytest.MonkeyPatch.context() as patch:
                for line in lines:
                    patch.setenv(*line.split("=", 1))
                patch.setenv("TF_VAR_prefect_credential", CREDENTIAL)
                yield Cloud(dict(os.environ), state)
        finally:
            process.terminate()


@pytest.mark.usefixtures("cloud")
def test_credentials_of_another_account_are_refused(terraform: Terraform) -> None:
    done = terraform.try_to("plan", "-no-color", "-var=account_id=210987654321", *VARIABLES)
    assert done.returncode != 0
    assert "account ID not allowed" in done.stderr


def test_everything_is_made_used_changed_and_taken_down(terraform: Terraform, cloud: Cloud) -> None:
    terraform.run("apply", "-auto-approve", "-no-color", AT_ONCE, *VARIABLES)
    outputs = terraform.outputs()
    assert_credential_is_in_no_state(terraform)
    assert_catalog_has_the_columns_of_the_code(outputs["database"])
    assert_queries_are_those_of_the_docs(outputs["workgroup"])
    assert_nobody_deletes_a_commit(outputs["lake_bucket"])

    with prefect_server(cloud.state) as prefect:
        as_role = {"AWS_ACCESS_KEY_ID": FLOW_RUN_ROLE}
        outcome = cloud.run_portfolio(extra=prefect | outputs["flow_environment"] | as_role)
    assert_flow_run_role_allows_what_it_asked_for(cloud)
    assert outcome.last_line.startswith("published "), outcome.error
    assert_session_is_published(outputs)

    assert terraform.planned_changes(*VARIABLES) == {}

    script = terraform.project / "infra" / "glue" / "refine.py"
    script.write_text(script.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert terraform.planned_changes(*VARIABLES) == {SCRIPT: ["update"]}
    terraform.run("apply", "-no-color", "plan")
    assert terraform.planned_changes(*VARIABLES) == {}

    terraform.run("destroy", "-auto-approve", "-no-color", AT_ONCE, *VARIABLES)
    assert_nothing_is_left(outputs)


def assert_flow_run_role_allows_what_it_asked_for(cloud: Cloud) -> None:
    calls = [call for call in read_trail(cloud.state) if call.principal == FLOW_RUN_ROLE]
    role = {"RoleName": FLOW_RUN_ROLE, "PolicyName": "flow-run"}
    policy: Any = boto3.client("iam").get_role_policy(**role)["PolicyDocument"]
    assert len(calls) > 20
    assert denied(calls, policy) == []


def assert_credential_is_in_no_state(terraform: Terraform) -> None:
    assert CREDENTIAL not in terraform.run("state", "pull")
    secret = terraform.outputs()["prefect_secret_arn"]
    held = boto3.client("secretsmanager").get_secret_value(SecretId=secret)
    assert held["SecretString"] == CREDENTIAL


def assert_catalog_has_the_columns_of_the_code(database: str) -> None:
    found: list[Any] = boto3.client("glue").get_tables(DatabaseName=database)["TableList"]
    types = {
        table["Name"]: {
            column["Name"]: column["Type"]
            for column in table["StorageDescriptor"]["Columns"] + table["PartitionKeys"]
        }
        for table in found
    }
    assert types == {
        table.name: table.types() | {table.partition_key.name: table.partition_key.type}
        for table in TABLES
    }


def assert_queries_are_those_of_the_docs(workgroup: str) -> None:
    athena = boto3.client("athena")
    ids = athena.list_named_queries(WorkGroup=workgroup)["NamedQueryIds"]
    found = [athena.get_named_query(NamedQueryId=one)["NamedQuery"] for one in ids]
    assert {query["Name"]: query["QueryString"] for query in found} == {
        query.title: query.sql for query in documented_queries()
    }


def assert_nobody_deletes_a_commit(bucket: str) -> None:
    s3: Any = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="published/nothing/2025-08/000001.json", IfNoneMatch="*")
    with pytest.raises(s3.exceptions.ClientError, match="403"):
        s3.delete_object(Bucket=bucket, Key="published/nothing/2025-08/000001.json")


def assert_session_is_published(outputs: dict[str, Any]) -> None:
    found = wr.athena.read_sql_query(
        """
        SELECT s.constituent_count, count(*) AS row_count, sum(d.weight_pct) AS weight_pct
        FROM portfolio_daily_summary s JOIN portfolio_daily d ON d.trading_date = s.trading_date
        GROUP BY s.constituent_count
        """,
        database=outputs["database"],
        workgroup=outputs["workgroup"],
        ctas_approach=False,
    )
    assert len(found) == 1
    assert found["row_count"][0] == found["constituent_count"][0] > 0
    assert str(found["weight_pct"][0]) == "100.000"


def assert_nothing_is_left(outputs: dict[str, Any]) -> None:
    buckets = {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    assert not buckets & {outputs["lake_bucket"], outputs["results_bucket"]}
    databases = boto3.client("glue").get_databases()["DatabaseList"]
    assert outputs["database"] not in {database["Name"] for database in databases}
    jobs = boto3.client("glue").list_jobs()["JobNames"]
    assert outputs["glue_job_name"] not in jobs
    workgroups = boto3.client("athena").list_work_groups()["WorkGroups"]
    assert outputs["workgroup"] not in {workgroup["Name"] for workgroup in workgroups}
