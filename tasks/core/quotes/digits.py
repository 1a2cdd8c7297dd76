"""Reads columns of ASCII digits as integers, eight digits at a time.

Eight digits fill one 64-bit word, the first digit in its lowest byte. Three multiplications
turn them into their value, each joining neighbours into numbers of twice the length:

```
digits   1  2  3  4  5  6  7  8     × 10    added to the digit behind it
pairs      12    34    56    78     × 100   added to the pair behind it
fours        1234        5678       × 10000 added to the four behind it
value            12345678
```

Each step is one operation over all rows, which is what makes it several times faster than
converting text value by value.
"""

import numpy as np

_WORD_BYTES = 8
_DIGIT_BITS = 0x0F0F0F0F0F0F0F0F
_STEPS = ((10, 8, 0x00FF00FF00FF00FF), (100, 16, 0x0000FFFF0000FFFF), (10_000, 32, 0xFFFFFFFF))


def read_numbers(rows: np.ndarray, start: int, end: int) -> np.ndarray:
    """Read the number that stands between two positions of each row.

    Args:
        rows: A contiguous matrix of bytes.
        start: Column of the first digit, from 0.
        end: Column behind the last digit: at least 8, and at most 18 behind `start`.

    Returns:
        An int64 a row. What the bytes were is not checked: other bytes than digits give
        meaningless numbers.
    """
    result = np.zeros(len(rows), np.uint64)
    for power, stop in enumerate(range(end, start, -_WORD_BYTES)):
        words = _read_word(rows, stop, min(_WORD_BYTES, stop - start))
        words *= np.uint64(10 ** (power * _WORD_BYTES))
        result += words
    return result.view(np.int64)


def _read_word(rows: np.ndarray, stop: int, digits: int) -> np.ndarray:
    """Read the last `digits` of the eight bytes before column `stop`; the others count as 0."""
    words = np.ndarray(len(rows), "<u8", rows, stop - _WORD_BYTES, (rows.shape[1],)).copy()
    words &= np.uint64(_DIGIT_BITS >> (8 * (8 - digits)) << (8 * (8 - digits)))
    for ten_power, bits, kept in _STEPS:
        words *= np.uint64((ten_power << bits) + 1)
        words >>= np.uint64(bits)
        words &= np.uint64(kept)
    return words
