"""What lies where a person points: files on this machine, or in S3, found, and read within a limit.

Whatever may be there, asking for it ends: a pipe, a device or a link in a circle is told by what it
is, and what has taken a file's place since is not waited for. Folders are not searched below
themselves.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tasks.core.errors import InvalidInputError
from tasks.retries import may_pass

SUFFIX = ".csv"
S3 = "s3://"
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_MOST_TOLD = 3
_WITHOUT_WAITING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class UnusableError(InvalidInputError):
    """What lies there is no file that can be read; the message says what it is."""


@dataclass(frozen=True)
class Found:
    """A file that was found.

    Attributes:
        name: Where it is, for messages: one line, whatever it is called.
        size: Its bytes, when it was looked at.
        is_named: Whether it was named by itself, and not only its folder.
        read: Reads it, but of one that has more bytes than the argument only one more than that;
            raises `UnusableError`.
    """

    name: str
    size: int
    is_named: bool
    read: Callable[[int], bytes]


Finds = tuple[list[Found], list[str]]
"""Files, and a word on each thing beside them that is none."""


def find(place: str) -> Finds:
    """Return the file at a place, or of a folder every CSV in it.

    Args:
        place: The path of a file or a folder, or `s3://bucket/key` or `s3://bucket/folder/`.

    Raises:
        InvalidInputError: Neither is there; the message says in one line what is.
    """
    if not place.strip():
        raise InvalidInputError(
            "Expected the path of a file or a folder, found a blank one: the current folder is '.'."
        )
    return _find_in_s3(place) if place.startswith(S3) else _find_on_disk(place)


def word_on(name: str, error: UnusableError) -> str:
    """Return what to say of something that is skipped."""
    return f"{name}: expected a file, found {error}"


def some_of(words: Sequence[str]) -> str:
    """Return what to say of what was skipped where nothing else was there; empty if nothing was."""
    more = f" and {len(words) - _MOST_TOLD} more" if len(words) > _MOST_TOLD else ""
    return f"; skipped {'; '.join(words[:_MOST_TOLD])}{more}" if words else ""


def _check_any(found: Sequence[Found], name: str, skipped: Sequence[str]) -> None:
    if not found:
        raise InvalidInputError(f"Expected {SUFFIX} files in {name}, found none{some_of(skipped)}.")


def _find_on_disk(place: str) -> Finds:
    path, name = Path(place), _in_one_line(place)
    try:
        with _asking_disk(path):
            inside = sorted(path.iterdir()) if path.is_dir() else None
        if inside is None:
            return [_look_at(path, is_named=True)], []
    except UnusableError as error:
        raise InvalidInputError(
            f"Expected a file or a folder at {name}, found {error}. Name one that can be read."
        ) from error
    found: list[Found] = []
    skipped: list[str] = []
    for each in inside:
        try:
            with _asking_disk(each):
                is_meant = each.suffix.lower() == SUFFIX or each.is_dir()
            if is_meant:
                found.append(_look_at(each, is_named=False))
        except UnusableError as error:
            skipped.append(word_on(_in_one_line(str(each)), error))
    _check_any(found, name, skipped)
    return found, skipped


def _look_at(path: Path, *, is_named: bool) -> Found:
    with _asking_disk(path):
        info = path.stat()
    _check_is_file(info.st_mode)
    return Found(_in_one_line(str(path)), info.st_size, is_named, partial(_read_path, path))


def _check_is_file(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise UnusableError(_KINDS.get(stat.S_IFMT(mode), "something else"))


def _read_path(path: Path, most: int) -> bytes:
    with _asking_disk(path):
        descriptor = os.open(path, _WITHOUT_WAITING)
        try:
            _check_is_file(os.fstat(descriptor).st_mode)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(most + 1) or b""  # None of what would have to be waited for
        finally:
            os.close(descriptor)


@contextmanager
def _asking_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        is_link = path.is_symlink()
        raise UnusableError("a link that leads nowhere" if is_link else "nothing") from error
    except OSError as error:
        raise UnusableError(f"what cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UnusableError(f"no path ({error})") from error


def _find_in_s3(url: str) -> Finds:
    name = _in_one_line(url)
    bucket, _, key = url.removeprefix(S3).partition("/")
    if not bucket:
        raise InvalidInputError(
            f"Expected s3://bucket/key or s3://bucket/folder/, found {name}: name the bucket."
        )
    try:
        client, pages = _list_s3(bucket, key)
    except UnusableError as error:
        raise InvalidInputError(
            f"Expected a bucket that can be listed at {name}, found {error}. Check its name, and "
            f"that you have the right to."
        ) from error
    sizes = {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}
    is_folder = not key or key.endswith("/")
    keys = [each for each in sizes if each.lower().endswith(SUFFIX)] if is_folder else [key]
    found = [
        Found(
            _in_one_line(f"{S3}{bucket}/{each}"),
            sizes[each],
            not is_folder,
            partial(_read_object, client, bucket, each),
        )
        for each in keys
        if each in sizes
    ]
    if not is_folder:
        if not found:
            raise InvalidInputError(
                f"Expected an object, or a folder of {SUFFIX} objects that ends in '/', at {name}; "
                f"found neither."
            )
        return found, []
    folders = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
    names = [_in_one_line(f"{S3}{bucket}/{each}") for each in folders]
    skipped = [word_on(each, UnusableError(_KINDS[stat.S_IFDIR])) for each in names]
    _check_any(found, name, skipped)
    return found, skipped


def _list_s3(bucket: str, prefix: str) -> tuple[Any, list[Any]]:
    """Return a client, and what it lists under a prefix and not below that."""
    with _asking_s3():
        client = boto3.client("s3")
        paginator = client.get_paginator("list_objects_v2")
        return client, list(paginator.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"))


def _read_object(client: Any, bucket: str, key: str, most: int) -> bytes:
    with _asking_s3():
        answer = client.get_object(Bucket=bucket, Key=key)
        with closing(answer["Body"]) as body:
            # To its end where it may be: only there is an answer that was cut off noticed.
            return bytes(body.read(most + 1 if answer["ContentLength"] > most else None))


@contextmanager
def _asking_s3() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, ValueError) as error:
        if may_pass(error):
            raise
        said = " ".join(str(error).split())
        raise UnusableError(f"what S3 does not give ({said})") from error


def _in_one_line(name: str) -> str:
    """Return a name as it is, but for what a terminal or a log could not show."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in name)
