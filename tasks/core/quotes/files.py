"""B3's quotes files: the span of sessions that each covers, when it is due, which to ask for.

B3 publishes the same records by day, month and year:

```
https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_D03022022.ZIP   one session, DDMMYYYY
https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_M022022.ZIP     one month, MMYYYY
https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_A2022.ZIP       one year, YYYY
```
"""

import datetime as dt
from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from tasks.core.exchange import (
    QUOTES_DUE_AT,
    latest_due_session,
    next_session,
    sessions_between,
)

SETTLING = dt.timedelta(days=10)
"""How long after its end a file may still lack sessions; B3 adds the last one on the next day."""

_MOST_CLOSED = 10  # the calendar is wrong about three days of 1989, and less often elsewhere
_NAME_FORMATS = {"D": "D%d%m%Y", "M": "M%m%Y", "A": "A%Y"}


@dataclass(frozen=True, order=True)
class QuotesPeriod:
    """A day, a month or a year of quotes. Make one with `day`, `month` or `year`.

    Attributes:
        first_date: First calendar day of the period.
        last_date: Last calendar day of the period, inclusive.
        kind: B3's letter for the file: `D` (day), `M` (month) or `A` (year).
    """

    first_date: dt.date
    last_date: dt.date
    kind: Literal["D", "M", "A"]

    @classmethod
    def day(cls, trading_date: dt.date) -> "QuotesPeriod":
        """Return the period of one session."""
        return cls(trading_date, trading_date, "D")

    @classmethod
    def month(cls, year: int, month: int) -> "QuotesPeriod":
        """Return the period of one calendar month."""
        last_day = monthrange(year, month)[1]
        return cls(dt.date(year, month, 1), dt.date(year, month, last_day), "M")

    @classmethod
    def year(cls, year: int) -> "QuotesPeriod":
        """Return the period of one calendar year."""
        return cls(dt.date(year, 1, 1), dt.date(year, 12, 31), "A")

    @property
    def file_stem(self) -> str:
        """B3's name of the file without its ending, e.g. `COTAHIST_D03022022`."""
        return f"COTAHIST_{self.first_date.strftime(_NAME_FORMATS[self.kind])}"

    @property
    def file_name(self) -> str:
        """B3's name of the file, e.g. `COTAHIST_D03022022.ZIP`."""
        return f"{self.file_stem}.ZIP"

    def is_over_by(self, day: dt.date) -> bool:
        """Tell whether the period has ended so long before `day` that its file is whole."""
        return day >= self.last_date + SETTLING

    def __contains__(self, date: dt.date) -> bool:
        """Tell whether `date` lies in the period."""
        return self.first_date <= date <= self.last_date

    def __str__(self) -> str:
        """Return the period as people write it: `2022-02-03`, `2022-02` or `2022`."""
        length = {"D": 10, "M": 7, "A": 4}[self.kind]
        return self.first_date.isoformat()[:length]


def is_due(period: QuotesPeriod, now: dt.datetime) -> bool:
    """Return whether a period's file should be there: its first session has been published."""
    return _first_session(period) <= latest_due_session(now)


def explain_absence(period: QuotesPeriod, now: dt.datetime) -> str:
    """Say what to make of a file that is not there.

    Args:
        period: What was asked for.
        now: The date and time in São Paulo.
    """
    first = _first_session(period)
    if is_due(period, now):
        return (
            f"By the calendar {first} was a session, so its quotes should be there: B3 keeps the "
            f"files of single days and months for some time only, or its site has changed "
            f"(B3_QUOTES_URL)."
        )
    return (
        f"Quotes of {first} are not published yet: they are due on that day at "
        f"{QUOTES_DUE_AT:%H:%M} in São Paulo, where it is {now:%Y-%m-%d %H:%M}. Run again then."
    )


def plan_files(
    wanted: Iterable[dt.date], held: Collection[dt.date], latest: dt.date
) -> list[QuotesPeriod]:
    """Return the fewest files that bring the wanted sessions that are not held.

    A year's file where the whole year is wanted and several of its months lack something, a month's
    where the whole month is wanted and several of its sessions are lacking, else the days'.

    Args:
        wanted: Sessions.
        held: Sessions that need no file.
        latest: The latest session that there are quotes of: a year is whole up to it.
    """
    wanted = set(wanted)
    missing: dict[int, dict[int, list[dt.date]]] = defaultdict(lambda: defaultdict(list))
    for day in sorted(wanted - set(held)):
        missing[day.year][day.month].append(day)
    files = []
    for year, months in missing.items():
        period = QuotesPeriod.year(year)
        if len(months) > 1 and _is_wanted_whole(period, wanted, latest):
            files.append(period)
            continue
        for month, days in months.items():
            period = QuotesPeriod.month(year, month)
            if len(days) > 1 and _is_wanted_whole(period, wanted, latest):
                files.append(period)
            else:
                files += map(QuotesPeriod.day, days)
    return files


@dataclass(frozen=True)
class LoadedQuotes:
    """One quotes file that raw holds in full.

    Attributes:
        etag: What B3 called these bytes; empty where B3 did not say.
        sha256: Their digest, and their name in landing.
        trading_dates: The sessions in it.
        record_count: The records in it, as its trailer confirms.
        asked_on: The day in São Paulo on which B3 gave it, or said that it had not changed; None
            where that was not noted.
    """

    etag: str
    sha256: str
    trading_dates: tuple[dt.date, ...]
    record_count: int
    asked_on: dt.date | None = None

    def is_final(self, period: QuotesPeriod) -> bool:
        """Return whether the period was over when B3 was asked: it holds what B3 has of it."""
        return self.asked_on is not None and period.is_over_by(self.asked_on)

    def closed_days(self, period: QuotesPeriod, days: Iterable[dt.date]) -> dict[dt.date, str]:
        """Return the days of a year that was over, of which this file of it has no quotes.

        A file that ends early, or lacks many sessions, is not the whole year: nothing is known of
        days before its first session and after its last, nor if more than ten are lacking between.

        Args:
            period: The file's.
            days: Sessions by the calendar.

        Returns:
            `{day: how that is known}`; nothing where the file is no year's.
        """
        if period.kind != "A" or not self.is_final(period) or not self.trading_dates:
            return {}
        span = sessions_between(min(self.trading_dates), max(self.trading_dates))
        lacking = set(span) - set(self.trading_dates)
        if len(lacking) > _MOST_CLOSED:
            return {}
        said = f"a session by the calendar; {period.file_name} of {self.asked_on} holds none"
        return dict.fromkeys(lacking & set(days), said)

    def to_note(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {
            "etag": self.etag,
            "sha256": self.sha256,
            "trading_dates": [date.isoformat() for date in self.trading_dates],
            "record_count": self.record_count,
            "asked_on": self.asked_on.isoformat() if self.asked_on else None,
        }

    @classmethod
    def from_note(cls, note: dict[str, Any]) -> "LoadedQuotes":
        """Read what `to_note` gave."""
        dates = tuple(map(dt.date.fromisoformat, note["trading_dates"]))
        asked_on = note.get("asked_on")
        return cls(
            note["etag"],
            note["sha256"],
            dates,
            note["record_count"],
            dt.date.fromisoformat(asked_on) if asked_on else None,
        )


NOTHING_LOADED = LoadedQuotes(etag="", sha256="", trading_dates=(), record_count=0)


def _first_session(period: QuotesPeriod) -> dt.date:
    return next_session(period.first_date - dt.timedelta(days=1))


def _is_wanted_whole(period: QuotesPeriod, wanted: set[dt.date], latest: dt.date) -> bool:
    end = min(period.last_date, latest)
    return wanted.issuperset(sessions_between(period.first_date, end))
