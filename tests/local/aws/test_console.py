from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests

from infra.local.up import LocalCloud
from tasks.core.console import glue_run_url, object_url
from tests.local.aws.test_glue_jobs import run

pytestmark = pytest.mark.usefixtures("cloud")


def url_of(glue: Any, job: str, job_run_id: str) -> str:
    """The link that a flow gives of a run, whose client says no more than where it asks."""
    return glue_run_url("us-east-1", job, job_run_id, glue.meta.endpoint_url)


def test_the_link_of_a_run_shows_how_it_ended_and_its_log(
    glue: Any, define: Callable[..., str], cloud: LocalCloud
) -> None:
    job = define("import sys; print('São Paulo'); print('<b>', file=sys.stderr)")
    ended = run(glue, job, Arguments={"--plan": "s3://b3-lake/runs/1/plan.json"})

    answer = requests.get(url_of(glue, job, ended["Id"]), timeout=10)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    first, *rest = answer.text.splitlines()
    assert first == f"Glue run {ended['Id']} of {job}: SUCCEEDED"
    assert f"log file: {cloud.state.glue / ended['Id']}.log" in rest
    assert "--plan: s3://b3-lake/runs/1/plan.json" in rest
    assert f"started: {ended['StartedOn']:%Y-%m-%d %H:%M:%S} UTC" in rest
    assert sorted(rest[rest.index("") + 1 :]) == ["<b>", "São Paulo"]


def test_the_reason_of_a_run_that_failed_is_told_before_its_log(
    glue: Any, define: Callable[..., str]
) -> None:
    job = define("raise SystemExit('no rows in 2025-08')")
    ended = run(glue, job)

    lines = requests.get(url_of(glue, job, ended["Id"]), timeout=10).text.splitlines()

    assert lines[0].endswith(": FAILED")
    assert lines[1] == "SystemExit: no rows in 2025-08"


def test_the_page_of_a_run_that_is_at_work_shows_its_log_so_far(
    glue: Any, define: Callable[..., str]
) -> None:
    job = define("import time; time.sleep(600)")
    started = glue.start_job_run(JobName=job)["JobRunId"]

    answer = requests.get(url_of(glue, job, started), timeout=10)
    glue.batch_stop_job_run(JobName=job, JobRunIds=[started])

    assert answer.status_code == 200
    assert "completed:" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["{job}/jr_0", "other/{run}", "{job}/..%2f..%2fenv", "{job}/.%2f{run}"],
    ids=["no-run", "of-another-job", "a-file-of-the-state", "a-way-round"],
)
def test_what_is_no_run_of_the_job_has_no_page(
    glue: Any, define: Callable[..., str], path: str
) -> None:
    job = define("print('words')")
    ended = run(glue, job)
    place = path.format(job=job, run=ended["Id"])

    answer = requests.get(f"{glue.meta.endpoint_url}/console/glue/{place}", timeout=10)

    assert answer.status_code >= 400
    assert "words" not in answer.text
    assert "AWS_" not in answer.text


def test_an_object_whose_key_looks_like_a_page_is_an_object() -> None:
    s3: Any = boto3.client("s3")
    s3.create_bucket(Bucket="console")
    s3.put_object(Bucket="console", Key="glue/job/jr_0", Body=b"an object")

    assert s3.get_object(Bucket="console", Key="glue/job/jr_0")["Body"].read() == b"an object"
    link = s3.generate_presigned_url(
        "get_object", Params={"Bucket": "console", "Key": "glue/job/jr_0"}
    )
    assert requests.get(link, timeout=10).content == b"an object"

    s3.delete_object(Bucket="console", Key="glue/job/jr_0")
    s3.delete_bucket(Bucket="console")


@pytest.fixture
def reports() -> Iterator[Any]:
    """A bucket with pages of reports, and what else lies in it."""
    s3: Any = boto3.client("s3")
    s3.create_bucket(Bucket="pages")
    keys = (
        "reports/portfolio/2025-08-04/IBOV.html",
        "reports/portfolio/2025-08.html",
        "raw/a.html",
    )
    for key in keys:
        s3.put_object(Bucket="pages", Key=key, Body=f"<p>{key} São Paulo".encode())
    yield s3
    for key in keys:
        s3.delete_object(Bucket="pages", Key=key)
    s3.delete_bucket(Bucket="pages")


def test_a_page_of_a_report_is_shown_to_a_browser_and_leads_to_others(reports: Any) -> None:
    endpoint = reports.meta.endpoint_url
    page = "reports/portfolio/2025-08-04/IBOV.html"
    url = object_url("us-east-1", "pages", page, endpoint)

    answer = requests.get(url, timeout=10)
    assert (answer.status_code, answer.text) == (200, f"<p>{page} São Paulo")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    month = requests.get(url.replace("2025-08-04/IBOV.html", "2025-08.html"), timeout=10)
    assert month.text.startswith("<p>reports/portfolio/2025-08.html")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("pages/reports/portfolio/2025-08-05/IBOV.html", id="not there"),
        pytest.param("pages/raw/a.html", id="no report"),
        pytest.param("pages/reports/..%2fraw/a.html", id="a way round"),
        pytest.param("other/reports/portfolio/2025-08.html", id="another bucket"),
    ],
)
def test_nothing_else_of_a_bucket_is_shown_without_a_signature(reports: Any, path: str) -> None:
    answer = requests.get(f"{reports.meta.endpoint_url}/console/s3/{path}", timeout=10)
    assert answer.status_code >= 400
    assert "São Paulo" not in answer.text
