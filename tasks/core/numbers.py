"""How B3 writes numbers and dates, in the two languages that it answers in.

| | pt-br | en-us |
|---|---|---|
| percentage, 3 decimals | `2,663` | `2.663` |
| quantity | `1.243.177.587` | `1,243,177,587` |
| divisor, 8 decimals | `16.036.751,16744128` | `16,036,751.16744128` |
| date | `07/04/25` (day first) | `04/07/25` (month first) |

A number of the other language is refused, never converted: `2.663` is a weight in one and a
quantity in the other.
"""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal

from tasks.core.errors import BadDataError

_CENTURY = 2000  # B3's two-digit years: the day's portfolio exists since the 2000s


@dataclass(frozen=True)
class Language:
    """The forms of one language.

    Attributes:
        code: What B3 calls it in a request.
        decimal_mark: Between the whole and the fraction.
        group_mark: Between groups of three digits.
        number_example: A number in this form, for messages.
        date_example: The form of a date.
    """

    code: str
    decimal_mark: str
    group_mark: str
    number_example: str
    date_example: str

    @property
    def is_day_first(self) -> bool:
        """Whether a date starts with the day."""
        return self.date_example.startswith("DD")


PT_BR = Language("pt-br", ",", ".", number_example="1.234,567", date_example="DD/MM/YY")
EN_US = Language("en-us", ".", ",", number_example="1,234.567", date_example="MM/DD/YY")


def parse_decimal(text: str, scale: int, language: Language) -> Decimal:
    """Read a number with exactly `scale` decimals, its whole part in groups of three digits.

    Raises:
        BadDataError: The text is of another form, as an answer in another language is.
    """
    whole = rf"-?\d{{1,3}}(?:{re.escape(language.group_mark)}\d{{3}})*"
    fraction = rf"{re.escape(language.decimal_mark)}\d{{{scale}}}" if scale else ""
    if not re.fullmatch(whole + fraction, text, re.ASCII):
        raise BadDataError(
            f"expected a {language.code} number like {language.number_example} "
            f"with {scale} decimals, found {text!r}"
        )
    return Decimal(text.replace(language.group_mark, "").replace(language.decimal_mark, "."))


def parse_integer(text: str, language: Language) -> int:
    """Read a whole number in groups of three digits.

    Raises:
        BadDataError: The text is of another form.
    """
    return int(parse_decimal(text, 0, language))


def parse_date(text: str, language: Language) -> dt.date:
    """Read a date with a two-digit year, of this century.

    Raises:
        BadDataError: The text is of another form, or names no day of the calendar.
    """
    match = re.fullmatch(r"(\d\d)/(\d\d)/(\d\d)", text, re.ASCII)
    if match:
        first, second, year = (int(group) for group in match.groups())
        day, month = (first, second) if language.is_day_first else (second, first)
        try:
            return dt.date(_CENTURY + year, month, day)
        except ValueError:
            pass  # told below, with what was expected
    raise BadDataError(f"expected a {language.code} date {language.date_example}, found {text!r}")


def swap_day_and_month(date: dt.date) -> dt.date | None:
    """Return the date that the same digits name in the other language; None if there is none."""
    try:
        return dt.date(date.year, date.day, date.month)
    except ValueError:
        return None
