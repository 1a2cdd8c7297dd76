import datetime as dt
from dataclasses import replace

import pytest

from tasks.core.attempt import Output
from tasks.core.commit import Commit
from tasks.core.vacuum import Shown, StoredObject, Unit, find_units, why_kept

NOW = dt.datetime(2025, 8, 31, tzinfo=dt.UTC)
GRACE = dt.timedelta(days=7)
OLD, YOUNG = NOW - dt.timedelta(days=8), NOW - dt.timedelta(days=6)
FOLDER = "refined/quotes_daily/run_id=r/attempt=a/month=2025-08/"
UNIT = Unit("quotes_daily", "2025-08", "r", "a", FOLDER, (), OLD)
OTHER = "refined/quotes_daily/run_id=s/attempt=b/month=2025-08/"


def stored(key: str, modified_at: dt.datetime = OLD, size: int = 1) -> StoredObject:
    return StoredObject(key, '"e"', size, modified_at)


def commit(number: int, attempt: str, run_id: str = "r", table: str = "quotes_daily") -> Commit:
    tables = {table: Output({}, 0)}
    return Commit(number, "2025-08", "d", "s", (), run_id, attempt, tables, OLD, "f")


def kept(shown: Shown, unit: Unit = UNIT, at_work: tuple[str, ...] = ()) -> str:
    return why_kept(unit, shown, at_work=at_work, now=NOW, grace=GRACE)


def test_the_unit_is_a_month_of_a_table_of_an_attempt_with_the_age_of_the_whole_attempt() -> None:
    monthly = FOLDER.replace("daily", "monthly").replace("-08", "-07")
    units = find_units(
        [
            stored(f"{FOLDER}part-0.parquet", size=10),
            stored(f"{FOLDER}_SUCCESS", size=0),
            stored(f"{monthly}part-0.parquet", YOUNG),
            stored(f"{OTHER}part-0.parquet"),
        ]
    )
    first, other, second = units
    assert (first.folder, first.size, first.youngest_at) == (FOLDER, 10, YOUNG)
    assert (first.table, first.month, first.run_id, first.attempt) == (
        "quotes_daily",
        "2025-08",
        "r",
        "a",
    )
    assert (second.table, second.month) == ("quotes_monthly", "2025-07")
    assert (other.attempt, other.youngest_at) == ("b", OLD)


LEFT = ("", "_SUCCESS", "_temporary/0/", "__magic_job-1/tasks/x.pending", "deeper/part-0.parquet")


@pytest.mark.parametrize("name", LEFT)
def test_whatever_lies_under_a_month_of_an_attempt_belongs_to_it(name: str) -> None:
    (unit,) = find_units([stored(f"{FOLDER}part-0.parquet"), stored(f"{FOLDER}{name}", YOUNG)])
    assert [each.key for each in unit.objects] == [f"{FOLDER}part-0.parquet", f"{FOLDER}{name}"]
    assert (unit.folder, unit.youngest_at) == (FOLDER, YOUNG)


@pytest.mark.parametrize(
    "key",
    [
        "refined/quotes_daily/part-0.parquet",
        "refined/quotes_daily/run_id=r/attempt=a/",
        "raw/x",
        "runs/r/x",
    ],
)
def test_what_is_of_no_attempt_is_left_alone(key: str) -> None:
    assert find_units([stored(key)]) == []


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (Shown([(commit(1, "a"), OLD)]), "commit 1 names it"),
        (Shown([(commit(1, "a"), OLD), (commit(2, "b"), YOUNG)]), "commit 1 names it"),
        (Shown([(commit(1, "b"), OLD)], {"quotes_daily": FOLDER}), "a partition names it"),
        (Shown([], {"quotes_daily": OTHER}), "its month has partitions and no commit"),
        (
            Shown([(commit(1, "b"), OLD)], follows=False),
            "the partitions of its month could not be made to follow",
        ),
    ],
)
def test_what_somebody_is_sent_to_or_was_within_the_grace_stays(shown: Shown, why: str) -> None:
    assert kept(shown) == why


@pytest.mark.parametrize(
    "shown",
    [
        Shown([(commit(1, "b"), OLD)]),
        Shown([(commit(1, "a"), OLD - GRACE), (commit(2, "b"), OLD)]),
        Shown([(commit(1, "a", run_id="s"), OLD)]),
        Shown([(commit(1, "a", table="quotes_monthly"), OLD)]),
        Shown([(commit(1, "b"), OLD)], {"quotes_daily": OTHER}),
        Shown(),
    ],
    ids=["never", "not-within-the-grace", "other-run", "other-table", "partition-moved", "nobody"],
)
def test_what_nobody_needs_does_not(shown: Shown) -> None:
    assert kept(shown) == ""


def test_a_grace_ends_at_its_last_moment() -> None:
    history = [(commit(1, "a"), OLD - GRACE), (commit(2, "b"), NOW - GRACE)]
    assert kept(Shown(history)) == ""
    history[1] = (commit(2, "b"), NOW - GRACE + dt.timedelta(seconds=1))
    assert kept(Shown(history)) == "commit 1 names it"


def test_what_is_as_old_as_the_grace_is_young_no_more() -> None:
    shown = Shown([(commit(1, "b"), OLD)])
    assert kept(shown, replace(UNIT, youngest_at=NOW - GRACE)) == ""
    just = NOW - GRACE + dt.timedelta(seconds=1)
    assert kept(shown, replace(UNIT, youngest_at=just)) == "it is younger than the grace"


def test_what_is_young_or_being_made_stays() -> None:
    shown = Shown([(commit(1, "b"), OLD)])
    young = Unit("quotes_daily", "2025-08", "r", "a", FOLDER, (), YOUNG)
    assert kept(shown, young) == "it is younger than the grace"
    assert kept(shown, at_work=("r",)) == "Glue is at work on its plan"
    assert kept(shown, at_work=("s",)) == ""
