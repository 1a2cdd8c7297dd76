"""What must hold of a session of quotes as a whole, whatever blocks it is read in."""

from itertools import accumulate

import numpy as np
import pyarrow as pa

from tasks.core.errors import BadDataError
from tasks.core.quotes.block import field_error
from tasks.core.quotes.record import FIELDS, LINE_BYTES

MOST_QUANTITY = 10**17
"""The greatest sum of quantities in a session: that of a month still fits into 64 bits.

In 2024 the sum was some 10**10.
"""

MOST_RECORDS = 2**18
"""The most records in a session, which are kept while it is read: 65 MB. In 2026 it had 17,000."""

_BILLION = 10**9
_QUANTITY = next(field for field in FIELDS if field.name == "QUATOT")
# Eight bytes each, which together cover ticker, market and forward term, and some beside them. It
# is enough to tell nearly all records apart; those that it does not are compared as a whole.
_MARK_WORDS = (12, 20, 46)
_MIXERS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class SessionChecks:
    """The checks of one session, block by block."""

    def __init__(self) -> None:
        self._blocks: list[np.ndarray] = []
        self._marks: list[np.ndarray] = []
        self._quantity = 0

    def add(self, block: np.ndarray, batch: pa.RecordBatch, line: int) -> None:
        """Check the next block of the session, together with those before it.

        Args:
            block: Its lines, one of 247 bytes a row.
            batch: The same, parsed.
            line: The number of the first of them in the file, for messages.

        Raises:
            BadDataError: A record stands there twice, the quantities of the session are too
                large to be summed, or there are too many records.
        """
        self._check_quantities(block, batch, line)
        self._blocks.append(block)
        self._marks.append(_mark_records(block))
        count = sum(map(len, self._blocks))
        if count > MOST_RECORDS:
            raise BadDataError(
                f"line {line}: expected at most {MOST_RECORDS:,} records in a session, found more. "
                f"If B3's sessions have grown that much, raise the limit."
            )
        marks = np.sort(np.concatenate(self._marks))
        if (marks[1:] == marks[:-1]).any():  # which is rare
            self._check_records(line + len(block) - count)

    def _check_quantities(self, block: np.ndarray, batch: pa.RecordBatch, line: int) -> None:
        quantities = batch[_QUANTITY.name.lower()].to_numpy()
        # In two parts, as quantities of 18 digits may pass 64 bits together.
        billions, rest = np.divmod(quantities, _BILLION)
        total = self._quantity + int(billions.sum()) * _BILLION + int(rest.sum())
        if total > MOST_QUANTITY:
            sums = accumulate(quantities.tolist(), initial=self._quantity)
            row = next(row for row, each in enumerate(sums) if each > MOST_QUANTITY) - 1
            expected = f"quantities of at most {MOST_QUANTITY:,} together in a session"
            raise field_error(block[row], line + row, _QUANTITY, expected)
        self._quantity = total

    def _check_records(self, first_line: int) -> None:
        """Check that no two records are the same in all bytes.

        Args:
            first_line: The number of the session's first line in the file.
        """
        lines = np.concatenate(self._blocks)
        records = pa.Array.from_buffers(
            pa.binary(LINE_BYTES), len(lines), [None, pa.py_buffer(lines)]
        )
        # Each record's place among the different ones, in the order in which they come first.
        places = records.dictionary_encode().indices.to_numpy()
        repeats = np.flatnonzero(places[1:] <= np.maximum.accumulate(places)[:-1]) + 1
        if len(repeats):
            row = int(repeats[0])
            first = int((places == places[row]).argmax())
            raise BadDataError(
                f"line {first_line + row}: expected each record once, found that of line "
                f"{first_line + first} again, the same in all fields. Fetch the file again."
            )


def _mark_records(block: np.ndarray) -> np.ndarray:
    """Return 64 bits a record: the same for two that are the same, seldom for two that are not."""
    mixed = np.zeros(len(block), np.uint64)
    for start, mixer in zip(_MARK_WORDS, _MIXERS, strict=True):
        mixed ^= np.ndarray(len(block), "<u8", block, start, (LINE_BYTES,))
        mixed *= np.uint64(mixer)
        mixed ^= mixed >> np.uint64(32)
    return mixed
