import errno
import io
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, IncompleteReadError, NoCredentialsError
from botocore.response import StreamingBody
from moto import mock_aws

from tasks import places, saved_files
from tasks.core.errors import InvalidInputError
from tasks.core.portfolio.reconcile import SavedFile
from tasks.places import Finds, find
from tasks.retries import may_pass
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
        ("/no/such\nfile\udce9.csv", r"at /no/such\\nfile\\udce9\.csv, found nothing\."),
        ("a" * 300, r"found what cannot be read \(File name too long\)"),
        ("a\0b.csv", r"at a\\x00b\.csv, found no path \(embedded null byte\)"),
        ("\ud800.csv", r"at \\ud800\.csv, found no path"),
        ("", "found a blank one"),
        ("  ", "found a blank one"),
        ("/dev/null", "at /dev/null, found a device"),
        ("s3://saved/ibov/a", "found neither"),
        ("s3://saved/ibov", "found neither"),
        ("s3://saved/ibov/more", "found neither"),
        ("s3://saved/other/", r"Expected \.csv files in s3://saved/other/, found none\.$"),
        ("s3://saved/", r"found none; skipped s3://saved/ibov/: expected a file, found a folder"),
        ("s3://saved", r"found none; skipped s3://saved/ibov/: expected a file, found a folder"),
        ("s3://nowhere/a.csv", r"can be listed at s3://nowhere/a\.csv, found .*NoSuchBucket"),
        ("s3://", r"Expected s3://bucket/key or s3://bucket/folder/, found s3://: name the b"),
        ("s3:///a.csv", r"found s3:///a\.csv: name the bucket"),
        ("s3://not a bucket/a.csv", "found what S3 does not give .*Invalid bucket name"),
        ("s3://saved/\udce9", "found what S3 does not give"),
    ],
)
def test_a_place_where_nothing_is_is_told_in_one_line(place: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as raised:
        read_files.fn([place])
    assert len(str(raised.value).splitlines()) == 1
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("read", [read_files.fn, read_paths])
def test_of_several_places_each_that_is_nothing_has_a_line(
    folder: Path, read: Callable[[Sequence[str]], list[SavedFile]]
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        read(["/no/a.csv", str(folder / "a.csv"), " ", "/dev/null"])
    assert [line.partition(" at ")[2][:12] for line in str(raised.value).splitlines()] == [
        "/no/a.csv, f",
        "",
        "/dev/null, f",
    ]


@pytest.mark.parametrize("read", [read_files.fn, read_paths])
def test_no_place_at_all_is_told(read: Callable[[Sequence[str]], list[SavedFile]]) -> None:
    with pytest.raises(
        InvalidInputError, match=r"^Expected files or folders to import, found none"
    ):
        read([])


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_dangling_link(path: Path) -> None:
    path.symlink_to("/no/such/file.csv")


def make_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


ODD = [
    pytest.param(make_pipe, "a pipe", id="pipe"),
    pytest.param(make_socket, "a socket", id="socket"),
    pytest.param(make_link_to_a_device, "a device", id="device"),
    pytest.param(make_dangling_link, "a link that leads nowhere", id="dangling-link"),
    pytest.param(
        make_link_to_itself,
        f"what cannot be read ({os.strerror(errno.ELOOP)})",
        id="link-in-a-circle",
    ),
]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("read", [read_files.fn, read_paths])
@pytest.mark.parametrize(("make", "is_called"), ODD)
def test_what_is_no_file_and_named_is_told(
    tmp_path: Path,
    make: Callable[[Path], None],
    is_called: str,
    read: Callable[[Sequence[str]], list[SavedFile]],
) -> None:
    path = tmp_path / "odd.csv"
    make(path)
    with pytest.raises(InvalidInputError) as raised:
        read([str(path)])
    assert str(raised.value) == (
        f"Expected a file or a folder at {path}, found {is_called}. Name one that can be read."
    )


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Callable[[], Any]:
    """What the step warned of, by now."""
    monkeypatch.setattr(saved_files, "get_run_logger", lambda: logging.getLogger("saved"))
    return lambda: [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("make", "is_called"), [*ODD, pytest.param(Path.mkdir, "a folder", id="folder")]
)
def test_what_is_no_file_and_lies_in_a_folder_is_skipped_with_a_word(
    folder: Path, make: Callable[[Path], None], is_called: str, words: Callable[[], Any]
) -> None:
    path = folder / "b-odd.csv"
    make(path)
    make(folder / "more")
    assert [file.body for file in read_files.fn([str(folder)])] == [b"a.csv", b"b.CSV"]
    assert f"Skipped {path}: expected a file, found {is_called}" in words()
    assert [file.body for file in read_paths([str(folder)])] == [b"a.csv", b"b.CSV"]


def test_a_folder_is_not_searched_below_itself_and_says_so(
    folder: Path, words: Callable[[], Any]
) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "c.csv").write_bytes(b"below")
    (folder / "itself").symlink_to(folder)
    assert [file.body for file in read_files.fn([str(folder)])] == [b"a.csv", b"b.CSV"]
    assert words() == [
        f"Skipped {folder / name}: expected a file, found a folder" for name in ("below", "itself")
    ]


def test_a_folder_in_s3_is_not_searched_below_itself_and_says_so(words: Callable[[], Any]) -> None:
    client = boto3.client("s3")
    for key in ("ibov/", "ibov/below/c.csv", "ibov/x.csv/", "ibov/x.csv/d.csv"):
        client.put_object(Bucket="saved", Key=key, Body=b"")
    files = read_files.fn(["s3://saved/ibov/"])
    assert [file.name for file in files] == ["s3://saved/ibov/a.csv", "s3://saved/ibov/b.CSV"]
    assert words() == [
        f"Skipped s3://saved/ibov/{name}/: expected a file, found a folder"
        for name in ("below", "x.csv")
    ]


def test_a_bucket_may_be_the_folder() -> None:
    boto3.client("s3").put_object(Bucket="saved", Key="top.csv", Body=b"top")
    for url in ("s3://saved", "s3://saved/"):
        assert read_files.fn([url]) == [SavedFile("s3://saved/top.csv", b"top")]


def test_a_link_to_a_file_or_a_folder_is_followed(folder: Path) -> None:
    outside = folder / "outside"
    outside.mkdir()
    (outside / "c.csv").symlink_to(folder / "a.csv")
    (folder / "link").symlink_to(outside)
    found = SavedFile(str(folder / "link" / "c.csv"), b"a.csv")
    assert read_files.fn([str(folder / "link")]) == [found]
    assert read_files.fn([found.name]) == [found]


def test_the_name_of_a_file_is_one_line_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "Março\n\x1b[2J.csv").write_bytes(b"a")
    (file,) = read_files.fn([str(tmp_path)])
    assert file.name == str(tmp_path / "Março\\n\\x1b[2J.csv")


Change = Callable[[Path], object]


def grow(path: Path) -> None:
    path.write_bytes(b"secret " * 10)


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def change_after_looking(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    def find_and_change(place: str) -> Finds:
        found = find(place)
        change()
        return found

    monkeypatch.setattr(saved_files, "find", find_and_change)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("change", "is_called"),
    [(become_a_pipe, "a pipe"), (become_a_folder, "a folder"), (Path.unlink, "nothing")],
)
def test_what_took_a_files_place_since_is_told_or_skipped(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    is_called: str,
    words: Callable[[], Any],
) -> None:
    path = folder / "a.csv"
    change_after_looking(monkeypatch, lambda: change(path))
    assert [file.body for file in read_files.fn([str(folder)])] == [b"b.CSV"]
    assert words() == [f"Skipped {path}: expected a file, found {is_called}"]
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.write_bytes(b"again")
    with pytest.raises(InvalidInputError) as raised:
        read_files.fn([str(path)])
    assert str(raised.value) == f"Expected a file at {path}, found {is_called}. Try again."


def test_a_folder_of_which_nothing_is_left_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "b.CSV").unlink()
    change_after_looking(monkeypatch, lambda: become_a_pipe(folder / "a.csv"))
    with pytest.raises(
        InvalidInputError, match=r"found none; skipped .*a\.csv: .* found a pipe\.$"
    ):
        read_files.fn([str(folder)])


def test_all_that_was_skipped_is_named_where_it_is_little(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    with pytest.raises(InvalidInputError, match=r"/c: expected a file, found a folder\.$"):
        read_files.fn([str(tmp_path)])


def test_of_much_that_was_skipped_some_is_named(tmp_path: Path) -> None:
    for name in "abcde":
        (tmp_path / name).mkdir()
    with pytest.raises(
        InvalidInputError, match=r"/c: expected a file, found a folder and 2 more\.$"
    ):
        read_files.fn([str(tmp_path)])


@pytest.mark.parametrize("is_local", [True, False])
def test_of_a_file_that_grew_no_more_is_read_than_is_needed_to_tell(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_local: bool
) -> None:
    monkeypatch.setattr(saved_files, "LARGEST_FILE_BYTES", 12)
    sizes = []
    client = boto3.client("s3")

    def change() -> None:
        grow(folder / "a.csv")
        client.put_object(Bucket="saved", Key="ibov/a.csv", Body=b"secret " * 10)

    def look(name: str, size: object) -> str:
        sizes.append(size)
        return f"too large: {name}"

    change_after_looking(monkeypatch, change)
    monkeypatch.setattr(saved_files, "_too_large", look)
    with pytest.raises(InvalidInputError, match=r"^too large: .*a\.csv$"):
        read_files.fn([str(folder / "a.csv") if is_local else "s3://saved/ibov/a.csv"])
    assert sizes == ["13 or more"]


def test_a_file_of_the_limit_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_files, "LARGEST_FILE_BYTES", 5)
    monkeypatch.setattr(saved_files, "LARGEST_RUN_BYTES", 10)
    assert len(read_files.fn([str(folder)])) == 2


def read_nothing(path: Path, most: int) -> bytes:
    raise AssertionError(f"{path} was read")


def test_files_that_are_too_much_together_are_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_files, "LARGEST_RUN_BYTES", 14)
    monkeypatch.setattr(places, "_read_path", read_nothing)
    with pytest.raises(InvalidInputError) as raised:
        read_files.fn([str(folder), "s3://saved/ibov/a.csv"])
    assert str(raised.value) == (
        "Expected at most 14 bytes in all files of an import, found 20 in 3 files: import them in "
        "parts."
    )


def test_every_file_that_is_too_large_is_told_of_before_any_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_files, "LARGEST_FILE_BYTES", 4)
    monkeypatch.setattr(places, "_read_path", read_nothing)
    with pytest.raises(InvalidInputError) as raised:
        read_files.fn([str(folder)])
    assert [line[:40] for line in str(raised.value).splitlines()] == [
        f"Expected at most 4 bytes in {folder / name}"[:40] for name in ("a.csv", "b.CSV")
    ]


def fail(monkeypatch: pytest.MonkeyPatch, operation: str, outcome: Any) -> None:
    """Have one call to AWS end otherwise."""
    make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def answer(client: BaseClient, name: str, parameters: Any) -> Any:
        if name != operation:
            return make(client, name, parameters)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)


def refusal(code: str, status: int) -> ClientError:
    said: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "Any")


@pytest.mark.parametrize("error", [refusal("AccessDenied", 403), NoCredentialsError()])
def test_a_bucket_that_may_not_be_listed_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fail(monkeypatch, "ListObjectsV2", error)
    with pytest.raises(
        InvalidInputError, match=r"can be listed at s3://saved/ibov/, found what S3"
    ):
        read_files.fn(["s3://saved/ibov/"])


def test_an_object_that_may_not_be_read_is_told_or_skipped(
    monkeypatch: pytest.MonkeyPatch, folder: Path, words: Callable[[], Any]
) -> None:
    fail(monkeypatch, "GetObject", refusal("AccessDenied", 403))
    with pytest.raises(
        InvalidInputError, match=r"^Expected a file at s3://saved/ibov/a\.csv, found"
    ):
        read_files.fn(["s3://saved/ibov/a.csv"])
    assert len(read_files.fn(["s3://saved/ibov/", str(folder)])) == 2
    assert [word.partition(": ")[0] for word in words()] == [
        "Skipped s3://saved/ibov/a.csv",
        "Skipped s3://saved/ibov/b.CSV",
    ]
    assert "AccessDenied" in words()[0]


CUT_OFF = {"Body": StreamingBody(io.BytesIO(b"abc"), 5), "ContentLength": 5}


@pytest.mark.parametrize(
    ("operation", "outcome", "error"),
    [
        ("ListObjectsV2", refusal("SlowDown", 503), ClientError),
        ("GetObject", refusal("InternalError", 500), ClientError),
        ("GetObject", CUT_OFF, IncompleteReadError),
    ],
)
def test_what_may_pass_is_left_to_another_attempt(
    monkeypatch: pytest.MonkeyPatch, operation: str, outcome: Any, error: type[Exception]
) -> None:
    fail(monkeypatch, operation, outcome)
    with pytest.raises(error) as raised:
        read_files.fn(["s3://saved/ibov/"])
    assert may_pass(raised.value)


@pytest.mark.parametrize("most", [5, 6])
def test_an_object_of_the_limit_that_is_cut_off_is_noticed(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(saved_files, "LARGEST_FILE_BYTES", most)
    boto3.client("s3").put_object(Bucket="saved", Key="x.csv", Body=b"abcde")
    cut = {"Body": StreamingBody(io.BytesIO(b"abc"), 5), "ContentLength": 5}
    fail(monkeypatch, "GetObject", cut)
    with pytest.raises(IncompleteReadError):
        read_files.fn(["s3://saved/x.csv"])


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


def test_a_file_that_may_not_be_read_is_told_or_skipped(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: Callable[[], Any]
) -> None:
    path, look = folder / "a.csv", os.open

    def refuse(opened: Any, *how: Any, **more: Any) -> int:
        if opened == path:
            raise PermissionError(13, "Permission denied", str(path))
        return look(opened, *how, **more)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InvalidInputError) as raised:
        read_files.fn([str(path)])
    said = "what cannot be read (Permission denied)"
    assert str(raised.value) == f"Expected a file at {path}, found {said}. Try again."
    assert [file.body for file in read_files.fn([str(folder)])] == [b"b.CSV"]
    assert words() == [f"Skipped {path}: expected a file, found {said}"]


def test_what_was_opened_is_closed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, look = [], os.open

    def keep(*how: Any, **more: Any) -> int:
        opened.append(look(*how, **more))
        return opened[-1]

    monkeypatch.setattr(os, "open", keep)
    read_paths([str(folder / "a.csv")])
    change_after_looking(monkeypatch, lambda: become_a_folder(folder / "b.CSV"))
    with pytest.raises(InvalidInputError, match="found a folder"):
        read_paths([str(folder / "b.CSV")])
    assert len(opened) == 2
    for each in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(each)


def test_a_folder_that_may_not_be_listed_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InvalidInputError, match=r"cannot be read \(Permission denied\)"):
        read_files.fn([str(folder)])


@pytest.mark.timeout(30)
def test_what_would_have_to_be_waited_for_is_read_as_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a log of the kernel, which calls itself a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    keeps_it_open = os.open(pipe, os.O_RDWR)
    monkeypatch.setattr(places, "_check_is_file", lambda _mode: None)
    try:
        assert read_files.fn([str(pipe)]) == [SavedFile(str(pipe), b"")]
    finally:
        os.close(keeps_it_open)
