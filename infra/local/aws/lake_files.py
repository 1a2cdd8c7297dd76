"""The lake on disk: one plain file an object, at `<lake>/<bucket>/<key>`."""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.aws.state_files import write_whole

# What Hadoop's committers and checksums leave behind; on S3 it would never be an object.
_LEFTOVER = re.compile(r"_temporary|\.spark-staging-.*|\..*\.crc")
_LONGEST_NAME_BYTES = 255


class InvalidKeyError(ValueError):
    """The key has no place on disk."""


@dataclass(frozen=True)
class LakeFiles:
    """The files of one bucket.

    Attributes:
        root: The bucket's directory.
        scratch: Where writes are prepared; on the same file system.
    """

    root: Path
    scratch: Path

    def path(self, key: str) -> Path:
        """Return where the object of `key` lies.

        Raises:
            InvalidKeyError: The key would leave the directory, or is no name of a file.
        """
        for name in key.split("/"):
            if name in {"", ".", ".."} or "\0" in name:
                raise InvalidKeyError(
                    f"The local lake keeps objects as files: a key has no empty, '.' or '..' "
                    f"part, and neither starts nor ends with '/'; found {key!r}."
                )
            if len(os.fsencode(name)) > _LONGEST_NAME_BYTES:
                raise InvalidKeyError(
                    f"The local lake keeps objects as files: a part of a key has at most "
                    f"{_LONGEST_NAME_BYTES} bytes; found {len(os.fsencode(name))} in {key!r}."
                )
            if _LEFTOVER.fullmatch(name):
                raise InvalidKeyError(
                    f"Hadoop keeps unfinished work under {name!r}: the local lake does not "
                    f"list such keys and takes no object at {key!r}."
                )
        return self.root / key

    def write(self, key: str, data: bytes) -> Path:
        """Put an object on disk, whole, and return where it lies.

        A power cut may lose the last writes, a kill of this process cannot: nothing waits for
        the disk itself.

        Raises:
            InvalidKeyError: The key has no place, or lies under another object.
        """
        path = self.path(key)
        try:
            write_whole(path, data, self.scratch)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise InvalidKeyError(
                f"The local lake keeps objects as files: {key!r} cannot be beside an object "
                f"whose key is a directory of it, or that lies under it ({error.strerror})."
            ) from error
        return path

    def remove(self, key: str) -> None:
        """Delete an object's file and the directories that are empty then."""
        path = self.path(key)
        path.unlink(missing_ok=True)
        for directory in path.relative_to(self.root).parents:
            if directory == Path() or not _remove_if_empty(self.root / directory):
                return

    def status(self, key: str) -> os.stat_result | None:
        """Return the status of an object's file; none where `key` has no file, or no place."""
        try:
            status = self.path(key).stat()
        except (InvalidKeyError, FileNotFoundError, NotADirectoryError):
            return None
        return status if stat.S_ISREG(status.st_mode) else None

    def find(self, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
        """Yield the key of each object under a prefix, and its file's status.

        Hadoop's leftovers are none. Only the prefix's own directory is walked.
        """
        parent, _, start = prefix.rpartition("/")
        try:
            top = self.path(parent) if "/" in prefix else self.root
        except InvalidKeyError:
            return
        for directory, directories, names in os.walk(top):
            begins = start if Path(directory) == top else ""
            directories[:] = [name for name in directories if _is_of_object(name, begins)]
            for name in names:
                key = Path(directory, name).relative_to(self.root).as_posix()
                if _is_of_object(name, begins) and (status := self.status(key)):
                    yield key, status

    def remove_leftovers(self) -> None:
        """Delete what Hadoop left behind, and empty directories. Only while no job runs."""
        for directory, directories, names in os.walk(self.root, topdown=False):
            for name in filter(_LEFTOVER.fullmatch, names):
                Path(directory, name).unlink(missing_ok=True)
            for name in directories:
                if _LEFTOVER.fullmatch(name):
                    shutil.rmtree(Path(directory, name))
                else:
                    _remove_if_empty(Path(directory, name))


def _is_of_object(name: str, begins: str) -> bool:
    return name.startswith(begins) and not _LEFTOVER.fullmatch(name)


def _remove_if_empty(directory: Path) -> bool:
    try:
        directory.rmdir()
    except OSError:
        return False
    return True
