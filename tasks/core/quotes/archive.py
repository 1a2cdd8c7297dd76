"""Reads COTAHIST, B3's file of daily quotes, in blocks: typed, checked, in bounded memory.

A file is a ZIP that holds one latin-1 text: a header, one record a line, a trailer.

```
00COTAHIST.2022BOVESPA 20220203                        header: year and date of the file
012022020302A1AP34      010ADVANCE AUTODRN    …        records, ordered by session
99COTAHIST.2022BOVESPA 2022020300000007263             trailer: the same, and a record count
```

The fields of a record are in `tasks.core.quotes.record`. The trailer's count is that of the
records alone, or with the header and the trailer: B3 has published both. B3's lines end with CRLF;
in files that people keep all may end with LF.
"""

import datetime as dt
import re
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
import pyarrow as pa

from tasks.core.errors import BadDataError
from tasks.core.quotes.block import parse_block, split_sessions
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.record import LINE_BYTES, LINE_END, RECORD_BYTES
from tasks.core.quotes.session import SessionChecks
from tasks.core.quotes.zipped import ZippedText, open_text

BLOCK_RECORDS = 16_384
"""Records read at a time: 4 MB, which stay in a processor's cache while they are taken apart."""

MAX_TEXT_BYTES = 4 * 1024**3
"""Default limit on the text in a ZIP. A year of 17,000 records a session has 1.1 GB."""

_HEADER = re.compile(rb"00COTAHIST\.(\d{4})BOVESPA (\d{8}).{214}", re.DOTALL)
_TRAILER = re.compile(rb"99(COTAHIST\.\d{4}BOVESPA \d{8})(\d{11}).{203}", re.DOTALL)
_AHEAD = 3  # blocks made ahead, so that neither thread waits for an uneven one of the other
_LF = b"\n"
_END_NAMES = {LINE_END: "CRLF", _LF: "LF"}
_MOST_SHOWN = 20  # bytes of what does not belong there

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
    with open_text(source, max_text_bytes) as text:
        header = _read_header(text, period)
        # The trailer's line may lack its end, or have something after it: told at the end.
        count = max(0, (text.size - RECORD_BYTES) // header.line_bytes - 1)
        relay = _run_ahead if threads > 1 else iter
        last_date = period.first_date
        for last_date, batch in relay(_parse(relay(_read_blocks(text, header, count)), period)):
            yield last_date, batch
        _check_end(text.read(2 * LINE_BYTES), header, count)
        if not count:
            raise BadDataError(f"Expected quotes of {period}, found a file without any record.")
        if header.file_date < last_date:
            raise BadDataError(
                f"line 1: expected a file made on {last_date}, the last session in it, or later; "
                f"the header says {header.file_date}."
            )


@dataclass(frozen=True)
class _Header:
    """What the first line says.

    Attributes:
        name: What the trailer has to repeat.
        file_date: The date that the file bears.
        line_end: What it ends with, and every line after it.
    """

    name: bytes
    file_date: dt.date
    line_end: bytes

    @property
    def line_bytes(self) -> int:
        return RECORD_BYTES + len(self.line_end)


def _read_header(text: ZippedText, period: QuotesPeriod) -> _Header:
    line, end = text.read(RECORD_BYTES), text.read(1)
    end += text.read(1) if end == LINE_END[:1] else b""
    match = _HEADER.fullmatch(line) if end in _END_NAMES else None
    year, date = (part.decode() for part in match.groups()) if match else ("", "")
    try:
        file_date = dt.date.fromisoformat(date)
    except ValueError as error:
        raise BadDataError(
            f"line 1: expected the header `00COTAHIST.YYYYBOVESPA YYYYMMDD` of {RECORD_BYTES} "
            f"bytes and CRLF or LF, found {line[:40]!r}."
        ) from error
    is_day = period.kind == "D"
    if year != f"{period.first_date:%Y}" or (is_day and file_date != period.first_date):
        raise BadDataError(
            f"line 1: expected the header of a file of {period}, "
            f"found year {year} and date {file_date}."
        )
    return _Header(line[2:31], file_date, end)


def _read_blocks(text: ZippedText, header: _Header, count: int) -> Iterator[np.ndarray]:
    """Read the detail lines in blocks of one session, each a matrix with one line a row.

    What is read of a session that goes on is kept for the next read, so that a session is one
    block if it fits into one.
    """
    kept = np.empty((0, LINE_BYTES), np.uint8)
    while count:
        lines = np.empty((min(BLOCK_RECORDS, len(kept) + count), LINE_BYTES), np.uint8)
        lines[: len(kept)] = kept
        _fill(lines[len(kept) :], text, header.line_end)
        count -= len(lines) - len(kept)
        *blocks, kept = split_sessions(lines)
        yield from blocks
        if count == 0 or len(kept) == BLOCK_RECORDS:
            yield kept
            kept = kept[:0]


def _fill(lines: np.ndarray, text: ZippedText, line_end: bytes) -> None:
    """Fill a matrix of lines; what ends with LF is given B3's CRLF."""
    if line_end == LINE_END:
        text.fill(lines.data.cast("B"))
        return
    shorter = np.empty((len(lines), RECORD_BYTES + len(line_end)), np.uint8)
    text.fill(shorter.data.cast("B"))
    lines[:, :RECORD_BYTES] = shorter[:, :RECORD_BYTES]
    lines[:, RECORD_BYTES] = LINE_END[0]
    lines[:, RECORD_BYTES + 1 :] = shorter[:, RECORD_BYTES:]


def _parse(
    blocks: Iterator[np.ndarray], period: QuotesPeriod
) -> Iterator[tuple[dt.date, pa.RecordBatch]]:
    """Parse blocks, and check that their sessions are in order and within the period."""
    reached, line, checks = period.first_date, 2, SessionChecks()
    for block in blocks:
        day, batch = parse_block(block, line, reached, period.last_date)
        if day != reached:
            reached, checks = day, SessionChecks()
        checks.add(block, batch, line)
        line += len(block)
        yield reached, batch


def _run_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield `items`, having the next ones made in a thread while the last one is used."""
    with ThreadPoolExecutor(1) as pool:
        upcoming = deque(pool.submit(next, items, None) for _ in range(_AHEAD))
        while (item := upcoming.popleft().result()) is not None:
            upcoming.append(pool.submit(next, items, None))
            yield item


def _check_end(rest: bytes, header: _Header, count: int) -> None:
    """Check the last line against the header and the records read, and that nothing follows it."""
    place = f"line {count + 2}"
    line, after = rest[:RECORD_BYTES], rest[RECORD_BYTES:]
    match = _TRAILER.fullmatch(line)
    if not match:
        raise BadDataError(
            f"End of the file, {place}: expected the trailer `99COTAHIST.…` of {RECORD_BYTES} "
            f"bytes, found {line[:44]!r} and {len(after)} bytes after that line: the file was cut "
            f"off, or something was added to it. Fetch it again."
        )
    if match[1] != header.name:
        raise BadDataError(
            f"{place}: expected the trailer to repeat the header's {header.name.decode()!r}, "
            f"found {match[1].decode()!r}."
        )
    if int(match[2]) not in (count, count + 2):
        raise BadDataError(
            f"{place}: expected the trailer to count {count} records ({count + 2} with header and "
            f"trailer), found {int(match[2])}: records are missing or doubled."
        )
    if after != header.line_end:
        raise BadDataError(
            f"End of the file, after the trailer in {place}: expected "
            f"{_END_NAMES[header.line_end]} and nothing more, found "
            f"{_describe_end(after, header.line_end)}. The records are sound, the file is not as "
            f"B3 made it: mend its end, or fetch it again."
        )


def _describe_end(after: bytes, line_end: bytes) -> str:
    """Say what stands after the trailer in place of the end of its line, or behind it."""
    if not after:
        return "no end of the line"
    extra = after.removeprefix(line_end)
    if extra.strip() and not extra.strip(b"\r\n\x1a"):
        return "0x1A, the end-of-file mark of DOS"
    if not extra.strip():
        return "an empty line" if after != extra else _shown(after)
    return _shown(extra)


def _shown(some: bytes) -> str:
    more = "…" if len(some) > _MOST_SHOWN else ""
    return f"{some[:_MOST_SHOWN]!r}{more}"
