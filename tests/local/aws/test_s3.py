import hashlib
import http.client
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from infra.local.aws import s3 as local_s3
from infra.local.aws.lake_files import InvalidKeyError, LakeFiles
from infra.local.up import LocalCloud

FIVE_MIB = 5 * 1024 * 1024


def keys(s3: Any, prefix: str) -> list[str]:
    listed = s3.list_objects_v2(Bucket="b3-lake", Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", [])]


def read(s3: Any, key: str, **options: str) -> bytes:
    return bytes(s3.get_object(Bucket="b3-lake", Key=key, **options)["Body"].read())


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
    ["a/../../evil", "..", "a//b", "/etc/evil", "a/", "a/./b", "_temporary/0/x", ".x.crc"],
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


@pytest.mark.parametrize("key", ["", "a\0b", "x" * 256, "../x", "a/..", ".spark-staging-1/x"])
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
    (lake / "job/_temporary/0").mkdir(parents=True)
    (lake / "job/_temporary/0/half").write_bytes(b"ha")

    local_s3.synchronize(is_quiet=False)

    assert keys(s3, "job/") == ["job/kept", "job/part=1/written", "job/rewritten"]
    assert read(s3, "job/rewritten") == b"newer"
    assert (lake / "job/_temporary/0/half").exists()

    local_s3.synchronize(is_quiet=True)

    assert not (lake / "job/_temporary").exists()
    assert not (lake / "job/part=1/.written.crc").exists()


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
