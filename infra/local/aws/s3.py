"""moto's S3 over the lake's files.

Two of moto's classes are replaced: the bucket here, and the key in `s3_objects`. Jobs write to the
lake's directory and delete there while S3 answers, so it looks at an object's file whenever it is
asked for the object, and at a prefix's files for each listing. All else of S3 is moto's.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3 import models, responses
from moto.s3.exceptions import InvalidBucketName, MissingKey
from moto.s3.utils import bucket_and_name_from_url

from infra.local.aws import REGION
from infra.local.aws.lake_files import InvalidKeyError, LakeFiles
from infra.local.aws.s3_objects import LakeKey, LakeKeys
from infra.local.aws.state_files import StateDirectory

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# moto looks its classes up by name, so that is where ours are put.
_MotoBucket: Any = models.FakeBucket
_MotoBackend: Any = models.S3Backend
_delete_bucket_in_moto = _MotoBackend.delete_bucket
# What moto checks has to hold until it has written, or read, so these have the bucket for
# themselves: conditions on a call, and the bytes that belong to an ETag.
_ONE_AT_A_TIME = ("put_object", "get_object", "head_object", "delete_object", "_key_response_post")
_LISTINGS = ("list_objects", "list_objects_v2", "list_object_versions")


class LakeBucket(_MotoBucket):  # type: ignore[misc]
    """A bucket whose directory holds its objects."""

    state: StateDirectory

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        if not _BUCKET_NAME.fullmatch(name) or ".." in name:
            raise InvalidBucketName
        super().__init__(name, *args, **kwargs)
        files = LakeFiles(self.state.lake / name, self.state.scratch)
        files.root.mkdir(parents=True, exist_ok=True)
        self.keys = LakeKeys(name, files)


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


def _of_one_object(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Let moto's backend see an object's file as it is now."""

    def look_and_ask(backend: Any, bucket: str, key: str, *args: Any, **kwargs: Any) -> Any:
        keys = backend.get_bucket(bucket).keys
        with keys.lock:
            keys.synchronize_one(key)
            return ask(backend, bucket, key, *args, **kwargs)

    return look_and_ask


def _one_at_a_time(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Keep others away from the bucket until moto has answered."""

    def wait_and_answer(call: Any, *args: Any, **kwargs: Any) -> Any:
        with call.backend.get_bucket(call.bucket_name).keys.lock:
            return answer(call, *args, **kwargs)

    return wait_and_answer


def _of_a_prefix(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let moto list a prefix's files as they are now."""

    def look_and_answer(call: Any) -> Any:
        keys = call.backend.get_bucket(call.bucket_name).keys
        prefix = call.request.args.get("prefix", "")
        while True:
            with keys.lock, suppress(MissingKey):  # a job has deleted it since
                keys.synchronize(prefix)
                return answer(call)

    return look_and_answer


def _backend() -> Any:
    return models.s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


@contextmanager
def installed(state: StateDirectory) -> Iterator[None]:
    """Make moto's S3 keep its objects in `state`, and restore the buckets that lie there."""
    LakeBucket.state = state
    answers: dict[str, Any] = {
        **{name: _one_at_a_time(getattr(responses.S3Response, name)) for name in _ONE_AT_A_TIME},
        **{name: _of_a_prefix(getattr(responses.S3Response, name)) for name in _LISTINGS},
    }
    with (
        patch.multiple(models, FakeBucket=LakeBucket, FakeKey=LakeKey),
        patch.multiple(
            _MotoBackend,
            delete_bucket=_delete_bucket,
            get_object=_of_one_object(_MotoBackend.get_object),
            delete_object=_of_one_object(_MotoBackend.delete_object),
        ),
        patch.multiple(responses.S3Response, **answers),
    ):
        for directory in sorted(state.lake.iterdir()):
            if directory.is_dir():
                LakeFiles(directory, state.scratch).tidy(marks=False)
                _backend().create_bucket(directory.name, REGION)
        yield


def bucket_names() -> list[str]:
    """Return the names of all buckets."""
    return list(_backend().buckets)


def leave_as_s3a_does() -> None:
    """Have directories that jobs have left empty marked, in any bucket. Only while no job runs."""
    for bucket in list(_backend().buckets.values()):
        with bucket.keys.lock:
            bucket.keys.files.tidy(marks=True)


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
