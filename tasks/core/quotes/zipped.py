"""The one text in a ZIP, read in pieces; each way in which a ZIP can be broken is one error."""

import errno
import struct
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from isal import isal_zlib

from tasks.core.errors import BadDataError

_READ_BYTES = 256 * 1024
_RAW_DEFLATE = -15  # no header of zlib's own: what a ZIP holds
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ADDED_FOLDER, _ADDED_FILES = "__MACOSX", ("._", ".DS_Store")  # what macOS puts beside files
_FAULTS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    isal_zlib.error,  # type: ignore[assignment]  # a class, which its types call an instance
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
    LookupError,
    OverflowError,
)


@dataclass(frozen=True)
class ZippedText:
    """An open text.

    Attributes:
        size: The bytes that the ZIP states, which zipfile enforces.
    """

    size: int
    _file: zipfile.ZipExtFile

    def read(self, size: int) -> bytes:
        """Return the next bytes; fewer at the end, which is when the checksum is compared.

        Raises:
            BadDataError: The ZIP is damaged.
        """
        with _faults():
            return self._file.read(size)

    def fill(self, view: memoryview) -> None:
        """Fill a view of bytes, from what is unpacked at a time: `read` would join it first.

        Raises:
            BadDataError: The ZIP is damaged, or holds less than it states.
        """
        while len(view):
            with _faults():
                data = self._file.read1(min(len(view), _READ_BYTES))
            if not data:
                raise BadDataError(
                    "Expected as much text as the ZIP states, found its end before. "
                    "Fetch the file again."
                )
            view[: len(data)] = data
            view = view[len(data) :]


@contextmanager
def open_text(source: Path | IO[bytes], max_bytes: int) -> Iterator[ZippedText]:
    """Open the one text in a ZIP, in whatever folder of it.

    Args:
        source: The ZIP, as a path or a seekable binary file.
        max_bytes: The greatest size that the text may have once unpacked.

    Raises:
        BadDataError: It is no sound ZIP, or does not hold one text of at most that size.
    """
    with ExitStack() as stack:
        with _faults():
            archive = stack.enter_context(zipfile.ZipFile(source))
            member = _find_text(archive, max_bytes)
            text = cast("zipfile.ZipExtFile", stack.enter_context(archive.open(member)))
            if member.compress_type == zipfile.ZIP_DEFLATED:
                # ISA-L unpacks in a third of zlib's time; zipfile has no setting for it.
                unpacker = isal_zlib.decompressobj(wbits=_RAW_DEFLATE)
                text._decompressor = unpacker  # type: ignore[attr-defined]  # noqa: SLF001
        yield ZippedText(member.file_size, text)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except _FAULTS as fault:
        raise _damage(fault) from fault
    except OSError as fault:
        if fault.errno != errno.EINVAL:  # of a place that the ZIP names and no file has
            raise
        raise _damage(fault) from fault


def _damage(fault: Exception) -> BadDataError:
    return BadDataError(
        f"Expected a sound ZIP file, found damage ({type(fault).__name__}: {fault}). "
        "Fetch the file again."
    )


def _find_text(archive: zipfile.ZipFile, max_bytes: int) -> zipfile.ZipInfo:
    members = [each for each in archive.infolist() if _is_file(each)]
    if len(members) != 1:
        raise BadDataError(f"Expected one text file in the ZIP, found {len(members)} files.")
    (member,) = members
    if member.compress_type not in _METHODS:
        raise BadDataError(
            "Expected a ZIP member that is stored or deflated, found method "
            f"{member.compress_type}. Fetch the file again."
        )
    if member.file_size > max_bytes:
        raise BadDataError(
            f"Expected at most {max_bytes:,} bytes of text, found {member.file_size:,} in "
            f"{member.filename!r}. If B3's files have grown that much, raise the limit."
        )
    return member


def _is_file(member: zipfile.ZipInfo) -> bool:
    *folders, name = member.filename.replace("\\", "/").split("/")
    return bool(name) and _ADDED_FOLDER not in folders and not name.startswith(_ADDED_FILES)
