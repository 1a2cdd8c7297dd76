"""What should be there by now, what of it is not, and what can still be done about it."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from tasks.core.exchange import is_session, latest_due_session, next_session, previous_session

Kind = Literal["portfolio", "quotes", "levels"]
Beside = Literal["theoretical portfolio", "preview"]
"""What B3 shows beside the portfolio of the day."""

PORTFOLIO_DUE_AT = dt.time(9, 0)  # B3 shows a session from about 05:00, the first run is at 08:30
PORTFOLIO_GONE_AT = dt.time(20, 0)  # from when on B3 may show the next session
ANY_INDEX = "any index"
_RUN = "python -m flows.portfolio"
# What can be done about what B3 shows no more, and until when.
_GONE: dict[Beside, tuple[str, str]] = {
    "theoretical portfolio": (
        "a saved file of the period: python -m flows.import_portfolio --period-of {} FILE",
        "if there is one",
    ),
    "preview": ("B3 shows it no more", "nothing brings it back"),
}


@dataclass(frozen=True, order=True)
class Gap:
    """Something that should be there and is not.

    Attributes:
        dataset: Of what.
        trading_date: The session.
        index_code: The index; empty for quotes, which are of all instruments.
        advice: What can be done.
        until: Until when that helps.
    """

    dataset: Kind | Beside
    trading_date: dt.date
    index_code: str
    advice: str
    until: str

    def __str__(self) -> str:
        what = f"{self.index_code} {self.dataset}" if self.index_code else self.dataset
        return f"{what} {self.trading_date}: {self.advice} ({self.until})"


def due_session(dataset: Kind, now: dt.datetime) -> dt.date:
    """Return the latest session that should be there.

    Args:
        dataset: Of what.
        now: The date and time in São Paulo.
    """
    if dataset != "portfolio":
        return latest_due_session(now)
    today = now.date()
    is_due = is_session(today) and now.time() >= PORTFOLIO_DUE_AT
    return today if is_due else previous_session(today)


def find_portfolio_gaps(
    trading_date: dt.date,
    expected: Collection[str],
    published: Collection[str],
    stored: Collection[str],
    now: dt.datetime,
) -> list[Gap]:
    """Return the indices whose portfolio readers should see, and do not.

    Args:
        trading_date: The session.
        expected: The indices that should be there.
        published: Those that readers see.
        stored: Those that raw holds.
        now: The date and time in São Paulo.
    """
    gaps = []
    for code in _missing(expected, published):
        index = "all" if code == ANY_INDEX else code
        gone = (
            f"B3 shows it no more; what landing has: {_RUN} --trading-date {trading_date} --index "
            f"{index}; else a saved file: python -m flows.import_portfolio FILE"
        )
        possible = _advise(trading_date, index, stored, now)
        advice, until = possible or (gone, "if there is either")
        gaps.append(Gap("portfolio", trading_date, code, advice, until))
    return gaps


def find_gaps_beside(
    what: Beside,
    trading_date: dt.date,
    expected: Collection[str],
    published: Collection[str],
    stored: Collection[str],
    now: dt.datetime,
) -> list[Gap]:
    """Return the indices of which readers should see what comes beside the day's, and do not.

    Args:
        what: What it is.
        trading_date: The session.
        expected: Those of which it should be there: a theoretical portfolio that was published
            lately, a preview that B3 says is in force; where the portfolio of the day is there.
        published: Those that readers see.
        stored: Those that raw holds.
        now: The date and time in São Paulo.
    """
    gaps = []
    for code in sorted(set(expected) - set(published)):
        advice, until = _advise(trading_date, code, stored, now) or _GONE[what]
        gaps.append(Gap(what, trading_date, code, advice.format(trading_date), until))
    return gaps


def _advise(
    trading_date: dt.date, index: str, stored: Collection[str], now: dt.datetime
) -> tuple[str, str] | None:
    """Return what can be done while raw holds it or B3 shows it, and until when."""
    if index in stored:
        said = f"raw holds it: {_RUN} --trading-date {trading_date} --index {index}"
        return said, "at any time"
    if _is_shown(trading_date, now):
        until = f"until {trading_date} {PORTFOLIO_GONE_AT:%H:%M} in São Paulo"
        return f"B3 shows it: {_RUN} --index {index}", until
    return None


def find_level_gaps(
    trading_date: dt.date, expected: Collection[str], published: Collection[str]
) -> list[Gap]:
    """Return the indices whose level readers should see, and do not; arguments as above."""
    return [
        Gap(
            "levels",
            trading_date,
            code,
            f"python -m flows.levels --year {trading_date.year} --index "
            f"{'all' if code == ANY_INDEX else code}",
            "at any time: B3 keeps it",
        )
        for code in _missing(expected, published)
    ]


def find_quotes_gap(trading_date: dt.date, published: Collection[dt.date]) -> list[Gap]:
    """Return a session of quotes that readers should see, if they do not."""
    if trading_date in published:
        return []
    advice = f"python -m flows.quotes --trading-date {trading_date}"
    return [Gap("quotes", trading_date, "", advice, "for months: B3 keeps the day's file")]


def tabulate_gaps(gaps: Iterable[Gap]) -> list[dict[str, str]]:
    """Return the gaps as the rows of a table."""
    return [
        {
            "data": gap.dataset,
            "session": str(gap.trading_date),
            "index": gap.index_code,
            "do": gap.advice,
            "until": gap.until,
        }
        for gap in sorted(gaps)
    ]


def _missing(expected: Collection[str], published: Collection[str]) -> list[str]:
    if not expected and not published:
        return [ANY_INDEX]
    return sorted(set(expected) - set(published))


def _is_shown(trading_date: dt.date, now: dt.datetime) -> bool:
    today = now.date()
    if trading_date == today:
        return now.time() < PORTFOLIO_GONE_AT
    # At night and at the weekend B3 shows the next session.
    return trading_date == next_session(today)
