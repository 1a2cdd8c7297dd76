import datetime as dt
from dataclasses import replace

import pytest

from tasks.core.dataset import Dataset
from tasks.core.errors import CommitError, UnreadableRawError
from tasks.published import (
    find_published,
    find_stale_months,
    list_published_months,
    read_published,
)
from tests.tasks.toy import (
    BESIDE,
    D1,
    D2,
    D3,
    DAILY,
    MONTH,
    MONTHLY,
    RAW,
    SUBJECT,
    TOY,
    Toy,
    parquet,
    subject,
)

PUBLISHED = f"published/toy/{MONTH}/"
OTHERWISE = replace(
    TOY, refined=(replace(TOY.refined[0], statement="SELECT 1 AS value"), TOY.refined[1])
)


def key(day: dt.date, name: str = "toy") -> str:
    return RAW.object_key(str(day), name)


def test_what_readers_see_of_each_session_is_told_by_name(toy: Toy) -> None:
    months = ["2025-08", "2025-07", "2025-06"]
    assert find_published(SUBJECT, months)[RAW.name] == {}
    for month in months[:2]:
        day = D1.replace(month=int(month[-2:]))
        toy.write(day)
        toy.put(key(day, "other"), parquet([1]))
        toy.publish(month=month)
    toy.write(D2)
    july = D1.replace(month=7)
    assert find_published(SUBJECT, months)[RAW.name] == {
        july: {"toy", "other"},
        D1: {"toy", "other"},
    }
    assert find_published(SUBJECT, months[1:])[RAW.name] == {july: {"toy", "other"}}


def test_what_readers_see_is_told_by_the_latest_commit(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    toy.write(D2)
    toy.publish("b")
    toy.calls.clear()
    assert find_published(SUBJECT, [MONTH])[RAW.name] == {D1: {"toy"}, D2: {"toy"}}
    assert toy.asked("GetObject") == [f"{PUBLISHED}000002.json"]


def test_what_readers_see_is_not_told_where_a_commit_is_missing(toy: Toy) -> None:
    toy.put(f"{PUBLISHED}000002.json")
    with pytest.raises(CommitError, match="a commit is gone"):
        find_published(SUBJECT, [MONTH])


def test_each_raw_table_is_told_by_itself(toy: Toy) -> None:
    toy.write(D1)
    toy.write(D1, D2, table=BESIDE)
    toy.put(BESIDE.object_key(str(D2), "other"), parquet([1]))
    toy.publish()
    toy.write(D3, table=BESIDE)
    assert find_published(SUBJECT, [MONTH])[RAW.name] == {D1: {"toy"}}
    assert find_published(SUBJECT, [MONTH])[BESIDE.name] == {D1: {"toy"}, D2: {"toy", "other"}}


def stale(dataset: Dataset) -> list[str]:
    return find_stale_months.fn(subject(dataset))


def test_months_made_by_other_statements_are_stale_whatever_raw_is(toy: Toy) -> None:
    assert stale(OTHERWISE) == []
    months = ("2025-08", "2025-07")
    for month in months:
        toy.write(D1.replace(month=int(month[-2:])))
        toy.publish(month=month)
    toy.write(D1, value=2)
    assert stale(TOY) == []
    assert stale(OTHERWISE) == ["2025-07", "2025-08"]


def test_a_month_is_stale_by_its_latest_commit(toy: Toy) -> None:
    toy.write(D1)
    first = toy.publish()
    body = toy.body(f"{PUBLISHED}000001.json")
    toy.put(f"{PUBLISHED}000001.json", body.replace(first.statements.encode(), b"before"))
    assert stale(TOY) == [MONTH]
    toy.write(D2)
    toy.publish("b")
    assert stale(TOY) == []


VALUES = {DAILY.name: ("value",), MONTHLY.name: ("value",)}


def test_the_months_that_readers_see_are_told_in_order(toy: Toy) -> None:
    assert list_published_months(SUBJECT) == []
    for month in (MONTH, "2025-07"):
        toy.write(D1.replace(month=int(month[-2:])))
        toy.publish(month=month)
    assert list_published_months(SUBJECT) == ["2025-07", MONTH]


def test_a_month_is_read_as_its_latest_commit_names_it(toy: Toy) -> None:
    assert read_published(SUBJECT, MONTH, VALUES) is None
    toy.write(D1, value=1)
    toy.publish()
    toy.write(D2, value=2)
    toy.publish("b")
    toy.refine("nobody reads it", values=[9])
    read = read_published(SUBJECT, MONTH, {DAILY.name: ("value",)})
    assert read
    assert read.commit.number == 2
    assert {name: rows.to_pydict() for name, rows in read.tables.items()} == {
        DAILY.name: {"value": [1, 2]}
    }


def test_all_tables_are_of_one_commit_whatever_goes_while_they_are_read(toy: Toy) -> None:
    toy.write(D1, value=1)
    first = toy.publish()

    def replace_the_month() -> None:
        toy.write(D1, value=5)
        toy.publish("b")
        toy.delete(*(key for made in first.tables.values() for key in made.objects))

    toy.meets("after", "GetObject", DAILY.prefix, replace_the_month)
    read = read_published(SUBJECT, MONTH, VALUES)
    assert read
    assert read.commit.number == 2
    assert {name: rows["value"].to_pylist() for name, rows in read.tables.items()} == {
        DAILY.name: [5],
        MONTHLY.name: [5],
    }


def test_a_month_whose_files_are_gone_is_told_with_what_to_do(toy: Toy) -> None:
    toy.write(D1)
    toy.delete(*toy.publish().tables[MONTHLY.name].objects)
    with pytest.raises(CommitError, match=r"files of commit 1 of toy 2025-08.*--repair"):
        read_published(SUBJECT, MONTH, VALUES)


def test_a_table_that_the_commit_does_not_name_has_no_rows(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    read = read_published(SUBJECT, MONTH, {"toy_new": ("value", "more")})
    assert read
    assert len(read.tables["toy_new"]) == 0
    assert read.tables["toy_new"].column_names == ["value", "more"]


def test_a_file_without_a_column_is_told(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    with pytest.raises(UnreadableRawError, match=DAILY.prefix):
        read_published(SUBJECT, MONTH, {DAILY.name: ("value", "new")})
