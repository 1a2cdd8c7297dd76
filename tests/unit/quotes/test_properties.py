"""What holds for any COTAHIST file, and for any damage to one."""

import datetime as dt
import io
import itertools
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
from tasks.core.quotes.record import EARLIEST_DATE
from tasks.core.quotes.session import MOST_QUANTITY
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
ADDED = write_line({**RECORD, "codneg": "ADDED3"})
ZIP = zip_text(write_text(LINES)).read()
UNHURRIED = settings(deadline=None)
LATIN_1 = st.characters(codec="latin-1")
MOST_DRAWN = 20
CONTROLS = [chr(code) for code in (*range(32), *range(127, 160))]
TERMS = st.one_of(
    st.integers(0, 999).map("{:03}".format),
    st.integers(0, 999).map(str),
    st.just(""),
    st.tuples(st.text(LATIN_1, max_size=2), st.sampled_from(CONTROLS)).map("".join),
).map(lambda text: text.rstrip(" "))


def field_values(name: str) -> st.SearchStrategy[Any]:
    first, last, kind = LAYOUT[name]
    width = last - first + 1
    if name == "prazot":
        return TERMS
    if kind == "text":
        return st.text(LATIN_1, max_size=width).map(lambda text: text.rstrip(" "))
    if kind == "code":
        return st.text(st.sampled_from("0123456789"), min_size=width, max_size=width)
    if kind == "date":
        return st.just(SESSION) if name == "data" else st.dates(EARLIEST_DATE)
    if name == "quatot":
        return st.integers(0, MOST_QUANTITY // MOST_DRAWN)
    to_number: Callable[[int], Any] = int
    if isinstance(kind, int) and kind:
        to_number = lambda digits: Decimal(digits).scaleb(-kind)  # noqa: E731
    if name == "fatcot":
        return st.integers(1, 10**6)
    return st.integers(0, 10**width - 1).map(to_number)


RECORDS = st.fixed_dictionaries({name: field_values(name) for name in LAYOUT})


def read_rows(content: bytes) -> list[dict[str, Any]]:
    batches = [batch for _, batch in read_sessions(io.BytesIO(content), DAY)]
    return [row for batch in batches for row in batch.to_pylist()]


@given(
    st.lists(RECORDS, min_size=1, max_size=MOST_DRAWN, unique_by=write_line),
    st.sampled_from([0, 2]),
    st.sampled_from([b"\r\n", b"\n"]),
)
@UNHURRIED
def test_records_written_from_any_values_are_read_back_equal(
    records: list[dict[str, Any]], with_ends: int, line_end: bytes
) -> None:
    lines = [write_line(record)[:-2] for record in records]
    text = write_text(map(write_line, records), count=len(records) + with_ends)
    head, tail = text[:245], text[-247:-2]
    text = b"".join(line + line_end for line in (head, *lines, tail))
    assert read_rows(zip_text(text).read()) == records


@given(st.data())
@UNHURRIED
def test_a_record_that_stands_anywhere_again_is_refused(data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(LINES) - 1))
    place = data.draw(st.integers(0, len(LINES)))
    first, again = min(row, place), max(row + (place <= row), place)
    text = write_text([*LINES[:place], LINES[row], *LINES[place:]])
    with pytest.raises(BadDataError, match=f"line {again + 2}: .* that of line {first + 2} again"):
        read_rows(zip_text(text).read())


@given(st.data())
@UNHURRIED
def test_a_term_with_anything_but_digits_and_blanks_is_refused_where_it_is_readable(
    data: st.DataObject,
) -> None:
    readable = st.characters(codec="latin-1", exclude_characters=CONTROLS)
    term = data.draw(st.text(readable, min_size=3, max_size=3).filter(has_other))
    row = data.draw(st.integers(0, len(LINES) - 1))
    line = LINES[row][:49] + term.encode("latin-1") + LINES[row][52:]
    with pytest.raises(BadDataError, match=f"line {row + 2}, field PRAZOT "):
        read_rows(zip_text(write_text([*LINES[:row], line, *LINES[row + 1 :]])).read())


def has_other(term: str) -> bool:
    return not term.strip(" ").isascii() or not (term.strip(" ") or "0").isdigit()


@given(st.integers(0, len(LINES) - 1), st.dates(max_value=EARLIEST_DATE - dt.timedelta(1)))
@UNHURRIED
def test_an_expiry_before_1900_is_refused(row: int, expiry: dt.date) -> None:
    line = write_line({**RECORD, "codneg": f"ABCD{row}", "datven": expiry})
    with pytest.raises(BadDataError, match=f"line {row + 2}, field DATVEN "):
        read_rows(zip_text(write_text([*LINES[:row], line, *LINES[row + 1 :]])).read())


@given(st.integers(0, len(LINES) - 1), st.one_of(st.just(0), st.integers(10**6 + 1, 10**7 - 1)))
@UNHURRIED
def test_a_factor_that_prices_cannot_be_divided_by_is_refused(row: int, factor: int) -> None:
    line = write_line({**RECORD, "codneg": f"ABCD{row}", "fatcot": factor})
    with pytest.raises(BadDataError, match=f"line {row + 2}, field FATCOT .*found '{factor:07}'"):
        read_rows(zip_text(write_text([*LINES[:row], line, *LINES[row + 1 :]])).read())


@given(st.lists(st.integers(0, MOST_QUANTITY // 3), min_size=1, max_size=8))
@UNHURRIED
def test_quantities_are_refused_where_their_sum_passes_the_limit(quantities: list[int]) -> None:
    numbered = enumerate(quantities)
    lines = [write_line({**RECORD, "codneg": f"A{n}", "quatot": each}) for n, each in numbered]
    sums = list(itertools.accumulate(quantities))
    too_many = [number for number, total in enumerate(sums) if total > MOST_QUANTITY]
    content = zip_text(write_text(lines)).read()
    if not too_many:
        assert [row["quatot"] for row in read_rows(content)] == quantities
        return
    with pytest.raises(BadDataError, match=f"line {too_many[0] + 2}, field QUATOT "):
        read_rows(content)


@given(st.binary(max_size=600), st.sampled_from([b"\r\n", b"\n"]))
@UNHURRIED
def test_anything_at_the_end_but_the_end_of_the_line_is_told_of_the_end(
    after: bytes, line_end: bytes
) -> None:
    text = write_text(LINES).replace(b"\r\n", line_end).removesuffix(line_end)
    content = zip_text(text + after).read()
    if after == line_end:
        assert len(read_rows(content)) == len(LINES)
        return
    with pytest.raises(BadDataError, match="End of the file, after the trailer in line 42"):
        read_rows(content)


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
def test_a_record_dropped_or_added_is_refused_by_the_trailer(row: int, is_added: bool) -> None:
    kept = [LINES[row], ADDED] if is_added else []
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


@given(st.integers(0, len(LINES) - 1), st.integers(28, 49), st.integers(0, 7))
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
