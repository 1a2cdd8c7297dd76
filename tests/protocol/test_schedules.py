"""The schedules that the protocol must survive, each driven step by step: docs/adr/0006-commit.md.

Readers are asked after each; the sessions of the month are told apart by day and revision.
"""

import json

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tasks.core.commit import commit_key
from tasks.core.errors import (
    BadDataError,
    CommitError,
    PublishConflictError,
    RefinementError,
)
from tasks.shelf import read_as_of, read_latest
from tests.protocol.lake import DAYS, MONTH, SUBJECT, Lake, seen
from tests.protocol.stage import Stage, after, before

D1, D2, D3, *_ = DAYS
LAST_TABLE = SUBJECT.dataset.refined_tables[-1].name
PUBLISHED = "published/"
PLAN = "plan.json"

before_audit = before("audit-month")
before_put = before("s3:PutObject", PUBLISHED)
after_put = after("s3:PutObject", PUBLISHED)
before_start = before("glue:StartJobRun")
before_delete = before("s3:DeleteObjects")
job_before_read = before("s3:GetObject", "raw/")
job_between_tables = before("s3:PutObject", f"refined/{SUBJECT.dataset.refined_tables[1].name}/")
job_before_outcome = before("s3:PutObject", "outcome.json")


def before_update(table: str) -> object:
    return lambda event: (
        event.when == "before"
        and event.what in ("glue:UpdatePartition", "glue:CreatePartition")
        and event.parameters["TableName"] == table
    )


def after_update(table: str) -> object:
    return lambda event: (
        event.when == "after"
        and event.what in ("glue:UpdatePartition", "glue:CreatePartition")
        and event.parameters["TableName"] == table
    )


def lost() -> BaseException:
    return ConnectionClosedError(endpoint_url="https://aws")


def conflict() -> BaseException:
    answer = {"Error": {"Code": "ConditionalRequestConflict"}}
    return ClientError(answer, "PutObject")  # type: ignore[arg-type]


on_spark_too = pytest.mark.parametrize(
    "engine", ["stand-in", pytest.param("spark", marks=pytest.mark.spark)], indirect=True
)


@pytest.fixture
def published(stage: Stage, lake: Lake) -> None:
    """The month with its first session published."""
    lake.write(D1)
    assert stage.flow("first").ends()
    assert lake.seen() == seen(D1)


@on_spark_too
def test_01_a_flow_before_its_audit_while_another_with_more_sessions_comes_to_its_end(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_audit)
    lake.write(D3)
    b = stage.flow("b").ends()
    assert b
    assert a.ends() == ""  # what the other one published has its session
    assert lake.seen() == seen(D1, D2, D3)
    assert lake.latest.number == 2


def test_02_a_flow_before_its_put_while_another_publishes_a_revision(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_put)
    lake.write(D1, D2, revision=1)
    stage.flow("b").ends()
    a.ends()
    assert lake.seen() == seen(D1, D2, revision=1)


def test_03_an_older_flow_commits_while_one_with_new_bytes_is_before_its_put(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_put)
    lake.write(D2, revision=1)
    b = stage.flow("b")
    b.goes_to(before_put)
    a.ends()
    assert lake.seen() == seen(D1) | seen(D2)
    b.ends()
    assert lake.seen() == seen(D1) | seen(D2, revision=1)
    assert lake.latest.number == 3


@on_spark_too
def test_04_a_flow_killed_after_its_put_and_another_with_the_same_raw(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(after_put)
    a.is_killed()
    assert lake.seen() == seen(D1)
    assert stage.flow("b").ends() == ""
    assert lake.seen() == seen(D1, D2)
    assert lake.latest.number == 2


def test_05_a_flow_killed_after_its_put_and_raw_made_bad(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(after_put)
    a.is_killed()
    lake.damage(D2)
    stage.flow("b").fails(BadDataError, "Nothing was published")
    assert lake.seen() == seen(D1, D2)


def test_06_a_flow_killed_after_its_put_then_the_grace_passes_and_a_vacuum_comes(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(after_put)
    a.is_killed()
    for number in range(3):
        lake.passes(days=2)
        stage.vacuum(f"vacuum-{number}").ends()
        assert lake.seen() == seen(D1, D2)
    # What only the commit before named is gone, and nothing else.
    assert len({key.split("attempt=")[1][:32] for key in lake.keys("refined/")}) == 1


@pytest.mark.parametrize("table", [t.name for t in SUBJECT.dataset.refined_tables])
def test_07_a_flow_before_an_update_while_another_comes_to_its_end(
    stage: Stage, lake: Lake, published: None, table: str
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_update(table))  # type: ignore[arg-type]
    lake.write(D3)
    stage.flow("b").ends()
    assert lake.seen() == seen(D1, D2, D3)
    a.ends()
    assert lake.seen() == seen(D1, D2, D3)


def test_07_a_flow_killed_before_it_lists_again_then_a_look(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_update(LAST_TABLE))  # type: ignore[arg-type]
    lake.write(D3)
    stage.flow("b").ends()
    a.goes_to(after_update(LAST_TABLE))  # type: ignore[arg-type]
    a.is_killed()
    assert stage.flow("c").ends() == ""
    assert lake.seen() == seen(D1, D2, D3)


@pytest.mark.parametrize("first", ["a", "b"])
def test_08_both_at_the_creation_of_a_new_month(stage: Stage, lake: Lake, first: str) -> None:
    lake.write(D1)
    a = stage.flow("a")
    a.goes_to(before_update(LAST_TABLE))  # type: ignore[arg-type]
    lake.write(D2)
    b = stage.flow("b")
    b.goes_to(before_update(LAST_TABLE))  # type: ignore[arg-type]
    for actor in (a, b) if first == "a" else (b, a):
        actor.ends()
    assert lake.seen() == seen(D1, D2)


def test_08_the_older_of_two_creators_is_killed(stage: Stage, lake: Lake) -> None:
    lake.write(D1)
    a = stage.flow("a")
    a.goes_to(before_update(LAST_TABLE))  # type: ignore[arg-type]
    lake.write(D2)
    b = stage.flow("b")
    b.goes_to(before_update(LAST_TABLE))  # type: ignore[arg-type]
    a.goes_to(after_update(LAST_TABLE))  # type: ignore[arg-type]
    a.is_killed()
    b.ends()
    assert lake.seen() == seen(D1, D2)


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(after("s3:PutObject", PLAN), id="plan"),
        pytest.param(after("glue:StartJobRun"), id="start"),
        pytest.param(after_put, id="commit"),
        pytest.param(after("glue:CreatePartition"), id="create"),
        pytest.param(after("glue:UpdatePartition"), id="update"),
    ],
)
def test_09_a_lost_answer(stage: Stage, lake: Lake, published: None, point: object) -> None:
    lake.write(D2)
    if point is not None:
        a = stage.flow("a")
        a.loses(point, lost)  # type: ignore[arg-type]
        assert a.ends()
    assert lake.seen() == seen(D1, D2)
    assert lake.latest.number == 2
    assert stage.glue_starts == 2


def test_09_a_lost_answer_about_a_new_partition(stage: Stage, lake: Lake) -> None:
    lake.write(D1)
    a = stage.flow("a")
    a.loses(after("glue:CreatePartition"), lost)
    assert a.ends()
    assert lake.seen() == seen(D1)


def test_09_a_conflict_is_no_answer_about_a_commit(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.loses(before_put, conflict)
    assert a.ends()
    assert lake.seen() == seen(D1, D2)
    assert lake.latest.number == 2


def test_10_a_start_that_is_done_twice_is_two_prefixes_and_one_commit(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    stage.glue.starts_twice = True
    assert stage.flow("a").ends()
    stage.glue.wait_until_all_have_ended()
    assert len(stage.outcomes()) == 3
    assert lake.seen() == seen(D1, D2)
    assert lake.latest.number == 2


@pytest.mark.parametrize(
    "point",
    [job_before_read, job_between_tables, job_before_outcome],
    ids=["before-read", "between-tables", "before-outcome"],
)
@pytest.mark.parametrize("back", [False, True], ids=["new", "and-back-again"])
def test_11_raw_is_rewritten_at_each_of_the_jobs_points(
    stage: Stage, lake: Lake, published: None, point: object, back: bool
) -> None:
    lake.write(D2)
    stage.job.wait_at(point)  # type: ignore[arg-type]
    a = stage.flow("a")
    a.goes_to(after("glue:StartJobRun"))
    stage.job.is_there()
    lake.write(D2, revision=1)
    if back:
        lake.write(D2)
    stage.job.go_on()
    a.ends()
    assert lake.seen() == seen(D1) | seen(D2, revision=0 if back else 1)


def test_11_raw_is_rewritten_before_the_audit(stage: Stage, lake: Lake, published: None) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_audit)
    lake.write(D2, revision=1)
    a.ends()
    assert lake.seen() == seen(D1) | seen(D2, revision=1)
    assert not [key for key in lake.keys("runs/") if key.endswith("refused.json")]


def test_12_a_job_that_always_fails_is_started_twice_at_most(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    stage.glue.fails_with = "the disk is full"
    stage.flow("a").fails(RefinementError, "the disk is full")
    assert stage.glue_starts == 1 + 2
    assert lake.seen() == seen(D1)


def test_12_an_audit_that_always_refuses_ends_it_and_the_next_flow_makes_another_attempt(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    stage.glue.writes_too_little = True
    stage.flow("a").fails(BadDataError, "Nothing was published")
    assert stage.glue_starts == 1 + 1
    stage.flow("b").fails(BadDataError, "Nothing was published")
    assert stage.glue_starts == 1 + 2
    stage.glue.writes_too_little = False
    assert stage.flow("c").ends()
    assert lake.seen() == seen(D1, D2)


@on_spark_too
def test_13_glue_says_stopped_and_the_zombie_writes_its_outcome_later(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    stage.job.wait_at(job_before_outcome)
    a = stage.flow("a")
    a.goes_to(after("glue:StartJobRun"))
    stage.job.is_there()
    stage.job.lets_others_pass()
    stage.glue.stop_all()
    assert a.ends()
    assert lake.seen() == seen(D1, D2)
    before_zombie = lake.locations()
    stage.job.go_on()
    stage.glue.wait_until_all_have_ended()
    assert lake.locations() == before_zombie
    assert stage.flow("b").ends() == ""
    assert lake.seen() == seen(D1, D2)


def test_14_a_flow_before_its_put_then_the_grace_passes_and_a_vacuum_comes(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_put)
    for number in range(3):
        lake.passes(days=2)
        stage.vacuum(f"vacuum-{number}").ends()
    assert a.ends()
    assert lake.seen() == seen(D1, D2)
    assert stage.flow("b").ends() == ""


def test_15_a_flow_commits_an_attempt_while_the_vacuum_is_before_its_delete(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_put)
    lake.passes(days=2)
    vacuum = stage.vacuum()
    vacuum.goes_to(after("survey"))
    a.goes_to(after_put)
    assert vacuum.ends() == []
    a.ends()
    assert lake.seen() == seen(D1, D2)


def test_16_a_vacuum_killed_half_way_leaves_a_half_that_no_flow_takes(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_put)
    a.is_killed()
    lake.passes(days=2)
    assert stage.vacuum("marks").ends() == []
    lake.passes(hours=2)
    vacuum = stage.vacuum("removes")
    vacuum.goes_to(before_delete)
    vacuum.is_killed()
    (half, *_) = [key for key in lake.keys("refined/") if "portfolio_monthly" in key][-1:]
    lake.delete([half])
    assert stage.flow("b").ends()
    assert lake.seen() == seen(D1, D2)
    assert stage.glue_starts == 3


@pytest.mark.parametrize("days", [31, -31])
def test_17_the_clocks_of_flow_and_vacuum_are_a_month_off(
    stage: Stage, lake: Lake, days: int
) -> None:
    lake.passes(days=days)  # by S3's clock, not by that of this process
    lake.write(D1)
    assert stage.flow("first").ends()
    lake.write(D2)
    a = stage.flow("a")
    a.goes_to(before_put)
    assert stage.vacuum("one").ends() == []
    lake.passes(hours=2)
    assert stage.vacuum("two").ends() == []
    assert a.ends()
    assert lake.seen() == seen(D1, D2)
    assert lake.latest.published_at >= read_as_of(SUBJECT, MONTH, 1).published_at


def test_18_a_file_too_many_in_a_published_prefix_is_mended(
    stage: Stage, lake: Lake, published: None
) -> None:
    prefix = lake.locations()["portfolio_daily"]
    lake.put(f"{prefix}part-9.parquet", lake.body(lake.keys(prefix)[-1]))
    assert stage.flow("a").ends()
    assert lake.seen() == seen(D1)
    assert stage.flow("b").ends() == ""


def test_18_files_of_a_published_month_that_are_gone_are_made_again(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.delete(lake.keys("refined/portfolio_daily/"))
    assert stage.flow("a").ends()
    assert lake.seen() == seen(D1)


def test_19_two_forced_flows(stage: Stage, lake: Lake, published: None) -> None:
    a, b = stage.flow("a", force=True), stage.flow("b", force=True)
    a.goes_to(before_put)
    b.ends()
    a.ends()
    assert lake.seen() == seen(D1)
    assert {outcome["token"].split("/")[0] for outcome in stage.outcomes()} == {"first", "a", "b"}


def test_19_a_forced_flow_beside_a_plain_one(stage: Stage, lake: Lake, published: None) -> None:
    lake.write(D2)
    plain = stage.flow("plain")
    plain.goes_to(before_put)
    forced = stage.flow("forced", force=True)
    forced.goes_to(before_put)
    plain.ends()
    assert forced.ends()
    assert lake.seen() == seen(D1, D2)
    # The plain one's attempt is younger than the forced flow: it did for both.
    assert lake.latest.number in (2, 3)


def test_19_a_forced_flow_is_not_served_by_what_is_older(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    plain = stage.flow("plain")
    plain.goes_to(before_put)
    lake.passes(seconds=5)
    forced = stage.flow("forced", force=True)
    forced.goes_to(before_put)
    plain.ends()
    forced.ends()
    assert lake.latest.flow_run == "forced"
    assert lake.latest.number == 3


def test_19_the_retry_of_a_forced_flow_finds_its_own_attempt(
    stage: Stage, lake: Lake, published: None
) -> None:
    a = stage.flow("a", force=True)
    a.goes_to(before_audit)
    a.is_killed()
    starts = stage.glue_starts
    retry = stage.flow("a/retry", force=True)
    assert retry.ends()
    assert stage.glue_starts == starts
    assert lake.latest.flow_run == "a"
    assert stage.flow("a/again", force=True).ends() == lake.latest.run_id
    assert lake.latest.number == 2


def test_20_of_two_overlapping_backfills_only_the_month_that_lost_is_planned_again(
    stage: Stage, lake: Lake
) -> None:
    july, august = "2025-07", MONTH
    lake.write(D1, D1.replace(month=7))
    a = stage.backfill("a", [july, august])
    a.goes_to(before_put)
    lake.write(D2)
    b = stage.backfill("b", [august])
    b.ends()
    result = a.ends()
    assert result.failures == {}
    assert (list(result.published), result.up_to_date) == ([july], [august])
    assert lake.seen() == seen(D1, D2)
    # It made no plan of July a second time: that one was published from the first.
    plans = [set(plan["months"]) for plan in stage.plans()]
    assert plans.count({july, august}) == 1
    assert {july} not in plans


def test_21_five_rivals_in_a_row_end_it_with_the_name_of_the_last(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    a = stage.flow("a")
    for number in range(1, 6):
        # Somebody else has Glue refine what it will find: its own starts are few.
        helper = stage.flow(f"helper-{number}")
        helper.goes_to(before_audit)
        helper.is_killed()
        a.goes_to(before_put)
        lake.write(D1, revision=2 * number - 1)
        stage.flow(f"rival-{number}").ends()
        lake.write(D1, revision=2 * number)
    a.fails(PublishConflictError, "flow run rival-5 published commit 6")
    assert lake.seen() == seen(D1, revision=9) | seen(D2)


def test_21_of_a_thousand_commits_the_highest_is_found(
    stage: Stage, lake: Lake, published: None
) -> None:
    first = json.loads(lake.body(commit_key(SUBJECT.dataset, MONTH, 1)))
    for number in range(2, 1002):
        body = json.dumps(first | {"number": number}).encode()
        lake.put(commit_key(SUBJECT.dataset, MONTH, number), body)
    assert read_latest(SUBJECT, MONTH).number == 1001
    lake.write(D2)
    stage.flow("a").ends()
    assert lake.latest.number == 1002
    assert lake.seen() == seen(D1, D2)


def test_22_of_months_with_partitions_and_no_commits_the_vacuum_takes_nothing(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.delete(lake.keys(PUBLISHED))
    lake.passes(days=30)
    assert stage.vacuum("one").ends() == []
    lake.passes(hours=2)
    assert stage.vacuum("two").ends() == []
    assert lake.seen() == seen(D1)


def test_23_as_of_a_commit_with_a_file_gone_is_an_error_that_names_the_earliest(
    stage: Stage, lake: Lake, published: None
) -> None:
    lake.write(D2)
    stage.flow("a").ends()
    lake.write(D3)
    stage.flow("b").ends()
    assert read_as_of(SUBJECT, MONTH, 1).number == 1
    attempt = read_as_of(SUBJECT, MONTH, 1).attempt
    lake.delete([key for key in lake.keys("refined/portfolio_monthly/") if attempt in key])
    with pytest.raises(CommitError, match="earliest that can be shown is 2"):
        read_as_of(SUBJECT, MONTH, 1)
    with pytest.raises(CommitError, match="000007"):
        read_as_of(SUBJECT, MONTH, 7)
