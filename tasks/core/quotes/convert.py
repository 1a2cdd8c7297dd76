"""Turns a COTAHIST ZIP into Parquet, one file a session: all of them, or none."""

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.errors import InvalidInputError
from tasks.core.quotes.archive import BLOCK_RECORDS, MAX_TEXT_BYTES, read_sessions
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.record import LABEL, SCHEMA

_WRITE_BYTES = 1024**2
_PARQUET: Any = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": [field.name for field in SCHEMA if field.type == LABEL],
    "write_batch_size": BLOCK_RECORDS,  # the whole of a batch at once
    "write_statistics": False,  # of little use within a session, and a tenth of the time
    "store_decimal_as_integer": True,
    "store_schema": False,  # plain Parquet types, the same to every reader
}


@dataclass(frozen=True)
class SessionQuotes:
    """What one session's Parquet file holds.

    Attributes:
        trading_date: The session.
        path: The Parquet file.
        record_count: Number of records.
    """

    trading_date: dt.date
    path: Path
    record_count: int


@dataclass(frozen=True)
class QuotesFile:
    """What a COTAHIST file held.

    Attributes:
        period: The period that was asked for.
        sessions: The sessions, in order.
    """

    period: QuotesPeriod
    sessions: tuple[SessionQuotes, ...]

    @property
    def record_count(self) -> int:
        """Number of records in the file, as its trailer confirms."""
        return sum(session.record_count for session in self.sessions)


def convert_quotes(
    source: Path | IO[bytes],
    out_dir: Path,
    period: QuotesPeriod,
    *,
    threads: int = 3,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> QuotesFile:
    """Write a COTAHIST ZIP as `out_dir/YYYY-MM-DD.parquet`, a file a session.

    The files appear under `out_dir` together, by one rename, once all of the ZIP has been read
    and found good. Until then they are in a hidden directory beside it.

    Args:
        source: The ZIP, as a path or a seekable binary file.
        out_dir: A directory that does not exist or is empty; its parent exists.
        period: The period that the file was asked for.
        threads: 1 does everything in turn; more read, parse and write at the same time, in three.
        max_text_bytes: The greatest size that the text may have once unpacked.

    Returns:
        The sessions with their files and record counts.

    Raises:
        BadDataError: The file is not what was asked for, or is damaged; nothing was written.
        InvalidInputError: `out_dir` already holds something; nothing was written.
    """
    if out_dir.exists() and (not out_dir.is_dir() or any(out_dir.iterdir())):
        raise InvalidInputError(f"Expected {out_dir} to be new or empty; give another directory.")
    with tempfile.TemporaryDirectory(
        prefix=f".{out_dir.name}-", dir=out_dir.parent, ignore_cleanup_errors=True
    ) as scratch:
        finished = Path(scratch) / "sessions"
        with closing(
            read_sessions(source, period, threads=threads, max_text_bytes=max_text_bytes)
        ) as batches:
            sessions = tuple(_write_sessions(batches, finished, out_dir))
        finished.replace(out_dir)
    return QuotesFile(period, sessions)


def _write_sessions(
    batches: Iterable[tuple[dt.date, pa.RecordBatch]], directory: Path, out_dir: Path
) -> Iterator[SessionQuotes]:
    """Write each session into `directory`; report where it will be under `out_dir`."""
    directory.mkdir()
    for trading_date, group in groupby(batches, key=itemgetter(0)):
        name = f"{trading_date.isoformat()}.parquet"
        count = _write_session((batch for _, batch in group), directory / name)
        yield SessionQuotes(trading_date, out_dir / name, count)


def _write_session(batches: Iterable[pa.RecordBatch], path: Path) -> int:
    """Write one session; return its record count."""
    count = 0
    with (
        pa.output_stream(path, buffer_size=_WRITE_BYTES) as file,
        pq.ParquetWriter(file, SCHEMA, **_PARQUET) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
    return count
