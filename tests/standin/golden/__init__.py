"""Tables that a person can read: raw rows, and the refined ones that they make.

A text file holds blocks of columns under each other; the first row of a block goes on in the first
row of the next one. `null` is null, `''` is empty text, a line that starts with `#` says something.
"""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]
_READERS: dict[str, Any] = {
    "string": lambda text: "" if text == "''" else text,
    "int": int,
    "bigint": int,
    "date": dt.date.fromisoformat,
    "timestamp": dt.datetime.fromisoformat,
}


def read_golden(name: str, types: dict[str, str]) -> Rows:
    """Return the rows of a table.

    Args:
        name: The table's.
        types: `{column: Athena type}`; the file holds these columns, and each once.
    """
    rows: Rows = []
    lines = (Path(__file__).parent / f"{name}.txt").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).strip()
    for block in text.split("\n\n"):
        header, *cells = [[cell.strip() for cell in line.split("|")] for line in block.splitlines()]
        rows = rows or [{} for _ in cells]
        for row, values in zip(rows, cells, strict=True):
            for column, value in zip(header, values, strict=True):
                assert column not in row, f"{name}: {column} twice"
                row[column] = None if value == "null" else _read(value, types[column])
    return [{column: row[column] for column in types} for row in rows]


def _read(text: str, kind: str) -> Any:
    if not kind.startswith("decimal"):
        return _READERS[kind](text)
    scale = int(kind.rstrip(")").rpartition(",")[2])
    assert len(text.partition(".")[2]) == scale, f"{text} is to have {scale} decimals"
    return Decimal(text)
