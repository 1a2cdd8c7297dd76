import datetime as dt
import logging
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import flow, get_client, runtime

from tasks import report
from tasks.core.backfill import SessionOutcome, tabulate_sessions
from tasks.core.checks import Check, compare
from tasks.core.errors import BadDataError
from tasks.core.findings import Finding, tabulate_findings
from tasks.core.freshness import Gap, tabulate_gaps
from tasks.core.month import PublishedMonths
from tasks.core.outcome import LEVEL_DIFFERS
from tasks.core.progress import Progress
from tasks.report import (
    ProgressReport,
    rename_flow_run,
    report_checks,
    report_differences,
    report_findings,
    report_gaps,
    report_links,
    report_page,
    report_sessions,
    tabulate_checks,
)

PASSED, SUM, COUNT = compare("one", 1, 1), compare("sum", 1, 2), compare("count", 84, 83)


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is shown, as Prefect is asked to keep it."""
    shown: list[dict[str, Any]] = []
    for kind in ("table", "markdown"):
        monkeypatch.setattr(report, f"create_{kind}_artifact", lambda **one: shown.append(one))
    return shown


def test_verdicts_become_the_rows_of_a_table() -> None:
    checks = [compare("sum", 1, 1), compare("count", 84, 84), compare("weight", 2, 3)]
    assert tabulate_checks(checks) == [
        {"verdict": "FAILED", "check": "weight", "found": "3", "expected": "2"},
        {"verdict": "passed", "check": "count", "found": "84", "expected": "84"},
        {"verdict": "passed", "check": "sum", "found": "1", "expected": "1"},
    ]


def test_the_verdict_is_the_tables_first_column_and_what_is_expected_its_last() -> None:
    (row,) = tabulate_checks([compare("sum", 1, 1)])
    assert list(row) == ["verdict", "check", "found", "expected"]


def test_remarks_have_a_column_where_there_are_some_and_are_short() -> None:
    odd = replace(PASSED, remark="raw itself repeats " + "2022-02-03 VALE3 010, " * 99)
    first, second = tabulate_checks([odd, SUM])
    assert list(first) == list(second) == ["verdict", "check", "found", "expected", "remark"]
    assert first["remark"] == ""
    assert second["remark"].startswith("raw itself repeats 2022-02-03 VALE3 010")
    assert len(second["remark"]) < 90


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ([PASSED, PASSED], "Passed: 2 of 2 checks of portfolio 2025-08."),
        ([PASSED, COUNT], "FAILED: 1 of 2 checks of portfolio 2025-08: count."),
        ([SUM, PASSED, COUNT], "FAILED: 2 of 3 checks of portfolio 2025-08: sum, count."),
    ],
    ids=["all-passed", "one-failed", "two-failed"],
)
def test_a_verdict_is_the_first_word_about_an_audit(
    checks: list[Check], said: str, artifacts: list[dict[str, Any]]
) -> None:
    report_checks("portfolio 2025-08", checks)
    (artifact,) = artifacts
    assert artifact["description"] == said
    assert artifact["key"] == "audit-portfolio-2025-08"
    assert artifact["table"] == tabulate_checks(checks)


def test_places_with_a_page_are_links_and_others_are_told(artifacts: list[dict[str, Any]]) -> None:
    places = {"Glue run of 8f2c": "http://127.0.0.1/x", "Tables a of b3: ask them": ""}
    report_links("portfolio", places)
    (artifact,) = artifacts
    assert artifact["markdown"] == (
        "- [Glue run of 8f2c](http://127.0.0.1/x)\n- Tables a of b3: ask them."
    )


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([SessionOutcome(dt.date(2025, 8, 1), "published")], []),
        (
            [
                SessionOutcome(dt.date(1989, 2, 9), "no session", "the file holds none"),
                SessionOutcome(dt.date(1989, 2, 10), "published"),
                SessionOutcome(dt.date(1989, 2, 12), "already there"),
            ],
            ["of 2 day(s), and are believed: 1989-02-09, 1989-02-12"],
        ),
    ],
    ids=["as-the-calendar-says", "otherwise"],
)
def test_days_that_the_calendar_has_wrong_are_told(
    outcomes: list[SessionOutcome],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(report, "get_run_logger", lambda: logging.getLogger("report"))
    tables = []
    monkeypatch.setattr(report, "create_table_artifact", lambda **table: tables.append(table))
    with caplog.at_level(logging.WARNING):
        report_sessions("Backfill", "Backfill of quotes.", outcomes)
    found = [record.getMessage() for record in caplog.records]
    assert [each.partition("calendar ")[2] for each in found] == said
    assert [len(each["table"]) for each in tables] == [len(outcomes)]


def test_a_key_is_written_as_prefect_takes_it(artifacts: list[dict[str, Any]]) -> None:
    report_page("Indices-IBOV", "# Page", "What it is of")
    report_links("Portfolio of IBOV", {})
    report_sessions("Backfill-IBOV", "Backfill", [])
    assert artifacts[0] == {
        "key": "indices-ibov",
        "markdown": "# Page",
        "description": "What it is of",
    }
    assert [each["key"] for each in artifacts[1:]] == ["links-portfolio-of-ibov", "backfill-ibov"]


def test_what_is_missing_or_does_not_fit_is_a_table(artifacts: list[dict[str, Any]]) -> None:
    gaps: list[Gap] = []
    findings = [Finding("raw lost", "toy", "raw/toy/x", "gone", keys=("raw/toy/x",))]
    report_gaps(gaps, "nothing is missing")
    report_findings(findings, {"raw/toy/x": "no landing"}, "1 finding")
    assert artifacts == [
        {"key": "freshness", "table": tabulate_gaps(gaps), "description": "nothing is missing"},
        {
            "key": "verify",
            "table": tabulate_findings(findings, {"raw/toy/x": "no landing"}),
            "description": "1 finding",
        },
    ]


@pytest.mark.parametrize("has_difference", [True, False])
def test_an_event_is_sent_where_a_level_differs_and_else_none(
    artifacts: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    has_difference: bool,
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(report, "emit_event", lambda **event: sent.append(event))
    monkeypatch.setattr(report, "get_run_logger", lambda: logging.getLogger("report"))
    run = SimpleNamespace(flow_run=SimpleNamespace(id="f1"))
    monkeypatch.setattr(report, "runtime", run)
    report_differences("1 level differs", [{"index": "IBOV"}], has_difference)
    described = {"table": [{"index": "IBOV"}], "description": "1 level differs."}
    assert artifacts == [{"key": "reconciliation", **described}]
    event = {
        "event": LEVEL_DIFFERS,
        "resource": {"prefect.resource.id": "b3-pipeline.reconciliation.f1"},
        "payload": {"message": "1 level differs"},
    }
    assert sent == [event] * has_difference
    assert caplog.messages == ["1 level differs"] * has_difference


def test_sessions_are_told_with_how_many_came_to_what(artifacts: list[dict[str, Any]]) -> None:
    outcomes = [SessionOutcome(dt.date(2025, 8, 1), "published")]
    report_sessions("backfill", "Backfill of quotes:", outcomes)
    (artifact,) = artifacts
    assert artifact["table"] == tabulate_sessions(outcomes)
    assert artifact["description"].startswith("Backfill of quotes: 1 ")


def test_progress_is_drawn_from_the_start_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []

    def create(**artifact: Any) -> str:
        shown.append(artifact)
        return "id"

    def update(artifact_id: str, **artifact: Any) -> None:
        shown.append((artifact_id, artifact["progress"], artifact["description"]))

    monkeypatch.setattr(report, "create_progress_artifact", create)
    monkeypatch.setattr(report, "update_progress_artifact", update)
    drawn: list[tuple[float, str]] = []
    progress = Progress(month_count=2, file_count=2, files_done=1)
    told = ProgressReport("Backfill", progress, lambda share, text: drawn.append((share, text)))
    told.add_file("COTAHIST_A2025.ZIP")
    told.add_month("2025-07", "up to date")
    result = PublishedMonths({"2025-08": "run"}, failures={"2025-07": BadDataError("bad")})
    told.conclude(result)
    words = [
        "1 of 2 files asked for",
        "0 of 2 months published",
        "0 of 2 months published, 1 up to date",
        "1 of 2 months published, 1 failed",
    ]
    assert drawn == list(zip([0.25, 0.5, 0.75, 1.0], words, strict=True))
    assert shown == [
        {"progress": 25.0, "key": "backfill", "description": words[0]},
        *(("id", 100 * share, text) for share, text in drawn[1:]),
    ]


@flow
def renamed() -> str:
    rename_flow_run("portfolio 2025-08-01")
    with get_client(sync_client=True) as client:
        return client.read_flow_run(runtime.flow_run.id).name


@pytest.mark.usefixtures("prefect_server")
def test_a_run_bears_the_name_of_the_session_that_it_turned_out_to_be_about() -> None:
    assert renamed() == "portfolio 2025-08-01"
