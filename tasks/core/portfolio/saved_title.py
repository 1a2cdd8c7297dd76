"""The title of a file that people save: which portfolio it is, and of which session.

| portfolio | title | session |
|---|---|---|
| of the day | `IBOV - Carteira do Dia 07/07/25` | as it names it |
| of a period | `IBOV - Carteira Jan. a Abr. 2025` | of that period; who saved the file says which |

A portfolio of a period takes effect on the first Monday of its first month, and no file says from
which session on B3 showed it: any session of the months that the title names is taken, no other.
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.errors import BadDataError
from tasks.core.indices import check_index_code
from tasks.core.numbers import parse_date

_DAY_FORM, _PERIOD_FORM = "IBOV - Carteira do Dia DD/MM/YY", "IBOV - Carteira Jan. a Abr. YYYY"
_OF_DAY = re.compile(r"(\S{1,12}) - Carteira do Dia (\d\d/\d\d/\d\d)", re.ASCII)
_OF_PERIOD = re.compile(r"(\w{1,12}) - Carteira ((\w{3,9})\.? a (\w{3,9})\.? (?:de )?([0-9]{4}))")
_OF_ANY = re.compile(r"\w{1,12} - Carteira\b.{0,40}")
_MONTHS = (
    *("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto"),
    *("setembro", "outubro", "novembro", "dezembro"),
)


@dataclass(frozen=True)
class _Period:
    """What the title of a period's portfolio names."""

    index_code: str
    words: str
    first_month: int
    last_month: int
    year: int

    def __str__(self) -> str:
        months = f"{self.year}-{self.first_month:02} to {self.year}-{self.last_month:02}"
        return f"{self.words!r} ({months})"

    def holds(self, day: dt.date) -> bool:
        return day.year == self.year and self.first_month <= day.month <= self.last_month


def describe_source(period_of: dt.date | None) -> str:
    """Return where a file of the kind that is wanted is to be had."""
    what = "theoretical portfolio" if period_of else "day's portfolio"
    return f"Save the file from the 'Download' link of B3's page of the {what}."


def read_title(cells: Sequence[str], period_of: dt.date | None) -> tuple[str, dt.date]:
    """Return the index and the session of a file.

    Args:
        cells: The values of its first line that has any.
        period_of: The session of a file of a period; None for files of the day.

    Raises:
        BadDataError: It is no title, that of the other kind, or of a period that does not hold the
            session.
        InvalidInputError: It names no index.
    """
    title, *others = cells
    beside = len(list(filter(None, others)))
    if not beside:
        period = _read_period(title)
        if period_of and period:
            return _check_period(period, period_of), period_of
        if period:
            raise BadDataError(
                f"expected {_DAY_FORM!r}, found {title!r}: it is the portfolio of a period. The "
                f"file names months and no session, and the lake keeps a portfolio by the session "
                f"on which B3 showed it. Import it with one in {period}: "
                f"python -m flows.import_portfolio FILE --period-of YYYY-MM-DD"
            )
        if of_day := _OF_DAY.fullmatch(title):
            index_code, day = check_index_code(of_day[1]), parse_date(of_day[2])
            if period_of is None:
                return index_code, day
            raise BadDataError(
                f"expected {_PERIOD_FORM!r}, found {title!r}: it is a portfolio of the day, and "
                f"such files name their session themselves. Import them by themselves, without "
                f"--period-of"
            )
    shown = repr(title) if _OF_ANY.fullmatch(title) else "a file of another kind"
    more = f" and {beside} other value(s) beside it" if beside and shown == repr(title) else ""
    form = _PERIOD_FORM if period_of else _DAY_FORM
    raise BadDataError(f"expected {form!r}, found {shown}{more}. {describe_source(period_of)}")


def _read_period(title: str) -> _Period | None:
    """Return what a title names; None where it names no two months of a year, in their order."""
    match = _OF_PERIOD.fullmatch(title)
    if not match:
        return None
    first, last = _read_month(match[3]), _read_month(match[4])
    if first is None or last is None or first > last:
        return None
    return _Period(match[1], match[2], first, last, int(match[5]))


def _read_month(word: str) -> int | None:
    """Return the number of a month that is written out, or by its first three letters."""
    known = (number for number, name in enumerate(_MONTHS, 1) if word.lower() in (name, name[:3]))
    return next(known, None)


def _check_period(period: _Period, period_of: dt.date) -> str:
    index_code = check_index_code(period.index_code)
    if not period.holds(period_of):
        raise BadDataError(
            f"expected a session in {period}, as the title says, found {period_of}. Give with "
            f"--period-of a session on which B3 showed this portfolio"
        )
    return index_code
