from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from tasks import saved_files
from tasks.core.errors import InvalidInputError
from tasks.core.portfolio.reconcile import SavedFile
from tasks.saved_files import read_files, read_paths

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")


@pytest.fixture
def bucket() -> Iterator[None]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="saved")
        for key in ("ibov/a.csv", "ibov/b.CSV", "ibov/notes.txt"):
            client.put_object(Bucket="saved", Key=key, Body=key.encode())
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.CSV", "a.csv", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_a_file_is_read_whatever_it_is_called(folder: Path) -> None:
    path = str(folder / "notes.txt")
    assert read_files.fn([path]) == [SavedFile(path, b"notes.txt")]


def test_of_a_folder_every_csv_is_read(folder: Path) -> None:
    assert [file.body for file in read_files.fn([str(folder)])] == [b"a.csv", b"b.CSV"]


def test_an_object_is_read() -> None:
    url = "s3://saved/ibov/notes.txt"
    assert read_files.fn([url]) == [SavedFile(url, b"ibov/notes.txt")]


def test_of_a_folder_in_s3_every_csv_is_read() -> None:
    files = read_files.fn(["s3://saved/ibov/"])
    assert [file.name for file in files] == ["s3://saved/ibov/a.csv", "s3://saved/ibov/b.CSV"]


def test_of_several_places_those_on_this_machine_can_be_read_alone(folder: Path) -> None:
    path, url = str(folder / "a.csv"), "s3://saved/ibov/a.csv"
    local, there = SavedFile(path, b"a.csv"), SavedFile(url, b"ibov/a.csv")
    assert read_files.fn([path, url]) == [local, there]
    assert read_paths([path, url]) == [local]
    assert read_paths([url]) == []
    with pytest.raises(InvalidInputError, match="Expected a file or a folder at /no/such/file"):
        read_paths([url, "/no/such/file.csv"])


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/no/such/file.csv", "Expected a file or a folder at /no/such/file.csv"),
        ("a" * 300, "Expected files that can be read in a+: .*File name too long"),
        ("s3://saved/ibov/a", "found neither"),
        ("s3://saved/other/", "found neither"),
        ("s3://nowhere/a.csv", "Cannot list s3://nowhere/a.csv: .*NoSuchBucket"),
    ],
)
def test_a_place_where_nothing_is_is_told(place: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        read_files.fn([place])


def test_a_folder_without_a_csv_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"Expected \.csv files in"):
        read_files.fn([str(tmp_path)])


@pytest.mark.parametrize("is_local", [True, False])
def test_a_file_that_is_too_large_is_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_local: bool
) -> None:
    monkeypatch.setattr(saved_files, "LARGEST_FILE_BYTES", 4)
    with pytest.raises(InvalidInputError, match="at most 4 bytes"):
        read_files.fn([str(folder / "a.csv") if is_local else "s3://saved/ibov/a.csv"])


def test_a_file_that_cannot_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InvalidInputError, match=r"can be read in .*Permission denied"):
        read_files.fn([str(folder / "a.csv")])
