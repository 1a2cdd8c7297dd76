"""Where each field of a COTAHIST record lies, and the type it is read as.

Source: B3, `SeriesHistoricas_Layout.pdf`, revision of 2020-10-05. Positions are 1-based and
inclusive, as B3 prints them. A record is 245 bytes of latin-1 and CRLF; this is one, cut in three:

```
012022020302A1AP34      010ADVANCE AUTODRN          R$  0000000006706000000000780000
000000067060000000007743000000000774100000000067060000000000000000220000000000000142
16000000000110081554000000000000009999123100000010000000000000BRA1APBDR001109
```

| B3's type | here | check |
|---|---|---|
| N, a code | the digits as text | digits only |
| N, a count | int64 | digits only; of FATCOT 1 to 1,000,000 |
| N with V (implied decimal point) | decimal of exactly that precision | digits only |
| N, a date YYYYMMDD | date | digits only, a day of the calendar, from 1900 on |
| X | text, trailing blanks cut off | of PRAZOT digits, blanks, or something unreadable |

Of 1987 and 1988 some PRAZOT hold control bytes. They are kept as text, like all that is no number.

Text that repeats over many records (a `LABEL`) is dictionary-encoded.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

RECORD_BYTES = 245
LINE_END = b"\r\n"
LINE_BYTES = RECORD_BYTES + len(LINE_END)
EARLIEST_DATE = dt.date(1900, 1, 1)
"""No date in a record is before it. Engines disagree about days before 1582."""

TEXT = pa.string()
LABEL = pa.dictionary(pa.int32(), pa.string())
COUNT = pa.int64()
DATE = pa.date32()
MONEY = pa.decimal64(13, 2)
VOLUME = pa.decimal64(18, 2)
POINTS = pa.decimal64(13, 6)


@dataclass(frozen=True)
class Field:
    """One field of a record.

    Attributes:
        name: B3's name.
        start: First position, 1-based.
        end: Last position, inclusive.
        kind: B3's kind: `N`, where each byte has to be a digit, or `X`.
        type: The Arrow type it is read as.
        expected: What a value of it has to be, in words, where not any will do.
        bounds: Of a count, the least and the greatest value.
        form: Of a label, what its bytes have to match, trailing blanks included.
    """

    name: str
    start: int
    end: int
    kind: Literal["N", "X"]
    type: pa.DataType
    expected: str = ""
    bounds: tuple[int, int] | None = None
    form: re.Pattern[bytes] | None = None

    @property
    def width(self) -> int:
        """Length in bytes."""
        return self.end - self.start + 1


RECORD_TYPE = Field("TIPREG", 1, 2, "N", LABEL)

_DATE_WORDS = f"a date as YYYYMMDD from {EARLIEST_DATE.year} on"
_TERM = re.compile(rb" *\d* *|.*[\x00-\x1f\x7f-\x9f].*", re.DOTALL)
_FACTORS = (1, 10**6)  # a unit price has eight decimals; of more pieces it would lose some of B3's

FIELDS = (
    Field("DATA", 3, 10, "N", DATE),
    Field("CODBDI", 11, 12, "X", LABEL),
    Field("CODNEG", 13, 24, "X", TEXT),
    Field("TPMERC", 25, 27, "N", LABEL),
    Field("NOMRES", 28, 39, "X", LABEL),
    Field("ESPECI", 40, 49, "X", LABEL),
    Field("PRAZOT", 50, 52, "X", LABEL, "a term in digits, or none", form=_TERM),
    Field("MODREF", 53, 56, "X", LABEL),
    Field("PREABE", 57, 69, "N", MONEY),
    Field("PREMAX", 70, 82, "N", MONEY),
    Field("PREMIN", 83, 95, "N", MONEY),
    Field("PREMED", 96, 108, "N", MONEY),
    Field("PREULT", 109, 121, "N", MONEY),
    Field("PREOFC", 122, 134, "N", MONEY),
    Field("PREOFV", 135, 147, "N", MONEY),
    Field("TOTNEG", 148, 152, "N", COUNT),
    Field("QUATOT", 153, 170, "N", COUNT),
    Field("VOLTOT", 171, 188, "N", VOLUME),
    Field("PREEXE", 189, 201, "N", MONEY),
    Field("INDOPC", 202, 202, "N", COUNT),
    Field("DATVEN", 203, 210, "N", DATE, _DATE_WORDS),
    Field("FATCOT", 211, 217, "N", COUNT, "a factor from 1 to 1,000,000", bounds=_FACTORS),
    Field("PTOEXE", 218, 230, "N", POINTS),
    Field("CODISI", 231, 242, "X", LABEL),
    Field("DISMES", 243, 245, "N", COUNT),
)

SCHEMA = pa.schema([pa.field(field.name.lower(), field.type, nullable=False) for field in FIELDS])


def field_at(position: int) -> Field:
    """Return the field that covers a position, 1-based.

    Raises:
        ValueError: No field covers it.
    """
    for field in (RECORD_TYPE, *FIELDS):
        if field.start <= position <= field.end:
            return field
    raise ValueError(f"No field covers position {position}: a record has {RECORD_BYTES}.")


def byte_bounds() -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest byte allowed at each position of a detail line.

    Returns:
        Two arrays of 247 bytes: `01`, then digits where the layout says N and anything
        where it says X, then CRLF.
    """
    least = np.zeros(LINE_BYTES, np.uint8)
    greatest = np.full(LINE_BYTES, 255, np.uint8)
    for field in FIELDS:
        if field.kind == "N":
            least[field.start - 1 : field.end] = ord("0")
            greatest[field.start - 1 : field.end] = ord("9")
    for bounds in (least, greatest):
        bounds[: RECORD_TYPE.end] = np.frombuffer(b"01", np.uint8)
        bounds[RECORD_BYTES:] = np.frombuffer(LINE_END, np.uint8)
    return least, greatest
