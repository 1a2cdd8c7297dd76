"""The lake on disk: one plain file an object, at `<lake>/<bucket>/<key>`.

Hadoop's S3A marks a directory by an object without bytes whose key ends with a slash. Such an
object is a file in that directory, hidden from whoever reads the directory itself.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.aws.state_files import write_whole

_MARKER = ".s3a-directory"
# What Hadoop writes beside files on a disk, and never on S3.
_CHECKSUM = re.compile(r"\..*\.crc")
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
        is_marker = key.endswith("/")
        for name in key.removesuffix("/").split("/"):
            if name in {"", ".", ".."} or "\0" in name:
                raise InvalidKeyError(
                    f"The local lake keeps objects as files: a key has no empty, '.' or '..' "
                    f"part, and does not start with '/'; found {key!r}."
                )
            if len(os.fsencode(name)) > _LONGEST_NAME_BYTES:
                raise InvalidKeyError(
                    f"The local lake keeps objects as files: a part of a key has at most "
                    f"{_LONGEST_NAME_BYTES} bytes; found {len(os.fsencode(name))} in {key!r}."
                )
            if name == _MARKER or _CHECKSUM.fullmatch(name):
                raise InvalidKeyError(
                    f"The local lake keeps objects as files, and has a use of its own for the "
                    f"name {name!r}: it takes no object at {key!r}."
                )
        return self.root / key / _MARKER if is_marker else self.root / key

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

        Hadoop's checksums are none. Only the prefix's own directory is walked.
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
                path = Path(directory, "" if name == _MARKER else name)
                key = path.relative_to(self.root).as_posix() + ("/" if name == _MARKER else "")
                if _is_of_object(name, begins) and (status := self.status(key)):
                    yield key, status

    def tidy(self, *, marks: bool) -> None:
        """Delete Hadoop's checksums, and make of empty directories what they are on S3.

        Args:
            marks: Whether a directory that a job has left empty gets S3A's marker. Else it is
                deleted: only an object's file gave it a reason.
        """
        for directory, directories, names in os.walk(self.root, topdown=False):
            for name in filter(_CHECKSUM.fullmatch, names):
                Path(directory, name).unlink(missing_ok=True)
            for each in (Path(directory, name) for name in directories):
                if marks and not any(each.iterdir()):
                    (each / _MARKER).touch()
                else:
                    _remove_if_empty(each)


def _is_of_object(name: str, begins: str) -> bool:
    return name.startswith(begins) and not _CHECKSUM.fullmatch(name)


def _remove_if_empty(directory: Path) -> bool:
    try:
        directory.rmdir()
    except OSError:
        return False
    return True
