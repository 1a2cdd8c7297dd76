import datetime as dt
import logging
from dataclasses import replace
from typing import Any

import pytest

from tasks import report
from tasks.core.backfill import SessionOutcome
from tasks.core.checks import Check, compare
from tasks.report import report_checks, report_links, report_sessions, tabulate_checks

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
