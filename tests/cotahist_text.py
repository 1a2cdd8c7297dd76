"""Writes and reads COTAHIST text the slow way, a character at a time, apart from the code tested.

The positions are typed from B3's layout once more, on purpose: 1-based, inclusive, with the
number of decimals for a number, `date`, `code` (digits kept as text) or `text`.
"""

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

LAYOUT: dict[str, tuple[int, int, int | str]] = {
    "data": (3, 10, "date"),
    "codbdi": (11, 12, "text"),
    "codneg": (13, 24, "text"),
    "tpmerc": (25, 27, "code"),
    "nomres": (28, 39, "text"),
    "especi": (40, 49, "text"),
    "prazot": (50, 52, "text"),
    "modref": (53, 56, "text"),
    "preabe": (57, 69, 2),
    "premax": (70, 82, 2),
    "premin": (83, 95, 2),
    "premed": (96, 108, 2),
    "preult": (109, 121, 2),
    "preofc": (122, 134, 2),
    "preofv": (135, 147, 2),
    "totneg": (148, 152, 0),
    "quatot": (153, 170, 0),
    "voltot": (171, 188, 2),
    "preexe": (189, 201, 2),
    "indopc": (202, 202, 0),
    "datven": (203, 210, "date"),
    "fatcot": (211, 217, 0),
    "ptoexe": (218, 230, 6),
    "codisi": (231, 242, "text"),
    "dismes": (243, 245, 0),
}
NUMERIC_NAMES = tuple(name for name, (_, _, kind) in LAYOUT.items() if kind != "text")
SESSION = dt.date(2022, 2, 3)
RECORD: dict[str, Any] = {
    "data": SESSION,
    "codbdi": "02",
    "codneg": "PETR4",
    "tpmerc": "010",
    "nomres": "PETROBRAS",
    "especi": "PN      N2",
    "prazot": "",
    "modref": "R$",
    "preabe": Decimal("32.10"),
    "premax": Decimal("33.00"),
    "premin": Decimal("31.99"),
    "premed": Decimal("32.55"),
    "preult": Decimal("32.80"),
    "preofc": Decimal("32.79"),
    "preofv": Decimal("32.80"),
    "totneg": 61_234,
    "quatot": 51_000_200,
    "voltot": Decimal("1660056510.00"),
    "preexe": Decimal("0.00"),
    "indopc": 0,
    "datven": dt.date(9999, 12, 31),
    "fatcot": 1,
    "ptoexe": Decimal("0.000000"),
    "codisi": "BRPETRACNPR6",
    "dismes": 200,
}


def write_line(values: Mapping[str, Any]) -> bytes:
    """Return one detail line, CRLF included."""
    line = "01"
    for name, (first, last, kind) in LAYOUT.items():
        width, value = last - first + 1, values[name]
        if kind == "date":
            line += f"{value.year:04}{value.month:02}{value.day:02}"
        elif isinstance(kind, int):
            line += str(int(value * 10**kind)).rjust(width, "0")
        else:
            line += value.ljust(width)
    return line.encode("latin-1") + b"\r\n"


def read_line(line: bytes) -> dict[str, Any]:
    """Return the values of one detail line."""
    text = line.decode("latin-1")
    values: dict[str, Any] = {}
    for name, (first, last, kind) in LAYOUT.items():
        part = text[first - 1 : last]
        if kind == "date":
            values[name] = dt.date(int(part[:4]), int(part[4:6]), int(part[6:]))
        elif kind == 0:
            values[name] = int(part)
        elif isinstance(kind, int):
            values[name] = Decimal(part[:-kind] + "." + part[-kind:])
        else:
            values[name] = part.rstrip(" ")
    return values


def write_text(
    lines: Iterable[bytes],
    *,
    file_date: dt.date = SESSION,
    count: int | None = None,
    trailer_date: dt.date | None = None,
) -> bytes:
    """Return a whole text; the trailer counts every line unless `count` says otherwise."""
    lines = list(lines)
    ends = [
        f"{kind}COTAHIST.{date.year:04}BOVESPA {date:%Y%m%d}"
        for kind, date in (("00", file_date), ("99", trailer_date or file_date))
    ]
    ends[1] += f"{len(lines) + 2 if count is None else count:011}"
    header, trailer = (end.ljust(245).encode() + b"\r\n" for end in ends)
    return b"".join([header, *lines, trailer])


def zip_text(text: bytes, *, method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    """Return a ZIP of one text."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("COTAHIST.TXT"), text, compress_type=method)
    file.seek(0)
    return file
