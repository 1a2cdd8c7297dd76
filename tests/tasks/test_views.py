"""What views are made over: which commit of each month, and which files are there."""

import datetime as dt
import json

import pytest

from tasks.core.commit import commit_key
from tasks.core.errors import CommitError
from tasks.core.plan import plan_key
from tasks.objects import LEAST_PARQUET_BYTES
from tasks.views import find_parts, find_raw, find_shown
from tests.tasks.toy import BUCKET, D1, DAILY, MONTH, NOON, RAW, TABLES, TOY, Toy

COLUMNS = (("value", "int"),)


@pytest.fixture
def history(toy: Toy) -> Toy:
    """Four commits of a month, an hour apart."""
    for number in range(1, 5):
        toy.write(D1, value=number)
        toy.publish(f"a{number}")
        toy.passes(hours=1)
    return toy


def lose(toy: Toy, *attempts: str) -> None:
    for attempt in attempts:
        toy.delete(*(key for key in toy.keys("refined/") if f"attempt={attempt}/" in key))


def shown(as_of: dt.datetime | None = None) -> list[tuple[str, int, dt.datetime, bool]]:
    return [
        (each.commit.month, each.commit.number, each.seen_since, each.is_gone)
        for each in find_shown(BUCKET, TOY, as_of)[0]
    ]


def test_an_empty_lake_shows_nothing_and_lists_no_files(toy: Toy) -> None:
    assert find_shown(BUCKET, TOY, None) == ([], [])
    assert toy.asked("ListObjectsV2") == ["published/toy/"]


def test_each_month_shows_its_latest_commit_or_that_of_a_moment(history: Toy) -> None:
    history.write(D1.replace(month=7))
    history.publish("july", month="2025-07")
    four, july = NOON + dt.timedelta(hours=3), NOON + dt.timedelta(hours=4)
    assert shown() == [("2025-07", 1, july, False), (MONTH, 4, four, False)]
    assert shown(four) == [(MONTH, 4, four, False)]
    assert shown(NOON) == [(MONTH, 1, NOON, False)]
    assert shown(NOON - dt.timedelta(seconds=1)) == []
    assert find_shown(BUCKET, TOY, None)[1] == []


def test_of_a_month_whose_files_are_gone_the_earliest_after_it_that_is_whole_is_told(
    history: Toy,
) -> None:
    lose(history, "a1", "a2")
    history.calls.clear()
    (seen,), (gone,) = find_shown(BUCKET, TOY, NOON)
    assert (seen.commit.number, seen.is_gone) == (1, True)
    assert gone.shown is seen
    assert gone.earliest
    assert (gone.earliest.commit.number, gone.earliest.is_gone) == (3, False)
    assert gone.earliest.seen_since == NOON + dt.timedelta(hours=2)
    # Each commit is read once, and none that is not needed.
    assert history.asked("GetObject") == [commit_key(TOY, MONTH, each) for each in (1, 2, 3)]


def test_where_no_later_commit_is_whole_none_is_told(history: Toy) -> None:
    lose(history, "a3", "a4")
    _, (gone,) = find_shown(BUCKET, TOY, None)
    assert (gone.shown.commit.number, gone.earliest) == (4, None)


def test_a_commit_that_was_restored_was_there_before_the_next(history: Toy) -> None:
    key = commit_key(TOY, MONTH, 2)
    history.put(key, history.body(key))
    assert shown(NOON + dt.timedelta(hours=1)) == [(MONTH, 1, NOON, False)]
    third = NOON + dt.timedelta(hours=2)
    assert shown(third) == [(MONTH, 3, third, False)]


def test_a_commit_that_is_gone_is_an_error(history: Toy) -> None:
    history.delete(commit_key(TOY, MONTH, 2))
    with pytest.raises(CommitError, match="a commit is gone"):
        find_shown(BUCKET, TOY, None)


def made_before(toy: Toy, *months: str) -> None:
    """Have months that were made by other statements, of one plan."""
    for month in months:
        key = commit_key(TOY, month, 1)
        document = json.loads(toy.body(key)) | {"statements": "others", "run_id": "before"}
        toy.put(key, json.dumps(document).encode())


def test_files_are_grouped_by_the_columns_that_they_were_made_with(toy: Toy) -> None:
    months = ("2025-06", "2025-07", MONTH)
    for month in months:
        toy.write(D1.replace(month=int(month[-2:])))
        toy.publish(month=month)
    before = (("value", "string"),)
    tables = [{"name": name, "columns": before} for name in TABLES]
    toy.put(plan_key("before"), json.dumps({"tables": tables}).encode())
    made_before(toy, *months[:2])
    commits = [each.commit for each in find_shown(BUCKET, TOY, None)[0]]
    toy.calls.clear()
    parts = find_parts(BUCKET, "s3://lake/", TOY, commits)
    assert list(parts) == list(TABLES)
    older, today = parts[DAILY.name]
    assert (older.columns, today.columns) == (before, COLUMNS)
    (key,) = commits[2].tables[DAILY.name].objects
    assert today.urls == (f"s3://lake/{key}",)
    assert len(older.urls) == 2
    assert toy.asked("GetObject") == [plan_key("before")]  # read once


def test_columns_that_the_plan_does_not_name_are_an_error(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    made_before(toy, MONTH)
    toy.put(plan_key("before"), b'{"tables": []}')
    commits = [each.commit for each in find_shown(BUCKET, TOY, None)[0]]
    with pytest.raises(CommitError, match=r"Expected the columns of toy_\w+ in runs/before/plan"):
        find_parts(BUCKET, "", TOY, commits)


def test_what_lies_in_raw_is_told_from_what_is_no_file_of_rows(toy: Toy) -> None:
    least, short, other = (
        f"{RAW.prefix}trading_date={D1}/{name}" for name in ("a.parquet", "b.parquet", "c.txt")
    )
    toy.put(least, bytes(LEAST_PARQUET_BYTES))
    toy.put(short, bytes(LEAST_PARQUET_BYTES - 1))
    toy.put(other, bytes(99))
    found = find_raw(BUCKET, RAW)
    assert (found.keys, found.others) == ((least,), (short, other))
    assert LEAST_PARQUET_BYTES == 12  # its name at both ends, and the length of what is between
