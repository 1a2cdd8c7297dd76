"""Reads COTAHIST, B3's file of daily quotes, in blocks: typed, checked, in bounded memory.

A file is a ZIP that holds one latin-1 text: a header, one record a line, a trailer.

```
00COTAHIST.2022BOVESPA 20220203                        header: year and date of the file
012022020302A1AP34      010ADVANCE AUTODRN    …        records, ordered by session
99COTAHIST.2022BOVESPA 2022020300000007263             trailer: the same, and a record count
```

The fields of a record are in `tasks.core.quotes.record`. The trailer's count is that of the
records alone, or with the header and the trailer: B3 has published both.
"""

import datetime as dt
import re
import struct
import zipfile
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TypeVar, cast

import numpy as np
import pyarrow as pa
from isal import isal_zlib

from tasks.core.errors import BadDataError
from tasks.core.quotes.block import parse_block, split_sessions
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.record import LINE_BYTES

BLOCK_RECORDS = 16_384
"""Records read at a time: 4 MB, which stay in a processor's cache while they are taken apart."""

MAX_TEXT_BYTES = 4 * 1024**3
"""Default limit on the text in a ZIP. A year of 17,000 records a session has 1.1 GB."""

_HEADER = re.compile(rb"00COTAHIST\.(\d{4})BOVESPA (\d{8}).{214}\r\n", re.DOTALL)
_TRAILER = re.compile(rb"99(COTAHIST\.\d{4}BOVESPA \d{8})(\d{11}).{203}\r\n", re.DOTALL)
_READ_BYTES = 256 * 1024
_RAW_DEFLATE = -15  # no header of zlib's own: what a ZIP holds
_AHEAD = 3  # blocks made ahead, so that neither thread waits for an uneven one of the other
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_FAULTS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    isal_zlib.error,  # type: ignore[assignment]  # a class, which its types call an instance
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
)

Item = TypeVar("Item")


def read_sessions(
    source: Path | IO[bytes],
    period: QuotesPeriod,
    *,
    threads: int = 1,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> Generator[tuple[dt.date, pa.RecordBatch], None, None]:
    """Read a COTAHIST ZIP as typed batches, each of one session, sessions in order.

    What was read is known to be whole only when the iterator ends without an error: a wrong
    trailer or checksum shows at the end of the file. Keep nothing before that.

    Args:
        source: The ZIP, as a path or a seekable binary file.
        period: The period that the file was asked for.
        threads: 1 reads and parses as batches are asked for; more do so ahead, in two threads.
        max_text_bytes: The greatest size that the text may have once unpacked.

    Yields:
        The session, and at most `BLOCK_RECORDS` of its records in the columns of
        `tasks.core.quotes.record.SCHEMA`.

    Raises:
        BadDataError: The file is not what was asked for, or is damaged. Of records, the first
            bad one is named by its line and field.
    """
    with _open_text(source, max_text_bytes) as (text, size):
        header, file_date = _read_header(text, period)
        count = size // LINE_BYTES - 2
        if count < 1:
            raise BadDataError(f"Expected quotes of {period}, found a file without any record.")
        relay = _run_ahead if threads > 1 else iter
        last_date = period.first_date
        for last_date, batch in relay(_parse(relay(_read_blocks(text, count)), period)):
            yield last_date, batch
        _check_trailer(_read(text, 2 * LINE_BYTES), header, count)
        if file_date < last_date:
            raise BadDataError(
                f"line 1: expected a file made on {last_date}, the last session in it, or later; "
                f"the header says {file_date}."
            )


@contextmanager
def _zip_faults() -> Iterator[None]:
    """Turn every way in which a ZIP can be broken into one error."""
    try:
        yield
    except _ZIP_FAULTS as fault:
        raise BadDataError(
            f"Expected a sound ZIP file, found damage ({type(fault).__name__}: {fault}). "
            "Fetch the file again."
        ) from fault


@contextmanager
def _open_text(
    source: Path | IO[bytes], max_bytes: int
) -> Iterator[tuple[zipfile.ZipExtFile, int]]:
    """Open the one text in a ZIP; also return the size it states, which zipfile enforces."""
    with ExitStack() as stack:
        with _zip_faults():
            archive = stack.enter_context(zipfile.ZipFile(source))
            member = _find_text(archive, max_bytes)
            text = cast("zipfile.ZipExtFile", stack.enter_context(archive.open(member)))
            if member.compress_type == zipfile.ZIP_DEFLATED:
                # ISA-L unpacks in a third of zlib's time; zipfile has no setting for it.
                unpacker = isal_zlib.decompressobj(wbits=_RAW_DEFLATE)
                text._decompressor = unpacker  # type: ignore[attr-defined]  # noqa: SLF001
        yield text, member.file_size


def _find_text(archive: zipfile.ZipFile, max_bytes: int) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1:
        raise BadDataError(f"Expected one text file in the ZIP, found {len(members)} files.")
    (member,) = members
    if member.compress_type not in _ZIP_METHODS:
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


def _read(text: zipfile.ZipExtFile, size: int) -> bytes:
    with _zip_faults():
        return text.read(size)


def _read_header(text: zipfile.ZipExtFile, period: QuotesPeriod) -> tuple[bytes, dt.date]:
    """Return what the trailer has to repeat, and the date that the file bears."""
    line = _read(text, LINE_BYTES)
    match = _HEADER.fullmatch(line)
    year, date = (part.decode() for part in match.groups()) if match else ("", "")
    try:
        file_date = dt.date.fromisoformat(date)
    except ValueError as error:
        raise BadDataError(
            f"line 1: expected the header `00COTAHIST.YYYYBOVESPA YYYYMMDD` of 245 bytes and "
            f"CRLF, found {line[:40]!r} in {len(line)} bytes."
        ) from error
    is_day = period.kind == "D"
    if year != f"{period.first_date:%Y}" or (is_day and file_date != period.first_date):
        raise BadDataError(
            f"line 1: expected the header of a file of {period}, "
            f"found year {year} and date {file_date}."
        )
    return line[2:31], file_date


def _read_blocks(text: zipfile.ZipExtFile, count: int) -> Iterator[np.ndarray]:
    """Read the detail lines in blocks of one session, each a matrix with one line a row.

    What is read of a session that goes on is kept for the next read, so that a session is one
    block if it fits into one.
    """
    kept = np.empty((0, LINE_BYTES), np.uint8)
    while count:
        lines = np.empty((min(BLOCK_RECORDS, len(kept) + count), LINE_BYTES), np.uint8)
        lines[: len(kept)] = kept
        _fill(lines[len(kept) :], text)
        count -= len(lines) - len(kept)
        *blocks, kept = split_sessions(lines)
        yield from blocks
        if count == 0 or len(kept) == BLOCK_RECORDS:
            yield kept
            kept = kept[:0]


def _fill(lines: np.ndarray, text: zipfile.ZipExtFile) -> None:
    """Fill a matrix of lines, from what zipfile has unpacked at a time: it would join it first."""
    view = lines.data.cast("B")
    while len(view):
        with _zip_faults():
            data = text.read1(min(len(view), _READ_BYTES))
        if not data:
            raise BadDataError(
                "Expected as much text as the ZIP states, found its end before. "
                "Fetch the file again."
            )
        view[: len(data)] = data
        view = view[len(data) :]


def _parse(
    blocks: Iterator[np.ndarray], period: QuotesPeriod
) -> Iterator[tuple[dt.date, pa.RecordBatch]]:
    """Parse blocks, and check that their sessions are in order and within the period."""
    reached, line = period.first_date, 2
    for block in blocks:
        reached, batch = parse_block(block, line, reached, period.last_date)
        line += len(block)
        yield reached, batch


def _run_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield `items`, having the next ones made in a thread while the last one is used."""
    with ThreadPoolExecutor(1) as pool:
        upcoming = deque(pool.submit(next, items, None) for _ in range(_AHEAD))
        while (item := upcoming.popleft().result()) is not None:
            upcoming.append(pool.submit(next, items, None))
            yield item


def _check_trailer(line: bytes, header: bytes, count: int) -> None:
    """Check the last line against the header and the number of records read."""
    place = f"line {count + 2}"
    match = _TRAILER.fullmatch(line)
    if not match:
        raise BadDataError(
            f"{place}: expected the trailer `99COTAHIST.…` of 245 bytes and CRLF at the end of "
            f"the file, found {line[:44]!r} in {len(line)} bytes."
        )
    if match[1] != header:
        raise BadDataError(
            f"{place}: expected the trailer to repeat the header's {header.decode()!r}, "
            f"found {match[1].decode()!r}."
        )
    if int(match[2]) not in (count, count + 2):
        raise BadDataError(
            f"{place}: expected the trailer to count {count} records ({count + 2} with header and "
            f"trailer), found {int(match[2])}: records are missing or doubled."
        )
