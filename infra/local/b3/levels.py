"""B3's index statistics, as the replay serves them: the levels of an index in one year.

Request: `GET /indexStatisticsProxy/IndexCall/GetPortfolioDay/<base64>`, with
`{"language":"pt-br","index":"IBOV","year":"2025"}`. The levels are those of the generated
portfolios, `divisors.level_on`, of every session up to today, whichever session is shown.
"""

import datetime as dt
import functools
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from infra.local.b3.cotahist_files import list_sessions
from infra.local.b3.divisors import level_on
from infra.local.b3.format import Language, write_number
from infra.local.b3.http_answer import Answer, json_answer
from infra.local.b3.sessions import INDEX_SIZES, WITHOUT_PORTFOLIO
from tasks.core.exchange import FIRST_YEAR
from tasks.core.quotes.files import QuotesPeriod

_SAO_PAULO = ZoneInfo("America/Sao_Paulo")
_MONTHS = range(1, 13)
Levels = dict[dt.date, Decimal]


class LevelsQuery(BaseModel):
    """A request for the levels of an index in one year."""

    model_config = ConfigDict(frozen=True, strict=True)
    call: ClassVar[str] = "IndexStatistics"
    target: ClassVar[None] = None
    page_number: ClassVar[int] = 1

    language: Language
    index_code: str = Field(alias="index")
    year: str = Field(pattern=r"^\d{4}$")


def serve_levels(query: LevelsQuery, constituent_count: int | None) -> Answer:
    """Return the levels of a year; rows without any for an index or year that has none.

    Args:
        query: What was asked.
        constituent_count: How many constituents the index has; None where none are published.
    """
    today = dt.datetime.now(_SAO_PAULO).date()
    levels = _levels(query.index_code, constituent_count, int(query.year), today)
    by_day = (
        {day.month: level for day, level in levels.items() if day.day == number}
        for number in range(1, 32)
    )
    return json_answer(
        {
            "min": _row(0, _extremes(min, levels), query.language),
            "max": _row(0, _extremes(max, levels), query.language),
            "results": [_row(n, row, query.language) for n, row in enumerate(by_day, start=1)],
        }
    )


def levels_of_year(index_code: str, year: int, today: dt.date) -> Levels:
    """Return the level of an index of `INDEX_SIZES` on each session of a year up to today."""
    is_published = index_code not in WITHOUT_PORTFOLIO
    return _levels(index_code, INDEX_SIZES.get(index_code) if is_published else None, year, today)


@functools.lru_cache(maxsize=64)  # a year of all indices
def _levels(index_code: str, constituent_count: int | None, year: int, today: dt.date) -> Levels:
    if constituent_count is None or year < FIRST_YEAR or year > today.year:
        return {}
    sessions = [day for day in list_sessions(QuotesPeriod.year(year)) if day <= today]
    return {day: level_on(index_code, constituent_count, day) for day in sessions}


def _extremes(choose: Callable[[Iterable[Decimal]], Decimal], levels: Levels) -> dict[int, Decimal]:
    by_month = {
        month: [level for day, level in levels.items() if day.month == month] for month in _MONTHS
    }
    return {month: choose(found) for month, found in by_month.items() if found}


def _row(day: int, levels: dict[int, Decimal], language: Language) -> dict[str, int | str | None]:
    rates = {
        f"rateValue{month}": write_number(levels[month], language) if month in levels else None
        for month in _MONTHS
    }
    return {"day": day, **rates}
