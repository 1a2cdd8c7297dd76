import datetime as dt

from tasks.core.vacuum import StoredObject, find_unpublished

NOW = dt.datetime(2025, 8, 10, tzinfo=dt.UTC)
A, B = "refined/t/run_id=a/month=2025-08/", "refined/t/run_id=b/month=2025-08/"


def stored(prefix: str, days_old: int, name: str = "part-0.parquet") -> StoredObject:
    return StoredObject(prefix + name, 10, NOW - dt.timedelta(days=days_old))


def unpublished(objects: list[StoredObject], published: set[str]) -> list[str]:
    return list(find_unpublished(objects, published, NOW - dt.timedelta(days=7)))


def test_what_no_partition_points_to_is_found_once_it_is_old() -> None:
    assert unpublished([stored(A, 8), stored(B, 8)], {B}) == [A]


def test_what_is_published_stays_however_old() -> None:
    assert unpublished([stored(B, 4000)], {B}) == []


def test_what_is_young_stays_with_everything_beside_it() -> None:
    assert unpublished([stored(A, 6)], set()) == []
    assert unpublished([stored(A, 8), stored(A, 6, "part-1.parquet")], set()) == []


def test_all_objects_of_a_prefix_go_together() -> None:
    objects = [stored(A, 8), stored(A, 9, "part-1.parquet")]
    found = find_unpublished(objects, set(), NOW)
    assert found == {A: objects}
