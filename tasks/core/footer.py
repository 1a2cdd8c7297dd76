"""What the footer of a Parquet file says of its columns' values, read without trust.

A footer is one struct of Thrift's compact protocol (`FileMetaData` of the Parquet format). pyarrow
ends the process where it meets a damaged one while it is asked for a row group's statistics; here
whatever is damaged is a `ValueError`.
"""

import datetime as dt
import struct
from typing import Any

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DEEPEST = 16  # a footer nests half as deep
_EPOCH = dt.date(1970, 1, 1)
# Fields of the format's structs, by their numbers.
_ROW_GROUPS, _COLUMNS, _META_DATA, _PATH, _STATISTICS, _MAX, _MIN = 4, 1, 3, 3, 12, 5, 6


def read_ends(footer: bytes, column: str) -> list[tuple[bytes, bytes] | None]:
    """Return the least and the greatest value of a column, row group by row group.

    Args:
        footer: The file's footer, without its length and the format's name.
        column: A column that is not nested.

    Returns:
        Of each row group both values as the file has them; None where it does not say them.

    Raises:
        ValueError: The footer is damaged, or a row group has no such column.
    """
    try:
        file = _Reader(footer).read_struct(0)
        return [_ends_of(group[_COLUMNS], column.encode()) for group in file[_ROW_GROUPS]]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"Expected a footer with {column}, found a damaged one.") from error


def _ends_of(chunks: list[Any], column: bytes) -> tuple[bytes, bytes] | None:
    said = {tuple(chunk[_META_DATA][_PATH]): chunk[_META_DATA] for chunk in chunks}
    statistics = said[(column,)].get(_STATISTICS, {})
    ends = statistics.get(_MIN), statistics.get(_MAX)
    if ends == (None, None):
        return None
    if not all(isinstance(end, bytes) for end in ends):
        raise TypeError(ends)
    return ends


def to_date(value: bytes) -> dt.date:
    """Return the date that a value of a date column is.

    Raises:
        ValueError: It is none.
    """
    try:
        return _EPOCH + dt.timedelta(days=struct.unpack("<i", value)[0])
    except (struct.error, OverflowError) as error:
        raise ValueError(f"Expected the 4 bytes of a date, found {value!r}.") from error


class _Reader:
    """Reads values of the compact protocol, one after another."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def read_struct(self, depth: int) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while kind := (head := self._byte()) & 15:
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = kind == _TRUE if kind <= _FALSE else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise LookupError(depth)
        if kind == _STRUCT:
            return self.read_struct(depth + 1)
        if kind in (_LIST, _SET):
            head = self._byte()
            length = self._varint() if head >> 4 == 15 else head >> 4
            return [self._value(head & 15, depth + 1) for _ in range(length)]
        if kind in (_I16, _I32, _I64):
            return self._integer()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind <= _BYTE:
            return self._byte()
        raise LookupError(kind)  # maps: the format has none

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift

    def _byte(self) -> int:
        self.at += 1
        return self.body[self.at - 1]

    def _bytes(self, length: int) -> bytes:
        start, self.at = self.at, self.at + length
        return self.body[start : self.at]  # where it is cut, there is no end of its struct either
