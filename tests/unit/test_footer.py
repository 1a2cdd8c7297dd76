"""What a footer says of its columns, and that whatever is damaged is a `ValueError`."""

import datetime as dt
import io
import random
import struct
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.footer import read_ends, to_date

D1, D2 = dt.date(1986, 1, 2), dt.date(1965, 8, 4)


def footer(*groups: dict[str, Any], schema: pa.Schema, **how: Any) -> bytes:
    file = io.BytesIO()
    with pq.ParquetWriter(file, schema, **how) as writer:
        for each in groups:
            writer.write_table(pa.table(each, schema=schema))
    body = file.getvalue()
    return body[-8 - int.from_bytes(body[-8:-4], "little") : -8]


MANY = pa.schema([pa.field(f"c{each}", pa.string()) for each in range(20)])
SCHEMA = pa.schema([("index_code", pa.string()), ("day", pa.date32()), ("is_it", pa.bool_())])
GROUPS = (
    {"index_code": ["IBOV", "SMLL"], "day": [D1, D2], "is_it": [True, False]},
    {"index_code": ["IDIV"], "day": [None], "is_it": [None]},
)
SOUND = footer(*GROUPS, schema=SCHEMA)


def test_each_row_group_says_its_least_and_greatest() -> None:
    assert read_ends(SOUND, "index_code") == [(b"IBOV", b"SMLL"), (b"IDIV", b"IDIV")]
    first, second = read_ends(SOUND, "day")
    assert first is not None
    assert tuple(map(to_date, first)) == (D2, D1)
    assert second is None


def test_a_file_may_say_nothing_or_have_no_rows() -> None:
    assert read_ends(footer(*GROUPS, schema=SCHEMA, write_statistics=False), "day") == [None] * 2
    assert read_ends(footer(schema=SCHEMA), "day") == []


def test_a_file_may_have_more_columns_than_a_short_list() -> None:
    rows = {f"c{each}": [str(each)] for each in range(20)}
    assert read_ends(footer(rows, schema=MANY), "c17") == [(b"17", b"17")]


def test_a_column_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match=r"^Expected a footer with other, found a damaged one\.$"):
        read_ends(SOUND, "other")


def thrift(*fields: bytes) -> bytes:
    return b"".join(fields) + b"\0"


def row_group(statistics: bytes) -> bytes:
    """A footer with one row group of one column, `day`."""
    data = thrift(b"\x39\x18\x03day", b"\x9c" + statistics)
    return thrift(b"\x49\x1c" + thrift(b"\x19\x1c" + thrift(b"\x3c" + data)))


def test_values_of_whatever_kind_are_passed_over() -> None:
    others = [
        b"\x07\x02" + struct.pack("<d", 1.5),  # field 1 by its full number: a double
        b"\x11",  # 2: true
        b"\x13\x09",  # 3: a byte
        b"\x14\x0a",  # 4: a short
    ]
    ends = [b"\x18\x01b", b"\x18\x01a", b"\x16\x80\x80\x01", b"\x1a\x21\x01\x02"]
    assert read_ends(row_group(thrift(*others, *ends)), "day") == [(b"a", b"b")]


@pytest.mark.parametrize(
    "statistics",
    [
        pytest.param(thrift(b"\x58\x01b"), id="no-least"),
        pytest.param(thrift(b"\x68\x01a"), id="no-greatest"),
        pytest.param(thrift(b"\x55\x02", b"\x18\x01a"), id="a-number"),
        pytest.param(thrift(b"\x1b\x00"), id="a-map"),
        pytest.param(thrift(b"\x58\x7fb"), id="longer-than-the-footer"),
        pytest.param(b"\x1c" * 5000, id="without-end"),
        pytest.param(b"\x19" * 5000, id="lists-without-end"),
    ],
)
def test_what_no_writer_writes_is_damaged(statistics: bytes) -> None:
    with pytest.raises(ValueError, match="found a damaged one"):
        read_ends(row_group(statistics), "day")


def test_whatever_is_damaged_is_read_or_a_value_error() -> None:
    chance, refused = random.Random(1), 0
    for _ in range(2000):
        body = bytearray(SOUND[: chance.choice((len(SOUND), chance.randrange(len(SOUND))))])
        for _ in range(chance.randrange(3)):
            if body:
                body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        try:
            read_ends(bytes(body), "day")
        except ValueError:
            refused += 1
    assert 0 < refused < 2000


@pytest.mark.parametrize("value", [b"", b"\1\2\3", b"\0" * 5, b"\xff\xff\xff\x7f"])
def test_what_is_no_date_is_told(value: bytes) -> None:
    with pytest.raises(ValueError, match="Expected the 4 bytes of a date, found"):
        to_date(value)
