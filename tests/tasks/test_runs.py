import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from tasks.core.attempt import RAW_MOVED, attempt_key
from tasks.core.checks import Check
from tasks.core.dataset import Table
from tasks.core.plan import Plan, plan_key
from tasks.runs import (
    OLDEST_USABLE,
    are_whole,
    describe_place,
    find_attempts,
    find_time_of,
    is_marked,
    is_output_whole,
    list_attempts,
    refuse_attempt,
)
from tests.tasks.toy import BUCKET, D1, D2, DAILY, MONTH, MONTHLY, NOON, SUBJECT, TABLES, TOY, Toy


@pytest.fixture(autouse=True)
def raw(toy: Toy) -> None:
    toy.write(D1, D2)


def found(toy: Toy, token: str = "", months: tuple[str, ...] = (MONTH,)) -> Any:
    return find_attempts(SUBJECT, Plan(TOY, {m: toy.inputs(m) for m in months}), token)


def usable(toy: Toy, token: str = "") -> str:
    """The attempt of the month that is taken."""
    outcomes = found(toy, token)[2]
    return outcomes[MONTH].attempt if outcomes else ""


def test_a_plan_is_written_before_anything_is_looked_for(toy: Toy) -> None:
    plan = Plan(TOY, {MONTH: toy.inputs()})
    toy.calls.clear()
    url, attempts, outcomes = found(toy)
    assert toy.calls[len(TOY.raw_tables)] == ("PutObject", plan_key(plan.run_id))
    assert toy.body(plan_key(plan.run_id)) == plan.to_bytes()
    assert url == f"s3://{BUCKET}/{plan_key(plan.run_id)}"
    assert (attempts, outcomes) == ([], {})


def test_an_attempt_of_the_plan_is_taken(toy: Toy) -> None:
    outcome = toy.refine()
    _, (attempt,), outcomes = found(toy)
    assert (attempt.outcome, attempt.name, attempt.is_usable) == (outcome, "a", True)
    assert outcomes == {MONTH: outcome}


def test_the_newest_attempt_is_taken_and_comes_first(toy: Toy) -> None:
    for attempt in ("b", "a", "c"):
        toy.refine(attempt)
        toy.passes(seconds=1)
    assert [each.name for each in found(toy)[1]] == ["c", "a", "b"]
    assert usable(toy) == "c"


def test_an_attempt_of_another_plan_is_not(toy: Toy) -> None:
    toy.refine()
    toy.write(D2, value=2)
    assert found(toy)[1:] == ([], {})


def test_without_an_outcome_there_is_no_attempt(toy: Toy) -> None:
    outcome = toy.refine()
    toy.delete(attempt_key(outcome.run_id, "a", "outcome"))
    assert found(toy)[1:] == ([], {})


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"{}", b'{"months": [1]}'),
        b'{"plan": "r", "attempt": "a", "token": "t", "months": []}',
    ],
)
def test_an_outcome_that_cannot_be_read_is_none(toy: Toy, body: bytes) -> None:
    outcome = toy.refine("b")
    toy.passes(seconds=1)
    toy.put(attempt_key(outcome.run_id, "a", "outcome"), body)
    assert usable(toy) == "b"
    assert len(found(toy)[1]) == 1


@pytest.mark.parametrize("word", ["refused", "removed"])
def test_what_was_refused_or_marked_is_known_and_not_taken(toy: Toy, word: Any) -> None:
    outcome = toy.refine()
    toy.put(attempt_key(outcome.run_id, "a", word))
    assert usable(toy) == ""
    assert [each.is_usable for each in found(toy)[1]] == [False]


def test_an_older_one_is_taken_where_the_newest_was_refused(toy: Toy) -> None:
    toy.refine("older")
    toy.passes(seconds=1)
    outcome = toy.refine("newer")
    toy.put(attempt_key(outcome.run_id, "newer", "refused"))
    assert usable(toy) == "older"


@pytest.mark.parametrize(("seconds", "expected"), [(-1, "a"), (0, ""), (1, "")])
def test_an_attempt_is_taken_for_twelve_hours_by_the_clock_of_s3(
    toy: Toy, seconds: int, expected: str
) -> None:
    toy.refine()
    toy.passes(hours=12, seconds=seconds)
    assert usable(toy) == expected
    assert OLDEST_USABLE.total_seconds() == 12 * 3600


def test_only_the_attempts_of_a_flow_are_looked_at_where_it_says_so(toy: Toy) -> None:
    toy.refine("own", token="flow-1/x")
    toy.passes(seconds=1)
    toy.refine("other", token="flow-10/x")
    assert [each.name for each in found(toy, "flow-1/")[1]] == ["own"]
    assert usable(toy, "flow-1/") == "own"
    assert usable(toy) == "other"


def test_a_month_that_failed_is_not_taken_and_the_others_are(toy: Toy) -> None:
    july = "2025-07"
    toy.write(D1.replace(month=7))
    toy.refine(months=(july, MONTH), failed={MONTH: RAW_MOVED})
    _, (attempt,), outcomes = found(toy, months=(july, MONTH))
    assert list(outcomes) == [july]
    assert attempt.outcome.failures == {MONTH: RAW_MOVED}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("fault", ["gone", "too-many", "other-size"])
def test_an_attempt_that_is_not_whole_is_not_taken(toy: Toy, table: str, fault: str) -> None:
    outcome = toy.refine()
    (key,) = outcome.months[MONTH][table].objects
    if fault == "gone":
        toy.delete(key)
    else:
        toy.put(key if fault == "other-size" else key.replace("part-0", "part-1"))
    assert not is_output_whole(SUBJECT, outcome, MONTH)
    assert usable(toy) == ""


def test_what_lacks_a_table_or_the_month_is_not_whole(toy: Toy) -> None:
    outcome = toy.refine()
    outputs = outcome.months[MONTH]
    assert is_output_whole(SUBJECT, outcome, MONTH)
    assert not is_output_whole(SUBJECT, outcome, "2025-07")
    less = {MONTHLY.name: outputs[MONTHLY.name]}
    object.__setattr__(outcome, "months", {MONTH: less})
    assert not is_output_whole(SUBJECT, outcome, MONTH)
    # A commit from before there was a table is whole without it.
    assert are_whole(SUBJECT, outcome.run_id, "a", MONTH, less)
    assert not are_whole(SUBJECT, outcome.run_id, "b", MONTH, less)


def test_a_mark_is_the_vacuums_word_alone(toy: Toy) -> None:
    outcome = toy.refine()
    toy.put(attempt_key(outcome.run_id, "a", "refused"))
    assert not is_marked(BUCKET, outcome.run_id, "a")
    toy.put(attempt_key(outcome.run_id, "a", "removed"))
    assert is_marked(BUCKET, outcome.run_id, "a")
    assert not is_marked(BUCKET, outcome.run_id, "b")


def test_what_was_refused_says_which_checks_failed(toy: Toy) -> None:
    outcome = toy.refine()
    checks = [Check("good", "1", "1", has_passed=True), Check("bad", "1", "2", has_passed=False)]
    refuse_attempt(BUCKET, outcome, MONTH, checks)
    body = toy.body(f"runs/{outcome.run_id}/a/refused.json")
    said = json.loads(body)
    assert body.startswith(b'{\n "month": "2025-08",\n "checks": [\n  {\n')  # for people
    assert said["month"] == MONTH
    (failed,) = said["checks"]
    assert (failed["name"], failed["expected"], failed["found"]) == ("bad", "1", "2")
    assert failed["has_passed"] is False


def test_an_attempt_is_as_old_as_its_outcome(toy: Toy) -> None:
    outcome = toy.refine()
    toy.passes(hours=1)
    toy.put(attempt_key(outcome.run_id, "a", "refused"))
    assert find_time_of(BUCKET, outcome.run_id, "a") == NOON
    assert find_time_of(BUCKET, outcome.run_id, "b") is None


def test_attempts_without_a_plan_are_none(toy: Toy) -> None:
    toy.put(f"{DAILY.attempt_folder('r', 'a', MONTH)}part-0.parquet")
    assert list_attempts(BUCKET, "r") == []


def test_a_run_is_at_the_month_whose_last_table_it_has_not_written(toy: Toy) -> None:
    run, months = "0123456789ab", ["2025-07", "2025-08", "2025-09"]

    def say(since: dt.datetime) -> str:
        return describe_place(SUBJECT, run, months, since)

    def write(table: Table, attempt: str, month: str) -> None:
        toy.put(f"{table.attempt_folder(run, attempt, month)}part-0.parquet")

    first = toy.now
    assert say(first) == "at 2025-07, 0 of 3 months done"
    write(DAILY, "a", "2025-07")
    for marker in ("", "attempt=a/", "attempt=a_$folder$", "attempt=a/month=2025-07_$folder$"):
        toy.put(f"{MONTHLY.prefix}run_id={run}/{marker}")
    assert say(first) == "at 2025-07, 0 of 3 months done"
    write(MONTHLY, "a", "2025-07")
    assert say(first) == "at 2025-08, 1 of 3 months done"
    toy.passes(minutes=5)
    second = toy.now.replace(microsecond=900_000)
    assert say(second) == "at 2025-07, 0 of 3 months done"
    for month in months:
        write(MONTHLY, "b", month)
    assert say(second) == "at its end, 3 of 3 months done"


def test_a_run_of_one_month_is_at_it(toy: Toy) -> None:
    assert describe_place(SUBJECT, "0123456789ab", ["2025-07"], toy.now) == "at 2025-07"


def test_a_run_of_two_months_says_how_many_are_done(toy: Toy) -> None:
    months = ["2025-07", "2025-08"]
    said = describe_place(SUBJECT, "0123456789ab", months, toy.now)
    assert said == "at 2025-07, 0 of 2 months done"


def test_where_s3_does_not_answer_it_is_not_said_where_a_run_is(toy: Toy) -> None:
    nowhere = replace(SUBJECT, bucket="b3-gone")
    assert describe_place(nowhere, "0123456789ab", ["2025-07"], toy.now) == ""
