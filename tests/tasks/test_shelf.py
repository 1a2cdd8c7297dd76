import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tasks import shelf
from tasks.assets import asset_of
from tasks.core.attempt import attempt_key
from tasks.core.commit import Commit, commit_key
from tasks.core.errors import CommitError
from tasks.shelf import follow, follows, is_there, read_as_of, read_latest, read_number
from tests.tasks.toy import BUCKET, D1, D2, D3, DAILY, MONTH, NOON, SUBJECT, TABLES, TOY, Toy, both

PUBLISHED = f"published/toy/{MONTH}/"


@pytest.fixture(autouse=True)
def raw(toy: Toy) -> None:
    toy.write(D1)


def numbers(toy: Toy) -> list[int]:
    return [int(key[-11:-5]) for key in toy.keys(PUBLISHED)]


def die() -> None:
    raise ZeroDivisionError


def lose_the_answer() -> None:
    raise ConnectionClosedError(endpoint_url="https://aws")


def test_the_highest_commit_is_the_latest(toy: Toy) -> None:
    assert read_latest(SUBJECT, MONTH).commit is None
    assert read_latest(SUBJECT, MONTH).number == 0
    first = toy.publish("a")
    toy.write(D2)
    toy.passes(hours=1)
    second = toy.publish("b")
    latest = read_latest(SUBJECT, MONTH)
    assert (latest.commit, latest.number, latest.at) == (second, 2, NOON.replace(hour=13))
    assert read_number(SUBJECT, MONTH, 1) == first
    assert (first.attempt, second.attempt) == ("a", "b")


def test_a_commit_that_is_not_there_is_an_error(toy: Toy) -> None:
    with pytest.raises(CommitError, match="000003"):
        read_number(SUBJECT, MONTH, 3)


def test_the_first_commit_is_shown(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    commit = toy.show(look, outcome, "flow-1")
    assert commit == read_latest(SUBJECT, MONTH).commit
    assert commit
    assert (commit.number, commit.flow_run, commit.published_at) == (1, "flow-1", NOON)
    assert commit.inputs == look.inputs
    assert toy.locations() == both("a")
    assert is_there(SUBJECT, commit)
    assert follows(SUBJECT, commit)


def test_partitions_say_what_they_show(toy: Toy) -> None:
    import boto3

    commit = toy.publish()
    glue: Any = boto3.client("glue")
    found = glue.get_partition(DatabaseName="b3", TableName=DAILY.name, PartitionValues=[MONTH])[
        "Partition"
    ]
    assert found["Parameters"] == {
        "b3_commit": "1",
        "b3_run_id": commit.run_id,
        "b3_published_at": NOON.isoformat(),
    }
    folder = DAILY.attempt_folder(commit.run_id, "a", MONTH)
    assert found["StorageDescriptor"]["Location"] == f"s3://{BUCKET}/{folder}"


def test_the_assets_say_what_was_made(toy: Toy) -> None:
    commit = toy.publish()
    assert toy.assets.keys() == {f"b3://{table}" for table in TABLES}
    said = toy.assets[f"b3://{DAILY.name}"]
    assert (said["month"], said["row_count"], said["run_id"]) == (MONTH, 1, commit.run_id)
    assert said["location"].endswith(DAILY.attempt_folder(commit.run_id, "a", MONTH))


def test_a_month_is_shown_by_a_step_that_makes_its_assets(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def materialize(*assets: Any, **_: Any) -> Any:
        made.extend(assets)
        return lambda function: function

    monkeypatch.setattr(shelf, "materialize", materialize)
    look, outcome = toy.look(), toy.refine()
    commit = shelf.show_month(SUBJECT, look, outcome, flow_run="f", forced_since=None)
    assert made == [asset_of(table) for table in TOY.refined_tables]
    assert commit
    assert commit.flow_run == "f"


def test_everything_is_looked_at_before_the_commit_and_again_before_partitions_move(
    toy: Toy,
) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.calls.clear()
    toy.show(look, outcome)
    names = [
        f"{operation} {about.rpartition('/')[2] or about.split('/')[0]}"
        for operation, about in toy.calls
    ]
    looked = ["GetObject removed.json", *["ListObjectsV2 refined"] * 2]
    assert names[:7] == [*looked, "PutObject 000001.json", *looked]
    assert names[7] == "ListObjectsV2 published"


# What somebody else has published meanwhile


def rival(toy: Toy, attempt: str = "rival", flow_run: str = "rival") -> Commit:
    return toy.publish(attempt, flow_run)


def test_a_month_that_was_published_meanwhile_is_not_shown(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.write(D1, value=2)
    rival(toy)
    assert toy.show(look, outcome) is None
    assert numbers(toy) == [1]
    assert toy.locations() == both("rival")


def test_the_number_is_that_of_the_look_whatever_is_there_now(toy: Toy) -> None:
    rival(toy, "first")
    toy.write(D2)
    look, outcome = toy.look(), toy.refine()
    toy.write(D1, value=2)
    for number in range(3):
        toy.write(D3, value=number)
        rival(toy, f"rival-{number}")
    assert toy.show(look, outcome) is None
    assert numbers(toy) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "does"),
    [
        pytest.param(lambda toy: None, True, id="the-same"),
        pytest.param(lambda toy: toy.write(D2), True, id="more"),
        pytest.param(lambda toy: toy.write(D1, value=2), False, id="other-bytes"),
        pytest.param(
            lambda toy: (toy.write(D2), toy.delete(f"raw/toy/trading_date={D1}/toy.parquet")),
            False,
            id="less",
        ),
    ],
)
def test_another_commit_does_where_it_covers_the_own(
    toy: Toy, change: Callable[[Toy], object], does: bool
) -> None:
    look, outcome = toy.look(), toy.refine()
    change(toy)
    other = rival(toy)
    assert toy.show(look, outcome) == (other if does else None)
    assert numbers(toy) == [1]


def test_another_commit_that_was_made_otherwise_does_not(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.write(D2)
    rival(toy)
    key = commit_key(TOY, MONTH, 1)
    toy.put(key, json.dumps(json.loads(toy.body(key)) | {"statements": "others"}).encode())
    assert toy.show(look, outcome) is None


def test_partitions_follow_another_commit_too(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.commit("rival")
    assert toy.locations() == {}
    assert toy.show(look, outcome)
    assert toy.locations() == both("rival")


@pytest.mark.parametrize(
    ("made_at", "does"), [(-1, False), (0, True), (1, True)], ids=["older", "then", "younger"]
)
def test_for_a_forced_flow_only_what_is_younger_does(toy: Toy, made_at: int, does: bool) -> None:
    began_at = toy.now
    toy.passes(seconds=made_at)
    look, outcome = toy.look(), toy.refine()
    other = rival(toy)
    toy.passes(hours=1)
    assert toy.show(look, outcome, "flow", forced_since=began_at) == (other if does else None)


def test_for_a_forced_flow_a_commit_whose_outcome_is_gone_does_not(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    other = rival(toy)
    toy.delete(attempt_key(other.run_id, "rival", "outcome"))
    assert toy.show(look, outcome, "flow", forced_since=toy.now) is None


def test_its_own_commit_does_for_a_forced_flow_however_old_its_attempt_is(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.passes(hours=1)
    own = toy.show(look, outcome, "flow", forced_since=toy.now)
    assert own
    assert toy.show(look, outcome, "flow", forced_since=toy.now) == own
    assert toy.show(look, outcome, "another", forced_since=toy.now) is None


def test_another_attempt_of_the_same_flow_is_not_its_own_commit(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.write(D1, value=2)
    toy.publish("b", "flow")
    assert toy.show(look, outcome, "flow") is None


# Answers that were lost


def test_a_commit_whose_answer_was_lost_is_known_again(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.meets("after", "PutObject", PUBLISHED, lose_the_answer)
    with pytest.raises(ConnectionClosedError):
        toy.show(look, outcome)
    toy.write(D2)  # the step is done again, whatever raw is by now
    own = toy.show(look, outcome)
    assert own
    assert (own.number, own.attempt) == (1, "a")
    assert toy.locations() == both("a")


@pytest.mark.parametrize("operation", ["CreatePartition", "UpdatePartition"])
@pytest.mark.parametrize("table", TABLES)
def test_a_partition_whose_answer_was_lost_is_as_it_should_be(
    toy: Toy, operation: str, table: str
) -> None:
    if operation == "UpdatePartition":
        toy.publish("before")
        toy.write(D2)
    look, outcome = toy.look(), toy.refine()
    toy.meets("after", operation, table, lose_the_answer)
    with pytest.raises(ConnectionClosedError):
        toy.show(look, outcome)
    assert toy.show(look, outcome)
    assert toy.locations() == both("a")


# What went away meanwhile


def test_an_attempt_that_is_marked_is_not_shown(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.put(attempt_key(outcome.run_id, "a", "removed"))
    assert toy.show(look, outcome) is None
    assert numbers(toy) == []


def test_an_attempt_with_a_file_gone_is_not_shown(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    toy.delete(*outcome.months[MONTH][TABLES[1]].objects)
    assert toy.show(look, outcome) is None
    assert numbers(toy) == []


@pytest.mark.parametrize("is_marked", [False, True])
def test_what_goes_away_right_after_the_commit_is_not_pointed_to(toy: Toy, is_marked: bool) -> None:
    toy.publish("before")
    toy.write(D2)
    look, outcome = toy.look(), toy.refine()

    def goes_away() -> None:
        if is_marked:
            toy.put(attempt_key(outcome.run_id, "a", "removed"))
        else:
            toy.delete(*outcome.months[MONTH][TABLES[0]].objects)

    toy.meets("after", "PutObject", PUBLISHED, goes_away)
    assert toy.show(look, outcome) is None
    assert numbers(toy) == [1, 2]
    assert toy.locations() == both("before")


def test_another_commit_whose_files_are_gone_does_not(toy: Toy) -> None:
    look, outcome = toy.look(), toy.refine()
    other = rival(toy)
    toy.delete(*other.tables[TABLES[0]].objects)
    assert toy.show(look, outcome) is None


# Partitions follow


@pytest.fixture
def behind(toy: Toy) -> Commit:
    """Two commits, of which partitions show the first."""
    toy.publish("a")
    toy.write(D2)
    return toy.commit("b")


def test_where_nothing_is_published_there_is_nothing_to_follow(toy: Toy) -> None:
    follow(SUBJECT, MONTH)
    assert toy.locations() == {}


def test_partitions_follow_the_highest_commit(toy: Toy, behind: Commit) -> None:
    assert not follows(SUBJECT, behind)
    follow(SUBJECT, MONTH)
    assert follows(SUBJECT, behind)
    assert toy.locations() == both("b")


def test_what_follows_already_is_not_written_again(toy: Toy, behind: Commit) -> None:
    follow(SUBJECT, MONTH)
    toy.calls.clear()
    follow(SUBJECT, MONTH)
    assert toy.asked("UpdatePartition") == toy.asked("CreatePartition") == []


@pytest.mark.parametrize("table", TABLES)
def test_one_table_behind_is_behind(toy: Toy, behind: Commit, table: str) -> None:
    toy.meets("before", "UpdatePartition", TABLES[1], die)
    if table == TABLES[1]:
        with pytest.raises(ZeroDivisionError):
            follow(SUBJECT, MONTH)
    assert not follows(SUBJECT, behind)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_that_comes_meanwhile_is_followed(
    toy: Toy, behind: Commit, table: str, when: str
) -> None:
    def publish() -> None:
        toy.write(D3)
        toy.commit("c")

    toy.meets(when, "UpdatePartition", table, publish)
    follow(SUBJECT, MONTH)
    assert toy.locations() == both("c")


def test_a_partition_that_somebody_creates_meanwhile_follows_too(toy: Toy) -> None:
    toy.commit("a")

    def publish() -> None:
        toy.write(D2)
        toy.publish("b")

    toy.meets("before", "CreatePartition", TABLES[0], publish)
    follow(SUBJECT, MONTH)
    assert toy.locations() == both("b")


def test_somebody_with_an_older_commit_creates_a_partition_meanwhile(
    toy: Toy, behind: Commit
) -> None:
    """Its own creation is refused; it looks again, and moves what is there."""
    import boto3

    glue: Any = boto3.client("glue")
    kept = glue.get_partition(DatabaseName="b3", TableName=TABLES[0], PartitionValues=[MONTH])
    fields = ("Values", "StorageDescriptor", "Parameters")
    older = {name: kept["Partition"][name] for name in fields}
    glue.delete_partition(DatabaseName="b3", TableName=TABLES[0], PartitionValues=[MONTH])
    toy.meets(
        "before",
        "CreatePartition",
        TABLES[0],
        lambda: glue.create_partition(DatabaseName="b3", TableName=TABLES[0], PartitionInput=older),
    )
    follow(SUBJECT, MONTH)
    assert toy.locations() == both("b")


def test_a_table_that_the_commit_does_not_know_keeps_what_it_shows(
    toy: Toy, behind: Commit
) -> None:
    key = commit_key(TOY, MONTH, 2)
    document = json.loads(toy.body(key))
    del document["tables"][TABLES[1]]
    toy.put(key, json.dumps(document).encode())
    follow(SUBJECT, MONTH)
    assert toy.locations() == {TABLES[0]: "b", TABLES[1]: "a"}


def test_a_catalog_that_refuses_is_not_taken_for_done(toy: Toy, behind: Commit) -> None:
    def refuse() -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdatePartition")

    toy.meets("before", "UpdatePartition", TABLES[0], refuse)
    with pytest.raises(ClientError):
        follow(SUBJECT, MONTH)


# As of


def test_a_month_is_read_as_it_was(toy: Toy, behind: Commit) -> None:
    assert read_as_of(SUBJECT, MONTH, 1).attempt == "a"
    assert read_as_of(SUBJECT, MONTH, 2) == behind


@pytest.mark.parametrize(("gone", "earliest"), [("a", "2"), ("ab", "3"), ("abc", "none")])
def test_a_commit_whose_files_are_gone_is_an_error_that_names_the_earliest(
    toy: Toy, behind: Commit, gone: str, earliest: str
) -> None:
    toy.write(D3)
    toy.publish("c")
    for attempt in gone:
        name = next(k for k in toy.keys("refined/") if f"attempt={attempt}/" in k)
        toy.delete(name)
    with pytest.raises(CommitError, match=rf"commit 1 of toy {MONTH}.*shown is {earliest}\."):
        read_as_of(SUBJECT, MONTH, 1)
