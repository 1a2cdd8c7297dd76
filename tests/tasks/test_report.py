import datetime as dt
import logging

import pytest

from tasks import report
from tasks.core.backfill import SessionOutcome
from tasks.core.checks import compare
from tasks.report import report_sessions, tabulate_checks


def test_verdicts_become_the_rows_of_a_table() -> None:
    assert tabulate_checks([compare("sum", 1, 1), compare("count", 84, 83)]) == [
        {"check": "sum", "verdict": "passed", "expected": "1", "found": "1"},
        {"check": "count", "verdict": "FAILED", "expected": "84", "found": "83"},
    ]


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
        report_sessions.fn("Backfill", "Backfill of quotes.", outcomes)
    found = [record.getMessage() for record in caplog.records]
    assert [each.partition("calendar ")[2] for each in found] == said
    assert [len(each["table"]) for each in tables] == [len(outcomes)]
