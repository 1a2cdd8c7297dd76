"""The whole deployment: made on the local cloud, used, changed, and taken down again."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awswrangler as wr
import boto3
import pytest
import yaml  # type: ignore[import-untyped]

from deployments.environment import Environment
from deployments.state import ensure_bucket, move_state
from deployments.terraform import Terraform as OfEnvironment
from infra.local.prefect_server import prefect_server
from infra.queries import documented_queries
from tasks.core.datasets import TABLES
from tests.covered import run_by
from tests.e2e.cloud import Cloud, Outcome, run_module, wait_until
from tests.infra.conftest import ROOT, Terraform
from tests.permissions import denied, read_trail

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ACCOUNT = "123456789012"
ENVIRONMENT = "prod"  # as the pages have it
STATE_BUCKET = "trial-state"
VALUES = {
    "account_id": ACCOUNT,
    "state_bucket": STATE_BUCKET,
    "local_cloud": True,
    "database": "b3_terraform",  # the local cloud has a b3 of its own
    "prefect_api_url": "http://127.0.0.1:4200/api",  # that of the server, once it is there
    "prefect_auth": "auth_string",
    "network_type": "private",
    "alarm_email": "team@example.com",
}
VALUES_FILE = f"deployments/environments/{ENVIRONMENT}.tfvars.json"
VARIABLES = (f"-var-file=../../{VALUES_FILE}",)
# What the commands of `deployments` are made of.
READ_BY_DEPLOYMENTS = ("deployments", "flows", "tasks")
OF_INIT = "TF_CLI_ARGS_init"
PATH_STYLE = " -backend-config=use_path_style=true"
# Much of an apply is waiting for queues and buckets to settle.
AT_ONCE = "-parallelism=20"
# Two secrets that are found again wherever they come to be.
CREDENTIAL = "admin:marked-credential"
SECRET_KEY = "marked-secret-key"
FLOW_RUN_ROLE = "b3-pipeline-flow-run"
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
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
                patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
                patch.setenv("PREFECT_API_AUTH_STRING", CREDENTIAL)
                patch.setenv("PREFECT_SERVER_API_AUTH_STRING", CREDENTIAL)
                patch.setenv("TF_VAR_prefect_credential", CREDENTIAL)
                patch.setenv("CONTAINER_TOOL", "none")  # tasks are processes here
                yield Cloud(dict(os.environ), state)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def prefect(cloud: Cloud) -> Iterator[dict[str, str]]:
    """A Prefect server that asks for a credential, and what leads to it."""
    with prefect_server(cloud.state) as prefect:
        yield prefect


@pytest.fixture(scope="module")
def terraform(terraform: Terraform, cloud: Cloud, prefect: dict[str, str]) -> Iterator[Terraform]:
    """Terraform as the commands of `deployments` use it for an environment of the local cloud.

    Its state is in the bucket that the environment names, and that was made by the command.
    """
    project = terraform.project
    for folder in READ_BY_DEPLOYMENTS:
        shutil.copytree(ROOT / folder, project / folder)
    shutil.copy(ROOT / "prefect.yaml", project)
    values = VALUES | {"prefect_api_url": prefect["PREFECT_API_URL"]}
    (project / VALUES_FILE).write_text(json.dumps(values), encoding="utf-8")
    commit_all(project)
    here = project / "infra" / "terraform"
    with pytest.MonkeyPatch.context() as patch:
        given = os.environ.get(OF_INIT) or f"-plugin-dir={here}/.terraform/providers"
        patch.setenv(OF_INIT, given + PATH_STYLE)
        patch.setenv("TF_CLI_ARGS_destroy", AT_ONCE)
        outcome = run_deployments("state", project, cloud)
        assert outcome.code == 0, outcome.shown
        data = here / ".terraform" / "environments" / ENVIRONMENT
        patch.setitem(terraform.environment, "TF_DATA_DIR", str(data))
        yield terraform
    (here / "state_override.tf").unlink()


def commit_all(project: Path) -> None:
    """Make a commit of the copy: its id is the image's tag."""
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    for arguments in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *arguments], cwd=project, check=True)


def run_with_prefect(
    command: str, project: Path, cloud: Cloud, prefect: dict[str, str], *arguments: str
) -> Outcome:
    """Run a command of `deployments` as somebody who is signed in to Prefect."""
    env = cloud.env | dict(os.environ) | {"PREFECT_HOME": prefect["PREFECT_HOME"]}
    return run_module(f"deployments.{command}", ["--env", ENVIRONMENT, *arguments], env, project)


def run_deployments(command: str, project: Path, cloud: Cloud, *arguments: str) -> Outcome:
    """Run a command of `deployments` for the environment, without any key of Prefect's."""
    secrets = ("TF_VAR_prefect_credential", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING")
    all_of_it = cloud.env | dict(os.environ)
    given = {name: value for name, value in all_of_it.items() if name not in secrets}
    return run_module(f"deployments.{command}", ["--env", ENVIRONMENT, *arguments], given, project)


def test_credentials_of_another_account_are_refused(terraform: Terraform) -> None:
    done = terraform.try_to("plan", "-no-color", *VARIABLES, "-var=account_id=210987654321")
    assert done.returncode != 0
    assert "account ID not allowed" in done.stderr


@pytest.mark.usefixtures("terraform")
def test_the_bucket_of_the_state_keeps_every_version_and_is_closed() -> None:
    s3: Any = boto3.client("s3")
    assert s3.get_bucket_versioning(Bucket=STATE_BUCKET)["Status"] == "Enabled"
    closed = s3.get_public_access_block(Bucket=STATE_BUCKET)["PublicAccessBlockConfiguration"]
    assert closed == dict.fromkeys(closed, True)
    assert len(closed) == 4


def test_everything_is_made_used_changed_and_taken_down(
    terraform: Terraform, cloud: Cloud, prefect: dict[str, str]
) -> None:
    def run(command: str, *arguments: str) -> Outcome:
        return run_with_prefect(command, terraform.project, cloud, prefect, *arguments)

    dry = run("deploy", "--dry-run")
    assert dry.code == 0, dry.shown
    deployed = run("deploy", "--auto-approve")
    assert deployed.code == 0, deployed.shown
    outputs = terraform.outputs()
    as_deployed = (*VARIABLES, f"-var=image_tag={outputs['image_tag']}")
    assert_credential_is_in_no_state(terraform)
    assert_catalog_has_the_columns_of_the_code(outputs["database"])
    assert_queries_are_those_of_the_docs(outputs["workgroup"])
    assert_nobody_deletes_a_commit(outputs["lake_bucket"])
    assert_lines_of_the_pages_find_the_environment(terraform)

    verified = run("verify")
    assert_all_holds_but_what_nobody_does_here(verified)

    as_role = {"AWS_ACCESS_KEY_ID": FLOW_RUN_ROLE}
    outcome = cloud.run_portfolio(extra=prefect | outputs["flow_environment"] | as_role)
    assert_flow_run_role_allows_what_it_asked_for(cloud)
    assert outcome.last_line.startswith("published "), outcome.error
    assert_session_is_published(outputs)

    assert terraform.planned_changes(*as_deployed) == {}
    another = "-var=prefect_credential_version=2"
    assert terraform.planned_changes(*as_deployed, another) == {
        "module.secret[0].aws_secretsmanager_secret_version.this": ["delete", "create"],
        "module.worker[0].aws_ecs_service.this": ["update"],
    }

    script = terraform.project / "infra" / "glue" / "refine.py"
    script.write_text(script.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert terraform.planned_changes(*as_deployed) == {SCRIPT: ["update"]}
    terraform.run("apply", "-no-color", "plan")
    assert terraform.planned_changes(*as_deployed) == {}

    assert_no_secret_is_written_down(cloud, terraform.project)
    assert_destroy_spares_data_until_told(terraform, cloud, outputs)
    assert_nothing_is_left(outputs)
    again = run_deployments("destroy", terraform.project, cloud)
    assert again.code == 0, again.shown
    assert "There is nothing to destroy" in again.shown
    for each in (dry, deployed, verified, outcome, again):
        assert "marked-" not in each.shown


def assert_all_holds_but_what_nobody_does_here(verified: Outcome) -> None:
    """Nobody reads a mail here, and of services' tasks ECS only says that there are none."""
    rows = [line.split(" | ") for line in verified.shown.splitlines() if line.startswith("| ")]
    verdicts = {row[0].removeprefix("| ").strip(): row[1].strip() for row in rows[1:]}
    assert len(verdicts) == 4 + 1 + 6 + 1 + 1 + 1 + len(DEPLOYMENTS), verified.shown
    wrong = {what: verdict for what, verdict in verdicts.items() if verdict != "holds"}
    assert wrong == dict.fromkeys(("somebody is told of alarms", "the worker"), "DOES NOT HOLD"), (
        verified.shown
    )
    assert verified.code == 1


def assert_no_secret_is_written_down(cloud: Cloud, project: Path) -> None:
    """Neither in the lake, a log, Prefect's database, a task definition, nor Terraform's state."""
    files = [path for folder in (cloud.state, project) for path in folder.rglob("*")]
    read = [path for path in files if path.is_file()]
    assert any(path.name == "prefect.db" for path in read)
    assert any(path.parent.name == "ecs" for path in read)
    assert [str(path) for path in read if b"marked-" in path.read_bytes()] == []
    ecs, logs = boto3.client("ecs"), boto3.client("logs")
    definitions = [
        ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        for arn in ecs.list_task_definitions()["taskDefinitionArns"]
    ]
    assert len(definitions) >= 2
    assert "marked-" not in str(definitions)
    events = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    assert events
    assert "marked-" not in str(events)


def assert_destroy_spares_data_until_told(
    terraform: Terraform, cloud: Cloud, outputs: dict[str, Any]
) -> None:
    refused = run_deployments("destroy", terraform.project, cloud, "--auto-approve")
    assert refused.code == 1
    assert f"The lake {outputs['lake_bucket']} holds data:" in refused.error
    for zone in ("landing", "raw", "runs", "refined", "published"):
        assert f"\n  {zone} " in refused.shown
    assert "\n  jobs " not in refused.shown
    assert terraform.outputs() == outputs

    # What comes between the look and the destroy makes Terraform itself refuse.
    lake = "module.lake_bucket.aws_s3_bucket.this"
    resources = json.loads(terraform.run("show", "-json"))["values"]["root_module"]
    (found,) = [
        each
        for module in resources["child_modules"]
        for each in module["resources"]
        if each["address"] == lake
    ]
    assert found["values"]["force_destroy"] is False

    done = run_deployments("destroy", terraform.project, cloud, "--auto-approve", "--delete-data")
    assert done.code == 0, done.shown
    assert f"lies in s3://{STATE_BUCKET}/b3-pipeline/{ENVIRONMENT}/terraform.tfstate" in done.shown


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


def assert_lines_of_the_pages_find_the_environment(terraform: Terraform) -> None:
    """Typed in the project's folder, with the ID of a lock that somebody has left behind."""
    lock = {"Bucket": STATE_BUCKET, "Key": f"b3-pipeline/{ENVIRONMENT}/terraform.tfstate.tflock"}
    info = {"ID": "00000000-0000-4000-8000-000000000000", "Operation": "OperationTypeApply"}
    s3: Any = boto3.client("s3")
    s3.put_object(**lock, Body=json.dumps(info).encode())
    environment = os.environ | terraform.environment | {"ID": info["ID"]}
    del environment["TF_INPUT"]  # who is asked may answer
    lines = run_by(__file__, "test_everything_is_made_used_changed_and_taken_down")
    of_terraform = [line for line in lines if " terraform " in line]
    assert len(of_terraform) >= 2
    for line in of_terraform:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=terraform.project,
            env=environment,
            input="yes\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip(), line
        if line.endswith(" state list"):
            assert "module.lake_bucket.aws_s3_bucket.this" in done.stdout.splitlines()
    kept = s3.list_objects_v2(Bucket=STATE_BUCKET, Prefix=lock["Key"])
    assert kept["KeyCount"] == 0, "the lock is still there"


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


@pytest.fixture
def small(tmp_path: Path, terraform: Terraform) -> Path:
    """A configuration that makes nothing in the cloud."""
    (tmp_path / "main.tf").write_text(
        'variable "input" {\n  default = ""\n}\n'
        'resource "terraform_data" "this" {\n  input = var.input\n}\n'
        'output "input" {\n  value = terraform_data.this.output\n}\n'
    )
    return tmp_path


def of(name: str, bucket: str | None, folder: Path) -> OfEnvironment:
    environment = Environment.model_validate(VALUES | {"state_bucket": bucket})
    if bucket is not None:
        ensure_bucket(environment)
    values = folder / f"{name}.tfvars.json"
    values.write_text(json.dumps({"input": name}))
    found = OfEnvironment(name, values, environment, folder)
    with pytest.MonkeyPatch.context() as patch:
        if bucket is None:
            patch.setenv(OF_INIT, os.environ[OF_INIT].removesuffix(PATH_STYLE))
        found.prepare()
    return found


def test_each_environment_finds_its_own_state_and_a_local_one_is_moved_without_loss(
    small: Path,
) -> None:
    for name in ("one", "two"):
        of(name, None, small).apply(None, is_approved=True)
    file = small / "states" / "one" / "terraform.tfstate"
    made = file.read_text()

    one = of("one", "bucket-of-one", small)
    one.push_state(file)  # and killed here
    assert "is moved-to-bucket-of-one-" not in move_state(one, file, "bucket-of-one")
    assert not file.exists()
    (aside,) = file.parent.glob("moved-to-bucket-of-one-*.tfstate")
    assert aside.read_text() == made
    assert one.pull_state()["resources"] == json.loads(made)["resources"]

    two = of("two", None, small)  # stays on this machine
    assert two.outputs() == {"input": "two"}
    of("two", "bucket-of-two", small)
    three = of("two", "bucket-of-two", small)
    assert three.resources() == {}
    move_state(three, small / "states" / "two" / "terraform.tfstate", "bucket-of-two")

    assert of("one", "bucket-of-one", small).outputs() == {"input": "one"}
    assert of("two", "bucket-of-two", small).outputs() == {"input": "two"}
    for bucket, name in (("bucket-of-one", "one"), ("bucket-of-two", "two")):
        found = boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
        assert [each["Key"] for each in found] == [f"b3-pipeline/{name}/terraform.tfstate"]


def test_a_second_apply_is_refused_while_another_one_is_at_work(
    small: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = of("locked", "bucket-of-locked", small)
    lock = "b3-pipeline/locked/terraform.tfstate.tflock"

    def is_locked() -> bool:
        found = boto3.client("s3").list_objects_v2(Bucket="bucket-of-locked").get("Contents", [])
        return lock in [each["Key"] for each in found]

    data = {"TF_DATA_DIR": str(small / ".terraform" / "environments" / "locked")}
    with subprocess.Popen(
        ["terraform", "apply"],  # which asks, and holds the lock until it is answered
        cwd=small,
        env=os.environ | data,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as first:
        wait_until(is_locked, "the lock of the first apply")
        with pytest.raises(subprocess.CalledProcessError):
            environment.apply(None, is_approved=True)
        assert "Error acquiring the state lock" in capfd.readouterr().err
        first.communicate("yes\n")
    assert first.returncode == 0
    assert not is_locked()
    environment.apply(None, is_approved=True)
    assert environment.outputs() == {"input": "locked"}
