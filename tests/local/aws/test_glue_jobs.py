import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.aws.glue import jobs as glue_jobs
from infra.local.up import LocalCloud
from tests.local.conftest import is_alive, wait_until

SPARK_SCRIPT = """
    import argparse
    import boto3
    from pyspark.sql import SparkSession

    parser = argparse.ArgumentParser()
    parser.add_argument("--lake")
    lake = parser.parse_known_args()[0].lake
    spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    raw = spark.read.option("basePath", f"{lake}/spark/raw").parquet(
        f"{lake}/spark/raw/index_code=IBOV/trading_date=2025-08-*"
    )
    assert raw.count() == 4, raw.count()
    raw.createOrReplaceTempView("raw")
    refined = spark.sql(
        "SELECT cod AS ticker, part AS weight_pct, trading_date, extracted_at, index_code,"
        " date_format(trading_date, 'yyyy-MM') AS month FROM raw"
    )
    refined.repartition(1).write.partitionBy("index_code", "month").parquet(
        f"{lake}/spark/refined/run_id=1"
    )
    print("rows", refined.count())
    listed = boto3.client("s3").list_objects_v2(Bucket="b3-lake", Prefix="spark/refined/run_id=1/")
    for key in (each["Key"] for each in listed["Contents"]):
        print(key.split("/")[3:-1], key.rsplit("/")[-1].split("-")[0])
"""


def described(glue: Any, job: str, run: str) -> Any:
    return glue.get_job_run(JobName=job, RunId=run)["JobRun"]


def wait_for(glue: Any, job: str, run: str, seconds: float = 60) -> Any:
    active = {"STARTING", "RUNNING", "STOPPING"}
    wait_until(lambda: described(glue, job, run)["JobRunState"] not in active, seconds)
    return described(glue, job, run)


def run(glue: Any, job: str, **options: Any) -> Any:
    return wait_for(glue, job, glue.start_job_run(JobName=job, **options)["JobRunId"])


def logged(group: str, run_id: str) -> list[str]:
    logs: Any = boto3
    stream = f"{run_id}-driver"
    events = logs.client("logs").get_log_events(logGroupName=group, logStreamName=stream)
    return [event["message"] for event in events["events"]]


def test_script_gets_the_jobs_arguments_under_the_runs_own(
    glue: Any, define: Callable[..., str]
) -> None:
    job = define(
        "import sys; print(sys.argv[1:])",
        DefaultArguments={"--lake": "s3://default", "--a": "1"},
    )

    ended = run(glue, job, Arguments={"--a": "2", "--b": "x y"})

    merged = {"--lake": "s3://default", "--a": "2", "--b": "x y"}
    assert ended["JobRunState"] == "SUCCEEDED"
    assert ended["Arguments"] == merged
    names = {"--JOB_NAME": job, "--JOB_RUN_ID": ended["Id"], **merged}
    assert logged("/aws-glue/jobs/output", ended["Id"]) == [
        str([part for pair in names.items() for part in pair])
    ]


def test_run_is_described_as_glue_does(glue: Any, define: Callable[..., str]) -> None:
    job = define("print('done')", Timeout=7, WorkerType="G.1X", NumberOfWorkers=3)

    ended = run(glue, job)

    assert ended["GlueVersion"] == "5.1"
    assert ended["LogGroupName"] == "/aws-glue/jobs"
    assert (ended["Timeout"], ended["WorkerType"], ended["NumberOfWorkers"]) == (7, "G.1X", 3)
    assert ended["StartedOn"] <= ended["CompletedOn"]
    assert ended["ExecutionTime"] < 60
    assert "ErrorMessage" not in ended


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise ValueError('no rows in 2025-08')", "ValueError: no rows in 2025-08"),
        ("import sys; sys.exit('give --months')", "SystemExit: give --months"),
        (
            "import sys; print('usage: x', file=sys.stderr); sys.exit(2)",
            "usage: x",
        ),
        ("import os; os._exit(3)", "The script ended with exit status 3."),
        ("x = (", "SyntaxError: '(' was never closed"),
    ],
    ids=["exception", "exit-with-words", "exit-with-status", "death", "no-python"],
)
def test_failed_run_says_the_scripts_own_reason(
    script: str, message: str, glue: Any, define: Callable[..., str]
) -> None:
    job = define(script)

    ended = run(glue, job)

    assert ended["JobRunState"] == "FAILED"
    assert ended["ErrorMessage"].splitlines()[-1] == message


def test_output_is_kept_in_a_file_and_in_the_log_groups(
    glue: Any, define: Callable[..., str], cloud: LocalCloud
) -> None:
    job = define("import sys; print('to out'); print('to err', file=sys.stderr)")

    ended = run(glue, job)

    log = (cloud.state.glue / f"{ended['Id']}.log").read_text()
    assert sorted(log.splitlines()) == ["to err", "to out"]
    assert logged("/aws-glue/jobs/output", ended["Id"]) == ["to out"]
    assert logged("/aws-glue/jobs/error", ended["Id"]) == ["to err"]


def test_log_groups_are_those_that_the_job_names(glue: Any, define: Callable[..., str]) -> None:
    job = define(
        "import sys; print('to out'); print('to err', file=sys.stderr)",
        DefaultArguments={"--custom-logGroup-prefix": "/aws-glue/of-this-job"},
    )

    ended = run(glue, job)

    assert ended["LogGroupName"] == "/aws-glue/of-this-job"
    assert logged("/aws-glue/of-this-job/output", ended["Id"]) == ["to out"]
    assert logged("/aws-glue/of-this-job/error", ended["Id"]) == ["to err"]


def test_missing_script_fails_the_run(glue: Any, define: Callable[..., str], s3: Any) -> None:
    job = define("print()")
    s3.delete_object(Bucket="b3-lake", Key=f"jobs/{job}.py")

    ended = run(glue, job)

    assert ended["JobRunState"] == "FAILED"
    assert f"s3://b3-lake/jobs/{job}.py cannot be read" in ended["ErrorMessage"]


def test_script_imports_nothing_of_the_project(glue: Any, define: Callable[..., str]) -> None:
    job = define("import infra.local.setup")

    assert "No module named 'infra'" in run(glue, job)["ErrorMessage"]


def test_runs_are_listed_newest_first(glue: Any, define: Callable[..., str]) -> None:
    job = define("print()")
    started = [run(glue, job)["Id"] for _ in range(3)]

    listed = [each["Id"] for each in glue.get_job_runs(JobName=job)["JobRuns"]]

    assert listed == started[::-1]


def test_more_runs_than_the_job_may_have_are_refused(glue: Any, define: Callable[..., str]) -> None:
    job = define("import time; time.sleep(60)", ExecutionProperty={"MaxConcurrentRuns": 1})
    active = glue.start_job_run(JobName=job)["JobRunId"]

    with pytest.raises(ClientError, match=active) as refused:
        glue.start_job_run(JobName=job)

    assert refused.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"


def test_stopped_run_ends_with_all_that_it_started(
    glue: Any, define: Callable[..., str], tmp_path: Path
) -> None:
    job = define(
        f"""
        import os, pathlib, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        part = pathlib.Path({str(tmp_path)!r}, "part")
        part.write_text(f"{{os.getpid()}} {{child.pid}}")
        part.rename(part.with_name("pids"))
        time.sleep(600)
        """
    )
    started = glue.start_job_run(JobName=job)["JobRunId"]
    wait_until((tmp_path / "pids").exists)
    assert described(glue, job, started)["JobRunState"] == "RUNNING"

    answer = glue.batch_stop_job_run(JobName=job, JobRunIds=[started, "jr_unknown"])

    assert [each["JobRunId"] for each in answer["SuccessfulSubmissions"]] == [started]
    assert [each["JobRunId"] for each in answer["Errors"]] == ["jr_unknown"]
    assert wait_for(glue, job, started)["JobRunState"] == "STOPPED"
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert not any(map(is_alive, pids))


def test_run_over_its_timeout_is_ended(
    glue: Any, define: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glue_jobs, "SECONDS_PER_MINUTE", 0.5)
    job = define("import time; time.sleep(60)", Timeout=1)
    before = time.monotonic()

    ended = run(glue, job)

    assert ended["JobRunState"] == "TIMEOUT"
    assert "1 minutes" in ended["ErrorMessage"]
    assert time.monotonic() - before < 20


def test_job_is_updated(glue: Any, define: Callable[..., str]) -> None:
    job = define("print()", Timeout=5)

    glue.update_job(JobName=job, JobUpdate={"Timeout": 9, "DefaultArguments": {"--x": "1"}})

    updated = glue.get_job(JobName=job)["Job"]
    assert (updated["Timeout"], updated["DefaultArguments"]) == (9, {"--x": "1"})


@pytest.mark.parametrize("ending", ["", "raise ValueError('late')"], ids=["success", "failure"])
def test_what_a_run_wrote_and_deleted_is_seen_however_it_ended(
    ending: str, glue: Any, define: Callable[..., str], s3: Any, lake: Path
) -> None:
    s3.put_object(Bucket="b3-lake", Key="ended/deleted", Body=b"")
    job = define(
        f"""
        import pathlib
        lake = pathlib.Path({str(lake)!r}, "ended")
        lake.joinpath("deleted").unlink()
        lake.joinpath("written").write_text("x")
        {ending}
        """
    )

    run(glue, job)

    listed = s3.list_objects_v2(Bucket="b3-lake", Prefix="ended/")["Contents"]
    assert [each["Key"] for each in listed] == ["ended/written"]


def test_what_a_killed_run_left_stays_as_it_stays_on_s3(
    glue: Any, define: Callable[..., str], s3: Any, lake: Path
) -> None:
    job = define(
        f"""
        import os, pathlib, signal
        month = pathlib.Path({str(lake)!r}, "killed-run", "month=2025-08")
        attempt = month / "_temporary" / "0" / "_temporary" / "attempt_1"
        attempt.mkdir(parents=True)
        attempt.joinpath("part-0.parquet").write_bytes(b"PAR1")
        attempt.joinpath(".part-0.parquet.crc").write_bytes(b"x")
        month.with_name("month=2025-09").mkdir()
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )

    assert run(glue, job)["JobRunState"] == "FAILED"

    listed = s3.list_objects_v2(Bucket="b3-lake", Prefix="killed-run/")["Contents"]
    assert {each["Key"].removeprefix("killed-run/"): each["Size"] for each in listed} == {
        "month=2025-08/_temporary/0/_temporary/attempt_1/part-0.parquet": 4,
        "month=2025-09/": 0,
    }


def test_spark_reads_and_writes_the_lake_and_athena_answers(
    glue: Any, define: Callable[..., str], s3: Any, lake: Path
) -> None:
    import datetime as dt
    from decimal import Decimal

    import awswrangler as wr
    import pyarrow as pa
    import pyarrow.parquet as pq

    at = dt.datetime(2025, 8, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
    for day in ("2025-07-31", "2025-08-01", "2025-08-04"):
        rows = pa.table(
            {
                "cod": ["PETR4", "VALE3"],
                "part": pa.array([Decimal("6.125"), Decimal("11.000")], pa.decimal128(6, 3)),
                "extracted_at": pa.array([at, at], pa.timestamp("us", tz="UTC")),
            }
        )
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink)
        key = f"spark/raw/index_code=IBOV/trading_date={day}/portfolio.parquet"
        s3.put_object(Bucket="b3-lake", Key=key, Body=sink.getvalue().to_pybytes())
    job = define(SPARK_SCRIPT, DefaultArguments={"--lake": "s3://b3-lake"})

    started = glue.start_job_run(JobName=job)["JobRunId"]
    ended = wait_for(glue, job, started, seconds=200)

    assert ended.get("ErrorMessage") is None
    # A job sees what it has written as soon as it has.
    assert logged("/aws-glue/jobs/output", ended["Id"]) == [
        "rows 4",
        "[] _SUCCESS",
        "['index_code=IBOV', 'month=2025-08'] part",
    ]
    assert logged("/aws-glue/jobs/error", ended["Id"]) == []
    assert not [path for path in lake.rglob("*") if path.name.endswith(".crc")]
    columns = {
        "ticker": "string",
        "weight_pct": "decimal(6,3)",
        "trading_date": "date",
        "extracted_at": "timestamp",
    }
    wr.catalog.create_parquet_table(
        database="b3",
        table="spark_refined",
        path="s3://b3-lake/spark/refined/",
        columns_types=columns,
        partitions_types={"index_code": "string", "month": "string"},
    )
    location = "s3://b3-lake/spark/refined/run_id=1/index_code=IBOV/month=2025-08/"
    wr.catalog.add_parquet_partitions(
        database="b3", table="spark_refined", partitions_values={location: ["IBOV", "2025-08"]}
    )
    frame = wr.athena.read_sql_query(
        "SELECT * FROM spark_refined WHERE month = '2025-08' AND ticker = 'PETR4' "
        "ORDER BY trading_date",
        database="b3",
        workgroup="b3",
        ctas_approach=False,
    )
    assert frame.to_dict("records") == [
        {
            "ticker": "PETR4",
            "weight_pct": Decimal("6.125"),
            "trading_date": day,
            # Athena's text has milliseconds.
            "extracted_at": dt.datetime(2025, 8, 1, 12, 0, 0, 123000),  # noqa: DTZ001
            "index_code": "IBOV",
            "month": "2025-08",
        }
        for day in (dt.date(2025, 8, 1), dt.date(2025, 8, 4))
    ]
