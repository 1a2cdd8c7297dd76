"""Takes a block of COTAHIST lines apart: from a matrix of bytes to typed, checked columns.

Nothing here loops over records. A field is a slice of the matrix's columns, copied together
and given to Arrow as values of fixed width; text and dates are decoded once for each distinct
value.
"""

import datetime as dt
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.errors import BadDataError
from tasks.core.quotes.digits import read_numbers
from tasks.core.quotes.record import (
    DATE,
    EARLIEST_DATE,
    FIELDS,
    LABEL,
    LINE_BYTES,
    RECORD_BYTES,
    RECORD_TYPE,
    SCHEMA,
    TEXT,
    Field,
    byte_bounds,
    field_at,
)

_LEAST_BYTES, _GREATEST_BYTES = byte_bounds()
_SESSION = next(field for field in FIELDS if field.name == "DATA")
_RECORD = np.dtype(
    {
        "names": [field.name for field in FIELDS],
        "formats": [f"V{field.width}" for field in FIELDS],
        "offsets": [field.start - 1 for field in FIELDS],
        "itemsize": LINE_BYTES,
    }
)
_EPOCH = dt.date(1970, 1, 1)
_TRAILER_TYPE = b"99"
_NO_DATE = np.iinfo(np.int32).min


@dataclass(frozen=True, order=True)
class _Fault:
    """The first value of a field that may not be there."""

    row: int
    start: int
    field: Field = dataclass_field(compare=False)


def split_sessions(lines: np.ndarray) -> list[np.ndarray]:
    """Split a matrix of lines where the session changes; what is no date counts as one too."""
    dates = np.ascontiguousarray(lines[:, _SESSION.start - 1 : _SESSION.end]).view(np.uint64)[:, 0]
    return np.split(lines, np.flatnonzero(dates[1:] != dates[:-1]) + 1)


def parse_block(
    block: np.ndarray, line: int, earliest: dt.date, latest: dt.date
) -> tuple[dt.date, pa.RecordBatch]:
    """Parse consecutive detail lines of one session.

    Args:
        block: Bytes, one line of 247 a row, at least one row; the same session in all.
        line: The number of the first of these lines in the file, for messages.
        earliest: The first session that may come: the one of the record before.
        latest: The last session that may come.

    Returns:
        The session and its records in the file's order, in the columns of `SCHEMA`.

    Raises:
        BadDataError: A record is bad; the first such record is named by line and field.
    """
    _check_bytes(block, line, earliest, latest)
    trading_date = _check_session(block, line, earliest, latest)
    faults: list[_Fault] = []
    columns = [_column(block, field, faults) for field in FIELDS]
    if faults:
        first = min(faults)
        raise field_error(block[first.row], line + first.row, first.field, first.field.expected)
    return trading_date, pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _check_bytes(block: np.ndarray, line: int, earliest: dt.date, latest: dt.date) -> None:
    """Check that each byte of each line is one that the layout allows at its position.

    Only the least and greatest byte at each position over the whole block are looked at;
    which line is at fault is worked out when one is.
    """
    has_fault = (block.min(axis=0) < _LEAST_BYTES) | (block.max(axis=0) > _GREATEST_BYTES)
    if not has_fault.any():
        return
    faults = (block < _LEAST_BYTES) | (block > _GREATEST_BYTES)
    row = int(faults.any(axis=1).argmax())
    if row:  # a line before this one may hold an impossible date: that one is named first
        parse_block(block[:row], line, earliest, latest)
    if faults[row, RECORD_BYTES:].any():
        raise BadDataError(
            f"line {line + row}: expected {RECORD_BYTES} bytes and the end of line of the lines "
            f"before, found {_describe_line(block[row:].tobytes())}."
        )
    if block[row, : RECORD_TYPE.end].tobytes() == _TRAILER_TYPE:
        raise BadDataError(
            f"End of the file, after the trailer in line {line + row}: expected nothing more, "
            f"found other lines or bytes. Mend the end of the file, or fetch it again."
        )
    field = field_at(int(faults[row].argmax()) + 1)
    expected = "digits only" if field in FIELDS else "a record of type 01"
    raise field_error(block[row], line + row, field, expected)


def _describe_line(text: bytes) -> str:
    """Say how long the first line of a text is, and with what it ends."""
    if text[RECORD_BYTES:LINE_BYTES] == b"\r\r":  # one of the line, one that LF was given
        return f"{RECORD_BYTES} bytes and CRLF"
    line, end, _ = text[: LINE_BYTES + 1].partition(b"\n")
    length = len(line.removesuffix(b"\r"))
    if not end or length > RECORD_BYTES:
        return f"more than {RECORD_BYTES} bytes"
    return f"{length} bytes" if length < RECORD_BYTES else f"{length} bytes and LF"


def _check_session(block: np.ndarray, line: int, earliest: dt.date, latest: dt.date) -> dt.date:
    """Return the session of a block if it may come here."""
    day = int(_days(block[:1], _SESSION)[0])
    if not (earliest - _EPOCH).days <= day <= (latest - _EPOCH).days:
        expected = f"a date as YYYYMMDD from {earliest} to {latest}, sessions in order"
        raise field_error(block[0], line, _SESSION, expected)
    return _EPOCH + dt.timedelta(day)


def field_error(record: np.ndarray, line: int, field: Field, expected: str) -> BadDataError:
    """Return the error that names a value by line and field.

    Args:
        record: The bytes of the line.
        line: Its number in the file.
        field: The field.
        expected: What has to be there, in words.
    """
    found = record[field.start - 1 : field.end].tobytes().decode("latin-1")
    return BadDataError(
        f"line {line}, field {field.name} (positions {field.start}-{field.end}): "
        f"expected {expected}, found {found!r}."
    )


def _days(block: np.ndarray, field: Field) -> np.ndarray:
    """Read dates as days since 1970-01-01; what is none, or too early, becomes `_NO_DATE`."""
    coded = _cut(block, field).dictionary_encode()
    days = np.array([_day(text) for text in coded.dictionary.to_pylist()], np.int32)
    result: np.ndarray = days[coded.indices.to_numpy()]
    return result


def _day(text: bytes) -> int:
    try:
        date = dt.date.fromisoformat(text.decode())
    except ValueError:
        return _NO_DATE
    return (date - _EPOCH).days if date >= EARLIEST_DATE else _NO_DATE


def _column(block: np.ndarray, field: Field, faults: list[_Fault]) -> pa.Array:
    """Read one field, and note the first of its values that may not be there."""

    def note(is_bad: np.ndarray) -> None:
        if is_bad.any():
            faults.append(_Fault(int(is_bad.argmax()), field.start, field))

    if field.type == DATE:
        days = _days(block, field)
        note(days == _NO_DATE)
        return pa.array(days).view(DATE)
    if field.type == TEXT:
        return _decode(_cut(block, field))
    if field.type == LABEL:
        coded = _cut(block, field).dictionary_encode()
        if field.form:
            is_of_form = [bool(field.form.fullmatch(each)) for each in coded.dictionary.to_pylist()]
            note(~np.array(is_of_form)[coded.indices.to_numpy()])
        return pa.DictionaryArray.from_arrays(coded.indices, _decode(coded.dictionary))
    numbers = read_numbers(block, field.start - 1, field.end)
    if field.bounds:
        least, most = field.bounds
        note((numbers < least) | (numbers > most))
    return pa.Array.from_buffers(field.type, len(block), [None, pa.py_buffer(numbers)])


def _decode(values: pa.Array) -> pa.Array:
    """Decode latin-1 and cut trailing blanks off, in Arrow where all of it is ASCII."""
    if np.frombuffer(values.buffers()[1], np.uint8).max() < 128:
        return pc.ascii_rtrim(values.cast(pa.string()), " ")
    return pa.array(value.decode("latin-1").rstrip(" ") for value in values.to_pylist())


def _cut(block: np.ndarray, field: Field) -> pa.Array:
    """Return the bytes of one field as values of fixed width."""
    data = block.view(_RECORD)[:, 0][field.name].copy()
    return pa.Array.from_buffers(pa.binary(field.width), len(block), [None, pa.py_buffer(data)])
