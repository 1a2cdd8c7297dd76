"""Objects of moto's S3 on disk: a key reads its bytes there, a key store writes them there.

The store writes each object before the call returns.
"""

import datetime as dt
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3 import models
from moto.s3.exceptions import InvalidArgumentError, MissingKey
from moto.s3.utils import _VersionedKeyStore

from infra.local.aws import REGION
from infra.local.aws.lake_files import InvalidKeyError, LakeFiles

_MotoKey: Any = models.FakeKey
_Stamp = tuple[int, int, int]


class LakeKey(_MotoKey):  # type: ignore[misc]
    """An object: in memory until it is stored, on disk from then on."""

    path: Path | None = None
    stamp: "_Stamp | None" = None
    _etag: str | None

    def __new__(cls, *_args: Any, **_kwargs: Any) -> "LakeKey":
        """Make a key without moto's list of every key there ever was."""
        return object.__new__(cls)

    @property
    def value(self) -> bytes:
        """The object's bytes."""
        if self.path is None:
            return bytes(_MotoKey.value.fget(self))
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            raise MissingKey(self.name) from None

    @value.setter
    def value(self, new_value: bytes) -> None:
        _MotoKey.value.fset(self, new_value)

    @property
    def etag(self) -> str:
        """The MD5 of the bytes in quotes, or what the multipart upload gave."""
        if self._etag is None:
            self._etag = hashlib.md5(self.value, usedforsecurity=False).hexdigest()
        return f'"{self._etag}"'

    def settle(self, path: Path, status: os.stat_result) -> None:
        """Take the bytes from `path` from now on, and its time as the last change."""
        self._value_buffer.close()
        self.path = path
        self.disposed = True
        self.multipart = None
        self.contentsize = status.st_size
        self.stamp = _stamp(status)
        changed_at = dt.datetime.fromtimestamp(status.st_mtime, tz=dt.UTC)
        self.last_modified = changed_at.replace(tzinfo=None)

    def __deepcopy__(self, _memo: dict[int, Any]) -> "LakeKey":
        """Return a copy that a listing may mark; an object on disk is not read for it."""
        if self.path is None:
            return self.recall()
        copied = object.__new__(LakeKey)
        copied.__dict__.update(self.__dict__)
        return copied

    def recall(self) -> "LakeKey":
        """Return the same object, in memory: an older version, whose file gives way."""
        older = LakeKey(
            self.name,
            self.value,
            account_id=self.account_id,
            region_name=self.region_name,
            bucket_name=self.bucket_name,
            is_versioned=self._is_versioned,
            version_id=self.version_id,
            etag=self.etag.strip('"'),
        )
        older.set_metadata(self.metadata)
        older.last_modified = self.last_modified
        return older


class LakeKeys(_VersionedKeyStore):  # type: ignore[misc]
    """A bucket's objects; the newest version of each is a file.

    Older versions of a versioned bucket stay in memory and end with the server.
    """

    def __init__(self, bucket: str, files: LakeFiles) -> None:
        super().__init__()
        self.bucket = bucket
        self.files = files
        self.lock = threading.RLock()

    def __setitem__(self, key: str, value: Any) -> None:
        self.setlist(key, [*self.getlist(key, []), value])

    def items(self) -> list[tuple[str, Any]]:
        """Return each object's newest version, as of one moment: others write meanwhile."""
        return [(key, versions[-1]) for key, versions in dict(self).items() if versions]

    def setlist(self, key: str, list_: list[Any]) -> None:
        """Replace an object's versions; the last one is the newest and goes to disk."""
        with self.lock:
            versions = [
                version.recall() if version is not list_[-1] and _is_on_disk(version) else version
                for version in list_
            ]
            if versions and isinstance(versions[-1], LakeKey):
                self._store(key, versions[-1])
                super().setlist(key, versions)
            else:
                super().setlist(key, versions)  # first: a listing must meet no lost file
                self.files.remove(key)

    def pop(self, key: str) -> None:
        """Remove an object and its file.

        Raises:
            KeyError: There is no such object.
        """
        with self.lock:
            if key not in self:
                raise KeyError(key)
            super().pop(key)  # first: a listing must meet no lost file
            self.files.remove(key)

    def synchronize(self, prefix: str = "") -> None:
        """Take over what a job wrote to disk under a prefix, or deleted there."""
        with self.lock:
            found = dict(self.files.find(prefix))
            known = [key for key in self if key.startswith(prefix)]
            for key in {*known, *found}:
                self._take_over(key, found.get(key))

    def synchronize_one(self, key: str) -> None:
        """Take over what a job did to one object."""
        with self.lock:
            self._take_over(key, self.files.status(key))

    def _take_over(self, key: str, status: os.stat_result | None) -> None:
        newest = self.get(key)
        if status is None:
            if _is_on_disk(newest):
                super().pop(key)
        elif not isinstance(newest, LakeKey) or newest.stamp != _stamp(status):
            super().setlist(key, [self._restored(key, status)])

    def _store(self, key: str, newest: LakeKey) -> None:
        if newest.path is not None:
            return
        try:
            data, _etag = newest.value, newest.etag
            path = self.files.write(key, data)
            newest.settle(path, path.stat())
        except InvalidKeyError as error:
            raise InvalidArgumentError(str(error), "key", key) from error

    def _restored(self, key: str, status: os.stat_result) -> LakeKey:
        restored = LakeKey(
            key,
            b"",
            account_id=DEFAULT_ACCOUNT_ID,
            region_name=REGION,
            bucket_name=self.bucket,
            version_id="null",
        )
        restored.settle(self.files.path(key), status)
        return restored


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _is_on_disk(version: Any) -> bool:
    return isinstance(version, LakeKey) and version.path is not None
