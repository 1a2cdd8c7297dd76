import datetime as dt
from dataclasses import replace

import pytest

from tasks.core.dataset import Dataset
from tasks.core.errors import CommitError
from tasks.published import find_published, find_stale_months
from tests.tasks.toy import BESIDE, D1, D2, D3, MONTH, RAW, SUBJECT, TOY, Toy, parquet, subject

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
