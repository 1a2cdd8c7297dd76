"""What a trail's calls come to under the roles and the bucket's policy of an offline plan."""

from typing import Any

import pytest

from tests.infra.conftest import Plan
from tests.permissions import Call, denied

GLUE_RUN = {"JobName": "b3-pipeline-refine"}
PARTITION = {"DatabaseName": "b3", "TableName": "portfolio_daily"}


def s3(action: str, key: str, bucket: str = "lake") -> Call:
    return Call("someone", f"s3:{action}", {"bucket": bucket, "key": key})


def commit(number: int = 1) -> Call:
    key = f"published/portfolio/2025-08/{number:06}.json"
    about = {"bucket": "lake", "key": key, "if_none_match": "*"}
    return Call("someone", "s3:PutObject", about)


def athena(action: str) -> Call:
    return Call("someone", f"athena:{action}", {"WorkGroup": "b3-pipeline"})


def glue(action: str, asked: dict[str, str]) -> Call:
    return Call("someone", f"glue:{action}", asked)


PAGE = "reports/portfolio/2025-08-01/IBOV.html"
READ_BY_VERIFY = [
    "landing/quotes/COTAHIST_D01082025.ZIP/0.zip",
    "raw/portfolio/trading_date=2025-08-01/IBOV.parquet",
    "runs/0/plan.json",
    "refined/portfolio_daily/run_id=0/attempt=1/month=2025-08/0.parquet",
    "published/portfolio/2025-08/000001.json",
]
ALLOWED = {
    "flow_run": [
        s3("PutObject", "landing/portfolio/received=2025-08-01/IBOV/0.json.gz"),
        s3("PutObject", "raw/portfolio/trading_date=2025-08-01/IBOV.parquet"),
        s3("PutObject", "runs/0/plan.json"),
        s3("PutObject", "runs/0/1/removed.json"),
        commit(),
        s3("PutObject", PAGE),
        s3("GetObject", PAGE),
        s3("GetObject", "published/portfolio/2025-08/000001.json"),
        s3("GetObject", "runs/0/1/outcome.json"),
        *(s3("GetObject", key) for key in READ_BY_VERIFY),
        s3("ListBucket", ""),
        s3("DeleteObject", "refined/portfolio_daily/run_id=0/attempt=1/month=2025-08/0.parquet"),
        glue("StartJobRun", GLUE_RUN),
        glue("BatchStopJobRun", GLUE_RUN),
        glue("CreatePartition", PARTITION),
        glue("UpdatePartition", PARTITION),
        glue("GetPartitions", PARTITION),
        glue("GetJobRuns", GLUE_RUN),
        glue("BatchCreatePartition", PARTITION),
    ],
    "glue": [
        s3("GetObject", "jobs/refine.py"),
        s3("GetObject", "runs/0/plan.json"),
        s3("GetObject", "raw/portfolio/trading_date=2025-08-01/IBOV.parquet"),
        s3("PutObject", "refined/portfolio_daily/run_id=0/attempt=1/month=2025-08/0.parquet"),
        s3("DeleteObject", "refined/portfolio_daily/run_id=0/attempt=1/month=2025-08/_temporary/0"),
        s3("PutObject", "runs/0/1/outcome.json"),
    ],
    # Athena reads the lake and the catalog, and writes the result, as the one who asks.
    "analyst": [
        athena("StartQueryExecution"),
        athena("GetQueryExecution"),
        athena("GetQueryResults"),
        athena("GetWorkGroup"),
        glue("GetTable", PARTITION),
        glue("GetPartitions", PARTITION),
        s3("ListBucket", ""),
        s3("GetObject", "refined/portfolio_daily/run_id=0/attempt=1/month=2025-08/0.parquet"),
        s3("GetObject", "raw/index_levels/year=2025/IBOV.parquet"),
        s3("GetObject", "published/portfolio/2025-08/000001.json"),
        s3("GetObject", PAGE),
        s3("PutObject", "b3-pipeline/0.csv", "results"),
        s3("GetObject", "b3-pipeline/0.csv", "results"),
    ],
}
REFUSED = {
    "flow_run": [
        s3("PutObject", "published/portfolio/2025-08/000001.json"),  # without If-None-Match
        s3("DeleteObject", "published/portfolio/2025-08/000001.json"),
        s3("DeleteObject", PAGE),
        s3("DeleteObject", "runs/0/plan.json"),
        s3("DeleteObject", "raw/portfolio/trading_date=2025-08-01/IBOV.parquet"),
        s3("PutObject", "refined/portfolio_daily/run_id=0/attempt=1/month=2025-08/0.parquet"),
        s3("PutObject", "empty/portfolio_daily/0.parquet"),
        s3("PutObject", "jobs/refine.py"),
        glue("StartJobRun", {"JobName": "another"}),
        glue("DeletePartition", PARTITION),
        glue("DeleteTable", {"DatabaseName": "b3", "Name": "portfolio_daily"}),
    ],
    "glue": [
        s3("PutObject", "published/portfolio/2025-08/000001.json"),
        s3("PutObject", "runs/0/plan.json"),
        s3("PutObject", "runs/0/1/removed.json"),
        s3("PutObject", "raw/portfolio/trading_date=2025-08-01/IBOV.parquet"),
        s3("PutObject", "landing/x"),
        s3("GetObject", "landing/x"),
        s3("PutObject", PAGE),
        s3("GetObject", PAGE),
        s3("PutObject", "empty/portfolio_daily/0.parquet"),
        s3("DeleteObject", "runs/0/1/outcome.json"),
        glue("CreatePartition", PARTITION),
    ],
    "analyst": [
        Call("someone", "athena:StartQueryExecution", {"WorkGroup": "another"}),
        s3("PutObject", "refined/portfolio_daily/0.parquet"),
        s3("DeleteObject", "refined/portfolio_daily/0.parquet"),
        s3("DeleteObject", "b3-pipeline/0.csv", "results"),
        commit(),
        s3("PutObject", PAGE),
        s3("DeleteObject", PAGE),
        s3("GetObject", "landing/x"),
        s3("GetObject", "inbox/x"),
        s3("GetObject", "runs/0/plan.json"),
        glue("StartJobRun", GLUE_RUN),
        glue("UpdatePartition", PARTITION),
    ],
}


def policies(plan: Plan, role: str) -> list[dict[str, Any]]:
    addresses = (
        f"module.roles[0].aws_iam_role_policy.{role}",
        "module.lake_bucket.aws_s3_bucket_policy.this[0]",
    )
    return [{"Statement": plan.policy(address)} for address in addresses]


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_may_do_what_its_work_takes(plans: dict[str, Plan], role: str) -> None:
    assert denied(ALLOWED[role], *policies(plans["worker"], role)) == []


@pytest.mark.parametrize("role", REFUSED)
def test_a_role_may_do_no_more(plans: dict[str, Plan], role: str) -> None:
    found = policies(plans["worker"], role)
    assert [call for call in REFUSED[role] if not denied([call], *found)] == []


def test_what_a_bucket_refuses_nobody_may(plans: dict[str, Plan]) -> None:
    anything = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    bucket = {
        "Statement": plans["worker"].policy("module.lake_bucket.aws_s3_bucket_policy.this[0]")
    }
    key = "published/portfolio/2025-08/000001.json"

    assert denied([commit()], anything, bucket) == []
    for action in ("PutObject", "DeleteObject"):
        assert denied([s3(action, key)], anything, bucket) == [
            (f"s3:{action}", f"arn:aws:s3:::lake/{key}")
        ]


def test_rights_with_a_condition_hold_for_that_alone(plans: dict[str, Plan]) -> None:
    arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/b3-pipeline-flow:1"
    run = {
        "taskDefinition": arn,
        "overrides": {"taskRoleArn": "arn:aws:iam::123456789012:role/glue"},
    }
    here, elsewhere = ({**run, "cluster": name} for name in ("b3-pipeline", "another"))
    worker = policies(plans["worker"], "worker[0]")

    of_glue = ("iam:PassRole", "arn:aws:iam::123456789012:role/glue")
    assert denied([Call("someone", "ecs:RunTask", here)], *worker) == [of_glue]
    assert denied([Call("someone", "ecs:RunTask", elsewhere)], *worker) == [
        ("ecs:RunTask", arn),
        of_glue,
    ]
