import datetime as dt
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from tasks import retries, sweep
from tasks.core.errors import NotConfiguredError, RemovalError
from tasks.core.plan import plan_key
from tasks.core.vacuum import StoredObject, Unit
from tasks.sweep import MARK_FOR, Sweep, mark, remove, survey
from tests.tasks.toy import BUCKET, D1, D2, DATABASE, MONTH, SUBJECT, TABLES, Toy, both

GRACE = dt.timedelta(days=7)
PUBLISHED = f"published/toy/{MONTH}/"


def look_over(*, mends: bool = True) -> Sweep:
    return survey.fn(SUBJECT, GRACE, mends=mends)


def attempts(units: Any) -> set[str]:
    return {unit.attempt for unit in units}


def unneeded() -> set[str]:
    return attempts(look_over().unneeded)


def left(toy: Toy) -> set[str]:
    """The attempts that have files."""
    return {key.split("attempt=")[1].split("/")[0] for key in toy.keys("refined/")}


@pytest.fixture
def history(toy: Toy) -> None:
    """`a` was replaced by `b` long ago; `stray` was never published; all are older than grace."""
    toy.write(D1)
    toy.publish("a")
    toy.write(D2)
    toy.refine("stray")
    toy.publish("b")
    toy.passes(days=8)


@pytest.mark.usefixtures("history")
def test_what_no_commit_and_no_partition_names_is_not_needed(toy: Toy) -> None:
    found = look_over()
    assert attempts(found.unneeded) == {"a", "stray"}
    assert {(unit.table, unit.month) for unit in found.unneeded} == {(t, MONTH) for t in TABLES}
    assert (found.ripe, found.problems) == ((), {})


@pytest.mark.usefixtures("history")
def test_a_survey_writes_nothing_of_its_own(toy: Toy) -> None:
    toy.calls.clear()
    look_over()
    writes = ("PutObject", "DeleteObjects", "UpdatePartition", "CreatePartition")
    assert [name for name, _ in toy.calls if name in writes] == []


@pytest.mark.parametrize(("seconds", "expected"), [(-1, set()), (0, {"stray"})])
def test_what_is_younger_than_the_grace_is_needed(
    toy: Toy, seconds: int, expected: set[str]
) -> None:
    toy.write(D1)
    toy.publish("a")
    toy.refine("stray")
    toy.passes(days=7, seconds=seconds)
    assert unneeded() == expected


@pytest.mark.parametrize(("seconds", "expected"), [(-1, set()), (0, {"a"})])
def test_what_was_the_latest_within_the_grace_is_needed(
    toy: Toy, seconds: int, expected: set[str]
) -> None:
    toy.write(D1)
    toy.publish("a")
    toy.passes(days=30)
    toy.write(D2)
    toy.publish("b")
    toy.passes(days=7, seconds=seconds)
    assert unneeded() == expected


def test_the_age_is_that_of_the_youngest_object_of_the_attempt(toy: Toy) -> None:
    toy.write(D1)
    outcome = toy.refine("stray")
    toy.passes(days=8)
    toy.put(f"refined/{TABLES[1]}/run_id={outcome.run_id}/attempt=stray/month=2025-07/x")
    assert unneeded() == set()


@pytest.mark.usefixtures("history")
def test_what_glue_is_at_work_on_is_needed(toy: Toy) -> None:
    stray = next(unit for unit in look_over().unneeded if unit.attempt == "stray")
    plan = f"s3://{BUCKET}/{plan_key(stray.run_id)}"
    toy.glue_runs = [{"JobRunState": "RUNNING", "Arguments": {"--plan": plan}}]
    assert unneeded() == {"a"}
    toy.glue_runs = [
        {"JobRunState": "SUCCEEDED", "Arguments": {"--plan": plan}},
        {"JobRunState": "RUNNING"},
    ]
    assert unneeded() == {"a", "stray"}


@pytest.mark.usefixtures("history")
def test_without_an_answer_of_glue_nothing_is_found(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_job(_job: str) -> set[str]:
        raise NotConfiguredError("no such job")

    monkeypatch.setattr(sweep, "list_at_work", no_job)
    with pytest.raises(NotConfiguredError):
        look_over()


def point_to(attempt: str, table: str = TABLES[0]) -> None:
    """Have a partition point to another attempt, as if somebody had not followed."""
    glue: Any = boto3.client("glue")
    found = glue.get_partition(DatabaseName=DATABASE, TableName=table, PartitionValues=[MONTH])
    given = {name: found["Partition"][name] for name in ("Values", "StorageDescriptor")}
    unit = next(
        each
        for each in sweep._list_units(SUBJECT)
        if (each.attempt, each.table) == (attempt, table)
    )
    given["StorageDescriptor"]["Location"] = f"s3://{BUCKET}/{unit.folder}"
    glue.update_partition(
        DatabaseName=DATABASE, TableName=table, PartitionValueList=[MONTH], PartitionInput=given
    )


@pytest.mark.usefixtures("history")
def test_partitions_are_made_to_follow_first(toy: Toy) -> None:
    point_to("a")
    assert unneeded() == {"a", "stray"}
    assert toy.locations() == both("b")


@pytest.mark.usefixtures("history")
def test_without_mending_what_a_partition_names_is_needed(toy: Toy) -> None:
    point_to("a")
    found = look_over(mends=False)
    assert {(u.attempt, u.table) for u in found.unneeded if u.attempt == "a"} == {("a", TABLES[1])}
    assert toy.locations()[TABLES[0]] == "a"


@pytest.mark.usefixtures("history")
def test_a_month_that_cannot_follow_is_named_and_left_alone(toy: Toy) -> None:
    july = "2025-07"
    toy.write(D1.replace(month=7))
    toy.refine("stray-july", months=(july,))
    toy.publish("july", month=july)
    toy.passes(days=8)
    key = f"{PUBLISHED}000002.json"
    toy.put(key, b"{")
    found = look_over()
    assert list(found.problems) == [MONTH]
    assert key in found.problems[MONTH]
    assert attempts(found.unneeded) == {"stray-july"}
    assert list(look_over(mends=False).problems) == [MONTH]


@pytest.mark.usefixtures("history")
def test_a_month_whose_partition_cannot_be_moved_is_left_alone_though_its_commits_are_right(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotConfiguredError("no table")

    point_to("a")
    monkeypatch.setattr(sweep, "follow", refuse)
    found = look_over()
    assert (found.problems, found.unneeded) == ({MONTH: "no table"}, ())


@pytest.mark.usefixtures("history")
def test_partitions_are_not_sent_back_to_files_that_are_gone(toy: Toy) -> None:
    toy.delete(f"{PUBLISHED}000002.json", *(k for k in toy.keys("refined/") if "=a/" in k))
    found = look_over()
    assert toy.locations() == both("b")
    assert found.unneeded == ()
    assert "the files of commit 1 of toy 2025-08, found that some are" in found.problems[MONTH]


@pytest.mark.usefixtures("history")
def test_a_month_with_partitions_and_no_commits_is_left_alone(toy: Toy) -> None:
    toy.delete(*toy.keys(PUBLISHED))
    assert unneeded() == set()


def test_a_month_whose_commits_cannot_be_read_is_left_alone_without_partitions_too(
    toy: Toy,
) -> None:
    toy.write(D1)
    toy.refine("stray")
    toy.put(f"{PUBLISHED}000001.json", b"{")
    july = "2025-07"
    toy.write(D1.replace(month=7))
    toy.publish("july", month=july)
    toy.refine("stray-july", months=(july,))
    toy.passes(days=8)
    assert unneeded() == {"stray-july"}
    bad = [unit for unit in sweep._list_units(SUBJECT) if unit.attempt != "stray-july"]
    assert remove.fn(SUBJECT, bad, GRACE) == []


@pytest.mark.usefixtures("history")
def test_commits_that_ended_before_the_grace_are_not_read(toy: Toy) -> None:
    toy.calls.clear()
    look_over(mends=False)
    read = {about for about in toy.asked("GetObject") if about.startswith(PUBLISHED)}
    assert read == {f"{PUBLISHED}000002.json"}


def test_a_month_with_neither_is_not(toy: Toy) -> None:
    toy.write(D1)
    toy.refine("stray")
    toy.passes(days=8)
    assert unneeded() == {"stray"}


def test_an_empty_lake_has_nothing(toy: Toy) -> None:
    assert look_over() == Sweep((), (), {})


@pytest.mark.usefixtures("history")
def test_an_attempt_is_marked_once(toy: Toy) -> None:
    units = look_over().unneeded
    assert mark.fn(SUBJECT, units) == 2
    marks = [key for key in toy.keys("runs/") if key.endswith("removed.json")]
    assert {key.split("/")[2] for key in marks} == {"a", "stray"}
    toy.passes(hours=1)
    assert mark.fn(SUBJECT, units) == 0
    # It was not written again: its age counts.
    assert attempts(look_over().ripe) == {"a", "stray"}


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(("seconds", "expected"), [(-1, set()), (0, {"a", "stray"})])
def test_what_has_borne_its_mark_for_an_hour_is_ripe(
    toy: Toy, seconds: int, expected: set[str]
) -> None:
    mark.fn(SUBJECT, look_over().unneeded)
    toy.passes(hours=1, seconds=seconds)
    assert attempts(look_over().ripe) == expected
    assert dt.timedelta(hours=1) == MARK_FOR


@pytest.mark.usefixtures("history")
def test_only_what_is_marked_is_ripe(toy: Toy) -> None:
    units = look_over().unneeded
    mark.fn(SUBJECT, [unit for unit in units if unit.attempt == "a"])
    toy.passes(hours=2)
    found = look_over()
    assert (attempts(found.unneeded), attempts(found.ripe)) == ({"a", "stray"}, {"a"})


@pytest.mark.usefixtures("history")
def test_what_is_given_is_removed_and_nothing_else(toy: Toy) -> None:
    others = [key for key in toy.keys("") if not key.startswith("refined/")]
    units = [unit for unit in look_over().unneeded if unit.attempt == "a"]
    removed = remove.fn(SUBJECT, units, GRACE)
    assert {unit.folder for unit in removed} == {unit.folder for unit in units}
    assert left(toy) == {"b", "stray"}
    assert [key for key in toy.keys("") if not key.startswith("refined/")] == others
    assert remove.fn(SUBJECT, units, GRACE) == []


@pytest.mark.usefixtures("history")
def test_what_a_killed_job_left_is_removed_with_its_attempt(toy: Toy) -> None:
    (folder,) = {
        unit.folder
        for unit in look_over().unneeded
        if (unit.attempt, unit.table) == ("stray", TABLES[0])
    }
    for name in ("", "_temporary/0/", "_temporary/0/part-0.parquet", "__magic_job-1/x.pending"):
        toy.put(f"{folder}{name}")
    toy.passes(days=8)
    units = [unit for unit in look_over().unneeded if unit.attempt == "stray"]
    remove.fn(SUBJECT, units, GRACE)
    assert left(toy) == {"a", "b"}


def test_nothing_is_removed_of_nothing(toy: Toy) -> None:
    toy.calls.clear()
    assert remove.fn(SUBJECT, [], GRACE) == []
    assert toy.calls == []


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("change", ["commit", "partition", "youngest", "glue", "commits-bad"])
def test_what_is_needed_again_by_then_is_spared(toy: Toy, change: str) -> None:
    units = look_over().unneeded
    stray = next(unit for unit in units if unit.attempt == "stray")
    if change == "commit":  # a flow that was held has committed it
        key = f"{PUBLISHED}000002.json"
        body = toy.body(key).replace(b'"number": 2', b'"number": 3')
        toy.put(f"{PUBLISHED}000003.json", body.replace(b'"attempt": "b"', b'"attempt": "stray"'))
    elif change == "partition":
        point_to("stray")
        point_to("stray", TABLES[1])
    elif change == "youngest":
        toy.put(f"{stray.folder}part-1.parquet")
    elif change == "glue":
        plan = f"s3://{BUCKET}/{plan_key(stray.run_id)}"
        toy.glue_runs = [{"JobRunState": "STOPPING", "Arguments": {"--plan": plan}}]
    else:
        toy.put(f"{PUBLISHED}000002.json", b"{")
    removed = attempts(remove.fn(SUBJECT, units, GRACE))
    assert removed == (set() if change == "commits-bad" else {"a"})
    assert "stray" in left(toy)


@pytest.mark.usefixtures("history")
def test_each_batch_is_asked_for_again(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "_BATCH", 1)
    units = look_over().unneeded
    last = units[-1]
    toy.meets("before", "DeleteObjects", "", lambda: toy.put(f"{last.folder}part-1.parquet"))
    removed = remove.fn(SUBJECT, units, GRACE)
    assert last.attempt not in {unit.attempt for unit in removed[1:]}
    assert len(toy.asked("DeleteObjects")) >= 2


def unit_of(count: int, name: str = "x") -> Any:
    stored = StoredObject("k", '"e"', 1, dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    return Unit("t", MONTH, "r", name, f"{name}/", (stored,) * count, stored.modified_at)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], []),
        ([1, 2], [[1, 2]]),
        ([600, 400], [[600, 400]]),
        ([600, 401], [[600], [401]]),
        ([1500, 1], [[1500], [1]]),
        ([1, 1500, 999, 1, 1], [[1], [1500], [999, 1], [1]]),
    ],
)
def test_a_batch_is_what_one_call_takes(counts: list[int], expected: list[list[int]]) -> None:
    batches = sweep._batches([unit_of(count) for count in counts])
    assert [[len(unit.objects) for unit in batch] for batch in batches] == expected


def test_a_unit_of_more_than_one_call_takes_is_removed_whole(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def call(_client: BaseClient, operation: str, parameters: Any) -> Any:
        assert operation == "DeleteObjects"
        assert parameters["Delete"]["Quiet"] is True  # names only what was not removed
        asked.append(len(parameters["Delete"]["Objects"]))
        return {}

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    sweep._delete(BUCKET, [f"k{number}" for number in range(2001)])
    assert asked == [1000, 1000, 1]


def test_an_object_that_s3_does_not_remove_is_named(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = {"Errors": [{"Key": "k", "Code": "AccessDenied", "Message": "no"}]}
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *_: refusal)
    with pytest.raises(RemovalError, match=rf"did not remove s3://{BUCKET}/k: AccessDenied: no"):
        sweep._delete(BUCKET, ["k"])


def test_only_what_s3_refused_for_now_is_sent_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = iter([["b", "c"], ["c"], []])
    asked: list[list[str]] = []

    def call(_client: BaseClient, _operation: str, parameters: Any) -> Any:
        asked.append([each["Key"] for each in parameters["Delete"]["Objects"]])
        errors = [{"Key": k, "Code": "InternalError", "Message": "-"} for k in next(refusals)]
        return {"Errors": errors}

    monkeypatch.setattr(retries._again_for_the_rest, "sleep", lambda _seconds: None)
    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    sweep._delete(BUCKET, ["a", "b", "c"])
    assert asked == [["a", "b", "c"], ["b", "c"], ["c"]]


def test_where_s3_does_not_say_which_one_it_refused_all_are_sent_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Any = iter([{"Errors": [{"Code": "SlowDown"}]}, {}])
    asked: list[list[str]] = []

    def call(_client: BaseClient, _operation: str, parameters: Any) -> Any:
        asked.append([each["Key"] for each in parameters["Delete"]["Objects"]])
        return next(answers)

    monkeypatch.setattr(retries._again_for_the_rest, "sleep", lambda _seconds: None)
    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    sweep._delete(BUCKET, ["a", "b"])
    assert asked == [["a", "b"]] * 2


def test_what_s3_refuses_again_and_again_is_named_after_four_rounds(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    refusal = {"Errors": [{"Key": "k", "Code": "SlowDown", "Message": "later"}]}
    monkeypatch.setattr(retries._again_for_the_rest, "sleep", slept.append)
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *_: refusal)
    with pytest.raises(RemovalError, match=rf"s3://{BUCKET}/k: .*SlowDown: later.*Run it again"):
        sweep._delete(BUCKET, ["k"])
    assert slept == [2.0, 4.0, 8.0]
