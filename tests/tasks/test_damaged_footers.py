"""A raw object whose footer has one bit flipped: pyarrow must not take the process with it."""

import datetime as dt
import io
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from tasks import inventory_months, month, objects
from tasks.core.dataset import Column
from tasks.core.plan import RawObject
from tasks.core.portfolio.period_tables import RAW_THEORETICAL

ROOT = Path(__file__).parents[2]
COLUMNS = (Column("index_code", "string", "."), Column("trading_date", "date", "."))
TABLE = replace(RAW_THEORETICAL, columns=COLUMNS)


def stored() -> bytes:
    file = io.BytesIO()
    days = pa.array([dt.date(2025, 8, 1)], pa.date32())
    pq.write_table(pa.table({"index_code": ["IBOV"], "trading_date": days}), file)
    return file.getvalue()


def take(metadata: object, footer: bytes) -> bool:
    inventory_months._read_end(metadata, footer)
    return month._fits(metadata, footer, TABLE, "IBOV")


def is_sound(body: bytes) -> bool:
    raw = RawObject("k", "1", len(body))
    with patch.object(objects, "_read_exactly", lambda *_, **__: body):
        return objects.has_footer("b3-lake", raw, take, {}, object())


def flip_each_bit() -> None:
    """Say how many footers that have one bit flipped are sound all the same, and how many not."""
    body = stored()
    assert is_sound(body)
    length = int.from_bytes(body[-8:-4], "little") + 8
    told: Counter[bool] = Counter()
    for at in range((len(body) - length) * 8, len(body) * 8):
        damaged = bytearray(body)
        damaged[at // 8] ^= 1 << at % 8
        told[is_sound(bytes(damaged))] += 1
    sys.stdout.write(f"{told[True]} {told[False]} {length * 8}\n")


def test_a_flipped_bit_of_a_footer_ends_no_process() -> None:
    command = f"from {__name__} import flip_each_bit; flip_each_bit()"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    sound, damaged, flips = map(int, done.stdout.split())
    assert sound + damaged == flips
    assert damaged > flips / 3
