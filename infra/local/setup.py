"""What the local cloud holds from its first start on: the pipeline's own cloud, through boto3.

Buckets and catalog are remembered from start to start, and the tables follow the code; script, job
and workgroup are made at each start.
"""

from pathlib import Path
from typing import Any

import boto3

from infra.local.aws import REGION
from infra.local.aws.athena.engine import PARQUET_STORAGE
from tasks.core.dataset import Column, Table
from tasks.core.datasets import TABLES

LAKE_BUCKET = "b3-lake"
RESULTS_BUCKET = "b3-athena-results"
DATABASE = "b3"
WORKGROUP = "b3"
GLUE_JOB = "b3-refine"
SCRIPT_KEY = "jobs/refine.py"
BUCKETS = (LAKE_BUCKET, RESULTS_BUCKET)
_SCRIPT = Path(__file__).parents[1] / "glue" / "refine.py"


def set_up(connection: dict[str, str]) -> None:
    """Create what is missing of buckets, catalog, workgroup and job.

    Args:
        connection: The arguments of `boto3.client`: endpoint and credentials.
    """
    s3: Any = boto3.client("s3", **connection)  # type: ignore[call-overload]
    glue: Any = boto3.client("glue", **connection)  # type: ignore[call-overload]
    athena: Any = boto3.client("athena", **connection)  # type: ignore[call-overload]
    known_buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in BUCKETS:
        if bucket not in known_buckets:
            s3.create_bucket(Bucket=bucket)
    _set_up_catalog(glue)
    _set_up_workgroup(athena)
    _set_up_job(glue, s3)


def _set_up_catalog(glue: Any) -> None:
    if DATABASE not in {database["Name"] for database in glue.get_databases()["DatabaseList"]}:
        glue.create_database(DatabaseInput={"Name": DATABASE, "Description": "B3's daily data."})
    known = {table["Name"]: table for table in glue.get_tables(DatabaseName=DATABASE)["TableList"]}
    for table in TABLES:
        _set_up_table(glue, _table_input(table), known.get(table.name, {}))


def _set_up_table(glue: Any, wanted: dict[str, Any], found: dict[str, Any]) -> None:
    """Make a table what the code says; partitions stay where they still fit."""
    if found and found["PartitionKeys"] != wanted["PartitionKeys"]:
        glue.delete_table(DatabaseName=DATABASE, Name=wanted["Name"])
        found = {}
    if not found:
        glue.create_table(DatabaseName=DATABASE, TableInput=wanted)
    elif {name: found.get(name) for name in wanted} != wanted:
        glue.update_table(DatabaseName=DATABASE, TableInput=wanted)


def _table_input(table: Table) -> dict[str, Any]:
    return {
        "Name": table.name,
        "Description": table.description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE"},
        "PartitionKeys": [_column_input(table.partition_key)],
        "StorageDescriptor": {
            "Location": f"s3://{LAKE_BUCKET}/{table.location}",
            "Columns": [_column_input(column) for column in table.columns],
            **PARQUET_STORAGE,
        },
    }


def _column_input(column: Column) -> dict[str, str]:
    return {"Name": column.name, "Type": column.type, "Comment": column.description}


def _set_up_workgroup(athena: Any) -> None:
    athena.create_work_group(
        Name=WORKGROUP,
        Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS_BUCKET}/"},
            "EnforceWorkGroupConfiguration": True,
        },
    )


def _set_up_job(glue: Any, s3: Any) -> None:
    s3.put_object(Bucket=LAKE_BUCKET, Key=SCRIPT_KEY, Body=_SCRIPT.read_bytes())
    glue.create_job(
        Name=GLUE_JOB,
        Role="arn:aws:iam::123456789012:role/b3-pipeline-glue",
        Command={
            "Name": "glueetl",
            "ScriptLocation": f"s3://{LAKE_BUCKET}/{SCRIPT_KEY}",
            "PythonVersion": "3",
        },
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        Timeout=60,
        MaxRetries=0,
        ExecutionProperty={"MaxConcurrentRuns": 5},
    )


def pipeline_settings() -> dict[str, str]:
    """Return the pipeline's settings that name what is set up here."""
    return {
        "AWS_DEFAULT_REGION": REGION,
        "B3_LAKE_BUCKET": LAKE_BUCKET,
        "B3_DATABASE": DATABASE,
        "B3_WORKGROUP": WORKGROUP,
        "B3_GLUE_JOB": GLUE_JOB,
    }
