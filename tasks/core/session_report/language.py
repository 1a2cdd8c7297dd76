"""The two languages of a report: how numbers, dates and times are written, and its texts.

Everything comes out exactly as it is held: a number keeps its decimals, and nothing is rounded.
"""

import datetime as dt
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tasks.core.errors import InvalidInputError

TEXTS: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("texts.toml").read_text(encoding="utf-8")
)
"""`{name: {language: text}}`; a `|` parts the form for one from that for others."""

PORTUGUESE, ENGLISH = "pt-BR", "en"
MINUS = "\N{MINUS SIGN}"
_WEEKDAYS = {
    PORTUGUESE: (
        *("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira"),
        *("sábado", "domingo"),
    ),
    ENGLISH: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    PORTUGUESE: (
        *("janeiro", "fevereiro", "março", "abril", "maio", "junho"),
        *("julho", "agosto", "setembro", "outubro", "novembro", "dezembro"),
    ),
    ENGLISH: (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


@dataclass(frozen=True)
class Language:
    """A language of a report.

    Attributes:
        code: As HTML names it.
        group: What stands between groups of three digits.
        point: What stands before decimals.
    """

    code: str
    group: str
    point: str

    def number(self, value: Decimal | int) -> str:
        """Write a number with the decimals that it has, e.g. `1.234,567`."""
        written = f"{abs(value):,f}" if isinstance(value, Decimal) else f"{abs(value):,}"
        signs = str.maketrans({",": self.group, ".": self.point})
        return (MINUS if value < 0 else "") + written.translate(signs)

    def change(self, value: Decimal | int) -> str:
        """Write a change: a number with its sign, of which zero has none."""
        return ("+" if value > 0 else "") + self.number(value)

    def percent(self, value: Decimal) -> str:
        """Write a number of percent."""
        return f"{self.number(value)}%"

    def date(self, day: dt.date) -> str:
        """Write a date, e.g. `04/08/2025` or `2025-08-04`."""
        return f"{self.short_date(day)}/{day.year:04}" if self.code == PORTUGUESE else str(day)

    def short_date(self, day: dt.date) -> str:
        """Write a date of which the year is known, e.g. `04/08` or `08-04`."""
        day_first = f"{day.day:02}/{day.month:02}"
        return day_first if self.code == PORTUGUESE else f"{day.month:02}-{day.day:02}"

    def long_date(self, day: dt.date) -> str:
        """Write a date with its weekday, e.g. `segunda-feira, 04/08/2025`."""
        return f"{_WEEKDAYS[self.code][day.weekday()]}, {self.date(day)}"

    def month(self, month: str) -> str:
        """Write a month `YYYY-MM`, e.g. `agosto de 2025` or `August 2025`."""
        year, _, number = month.partition("-")
        name = _MONTHS[self.code][int(number) - 1]
        return f"{name} de {year}" if self.code == PORTUGUESE else f"{name} {year}"

    def time(self, moment: dt.datetime) -> str:
        """Write a time in UTC to the minute, e.g. `04/08/2025 12:30 UTC`."""
        return f"{self.date(moment.date())} {moment.hour:02}:{moment.minute:02} UTC"

    def text(self, name: str, count: Decimal | int | None = None, /, **values: str) -> str:
        """Return a text of `TEXTS` with values in its places.

        Args:
            name: Of the text.
            count: How many, for `{count}` and for whether one is meant.
            values: For the other places, as they are to be read.
        """
        text = TEXTS[name][self.code]
        if count is not None:
            one, _, many = text.partition("|")
            text = one if abs(count) == 1 else many
            values["count"] = self.number(count)
        return text.format(**values)


LANGUAGES = {
    each.code: each for each in (Language(PORTUGUESE, ".", ","), Language(ENGLISH, ",", "."))
}
"""By the code by which a report is asked for."""


def find_language(code: str) -> Language:
    """Return the language of a code.

    Raises:
        InvalidInputError: There is none of it.
    """
    if code not in LANGUAGES:
        known = " or ".join(LANGUAGES)
        raise InvalidInputError(f"expected the language {known} of a report, found {code!r}")
    return LANGUAGES[code]
