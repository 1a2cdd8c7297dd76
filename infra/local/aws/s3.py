"""moto's S3 over the lake's files.

Two of moto's classes are replaced: the bucket here, and the key in `s3_objects`. All else of S3 is
moto's.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3 import models
from moto.s3 import responses as _responses  # noqa: F401 - it takes over moto's names at import
from moto.s3.exceptions import InvalidBucketName
from moto.s3.utils import bucket_and_name_from_url

from infra.local.aws import REGION
from infra.local.aws.lake_files import InvalidKeyError, LakeFiles
from infra.local.aws.s3_objects import LakeKey, LakeKeys
from infra.local.aws.state_files import StateDirectory

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# moto looks its classes up by name, so that is where ours are put.
_MotoBucket: Any = models.FakeBucket
_delete_bucket_in_moto = models.S3Backend.delete_bucket


class LakeBucket(_MotoBucket):  # type: ignore[misc]
    """A bucket whose directory holds its objects; it starts with those that are there."""

    state: StateDirectory

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        if not _BUCKET_NAME.fullmatch(name) or ".." in name:
            raise InvalidBucketName
        super().__init__(name, *args, **kwargs)
        files = LakeFiles(self.state.lake / name, self.state.scratch)
        files.root.mkdir(parents=True, exist_ok=True)
        self.keys = LakeKeys(name, files)
        self.keys.synchronize()


def _delete_bucket(backend: Any, bucket_name: str) -> Any:
    bucket = backend.get_bucket(bucket_name)
    if not isinstance(bucket, LakeBucket):
        return _delete_bucket_in_moto(backend, bucket_name)
    with bucket.keys.lock:
        bucket.keys.synchronize()
        deleted = _delete_bucket_in_moto(backend, bucket_name)
        if deleted is not None:
            shutil.rmtree(bucket.keys.files.root)
    return deleted


def _backend() -> Any:
    return models.s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


@contextmanager
def installed(state: StateDirectory) -> Iterator[None]:
    """Make moto's S3 keep its objects in `state`, and restore the buckets that lie there."""
    LakeBucket.state = state
    with (
        patch.multiple(models, FakeBucket=LakeBucket, FakeKey=LakeKey),
        patch.multiple(models.S3Backend, delete_bucket=_delete_bucket),
    ):
        for directory in sorted(state.lake.iterdir()):
            if directory.is_dir():
                LakeFiles(directory, state.scratch).remove_leftovers()
                _backend().create_bucket(directory.name, REGION)
        yield


def bucket_names() -> list[str]:
    """Return the names of all buckets."""
    return list(_backend().buckets)


def synchronize(*, is_quiet: bool) -> None:
    """Take over what jobs wrote to disk in any bucket.

    Args:
        is_quiet: No job runs any more, so what Hadoop left behind can go.
    """
    for bucket in list(_backend().buckets.values()):
        if is_quiet:
            bucket.keys.files.remove_leftovers()
        bucket.keys.synchronize()


def put_object(url: str, data: bytes) -> None:
    """Store an object at an `s3://` address, as a client's PUT would."""
    bucket, key = bucket_and_name_from_url(url)
    _backend().put_object(bucket, key, data)


def local_path(url: str) -> Path:
    """Return where an `s3://` address, an object's or a prefix's, lies on disk.

    Raises:
        InvalidKeyError: The address has no place on disk.
    """
    bucket, key = bucket_and_name_from_url(url)
    if not _BUCKET_NAME.fullmatch(bucket or "") or ".." in bucket:
        raise InvalidKeyError(f"Expected s3://<bucket>/<key>, found {url!r}.")
    root = LakeBucket.state.lake / bucket
    key = (key or "").rstrip("/")
    return LakeFiles(root, LakeBucket.state.scratch).path(key) if key else root
