"""Read files that people have saved: on this machine, or in S3."""

from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.exceptions import ClientError
from prefect import get_run_logger, task

from tasks.core.errors import InvalidInputError
from tasks.core.portfolio.reconcile import SavedFile
from tasks.retries import OVER_AWS

LARGEST_FILE_BYTES = 5_000_000  # the largest known file has 30 kB
_SUFFIX = ".csv"
_S3 = "s3://"


@task(name="read-saved-files", **OVER_AWS)
def read_files(places: Sequence[str]) -> list[SavedFile]:
    """Read files, and of folders every CSV in them. Safe to repeat: it only reads.

    Args:
        places: Paths of files or folders, or `s3://bucket/key` and `s3://bucket/folder/`.

    Raises:
        InvalidInputError: Nothing is at one of the places, or a file is over the size limit.
    """
    files = [
        file
        for place in places
        for file in (_read_s3(place) if place.startswith(_S3) else _read_path(Path(place)))
    ]
    get_run_logger().info("Read %d file(s)", len(files))
    return files


def read_paths(places: Sequence[str]) -> list[SavedFile]:
    """Read the files that are on this machine, as `read_files`, and leave those in S3 out."""
    paths = [Path(place) for place in places if not place.startswith(_S3)]
    return [file for path in paths for file in _read_path(path)]


def _read_path(path: Path) -> list[SavedFile]:
    try:
        return [SavedFile(str(each), each.read_bytes()) for each in _find_files(path)]
    except OSError as error:
        raise InvalidInputError(f"Expected files that can be read in {path}: {error}") from error


def _find_files(path: Path) -> list[Path]:
    if path.is_dir():
        paths = sorted(each for each in path.iterdir() if each.suffix.lower() == _SUFFIX)
        if not paths:
            raise InvalidInputError(f"Expected {_SUFFIX} files in {path}, found none.")
    elif path.is_file():
        paths = [path]
    else:
        raise InvalidInputError(f"Expected a file or a folder at {path}, found neither.")
    for each in paths:
        _check_size(str(each), each.stat().st_size)
    return paths


def _read_s3(url: str) -> list[SavedFile]:
    bucket, _, key = url.removeprefix(_S3).partition("/")
    client = boto3.client("s3")
    try:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        found = {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}
    except (client.exceptions.NoSuchBucket, ClientError) as error:
        raise InvalidInputError(f"Cannot list {url}: {error}") from error
    is_folder = not key or key.endswith("/")
    keys = [k for k in found if k.lower().endswith(_SUFFIX)] if is_folder else [key]
    if not keys or not found.keys() >= set(keys):
        raise InvalidInputError(
            f"Expected an object, or a folder of {_SUFFIX} objects that ends in '/', at {url}; "
            f"found neither."
        )
    for each in keys:
        _check_size(f"s3://{bucket}/{each}", found[each])
    return [
        SavedFile(
            f"s3://{bucket}/{each}", client.get_object(Bucket=bucket, Key=each)["Body"].read()
        )
        for each in keys
    ]


def _check_size(name: str, size: int) -> None:
    if size > LARGEST_FILE_BYTES:
        raise InvalidInputError(
            f"Expected at most {LARGEST_FILE_BYTES} bytes in {name}, found {size}: "
            f"it is no file of the day's portfolio."
        )
