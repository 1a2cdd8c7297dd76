import datetime as dt
import hashlib
import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.s3 import models, responses

from infra.local.aws import s3 as local_s3
from infra.local.aws.lake_files import InvalidKeyError, LakeFiles
from infra.local.aws.s3_objects import LakeKeys
from infra.local.up import LocalCloud

FIVE_MIB = 5 * 1024 * 1024


def keys(s3: Any, prefix: str) -> list[str]:
    listed = s3.list_objects_v2(Bucket="b3-lake", Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", [])]


def read(s3: Any, key: str, **options: str) -> bytes:
    return bytes(s3.get_object(Bucket="b3-lake", Key=key, **options)["Body"].read())


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[Any, ...]:
    found: Any = error.value.response
    status = found["ResponseMetadata"]["HTTPStatusCode"]
    return status, found["Error"]["Code"], found["Error"].get("Condition")


@contextmanager
def again_and_again(*acts: Any) -> Iterator[None]:
    """Do so beside the block, from its start to its end."""
    is_over = threading.Event()

    def repeat() -> None:
        while not is_over.is_set():
            for act in acts:
                act()

    with ThreadPoolExecutor(1) as pool:
        repeated = pool.submit(repeat)
        try:
            yield
        finally:
            is_over.set()
        repeated.result()


def test_object_is_a_plain_file_once_its_put_is_answered(s3: Any, lake: Path) -> None:
    answer = s3.put_object(Bucket="b3-lake", Key="plain/a b+ç/x=1/one.bin", Body=b"one")

    assert (lake / "plain/a b+ç/x=1/one.bin").read_bytes() == b"one"
    assert answer["ETag"] == f'"{hashlib.md5(b"one").hexdigest()}"'
    assert read(s3, "plain/a b+ç/x=1/one.bin") == b"one"


def test_second_put_replaces_the_first(s3: Any, lake: Path) -> None:
    for body in (b"first", b"the second"):
        s3.put_object(Bucket="b3-lake", Key="twice/x", Body=body)

    head = s3.head_object(Bucket="b3-lake", Key="twice/x")
    assert (lake / "twice/x").read_bytes() == b"the second"
    assert head["ContentLength"] == len(b"the second")
    assert head["ETag"] == f'"{hashlib.md5(b"the second").hexdigest()}"'


def test_range_of_an_object_is_read(s3: Any) -> None:
    s3.put_object(Bucket="b3-lake", Key="range/x", Body=b"0123456789")

    assert read(s3, "range/x", Range="bytes=3-5") == b"345"


def test_copy_is_a_file_of_its_own(s3: Any, lake: Path) -> None:
    s3.put_object(Bucket="b3-lake", Key="copy/from", Body=b"same")
    s3.copy_object(
        Bucket="b3-lake", Key="copy/to", CopySource={"Bucket": "b3-lake", "Key": "copy/from"}
    )
    s3.delete_object(Bucket="b3-lake", Key="copy/from")

    assert (lake / "copy/to").read_bytes() == b"same"
    assert keys(s3, "copy/") == ["copy/to"]


def test_multipart_upload_appears_whole_when_it_is_completed(s3: Any, lake: Path) -> None:
    bodies = [b"a" * FIVE_MIB, b"b" * 10]
    target = {"Bucket": "b3-lake", "Key": "multipart/x"}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(**target, UploadId=upload, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in enumerate(bodies, start=1)
    ]
    assert not (lake / "multipart/x").exists()

    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts})

    assert (lake / "multipart/x").read_bytes() == b"".join(bodies)
    assert read(s3, "multipart/x") == b"".join(bodies)


def test_delete_removes_the_file_and_the_directories_it_leaves_empty(s3: Any, lake: Path) -> None:
    for key in ("gone/a/b/x", "gone/y"):
        s3.put_object(Bucket="b3-lake", Key=key, Body=b"")

    s3.delete_object(Bucket="b3-lake", Key="gone/a/b/x")

    assert not (lake / "gone/a").exists()
    assert keys(s3, "gone/") == ["gone/y"]


def test_delete_of_what_is_not_there_succeeds(s3: Any) -> None:
    s3.delete_object(Bucket="b3-lake", Key="never/there")


def test_listing_holds_while_others_write_and_delete(s3: Any) -> None:
    stopped = threading.Event()

    def write_and_delete() -> None:
        while not stopped.is_set():
            for number in range(20):
                local_s3.put_object(f"s3://b3-lake/busy/{number}", b"x")
            s3.delete_objects(
                Bucket="b3-lake", Delete={"Objects": [{"Key": f"busy/{n}"} for n in range(20)]}
            )

    writer = threading.Thread(target=write_and_delete)
    writer.start()
    counts = [len(keys(s3, "busy/")) for _ in range(40)]
    stopped.set()
    writer.join()

    assert set(counts) <= set(range(21))
    assert keys(s3, "busy/") == []


def test_batch_delete_removes_each_file(s3: Any, lake: Path) -> None:
    for key in ("batch/1", "batch/2", "batch/3"):
        s3.put_object(Bucket="b3-lake", Key=key, Body=b"x")

    s3.delete_objects(
        Bucket="b3-lake", Delete={"Objects": [{"Key": "batch/1"}, {"Key": "batch/3"}]}
    )

    assert [path.name for path in (lake / "batch").iterdir()] == ["2"]


@pytest.mark.parametrize(
    "key",
    ["a/../../evil", "..", "a//b", "/etc/evil", "a//", "a/./b", "a/.s3a-directory", ".x.crc"],
)
def test_key_without_a_place_on_disk_is_refused(key: str, cloud: LocalCloud, lake: Path) -> None:
    # Straight HTTP: botocore would tidy the path before it sends it.
    server = http.client.HTTPConnection(urlsplit(cloud.env["AWS_ENDPOINT_URL"]).netloc)
    before = set(lake.parent.parent.rglob("*"))
    server.request("PUT", f"/b3-lake/{key}", body=b"evil")

    answer = server.getresponse()

    assert (answer.status, b"InvalidArgument" in answer.read()) == (400, True)
    assert set(lake.parent.parent.rglob("*")) == before


def test_key_under_another_object_is_refused(s3: Any) -> None:
    s3.put_object(Bucket="b3-lake", Key="file/x", Body=b"")

    with pytest.raises(ClientError, match=r"InvalidArgument.*objects as files"):
        s3.put_object(Bucket="b3-lake", Key="file/x/y", Body=b"")
    with pytest.raises(ClientError, match=r"InvalidArgument.*objects as files"):
        s3.put_object(Bucket="b3-lake", Key="file", Body=b"")

    assert keys(s3, "file") == ["file/x"]


@pytest.mark.parametrize(
    "key", ["", "/", "a\0b", "x" * 256, "../x", "a/..", "a/../", "a/.s3a-directory"]
)
def test_path_never_leaves_the_bucket(key: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidKeyError):
        LakeFiles(tmp_path, tmp_path).path(key)


def test_reader_of_a_file_never_sees_half_of_it(tmp_path: Path) -> None:
    files = LakeFiles(tmp_path / "bucket", tmp_path)
    bodies = [letter * FIVE_MIB for letter in (b"a", b"b")]
    path = files.write("x", bodies[0])
    seen: set[bytes] = set()
    stopped = threading.Event()

    def read_again_and_again() -> None:
        while not stopped.is_set():
            seen.add(hashlib.sha256(path.read_bytes()).digest())

    reader = threading.Thread(target=read_again_and_again)
    reader.start()
    for turn in range(20):
        files.write("x", bodies[turn % 2])
    stopped.set()
    reader.join()

    assert seen <= {hashlib.sha256(body).digest() for body in bodies}


def test_versioned_bucket_keeps_older_versions(s3: Any) -> None:
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    first, _second = (
        s3.put_object(Bucket="versioned", Key="x", Body=body)["VersionId"] for body in (b"1", b"2")
    )

    s3.delete_object(Bucket="versioned", Key="x")

    assert "Contents" not in s3.list_objects_v2(Bucket="versioned")
    kept = s3.get_object(Bucket="versioned", Key="x", VersionId=first)
    assert kept["Body"].read() == b"1"


def test_bucket_is_deleted_with_its_directory_only_when_it_is_empty(s3: Any, lake: Path) -> None:
    s3.create_bucket(Bucket="short-lived")
    s3.put_object(Bucket="short-lived", Key="x", Body=b"x")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket="short-lived")

    s3.delete_object(Bucket="short-lived", Key="x")
    s3.delete_bucket(Bucket="short-lived")

    assert not (lake.parent / "short-lived").exists()


def test_files_that_a_job_wrote_and_deleted_are_seen(s3: Any, lake: Path) -> None:
    for key in ("job/kept", "job/deleted", "job/rewritten"):
        s3.put_object(Bucket="b3-lake", Key=key, Body=b"old")
    (lake / "job/deleted").unlink()
    (lake / "job/rewritten").write_bytes(b"newer")
    (lake / "job/part=1").mkdir()
    (lake / "job/part=1/written").write_bytes(b"new")
    (lake / "job/part=1/.written.crc").write_bytes(b"checksum")

    assert keys(s3, "job/") == ["job/kept", "job/part=1/written", "job/rewritten"]
    assert read(s3, "job/rewritten") == b"newer"

    local_s3.leave_as_s3a_does()

    assert not (lake / "job/part=1/.written.crc").exists()


def test_what_a_killed_job_leaves_are_objects_and_markers(s3: Any, lake: Path) -> None:
    attempt = "killed/_temporary/0/_temporary/attempt_1"
    (lake / attempt).mkdir(parents=True)
    (lake / attempt / "part-0.parquet").write_bytes(b"PAR1")
    (lake / "killed/month=2025-08").mkdir()
    (lake / "killed/month=2025-08/.part-0.crc").write_bytes(b"x")

    local_s3.leave_as_s3a_does()

    left = ["killed/_temporary/0/_temporary/attempt_1/part-0.parquet", "killed/month=2025-08/"]
    assert keys(s3, "killed/") == left
    assert s3.head_object(Bucket="b3-lake", Key=left[1])["ContentLength"] == 0
    for key in left:
        s3.delete_object(Bucket="b3-lake", Key=key)
    assert keys(s3, "killed/") == []
    assert not (lake / "killed").exists()


def test_marker_of_a_directory_is_an_object_like_any_other(s3: Any, lake: Path) -> None:
    for key in ("marked/a/", "marked/a/x", "marked/b/"):
        s3.put_object(Bucket="b3-lake", Key=key, Body=b"")

    assert keys(s3, "marked/") == ["marked/a/", "marked/a/x", "marked/b/"]
    assert keys(s3, "marked/a") == ["marked/a/", "marked/a/x"]
    assert keys(s3, "marked/a/") == ["marked/a/", "marked/a/x"]
    assert keys(s3, "marked/a/.") == []
    grouped = s3.list_objects_v2(Bucket="b3-lake", Prefix="marked/", Delimiter="/")
    assert [each["Prefix"] for each in grouped["CommonPrefixes"]] == ["marked/a/", "marked/b/"]
    assert read(s3, "marked/a/") == b""
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="b3-lake", Key="marked/a/", Body=b"", IfNoneMatch="*")

    s3.delete_objects(Bucket="b3-lake", Delete={"Objects": [{"Key": "marked/a/"}]})
    assert keys(s3, "marked/") == ["marked/a/x", "marked/b/"]
    s3.delete_object(Bucket="b3-lake", Key="marked/b/")
    assert keys(s3, "marked/") == ["marked/a/x"]
    assert not (lake / "marked/b").exists()


def test_empty_directories_that_no_job_left_are_gone_after_a_restart(tmp_path: Path) -> None:
    files = LakeFiles(tmp_path / "bucket", tmp_path)
    files.write("kept/x/", b"")
    (tmp_path / "bucket/kept/y/z").mkdir(parents=True)

    files.tidy(marks=False)

    assert [key for key, _ in files.find()] == ["kept/x/"]
    assert not (tmp_path / "bucket/kept/y").exists()


def test_versions_are_listed_while_others_are_deleted(s3: Any) -> None:
    names = [f"listed/{number}" for number in range(60)]
    for name in names:
        s3.put_object(Bucket="b3-lake", Key=name, Body=b"bytes")

    def delete_all() -> None:
        for name in names:
            s3.delete_object(Bucket="b3-lake", Key=name)

    deleting = threading.Thread(target=delete_all)
    deleting.start()
    while deleting.is_alive():
        assert s3.list_object_versions(Bucket="b3-lake", Prefix="listed/")["Prefix"] == "listed/"
    deleting.join()

    assert "Versions" not in s3.list_object_versions(Bucket="b3-lake", Prefix="listed/")


def slowly(act: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """Leave others time to come between."""

    def wait_and_act(*args: Any, **kwargs: Any) -> Any:
        time.sleep(seconds)
        return act(*args, **kwargs)

    return wait_and_act


def test_of_many_that_put_one_key_where_there_is_none_one_succeeds(
    cloud: LocalCloud, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = slowly(models.S3Backend.put_object, seconds=0.2)
    monkeypatch.setattr(models.S3Backend, "put_object", slow)
    count = 50
    options = Config(max_pool_connections=count, retries={"total_max_attempts": 1})
    clients: Any = boto3
    s3 = clients.client("s3", config=options)
    start = threading.Barrier(count)

    def put(number: int) -> tuple[Any, ...]:
        start.wait()
        body = f"writer {number}".encode()
        try:
            s3.put_object(Bucket="b3-lake", Key="once/x", Body=body, IfNoneMatch="*")
        except ClientError as error:
            answer: Any = error.response
            return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]
        return 200, body

    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(put, range(count)))

    assert answers.count((412, "PreconditionFailed")) == count - 1
    winner = next(body for status, body in answers if status == 200)
    assert read(s3, "once/x") == (lake / "once/x").read_bytes() == winner


def test_put_where_there_is_none_leaves_the_object_that_is_there(s3: Any, lake: Path) -> None:
    new = {"Bucket": "b3-lake", "Body": b"second", "IfNoneMatch": "*"}
    s3.put_object(Bucket="b3-lake", Key="none/stored", Body=b"first")
    (lake / "none/of-a-job").write_bytes(b"first")
    before = s3.head_object(Bucket="b3-lake", Key="none/stored")

    for key in ("none/stored", "none/of-a-job"):
        with pytest.raises(ClientError) as refused:
            s3.put_object(Key=key, **new)
        assert refusal(refused) == (412, "PreconditionFailed", "If-None-Match")
        assert read(s3, key) == b"first"

    after = s3.head_object(Bucket="b3-lake", Key="none/stored")
    assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
    s3.delete_object(Bucket="b3-lake", Key="none/stored")
    s3.put_object(Key="none/stored", **new)
    assert read(s3, "none/stored") == b"second"


def test_get_of_a_version_that_is_no_more_is_refused(s3: Any) -> None:
    old = s3.put_object(Bucket="b3-lake", Key="match/x", Body=b"old")["ETag"]
    new = s3.put_object(Bucket="b3-lake", Key="match/x", Body=b"new")["ETag"]

    assert read(s3, "match/x", IfMatch=new) == b"new"
    with pytest.raises(ClientError) as changed:
        read(s3, "match/x", IfMatch=old)
    with pytest.raises(ClientError) as gone:
        read(s3, "match/never", IfMatch=old)

    assert refusal(changed) == (412, "PreconditionFailed", "If-Match")
    assert refusal(gone) == (404, "NoSuchKey", None)


def test_bytes_are_those_of_the_etag_while_others_write(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What moto does between finding the object and reading its bytes.
    between = "_get_cors_headers_other"
    slow = slowly(getattr(responses.S3Response, between), seconds=0.01)
    monkeypatch.setattr(responses.S3Response, between, slow)

    def put(body: bytes) -> None:
        local_s3.put_object("s3://b3-lake/rewritten/x", body)

    put(b"a")
    with again_and_again(lambda: put(b"a"), lambda: put(b"bb")):
        for _ in range(20):
            answer = s3.get_object(Bucket="b3-lake", Key="rewritten/x")
            body = answer["Body"].read()
            assert answer["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'


def test_listing_notices_what_lies_under_its_prefix_at_once(s3: Any, lake: Path) -> None:
    table = lake / "live/a b+ç/run_id=1"
    (table / "month=2025-08/_temporary/0").mkdir(parents=True)
    for name in ("_SUCCESS", "month=2025-08/part-0", "month=2025-08/_temporary/0/part-1"):
        (table / name).write_bytes(b"x")
    (table / "month=2025-08/.part-0.crc").write_bytes(b"x")
    (lake / "live/a b+ç/run_id=10").write_bytes(b"x")
    success, left, part = (
        f"live/a b+ç/run_id=1/{name}"
        for name in ("_SUCCESS", "month=2025-08/_temporary/0/part-1", "month=2025-08/part-0")
    )

    assert keys(s3, "live/a b+ç/run_id=1/") == [success, left, part]
    assert keys(s3, "live/a b+ç/run_id=1/m") == [left, part]
    assert keys(s3, "live/a b+ç/run") == [success, left, part, "live/a b+ç/run_id=10"]
    assert keys(s3, "live/a b+ç/run_id=1/month=2025-08/_temporary/") == [left]
    grouped = s3.list_objects_v2(Bucket="b3-lake", Prefix="live/", Delimiter="/")
    assert grouped["CommonPrefixes"] == [{"Prefix": "live/a b+ç/"}]
    (table / "month=2025-08/part-2").write_bytes(b"x")
    listed = s3.list_objects(Bucket="b3-lake", Prefix="live/a b+ç/run_id=1/m")["Contents"]
    assert [item["Key"] for item in listed] == [left, part, part.replace("part-0", "part-2")]

    for number in (0, 2):
        (table / f"month=2025-08/part-{number}").unlink()

    assert keys(s3, "live/a b+ç/run_id=1/m") == [left]
    assert keys(s3, "live/a b+ç/run_id=1") == [success, left, "live/a b+ç/run_id=10"]


@pytest.mark.parametrize("prefix", ["", "aged/", "aged/x", "aged/x/y"])
def test_listing_notices_that_a_file_has_changed(prefix: str, s3: Any, lake: Path) -> None:
    s3.put_object(Bucket="b3-lake", Key="aged/x/y", Body=b"old")
    then = dt.datetime(2025, 8, 27, 21, 30, tzinfo=dt.UTC)
    (lake / "aged/x/y").write_bytes(b"new")
    os.utime(lake / "aged/x/y", (then.timestamp(), then.timestamp()))

    listed = s3.list_objects_v2(Bucket="b3-lake", Prefix=prefix)["Contents"]

    found = next(item for item in listed if item["Key"] == "aged/x/y")
    assert found["LastModified"] == then
    assert found["ETag"] == f'"{hashlib.md5(b"new").hexdigest()}"'


@pytest.mark.parametrize(
    "prefix", ["/", "//", "../", "scoped/../", "./", "scoped//", "x" * 256 + "/"]
)
def test_prefix_that_no_key_can_have_lists_nothing(prefix: str, s3: Any) -> None:
    s3.put_object(Bucket="b3-lake", Key="scoped/x", Body=b"")

    assert keys(s3, prefix) == []


def test_only_what_lies_under_the_prefix_is_looked_at(tmp_path: Path) -> None:
    files = LakeFiles(tmp_path / "bucket", tmp_path)
    for key in ("a/b=1/x", "a/b=2/x", "a/bc", "b=1/x"):
        files.write(key, b"")
    objects = LakeKeys("bucket", files)

    objects.synchronize("a/b=")

    assert sorted(objects) == ["a/b=1/x", "a/b=2/x"]


def test_one_object_is_seen_and_removed_as_a_job_left_it(s3: Any, lake: Path) -> None:
    (lake / "one").mkdir()
    path = lake / "one/x"
    one = {"Bucket": "b3-lake", "Key": "one/x"}
    for body in (b"first", b"the second"):
        path.write_bytes(body)
        assert s3.head_object(**one)["ContentLength"] == len(body)
        assert read(s3, "one/x") == body
    path.unlink()
    with pytest.raises(ClientError, match="404"):
        s3.head_object(**one)
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(**one)

    path.write_bytes(b"the third")
    s3.delete_object(**one)

    assert not path.exists()


def test_listing_holds_while_a_job_writes_and_deletes(s3: Any, lake: Path) -> None:
    (lake / "at-work").mkdir()
    paths = [lake / f"at-work/{number}" for number in range(20)]

    def write() -> None:
        for path in paths:
            path.write_bytes(b"x")

    def delete() -> None:
        for path in paths:
            path.unlink()

    with again_and_again(write, delete):
        counts = {len(keys(s3, "at-work/")) for _ in range(40)}

    assert counts <= set(range(21))
    assert keys(s3, "at-work/") == []


def test_listing_tells_s3s_clock_and_times_in_utc(
    s3: Any, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("TZ", "America/Sao_Paulo")
        time.tzset()
        before = dt.datetime.now(dt.UTC).replace(microsecond=0)
        s3.put_object(Bucket="b3-lake", Key="clock/x", Body=b"")
        listed = s3.list_objects_v2(Bucket="b3-lake", Prefix="clock/")
        after = dt.datetime.now(dt.UTC)
    time.tzset()

    changed_at = listed["Contents"][0]["LastModified"]
    now = parsedate_to_datetime(listed["ResponseMetadata"]["HTTPHeaders"]["date"])
    assert changed_at.utcoffset() == now.utcoffset() == dt.timedelta()
    assert before <= changed_at <= now <= after
