"""What the Prefect dashboard shows of a run."""

import json
import re
from typing import Any

import pytest
import requests

from infra.local.b3.sessions import SESSIONS
from tasks.core.exchange import month_of
from tests.e2e.cloud import Cloud

pytestmark = pytest.mark.e2e

INDEX, SESSION = "ITAG", SESSIONS[0]
MONTH = month_of(SESSION)


@pytest.fixture
def published(cloud: Cloud) -> Cloud:
    """The lake with one session of a large index, which comes in two pages."""
    cloud.show(SESSION)
    outcome = cloud.run_portfolio("--index", INDEX, extra={"B3_REPORTS": "pt-BR"})
    assert outcome.code == 0, outcome.error
    return cloud


def ask(cloud: Cloud, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    url = f"{cloud.env['PREFECT_API_URL']}/{path}/filter"
    answer: list[dict[str, Any]] = requests.post(url, json=body, timeout=30).json()
    return answer


def latest_artifact(cloud: Cloud, key: str) -> dict[str, Any]:
    (artifact,) = ask(cloud, "artifacts/latest", {"artifacts": {"key": {"any_": [key]}}})
    return artifact


def test_a_run_shows_its_session_verdicts_summary_and_links(published: Cloud) -> None:
    by_name = {"flow_runs": {"name": {"any_": [f"{INDEX} {SESSION}"]}}}
    run, *_ = ask(published, "flow_runs", by_name)
    assert run["state_name"] == "Completed"
    assert run["parameters"] == {"trading_date": None, "index_codes": [INDEX], "force": False}

    audit = latest_artifact(published, "audit-portfolio-2025-07")
    verdicts = {row["check"]: row["verdict"] for row in json.loads(audit["data"])}
    assert verdicts["daily_equals_raw"] == "passed"
    assert set(verdicts.values()) == {"passed"}
    assert audit["description"].startswith(f"Passed: {len(verdicts)} of {len(verdicts)} checks")
    found = {row["check"]: row["found"] for row in json.loads(audit["data"])}
    assert found["daily_equals_raw"] == "222 of 222 rows equal"
    assert found["daily_weights_sum_to_100"] == "100.000 in 1 of 1 session"
    assert max(map(len, found.values())) <= 60

    summary = latest_artifact(published, "portfolio-itag")["data"]
    assert f"## {INDEX}, session of {SESSION}" in summary
    assert "222 constituents" in summary
    assert f"The lake holds no session of {INDEX} before this one" in summary

    (glue_run,) = published.glue_runs()
    links = latest_artifact(published, "links-portfolio")["data"]
    run_id = glue_run["Arguments"]["--plan"].split("/")[-2]
    assert run_id[:12] in links
    assert "portfolio_monthly" in links
    (url,) = re.findall(r"\((http\S+)\)", links)
    log = requests.get(url, timeout=30)
    assert log.status_code == 200
    assert log.text.startswith(f"Glue run {glue_run['Id']} of {glue_run['JobName']}: SUCCEEDED")
    assert "2025-07: written" in log.text


def run_that_published(cloud: Cloud) -> dict[str, Any]:
    by_name = {"flow_runs": {"name": {"any_": [f"{INDEX} {SESSION}"]}}}
    (run,) = (
        run
        for run in ask(cloud, "flow_runs", by_name)
        if str(run["state"]["message"]).startswith("published")
    )
    return run


def test_the_reports_of_a_run_open_from_its_artifact(published: Cloud) -> None:
    artifact = latest_artifact(published, "reports")
    assert artifact["description"] == "1 report, 1 of them new."
    links = re.findall(r"\[([^]]+)\]\((\S+)\)", artifact["data"])
    assert [name for name, _ in links] == [INDEX, f"All of {MONTH}"]
    for _, address in links:
        answer = requests.get(address, timeout=30)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.text.lstrip().startswith("<!DOCTYPE html>")
        assert INDEX in answer.text


STORY = [
    f"download {INDEX}",
    f"check {INDEX}",
    f"write raw_portfolio {SESSION}",
    "register partitions of raw_portfolio",
    f"download preview {INDEX}",
    f"download theoretical portfolio {INDEX}",
    f"check {INDEX} theoretical portfolio",
    f"write raw_portfolio_theoretical {SESSION}",
    "register partitions of raw_portfolio_theoretical",
    f"look at portfolio {MONTH}",
    f"start Glue on portfolio {MONTH}",
    f"Glue refines portfolio {MONTH}",
    f"look at portfolio {MONTH}",
    f"audit portfolio {MONTH}",
    f"publish portfolio {MONTH}",
    f"write 1 report of {SESSION}",
    f"write the page of {MONTH}",
]


def test_the_steps_of_a_run_are_its_story_each_named_by_what_it_is_about(published: Cloud) -> None:
    run = run_that_published(published)
    steps = ask(published, "task_runs", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert [step["name"] for step in sorted(steps, key=lambda step: step["start_time"])] == STORY
    assert {step["state_name"] for step in steps} == {"Completed"}
    lines_of_the_graph = [source for step in steps for source in step["task_inputs"].values()]
    assert not any(lines_of_the_graph)


def test_the_log_of_a_run_is_its_story(published: Cloud) -> None:
    run = run_that_published(published)
    lines = ask(published, "logs", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
    said = [line["message"] for line in sorted(lines, key=lambda line: line["timestamp"])]
    assert [line for line in said if not line.startswith("Glue: ")] == [
        f"Beginning flow run '{INDEX} latest' for flow 'daily-portfolio'",
        f"{INDEX}: B3's answer kept in landing, 2 pages",
        f"{INDEX} {SESSION}: 222 constituents, sound",
        f"raw_portfolio {SESSION}: 1 object written, 222 rows",
        f"No preview of {INDEX} is in force",
        f"Theoretical portfolio, {INDEX}: 222 constituents, sound",
        f"raw_portfolio_theoretical {SESSION}: 1 object written, 222 rows",
        f"portfolio {MONTH}: 2 raw objects, to be refined",
        f"Glue is asked to refine portfolio {MONTH}",
        f"portfolio {MONTH}: 21 of 21 checks passed",
        f"portfolio {MONTH}: published, readers see commit 1",
        f"Reports of {SESSION}: 1 of 1 written",
        run["state"]["message"],
    ]
    assert max(map(len, said)) <= 80
    assert said[-1].startswith(f"published {INDEX} {SESSION}, run ")


def test_the_tables_are_assets_with_row_counts(published: Cloud) -> None:
    tables = ("raw_portfolio", "portfolio_daily", "portfolio_daily_summary", "portfolio_monthly")
    for table in tables:
        resource = {"id": [f"b3://{table}"]}
        body = {"filter": {"resource": resource}, "limit": 50}
        events = ask_events(published, body)
        counts = [
            event["payload"]["row_count"]
            for event in events
            if event["event"] == "prefect.asset.materialization.succeeded"
        ]
        assert (1 if table == "portfolio_daily_summary" else 222) in counts


def ask_events(cloud: Cloud, body: dict[str, Any]) -> list[dict[str, Any]]:
    url = f"{cloud.env['PREFECT_API_URL']}/events/filter"
    answer: list[dict[str, Any]] = requests.post(url, json=body, timeout=30).json()["events"]
    return answer


def test_a_forced_run_refines_again_as_an_attempt_of_its_own(
    published: Cloud,
) -> None:
    first = len(published.glue_runs())
    again = published.run_portfolio("--index", INDEX)
    assert again.last_line == f"up to date {INDEX} {SESSION}"
    assert len(published.glue_runs()) == first

    forced = published.run_portfolio("--index", INDEX, "--force")
    assert forced.last_line.startswith(f"published {INDEX} {SESSION}")
    runs = published.glue_runs()
    assert len(runs) == first + 1
    assert len({run["Arguments"]["--plan"] for run in runs}) == first
    assert len({outcome["attempt"] for outcome in published.outcomes()}) == first + 1
