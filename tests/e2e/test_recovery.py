"""What went wrong once is made good by the next plain run, without a person."""

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.cloud import ROOT, TABLES, Cloud, Outcome, local_cloud, run_module
from tests.e2e.gate import gate_to
from tests.e2e.jobs import jobs_that_write_too_few_rows
from tests.e2e.readers import objects_seen, rows_seen, rows_served, sessions_seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_once_a_job_that_made_too_few_rows_is_mended_the_same_command_publishes(
    cloud: Cloud,
) -> None:
    index_code, session, month = "IDIV", dt.date(2025, 2, 3), "2025-02"
    cloud.show(session)
    with jobs_that_write_too_few_rows(cloud):
        refused = cloud.run_portfolio("--index", index_code)
    assert refused.code == 1
    assert "The audit of" in refused.error
    assert "Nothing was published" in refused.error
    assert rows_seen(cloud, index_code, month).total() == 0

    again = cloud.run_portfolio("--index", index_code)
    assert again.code == 0, again.error
    assert again.last_line.startswith("published")
    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)


STATEMENT = "theorical_qty AS theoretical_quantity,"
ANOTHER_COLUMN = "theorical_qty AS repeated_quantity,"
NO_SOURCES = shutil.ignore_patterns(".*", "__pycache__", "tests", "docs", "build")


def copy_with_another_column(folder: Path) -> Path:
    """Copy the project, with one more column in the statement that makes `portfolio_daily`."""
    copy = folder / "project"
    shutil.copytree(ROOT, copy, ignore=NO_SOURCES)
    sources = [path for kind in ("py", "sql") for path in copy.rglob(f"*.{kind}")]
    (source,) = [path for path in sources if path.match("portfolio/tables.py")]
    text = source.read_text()
    assert text.count(STATEMENT) == 1
    source.write_text(text.replace(STATEMENT, f"{STATEMENT} {ANOTHER_COLUMN}"))
    return copy


def test_another_column_in_a_tables_statement_makes_its_months_stale(
    tmp_path: Path, prefect_environment: dict[str, str], flow_processes: "subprocess.Popen[str]"
) -> None:
    index_code, session = "IDIV", dt.date(2025, 2, 3)
    state = tmp_path / "state"
    command = ("--index", index_code)
    with local_cloud(state, prefect_environment, flow_processes) as cloud:
        cloud.show(session)
        assert cloud.run_portfolio(*command).last_line.startswith("published")
        assert cloud.run_portfolio(*command).last_line.startswith("up to date")
        runs = len(cloud.glue_runs())

    copy = copy_with_another_column(tmp_path)
    with local_cloud(state, prefect_environment, root=copy) as cloud:
        cloud.show(session)
        outcome = run_module("flows.portfolio", command, cloud.env, copy)
        assert not outcome.last_line.startswith("up to date")
        assert len(cloud.glue_runs()) > runs, outcome.error


def test_deleted_files_of_a_published_month_are_made_again_by_the_next_run(cloud: Cloud) -> None:
    index_code, session, month = "IBXX", dt.date(2025, 3, 5), "2025-03"
    cloud.show(session)
    assert cloud.run_portfolio("--index", index_code).code == 0
    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)
    for key in (key for keys in objects_seen(cloud, month).values() for key in keys):
        cloud.client("s3").delete_object(Bucket="b3-lake", Key=key)
    assert rows_seen(cloud, index_code, month).total() == 0

    again = cloud.run_portfolio("--index", index_code)
    assert again.code == 0, again.error
    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)
    shown = sessions_seen(cloud, index_code, month)
    assert all(set(days) == {str(session)} for days in shown.values())


def test_a_lost_answer_about_a_new_partition_leaves_all_tables_published(cloud: Cloud) -> None:
    index_code, session, month = "SMLL", dt.date(2025, 4, 1), "2025-04"
    cloud.show(session)
    with gate_to(cloud.env["AWS_ENDPOINT_URL"]) as gate:
        gate.lose_answer("glue:CreatePartition")
        outcome = cloud.run_portfolio("--index", index_code, extra={"AWS_ENDPOINT_URL": gate.url})
        assert gate.has_failed_all
    shown = sessions_seen(cloud, index_code, month)
    assert [table for table in TABLES if set(shown[table]) != {str(session)}] == []
    assert outcome.code == 0, outcome.error
    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)


RAW_INDEX, RAW_SESSION, RAW_MONTH = "ITAG", dt.date(2025, 5, 5), "2025-05"
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _body: b"",
    "cut": lambda body: body[: len(body) // 2],
    "garbage": lambda _body: b"no Parquet " * 100,
}


@pytest.fixture
def raw(cloud: Cloud) -> Iterator[tuple[str, bytes]]:
    """Key and bytes of the one raw object of a published month; put back at the end."""
    cloud.show(RAW_SESSION)
    outcome = cloud.run_portfolio("--index", RAW_INDEX)
    assert outcome.code == 0, outcome.error
    ((key, body),) = [
        (key, body)
        for key, body in cloud.objects("raw/portfolio/").items()
        if str(RAW_SESSION) in key and RAW_INDEX in key
    ]
    yield key, body
    cloud.client("s3").put_object(Bucket="b3-lake", Key=key, Body=body)


# Each with each is in tests/flows/test_portfolio.py.
@pytest.mark.parametrize(
    ("damage", "arguments"),
    [("empty", ()), ("cut", ("--trading-date", str(RAW_SESSION))), ("garbage", ("--force",))],
    ids=["empty-plain", "cut-dated", "garbage-forced"],
)
def test_a_damaged_raw_object_of_the_session_that_b3_shows_is_replaced(
    cloud: Cloud, raw: tuple[str, bytes], damage: str, arguments: tuple[str, ...]
) -> None:
    key, body = raw
    assert rows_seen(cloud, RAW_INDEX, RAW_MONTH) == rows_served(RAW_INDEX, RAW_SESSION)
    cloud.client("s3").put_object(Bucket="b3-lake", Key=key, Body=DAMAGES[damage](body))

    outcome: Outcome = cloud.run_portfolio("--index", RAW_INDEX, *arguments)
    assert outcome.code == 0, outcome.error
    assert rows_seen(cloud, RAW_INDEX, RAW_MONTH) == rows_served(RAW_INDEX, RAW_SESSION)


def test_damage_is_found_with_a_table_and_healed_by_a_repair(cloud: Cloud) -> None:
    index_code, session, month = "IBXL", dt.date(2025, 6, 2), "2025-06"
    cloud.show(session)
    assert cloud.run_portfolio("--index", index_code).code == 0
    only = ("--dataset", "portfolio")
    (file,) = cloud.commits("portfolio", month)[-1]["tables"]["portfolio_daily"]["objects"]
    cloud.client("s3").delete_object(Bucket="b3-lake", Key=file["key"])
    place = {"DatabaseName": "b3", "TableName": "portfolio_monthly"}
    cloud.client("glue").delete_partition(**place, PartitionValues=[month])

    found = cloud.run_flow("verify", *only)
    assert (found.code, found.last_line) == (1, "")
    assert "failed: 2 findings; looked at portfolio: " in found.error
    assert "kind | where | what was found | what can be done" in found.error
    assert "files gone | portfolio_daily 2025-06, commit 1 | 1 file: refined/" in found.error
    assert "partition missing | portfolio_monthly 2025-06 | none | " in found.error

    repaired = cloud.run_flow("verify", *only, "--repair")
    assert repaired.code == 0, repaired.error
    assert repaired.last_line.startswith("verified portfolio: ")
    assert repaired.last_line.endswith("; healed 2 of 2 findings")
    assert rows_seen(cloud, index_code, month) == rows_served(index_code, session)
