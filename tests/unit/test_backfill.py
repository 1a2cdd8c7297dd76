import datetime as dt

import pytest

from tasks.core.backfill import (
    AGAINST_THE_CALENDAR,
    SessionOutcome,
    conclude,
    count_outcomes,
    describe_cost,
    describe_months,
    settle_sessions,
    tabulate_sessions,
)
from tasks.core.errors import IncompleteError
from tasks.core.exchange import sessions_between
from tasks.core.month import PublishedMonths


def test_the_cost_of_glue_is_told_with_its_formula() -> None:
    assert describe_cost(24, 15) == (
        "one Glue run of about 7 min (0.44 USD × 2 DPU × 7/60 h = 0.10 USD)"
    )
    assert "about 2 min" in describe_cost(1, 2)
    assert describe_cost(0, 15) == "no Glue run"


@pytest.mark.parametrize(("months", "minutes"), [(1, 2), (60, 2), (61, 3), (120, 3)])
def test_a_minute_that_has_begun_is_paid(months: int, minutes: int) -> None:
    assert f"about {minutes} min" in describe_cost(months, 1)


def test_each_session_is_settled() -> None:
    days = [dt.date(2025, 7, 31), *(dt.date(2025, 8, day) for day in (1, 4, 5))]
    may, june = dt.date(2025, 5, 2), dt.date(2025, 6, 2)
    outcomes = settle_sessions(
        [may, june, *days],
        held={may, june, days[0], days[1]},
        absences={days[2]: "404"},
        closed={},
        load_failures={days[3]: "damaged"},
        up_to_date_months={"2025-05"},
        month_failures={"2025-06": "audit"},
    )
    assert [(one.outcome, one.reason) for one in outcomes] == [
        ("already there", ""),
        ("failed", "audit"),
        ("published", ""),
        ("published", ""),
        ("missing at the source", "404"),
        ("failed", "damaged"),
    ]
    assert count_outcomes(outcomes) == (
        "1 already there, 2 failed, 2 published, 1 missing at the source"
    )


def test_outcomes_become_rows() -> None:
    assert tabulate_sessions([SessionOutcome(dt.date(2025, 8, 1), "failed", "why")]) == [
        {"session": "2025-08-01", "outcome": "failed", "reason": "why"}
    ]
    assert count_outcomes([]) == "no session"


def test_a_session_that_raw_does_not_hold_is_missing_whatever_became_of_its_month() -> None:
    day = dt.date(2025, 8, 1)
    (one,) = settle_sessions(
        [day],
        held=set(),
        absences={},
        closed={},
        load_failures={},
        up_to_date_months={"2025-08"},
        month_failures={"2025-08": "audit"},
    )
    assert one == SessionOutcome(day, "missing at the source")


def test_a_day_that_was_closed_is_none_and_one_that_traded_is_one_whatever_the_calendar_says() -> (
    None
):
    thursday, sunday, held = dt.date(1989, 2, 9), dt.date(1989, 2, 12), dt.date(1989, 2, 13)
    outcomes = settle_sessions(
        [thursday, sunday, held],
        held={sunday, held},
        absences={thursday: "404"},
        closed={thursday: "the file holds none", held: "what is held is there"},
        load_failures={},
        up_to_date_months=set(),
        month_failures={},
    )
    assert outcomes == [
        SessionOutcome(thursday, "no session", "the file holds none"),
        SessionOutcome(sunday, "published", AGAINST_THE_CALENDAR),
        SessionOutcome(held, "published"),
    ]
    assert [one.is_odd for one in outcomes] == [True, True, False]
    assert count_outcomes(outcomes) == (
        "1 no session, 2 published (1 of them no session by the calendar)"
    )


def test_a_day_that_failed_to_load_has_failed_even_where_it_is_odd() -> None:
    sunday = dt.date(1989, 2, 12)
    (one,) = settle_sessions(
        [sunday],
        held=set(),
        absences={},
        closed={sunday: "none"},
        load_failures={sunday: "damaged"},
        up_to_date_months=set(),
        month_failures={},
    )
    assert one == SessionOutcome(sunday, "failed", "damaged")


def outcomes_of(month: str, outcome: str, reason: str = "", count: int = 2) -> list[SessionOutcome]:
    first = dt.date.fromisoformat(f"{month}-01")
    days = sessions_between(first, first + dt.timedelta(27))[:count]
    return [SessionOutcome(day, outcome, reason) for day in days]  # type: ignore[arg-type]


RUN = PublishedMonths({"2025-07": "0123456789abcdef"})


def test_a_backfill_without_gaps_ends_with_one_line() -> None:
    found = outcomes_of("2025-07", "published")
    assert conclude("quotes", found, RUN) == "published quotes: 2 published, run 0123456789ab"
    there = outcomes_of("2025-07", "already there")
    assert conclude("quotes", there, PublishedMonths()) == "up to date quotes: 2 already there"
    closed = outcomes_of("1989-02", "no session", "the file holds none")
    assert conclude("quotes", closed, PublishedMonths()) == "up to date quotes: 2 no session"
    assert conclude("quotes", [], PublishedMonths()) == "up to date quotes: no session"


def test_a_backfill_with_gaps_tells_of_each_month() -> None:
    found = outcomes_of("2025-07", "published") + outcomes_of("2025-08", "missing at the source")
    assert conclude("quotes", found, RUN).splitlines() == [
        "2025-07: 2 published",
        "2025-08: 2 missing at the source",
        "published quotes: 2 published, 2 missing at the source, run 0123456789ab",
    ]


def test_a_backfill_with_a_failure_fails_and_tells_of_each_month() -> None:
    found = [
        *outcomes_of("2025-06", "failed", "audit:\n  sum: expected 1\n  found 2"),
        *outcomes_of("2025-06", "missing at the source", "404"),
        *outcomes_of("2025-07", "published"),
    ]
    with pytest.raises(IncompleteError) as failed:
        conclude("quotes", found, RUN)
    assert str(failed.value).splitlines() == [
        "quotes: 2 failed, 2 missing at the source, 2 published",
        "2025-06: 2 failed, 2 missing at the source: audit: sum: expected 1; found 2",
        "2025-07: 2 published",
    ]


def test_months_with_the_same_outcome_for_the_same_reason_share_a_line() -> None:
    found = [
        *outcomes_of("2025-05", "missing at the source", "B3 has no past", count=3),
        *outcomes_of("2025-06", "missing at the source", "B3 has no past"),
        *outcomes_of("2025-07", "missing at the source", "another"),
        *outcomes_of("2025-08", "published"),
        *outcomes_of("2025-09", "published"),
        *outcomes_of("2025-10", "published", count=1),
        *outcomes_of("2025-10", "missing at the source", "B3 has no past", count=1),
        *outcomes_of("2025-11", "missing at the source", "B3 has no past"),
    ]
    assert describe_months(found) == [
        "2025-05 to 2025-06: 5 missing at the source: B3 has no past",
        "2025-07: 2 missing at the source: another",
        "2025-08 to 2025-09: 4 published",
        "2025-10: 1 published, 1 missing at the source: B3 has no past",
        "2025-11: 2 missing at the source: B3 has no past",
    ]


def test_of_too_many_lines_those_of_failed_months_are_kept() -> None:
    months = [f"{year}-{month:02}" for year in range(1990, 1996) for month in range(1, 13)]
    found = [
        one for month in months for one in outcomes_of(month, "missing at the source", month, 1)
    ]
    found[70] = outcomes_of("1995-11", "failed", "damaged", 1)[0]
    lines = describe_months(found)
    assert len(lines) == 61
    assert lines[:59] == [f"{month}: 1 missing at the source: {month}" for month in months[:59]]
    assert lines[59:] == [
        "1995-11: 1 failed: damaged",
        "and 12 more: the run's table has each session",
    ]
    assert len(describe_months(found[:60])) == 60
