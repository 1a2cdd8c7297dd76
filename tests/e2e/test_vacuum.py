"""A vacuum at work beside a flow takes nothing that the flow publishes."""

import datetime as dt
import os

import pytest

from tests.e2e.cloud import TABLES, Cloud, wait_until
from tests.e2e.gate import Call, gate_to
from tests.e2e.readers import objects_seen, rows_seen, rows_served

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

VACUUM = ("--grace-days", "1", "--delete")
# What runs leave behind, in any layout; raw and landing know no age.
AGING = ("refined/", "runs/", "published/")


def let_days_pass(cloud: Cloud, days: int = 3) -> None:
    """Make what runs have left in the lake so many days older."""
    lake = cloud.state / "lake" / "b3-lake"
    for path in (lake / key for key in cloud.objects() if key.startswith(AGING)):
        then = path.stat().st_mtime - days * 86_400
        os.utime(path, (then, then))
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket="b3-lake")
    found = [item for page in pages for item in page["Contents"]]
    aged = [item["LastModified"] for item in found if item["Key"].startswith(AGING)]
    assert aged
    assert max(aged) < dt.datetime.now(dt.UTC) - dt.timedelta(days=days - 1)


def is_of_a_published_table(call: Call) -> bool:
    return call.parameters["TableName"] in TABLES


def test_a_vacuum_between_audit_and_commit_leaves_no_published_month_without_files(
    cloud: Cloud,
) -> None:
    index_code, session, month = "IDIV", dt.date(2025, 2, 3), "2025-02"
    cloud.show(session)
    with (
        gate_to(cloud.env["AWS_ENDPOINT_URL"]) as gate,
        cloud.start_flow(
            "portfolio", "--index", index_code, extra={"AWS_ENDPOINT_URL": gate.url}
        ) as flow,
    ):
        commit = gate.hold(
            "glue:CreatePartition", "glue:UpdatePartition", where=is_of_a_published_table
        )
        commit.wait_until_held()
        let_days_pass(cloud)
        vacuum = cloud.run_flow("vacuum", *VACUUM)
        assert vacuum.code == 0, vacuum.error
        commit.release()
        ended = flow.end()
    assert ended.code == 0, ended.error
    seen = objects_seen(cloud, month)
    assert {table for table, *_ in seen} == set(TABLES)
    assert [partition for partition, keys in seen.items() if not keys] == []
    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)


def test_what_a_killed_job_leaves_beside_published_files_changes_nothing_and_goes_with_them(
    cloud: Cloud,
) -> None:
    index_code, session, month = "SMLL", dt.date(2025, 1, 6), "2025-01"
    cloud.show(session)
    assert cloud.run_portfolio("--index", index_code).code == 0
    files = {keys[0].rpartition("/")[0] for keys in objects_seen(cloud, month).values()}
    left = {
        f"{folder}/{name}"
        for folder in files
        for name in ("_temporary/0/", "_temporary/0/part-0.parquet", "__magic_job-1/x.pending")
    }
    for key in left:
        cloud.client("s3").put_object(Bucket="b3-lake", Key=key, Body=b"")

    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)
    again = cloud.run_portfolio("--index", index_code)
    assert again.last_line.startswith("up to date"), again.error
    verified = cloud.run_flow("verify")
    assert verified.code == 0, verified.error

    assert cloud.run_portfolio("--index", index_code, "--force").code == 0
    for _ in range(2):  # one marks, the other one removes
        let_days_pass(cloud)
        vacuum = cloud.run_flow("vacuum", *VACUUM)
        assert vacuum.code == 0, vacuum.error
    listed = cloud.client("s3").list_objects_v2(Bucket="b3-lake", Prefix="refined/")["Contents"]
    assert not [each["Key"] for each in listed if each["Key"].startswith(tuple(files))]
    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)


def leave_unpublished(cloud: Cloud, index_code: str) -> None:
    """Kill a flow whose Glue run has succeeded, before it knows."""
    before = {run["Id"] for run in cloud.glue_runs()}

    def has_succeeded() -> bool:
        runs = [run for run in cloud.glue_runs() if run["Id"] not in before]
        return [run["JobRunState"] for run in runs] == ["SUCCEEDED"]

    with (
        gate_to(cloud.env["AWS_ENDPOINT_URL"]) as gate,
        cloud.start_flow(
            "portfolio", "--index", index_code, extra={"AWS_ENDPOINT_URL": gate.url}
        ) as flow,
    ):
        waiting = gate.hold("glue:GetJobRun")
        waiting.wait_until_held()
        wait_until(has_succeeded, "the flow's Glue run succeeds")
        flow.kill()


def test_a_vacuum_at_its_delete_leaves_what_a_flow_publishes_meanwhile(cloud: Cloud) -> None:
    index_code, session, month = "IBXX", dt.date(2025, 3, 5), "2025-03"
    cloud.show(session)
    leave_unpublished(cloud, index_code)
    assert rows_seen(cloud, index_code, month).total() == 0
    # A vacuum may mark first, and remove what bears its mark the next time.
    for _ in range(3):
        let_days_pass(cloud)
        with (
            gate_to(cloud.env["AWS_ENDPOINT_URL"]) as gate,
            cloud.start_flow("vacuum", *VACUUM, extra={"AWS_ENDPOINT_URL": gate.url}) as vacuum,
        ):
            removal = gate.hold("s3:DeleteObjects", "s3:DeleteObject")
            wait_until(
                lambda: removal.has_one or vacuum.has_ended,  # noqa: B023 - asked in this round
                "the vacuum removes something, or ends",
            )
            if not removal.has_one:
                assert vacuum.end().code == 0
                continue
            flow = cloud.run_portfolio("--index", index_code)
            assert flow.code == 0, flow.error
            assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)
            removal.release()
            assert vacuum.end().code == 0
            break
    else:
        raise AssertionError("the vacuum has removed nothing")
    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)
    assert all(objects_seen(cloud, month).values())
