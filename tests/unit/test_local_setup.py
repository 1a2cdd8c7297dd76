from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local.local import _flow_environment
from infra.local.setup import pipeline_settings, set_up

TABLE = {"DatabaseName": "b3", "Name": "portfolio_daily"}
MONTH = {
    "Values": ["2025-08"],
    "StorageDescriptor": {"Location": "s3://b3-lake/refined/portfolio_daily/x/month=2025-08/"},
}


@pytest.fixture
def glue() -> Iterator[Any]:
    with mock_aws():
        set_up({})
        glue: Any = boto3.client("glue")
        # These are not remembered from start to start.
        boto3.client("athena").delete_work_group(WorkGroup="b3")
        glue.delete_job(JobName="b3-refine")
        glue.create_partition(DatabaseName="b3", TableName="portfolio_daily", PartitionInput=MONTH)
        yield glue


def test_flow_runs_are_not_told_of_the_folder_that_only_views_read() -> None:
    given = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4577",
        "B3_LAKE_BUCKET": "b3-lake",
        "B3_LAKE_FOLDER": "/lake/b3-lake",
    }
    assert _flow_environment(given) == {
        "AWS_DEFAULT_REGION": "us-east-1",
        "B3_LAKE_BUCKET": "b3-lake",
    }


def as_input(table: dict[str, Any]) -> dict[str, Any]:
    named = ("Name", "Description", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
    return {name: table[name] for name in named}


def months(glue: Any) -> list[list[str]]:
    found = glue.get_partitions(DatabaseName="b3", TableName="portfolio_daily")["Partitions"]
    return [partition["Values"] for partition in found]


def test_a_second_start_leaves_tables_as_they_are(glue: Any) -> None:
    before = glue.get_table(**TABLE)["Table"]

    set_up({})

    assert glue.get_table(**TABLE)["Table"] == before
    assert months(glue) == [["2025-08"]]


def test_a_table_of_an_older_version_follows_the_code_and_keeps_its_months(glue: Any) -> None:
    wanted = glue.get_table(**TABLE)["Table"]
    older = as_input(wanted)
    storage = older["StorageDescriptor"]
    older["StorageDescriptor"] = storage | {
        "Location": "s3://b3-lake/refined/portfolio_daily/",
        "Columns": storage["Columns"][1:],
    }
    glue.update_table(DatabaseName="b3", TableInput=older)

    set_up({})

    assert as_input(glue.get_table(**TABLE)["Table"]) == as_input(wanted)
    assert months(glue) == [["2025-08"]]


def test_months_of_other_keys_go_with_their_table(glue: Any) -> None:
    wanted = glue.get_table(**TABLE)["Table"]
    index = {"Name": "index_code", "Type": "string"}
    older = as_input(wanted) | {"PartitionKeys": [index, *wanted["PartitionKeys"]]}
    glue.update_table(DatabaseName="b3", TableInput=older)

    set_up({})

    assert as_input(glue.get_table(**TABLE)["Table"]) == as_input(wanted)
    assert months(glue) == []


def test_the_job_takes_several_plans_at_once_and_starts_none_twice(glue: Any) -> None:
    set_up({})

    job = glue.get_job(JobName=pipeline_settings()["B3_GLUE_JOB"])["Job"]

    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 5}
    assert job["MaxRetries"] == 0
    assert job["Command"]["ScriptLocation"] == "s3://b3-lake/jobs/refine.py"
    script = boto3.client("s3").get_object(Bucket="b3-lake", Key="jobs/refine.py")
    assert b"--plan" in script["Body"].read()
