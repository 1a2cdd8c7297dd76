"""What holds for any COTAHIST file, and for any damage to one."""

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import BadDataError
from tasks.core.quotes.archive import read_sessions
from tasks.core.quotes.digits import read_numbers
from tasks.core.quotes.files import QuotesPeriod
from tests.cotahist_text import (
    LAYOUT,
    NUMERIC_NAMES,
    RECORD,
    SESSION,
    write_line,
    write_text,
    zip_text,
)

DAY = QuotesPeriod.day(SESSION)
LINES = [write_line({**RECORD, "codneg": f"ABCD{number}"}) for number in range(40)]
ZIP = zip_text(write_text(LINES)).read()
UNHURRIED = settings(deadline=None)
LATIN_1 = st.characters(codec="latin-1")


def field_values(name: str) -> st.SearchStrategy[Any]:
    first, last, kind = LAYOUT[name]
    width = last - first + 1
    if kind == "text":
        return st.text(LATIN_1, max_size=width).map(lambda text: text.rstrip(" "))
    if kind == "code":
        return st.text(st.sampled_from("0123456789"), min_size=width, max_size=width)
    if kind == "date":
        return st.just(SESSION) if name == "data" else st.dates(max_value=dt.date.max)
    to_number: Callable[[int], Any] = int
    if isinstance(kind, int) and kind:
        to_number = lambda digits: Decimal(digits).scaleb(-kind)  # noqa: E731
    return st.integers(0, 10**width - 1).map(to_number)


RECORDS = st.fixed_dictionaries({name: field_values(name) for name in LAYOUT})


def read_rows(content: bytes) -> list[dict[str, Any]]:
    batches = [batch for _, batch in read_sessions(io.BytesIO(content), DAY)]
    return [row for batch in batches for row in batch.to_pylist()]


@given(st.lists(RECORDS, min_size=1, max_size=20), st.sampled_from([0, 2]))
@UNHURRIED
def test_records_written_from_any_values_are_read_back_equal(
    records: list[dict[str, Any]], with_ends: int
) -> None:
    text = write_text(map(write_line, records), count=len(records) + with_ends)
    assert read_rows(zip_text(text).read()) == records


@given(st.data())
@UNHURRIED
def test_any_byte_but_a_digit_in_a_numeric_field_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NUMERIC_NAMES))
    first, last, _ = LAYOUT[name]
    row = data.draw(st.integers(0, len(LINES) - 1))
    position = data.draw(st.integers(first, last))
    byte = data.draw(st.integers(0, 255).filter(lambda value: not 48 <= value <= 57))
    line = bytearray(LINES[row])
    line[position - 1] = byte
    text = write_text([*LINES[:row], bytes(line), *LINES[row + 1 :]])
    with pytest.raises(BadDataError, match=f"line {row + 2}, field {name.upper()} "):
        read_rows(zip_text(text).read())


@given(st.integers(0, len(LINES) - 1), st.booleans())
@UNHURRIED
def test_a_record_dropped_or_doubled_is_refused_by_the_trailer(row: int, is_doubled: bool) -> None:
    kept = [LINES[row], LINES[row]] if is_doubled else []
    lines = [*LINES[:row], *kept, *LINES[row + 1 :]]
    with pytest.raises(BadDataError, match="missing or doubled"):
        read_rows(zip_text(write_text(lines, count=len(LINES) + 2)).read())


@given(st.integers(0, len(ZIP) * 8 - 1))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing(bit: int) -> None:
    content = bytearray(ZIP)
    content[bit // 8] ^= 1 << bit % 8
    try:
        rows = read_rows(bytes(content))
    except BadDataError:
        return
    assert rows == read_rows(ZIP)


@given(st.integers(0, len(LINES) - 1), st.integers(28, 56), st.integers(0, 7))
@UNHURRIED
def test_a_flipped_bit_that_leaves_a_readable_record_is_refused_by_the_checksum(
    row: int, position: int, bit: int
) -> None:
    content = bytearray(zip_text(write_text(LINES), method=zipfile.ZIP_STORED).read())
    content[content.index(LINES[row]) + position - 1] ^= 1 << bit
    with pytest.raises(BadDataError, match="CRC"):
        read_rows(bytes(content))


@given(st.integers(0, len(ZIP) - 1))
@UNHURRIED
def test_a_zip_cut_short_is_refused(length: int) -> None:
    with pytest.raises(BadDataError):
        read_rows(ZIP[:length])


@given(
    st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=50),
    st.integers(1, 18),
    st.integers(8, 20),
)
@UNHURRIED
def test_numbers_are_read_as_python_reads_them(numbers: list[int], width: int, before: int) -> None:
    texts = [str(number).rjust(18, "0")[-width:] for number in numbers]
    rows = np.array([list(f"{'z' * before}{text}\r\n".encode()) for text in texts], np.uint8)
    found = read_numbers(rows, before, before + width)
    assert found.dtype == np.int64
    assert found.tolist() == [int(text) for text in texts]
