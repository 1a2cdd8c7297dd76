"""What the local cloud holds from its first start on: the pipeline's own cloud, through boto3.

Buckets and catalog are remembered from start to start and stay as they are; scripts, jobs and
workgroup are made at each start.
"""

from dataclasses import dataclass, field
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
PORTFOLIO_JOB = "b3-refine-portfolio"
QUOTES_JOB = "b3-refine-quotes"
_SCRIPTS = Path(__file__).parents[1] / "glue"


@dataclass(frozen=True)
class Job:
    """One Glue job.

    Attributes:
        name: Its name.
        script: Its script under `infra/glue`.
        timeout_minutes: How long a run may take.
        arguments: What each run gets unless it says otherwise.
    """

    name: str
    script: str
    timeout_minutes: int
    arguments: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Where the script lies in the lake's bucket."""
        return f"jobs/{self.script}"


BUCKETS = (LAKE_BUCKET, RESULTS_BUCKET)
JOBS = (
    Job(PORTFOLIO_JOB, "refine_portfolio.py", 15, {"--lake": f"s3://{LAKE_BUCKET}"}),
    Job(QUOTES_JOB, "refine_quotes.py", 60, {"--lake": f"s3://{LAKE_BUCKET}"}),
)


def set_up(connection: dict[str, str]) -> None:
    """Create what is missing of buckets, catalog, workgroup and jobs.

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
    for job in JOBS:
        _set_up_job(glue, s3, job)


def _set_up_catalog(glue: Any) -> None:
    if DATABASE not in {database["Name"] for database in glue.get_databases()["DatabaseList"]}:
        glue.create_database(DatabaseInput={"Name": DATABASE, "Description": "B3's daily data."})
    known = {table["Name"] for table in glue.get_tables(DatabaseName=DATABASE)["TableList"]}
    for table in TABLES:
        if table.name not in known:
            glue.create_table(DatabaseName=DATABASE, TableInput=_table_input(table))


def _table_input(table: Table) -> dict[str, Any]:
    return {
        "Name": table.name,
        "Description": table.description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE"},
        "PartitionKeys": [_column_input(column) for column in table.partition_keys],
        "StorageDescriptor": {
            "Location": f"s3://{LAKE_BUCKET}/{table.prefix}",
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


def _set_up_job(glue: Any, s3: Any, job: Job) -> None:
    script = (_SCRIPTS / job.script).read_bytes()
    s3.put_object(Bucket=LAKE_BUCKET, Key=job.key, Body=script)
    glue.create_job(
        Name=job.name,
        Role=f"arn:aws:iam::123456789012:role/{job.name}",
        Command={
            "Name": "glueetl",
            "ScriptLocation": f"s3://{LAKE_BUCKET}/{job.key}",
            "PythonVersion": "3",
        },
        DefaultArguments=job.arguments,
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        Timeout=job.timeout_minutes,
        MaxRetries=0,
        ExecutionProperty={"MaxConcurrentRuns": 1},
    )


def pipeline_settings() -> dict[str, str]:
    """Return the pipeline's settings that name what is set up here."""
    return {
        "AWS_DEFAULT_REGION": REGION,
        "B3_LAKE_BUCKET": LAKE_BUCKET,
        "B3_DATABASE": DATABASE,
        "B3_WORKGROUP": WORKGROUP,
        "B3_GLUE_JOB": PORTFOLIO_JOB,
        "B3_QUOTES_GLUE_JOB": QUOTES_JOB,
    }
