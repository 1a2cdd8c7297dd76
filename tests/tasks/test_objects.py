import datetime as dt
import io
import threading
from types import SimpleNamespace
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tasks import objects
from tasks.core.errors import RetryableError
from tasks.core.plan import RawObject
from tasks.core.vacuum import StoredObject
from tasks.objects import (
    has_footer,
    land_bytes,
    list_at,
    list_folders,
    put_if_absent,
    put_object,
    read_exactly,
    read_object,
)
from tasks.retries import may_pass
from tasks.side_by_side import side_by_side
from tests.tasks.glue_service import Clock
from tests.tasks.toy import BUCKET, NOON, Toy, parquet

KEY = "published/toy/2025-08/000001.json"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(objects, "time", clock)
    return clock


def refuses(code: str) -> Any:
    def refuse() -> None:
        raise ClientError({"Error": {"Code": code}}, "PutObject")

    return refuse


def lose_the_answer() -> None:
    raise ConnectionClosedError(endpoint_url="https://s3")


def put(body: bytes = b"mine") -> bool:
    return put_if_absent(BUCKET, KEY, body)


def test_an_object_is_made_where_there_is_none(toy: Toy, clock: Clock) -> None:
    assert put() is True
    assert read_object(BUCKET, KEY) == b"mine"
    assert clock.slept == []


@pytest.mark.parametrize("body", [b"mine", b"theirs"])
def test_an_object_that_is_there_stays_as_it_is(toy: Toy, body: bytes) -> None:
    put(body)
    assert put() is False
    assert read_object(BUCKET, KEY) == body


def test_a_conflict_is_no_answer_and_is_sent_again(toy: Toy, clock: Clock) -> None:
    for _ in range(4):
        toy.meets("before", "PutObject", KEY, refuses("ConditionalRequestConflict"))
    assert put() is True
    assert clock.slept == [0.1, 0.2, 0.5, 1.0]


def test_after_a_conflict_the_object_of_another_is_found(toy: Toy) -> None:
    def other_is_faster() -> None:
        put_object(BUCKET, KEY, b"theirs")
        refuses("ConditionalRequestConflict")()

    toy.meets("before", "PutObject", KEY, other_is_faster)
    assert put() is False
    assert read_object(BUCKET, KEY) == b"theirs"


def test_conflicts_without_end_are_said_to_pass(toy: Toy, clock: Clock) -> None:
    for _ in range(5):
        toy.meets("before", "PutObject", KEY, refuses("ConditionalRequestConflict"))
    with pytest.raises(RetryableError, match=f"did not say whether s3://{BUCKET}/{KEY}"):
        put()
    assert len(toy.asked("PutObject")) == 5


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "NoSuchBucket"])
def test_any_other_refusal_is_an_error(toy: Toy, code: str) -> None:
    toy.meets("before", "PutObject", KEY, refuses(code))
    with pytest.raises(ClientError, match=code):
        put()
    assert len(toy.asked("PutObject")) == 1


def test_an_object_whose_answer_was_lost_is_there_when_it_is_sent_again(toy: Toy) -> None:
    toy.meets("after", "PutObject", KEY, lose_the_answer)
    with pytest.raises(ConnectionClosedError) as error:
        put()
    assert may_pass(error.value)
    assert put() is False
    assert read_object(BUCKET, KEY) == b"mine"


def raw(toy: Toy, body: bytes) -> RawObject:
    put_object(BUCKET, "raw/x.parquet", body)
    (stored,) = list_at(BUCKET, "raw/x.parquet")[0]
    return RawObject(stored.key, stored.etag, stored.size)


def test_an_object_is_read_as_it_was_listed(toy: Toy) -> None:
    assert read_exactly(BUCKET, raw(toy, b"one")) == b"one"


@pytest.mark.parametrize("is_gone", [True, False])
def test_one_that_is_gone_or_another_by_now_is_not(toy: Toy, is_gone: bool) -> None:
    listed = raw(toy, b"one")
    if is_gone:
        toy.delete(listed.key)
    else:
        raw(toy, b"two")
    assert read_exactly(BUCKET, listed) is None


def test_a_read_that_failed_is_not_taken_for_gone(toy: Toy) -> None:
    listed = raw(toy, b"one")
    toy.meets("before", "GetObject", "raw/", refuses("AccessDenied"))
    with pytest.raises(ClientError, match="AccessDenied"):
        read_exactly(BUCKET, listed)


def test_objects_are_listed_in_order_with_the_time_it_is_by_the_clock_of_s3(toy: Toy) -> None:
    for key in ("a/2", "a/1", "b/1"):
        put_object(BUCKET, key, key.encode())
    toy.passes(hours=1)
    found, at = list_at(BUCKET, "a/")
    assert [(each.key, each.size, each.modified_at) for each in found] == [
        ("a/1", 3, NOON),
        ("a/2", 3, NOON),
    ]
    assert isinstance(found[0], StoredObject)
    assert found[0].etag.startswith('"')
    assert at == NOON + dt.timedelta(hours=1)
    assert list_at(BUCKET, "nothing/") == ([], at)


def test_every_page_of_a_listing_is_read_and_the_time_is_that_of_the_first(toy: Toy) -> None:
    for number in range(1001):
        put_object(BUCKET, f"a/{number:04}/x", b"")
    toy.calls.clear()
    toy.meets("after", "ListObjectsV2", "a/", lambda: toy.passes(minutes=1))
    found, at = list_at(BUCKET, "a/")
    assert (len(found), found[-1].key, at) == (1001, "a/1000/x", NOON)
    assert len(list_folders(BUCKET, "a/")) == 1001


def test_folders_are_named_one_level_down(toy: Toy) -> None:
    for key in ("p/toy/2025-08/1", "p/toy/2025-08/2", "p/toy/2025-07/1", "p/toys/2025-06/1"):
        put_object(BUCKET, key, b"")
    assert list_folders(BUCKET, "p/toy/") == ["2025-07", "2025-08"]
    assert list_folders(BUCKET, "q/") == []


def large() -> bytes:
    """A Parquet file whose footer is longer than what is read first."""
    file = io.BytesIO()
    columns = {f"column_{number:04}": pa.array([1]) for number in range(1500)}
    pq.write_table(pa.table(columns), file)
    body = file.getvalue()
    assert int.from_bytes(body[-8:-4], "little") > objects._FOOTER_BYTES
    return body


SMALL = parquet(range(100_000))


def anything(_metadata: object, _footer: bytes) -> bool:
    return True


@pytest.mark.parametrize("body", [parquet([1]), SMALL, large()], ids=["tiny", "data", "footer"])
def test_what_was_written_to_its_end_has_a_footer(toy: Toy, body: bytes) -> None:
    assert has_footer(BUCKET, raw(toy, body), anything, {})


@pytest.mark.parametrize("fits", [True, False])
def test_an_object_whose_end_is_all_of_it_is_kept(toy: Toy, fits: bool) -> None:
    kept: dict[str, bytes] = {}
    listed = raw(toy, parquet([1]))
    assert has_footer(BUCKET, listed, lambda *_: fits, kept) is fits
    assert kept == {listed.key: parquet([1])}


@pytest.mark.parametrize("body", [SMALL, large()], ids=["data", "footer"])
def test_what_is_larger_is_not_kept(toy: Toy, body: bytes) -> None:
    kept: dict[str, bytes] = {}
    assert has_footer(BUCKET, raw(toy, body), anything, kept)
    assert kept == {}


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_is_gone_or_another_by_now_counts_as_sound_and_is_not_kept(
    toy: Toy, is_gone: bool
) -> None:
    kept: dict[str, bytes] = {}
    listed = raw(toy, parquet([1]))
    if is_gone:
        toy.delete(listed.key)
    else:
        raw(toy, parquet([2]))
    assert has_footer(BUCKET, listed, anything, kept)
    assert kept == {}


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_goes_between_a_look_at_its_end_and_at_all_of_it_counts_as_sound(
    toy: Toy, is_gone: bool
) -> None:
    listed = raw(toy, large())
    act = (lambda: toy.delete(listed.key)) if is_gone else (lambda: toy.put(listed.key, SMALL))
    toy.meets("after", "GetObject", listed.key, act)
    assert has_footer(BUCKET, listed, anything, {})


def test_threads_may_share_a_client(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, client = raw(toy, large()), boto3.client("s3")
    monkeypatch.setattr(boto3, "client", lambda *_: pytest.fail("another client was made"))
    assert read_object(BUCKET, listed.key, client) == large()
    assert read_exactly(BUCKET, listed, client) == large()
    assert has_footer(BUCKET, listed, anything, {}, client)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PAR1PAR1", id="short"),
        pytest.param(SMALL[:-1], id="cut"),
        pytest.param(SMALL[: len(SMALL) // 2], id="half"),
        pytest.param(b"x" * 100, id="garbage"),
        pytest.param(b"PAR1" + b"\xff" * 50 + b"PAR1", id="footer-longer-than-the-file"),
        pytest.param(b"PAR1" + b"x" * 50 + b"\x20\0\0\0PAR1", id="footer-of-garbage"),
        pytest.param(parquet([1])[:-5] + b"\x01PAR1", id="footer-of-16-megabytes"),
    ],
)
def test_what_is_cut_or_garbage_has_none(toy: Toy, body: bytes) -> None:
    assert not has_footer(BUCKET, raw(toy, body), anything, {})


def test_only_the_end_of_a_file_is_read(toy: Toy) -> None:
    listed = raw(toy, SMALL)
    toy.calls.clear()
    assert has_footer(BUCKET, listed, anything, {})
    assert len(toy.calls) == 1
    assert objects._FOOTER_BYTES == 64 * 1024 < listed.size


@pytest.mark.parametrize(
    ("body", "calls"),
    [(b"", 0), (b"PAR1PAR1PAR", 0), (b"PAR1\0\0\0\0PAR1", 1)],
    ids=["empty", "short", "long-enough"],
)
def test_what_is_too_short_for_a_footer_is_not_asked_for(toy: Toy, body: bytes, calls: int) -> None:
    listed = raw(toy, body)
    toy.calls.clear()
    assert not has_footer(BUCKET, listed, anything, {})
    assert len(toy.calls) == calls


def without_rows() -> bytes:
    """A file that is its two names and its footer, and nothing else."""
    file = io.BytesIO()
    pq.ParquetWriter(file, pa.schema([("value", pa.int32())])).close()
    return file.getvalue()


@pytest.mark.parametrize(("lost", "is_sound"), [(0, True), (1, False), (4, False), (5, False)])
def test_what_has_lost_its_start_is_not_sound(toy: Toy, lost: int, is_sound: bool) -> None:
    assert has_footer(BUCKET, raw(toy, without_rows()[lost:]), anything, {}) is is_sound


def test_a_footer_as_long_as_what_is_read_first_is_not_read_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = raw(toy, SMALL)
    footer = int.from_bytes(SMALL[-8:-4], "little") + 8
    for length, calls in ((footer, 1), (footer - 1, 2)):
        monkeypatch.setattr(objects, "_FOOTER_BYTES", length)
        toy.calls.clear()
        assert has_footer(BUCKET, listed, anything, {})
        assert len(toy.asked("GetObject")) == calls


def test_threads_that_land_side_by_side_make_their_clients_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_once: list[int] = []
    counting = threading.Lock()
    inside = 0

    def make(_service: str) -> Any:
        nonlocal inside
        with counting:
            inside += 1
            at_once.append(inside)
        threading.Event().wait(0.01)
        with counting:
            inside -= 1
        return SimpleNamespace(put_object=lambda **_: None)

    monkeypatch.setattr(objects, "boto3", SimpleNamespace(client=make))
    bodies = [bytes([number]) for number in range(8)]
    keys = side_by_side(lambda body: land_bytes(BUCKET, "landing/", body, "json", {}), bodies, 4)
    assert len(set(keys)) == 8
    assert at_once == [1] * 8


@pytest.mark.parametrize("error", [ValueError, pa.ArrowInvalid, OSError, OverflowError])
def test_what_cannot_be_made_out_of_a_footer_is_not_sound(toy: Toy, error: type[Exception]) -> None:
    def fail(_metadata: object, _footer: bytes) -> bool:
        raise error

    is_sound = has_footer(BUCKET, raw(toy, SMALL), fail, {})
    assert is_sound is False


def test_what_is_asked_of_a_footer_is_given_it_without_its_length_and_name(toy: Toy) -> None:
    taken: list[bytes] = []
    has_footer(BUCKET, raw(toy, SMALL), lambda _, footer: taken.append(footer), {})
    length = int.from_bytes(SMALL[-8:-4], "little")
    assert taken == [SMALL[-8 - length : -8]]
