import datetime as dt

import pytest

from tasks.core.backfill import (
    SessionOutcome,
    count_outcomes,
    describe_cost,
    settle_sessions,
    tabulate_sessions,
)


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
        load_failures={},
        up_to_date_months={"2025-08"},
        month_failures={"2025-08": "audit"},
    )
    assert one == SessionOutcome(day, "missing at the source")
