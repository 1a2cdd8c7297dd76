"""How B3 writes numbers and dates in Portuguese, the language that it is asked for.

| | form |
|---|---|
| percentage, 3 decimals | `2,663` |
| quantity | `1.243.177.587` |
| divisor, 8 decimals | `16.036.751,16744128` |
| date | `07/04/25` (day first) |

A number of another language is refused, never converted: `2.663` is a quantity here, and a weight
in English. So is one of more whole digits than every column keeps.
"""

import datetime as dt
import re
from decimal import Decimal

from tasks.core.errors import BadDataError
from tasks.core.texts import show

LANGUAGE = "pt-br"
"""What B3 calls the language in a request: see docs/adr/0003-request-language.md."""

# Before the comma. B3's longest number, the quantity of a broad index, has 12. The columns keep 16
# and more; and 9,000 quantities of a session still sum within 64 bits, where Spark adds them up.
MOST_DIGITS = 15
_CENTURY = 2000  # B3's two-digit years: the day's portfolio exists since the 2000s


def parse_decimal(text: str, scale: int) -> Decimal:
    """Read a number with exactly `scale` decimals, its whole part in groups of three digits.

    Raises:
        BadDataError: The text is of another form, as an answer in another language is, or has more
            than `MOST_DIGITS` digits in its whole part.
    """
    fraction = rf",\d{{{scale}}}" if scale else ""
    if not re.fullmatch(rf"-?\d{{1,3}}(?:\.\d{{3}})*{fraction}", text, re.ASCII):
        raise BadDataError(
            f"expected a {LANGUAGE} number like 1.234,567 with {scale} decimals, found {show(text)}"
        )
    plain = text.replace(".", "").replace(",", ".")
    if len(plain.partition(".")[0].removeprefix("-")) > MOST_DIGITS:
        raise BadDataError(
            f"expected a number of at most {MOST_DIGITS} whole digits, found {show(text)}"
        )
    return Decimal(plain)


def parse_integer(text: str) -> int:
    """Read a whole number in groups of three digits.

    Raises:
        BadDataError: As `parse_decimal`.
    """
    return int(parse_decimal(text, 0))


def parse_date(text: str) -> dt.date:
    """Read a date with a two-digit year, of this century.

    Raises:
        BadDataError: The text is of another form, or names no day of the calendar.
    """
    match = re.fullmatch(r"(\d\d)/(\d\d)/(\d\d)", text, re.ASCII)
    if match:
        day, month, year = (int(group) for group in match.groups())
        try:
            return dt.date(_CENTURY + year, month, day)
        except ValueError:
            pass  # told below, with what was expected
    raise BadDataError(f"expected a {LANGUAGE} date DD/MM/YY, found {show(text)}")


def swap_day_and_month(date: dt.date) -> dt.date | None:
    """Return the date that the same digits name in English; None if there is none."""
    try:
        return dt.date(date.year, date.day, date.month)
    except ValueError:
        return None
