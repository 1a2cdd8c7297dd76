"""What a run asks of AWS and of B3 does not grow with the sessions that are stored."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from infra.local.b3.sessions import SESSIONS
from tasks.core.commit import commit_key
from tasks.core.exchange import month_of, previous_session
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tests.e2e.cloud import Cloud

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

INDEX = "IBXX"
SESSION = SESSIONS[-1]
FEW, MANY = 3, 500  # beside that session itself
# A run of the last table: who waits for Glue lists it every half minute, to say how far that is.
PLACE = re.compile(rf"{PORTFOLIO.refined_tables[-1].prefix}run_id=\w+/")


def depends_on_time(call: dict[str, Any]) -> bool:
    """Whether a call is a look at a Glue run, of which there are as many as it takes long."""
    listed = call["parameters"].get("prefix", "") if call["action"] == "s3:ListBucket" else ""
    return call["action"] == "glue:GetJobRun" or PLACE.fullmatch(listed) is not None


def calls_of_a_run(cloud: Cloud) -> Counter[str]:
    """How many AWS calls of each kind a run makes that refines and publishes its month again."""
    for key in cloud.objects("runs/"):  # what earlier forced runs made of the same plan
        cloud.client("s3").delete_object(Bucket="b3-lake", Key=key)
    trail = cloud.state / "trail.jsonl"
    before = len(trail.read_text().splitlines())
    outcome = cloud.run_portfolio("--trading-date", str(SESSION), "--index", INDEX, "--force")
    assert outcome.last_line.startswith(f"published {INDEX} {SESSION}"), outcome.error
    lines = trail.read_text().splitlines()[before:]
    calls = [call for call in map(json.loads, lines) if not depends_on_time(call)]
    return Counter(call["action"] for call in calls)


def store(cloud: Cloud, count: int) -> None:
    """Store so many sessions of earlier months: raw objects, commits, published partitions."""
    body = cloud.objects(RAW_PORTFOLIO.object_key(str(SESSION), INDEX)).popitem()[1]
    day = SESSION.replace(day=1)
    days = [day := previous_session(day) for _ in range(count)]
    for each in days:
        key = RAW_PORTFOLIO.object_key(str(each), INDEX)
        cloud.client("s3").put_object(Bucket="b3-lake", Key=key, Body=body)
    publish(cloud, sorted(set(map(month_of, days))))


def publish(cloud: Cloud, months: list[str]) -> None:
    glue, s3 = cloud.client("glue"), cloud.client("s3")
    for month in months:
        s3.put_object(Bucket="b3-lake", Key=commit_key(PORTFOLIO, month, 1), Body=b"a commit")
    for table in PORTFOLIO.refined_tables:
        storage = glue.get_table(DatabaseName="b3", Name=table.name)["Table"]["StorageDescriptor"]
        partitions = [
            {"Values": [month], "StorageDescriptor": storage | {"Location": location}}
            for month in months
            for location in [f"s3://b3-lake/{table.attempt_folder('old', 'a', month)}"]
        ]
        glue.batch_create_partition(
            DatabaseName="b3", TableName=table.name, PartitionInputList=partitions
        )


def test_a_session_costs_b3_a_few_requests_and_aws_no_more_with_a_long_history(
    cloud: Cloud,
) -> None:
    asked = cloud.request_count()
    assert cloud.run_portfolio("--trading-date", str(SESSION), "--index", INDEX).code == 0
    # The portfolio; beside it a preview, whether there is one, the period's, twice the session.
    assert cloud.request_count() == asked + 1 + 5

    store(cloud, FEW)
    with_few = calls_of_a_run(cloud)
    store(cloud, MANY)
    with_many = calls_of_a_run(cloud)

    print(f"AWS calls of a run: {with_few.total()} with {FEW} sessions stored, ", end="")
    print(f"{with_many.total()} with {MANY}: {dict(with_many)}")
    # The plan, before Glue is asked and after; the commit; and of the job the outcome, beside a
    # file of each table, its mark, and what S3A leaves for its folder.
    assert with_few["s3:PutObject"] == 2 + 1 + 1 + 3 * len(PORTFOLIO.refined_tables)
    assert with_many == with_few
    # The local catalog answers this in one page, however many partitions there are.
    assert with_many["glue:GetPartitions"] == 0
    assert cloud.request_count() == asked + 1 + 5
