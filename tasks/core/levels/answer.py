"""B3's answers about the levels of an index, read into one level a session.

Anatomy of the request::

    https://sistemaswebb3-listados.b3.com.br/indexStatisticsProxy/IndexCall/GetPortfolioDay/<base64>
    <base64> = {"language":"pt-br","index":"IBOV","year":"2025"}

One row of an answer in pt-br, the first of 31 (months left out)::

    {"day":1,"rateValue1":null,"rateValue2":"113.228,31", … "rateValue12":"110.925,60"}

| field | form (pt-br) | meaning |
|---|---|---|
| results | 31 rows | one a day of the month |
| day | number | 1 to 31, in order |
| rateValue1 … rateValue12 | `113.228,31` or null | level at the close of that day in that month |

The answer names neither index nor year. Null is no session, or one to come.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from tasks.core.answers import Strict, encode_request, load_answer, validate_answer
from tasks.core.errors import BadDataError, InvalidInputError, NotPublishedError
from tasks.core.exchange import FIRST_YEAR
from tasks.core.numbers import LANGUAGE, parse_decimal
from tasks.core.texts import show

PATH = "/indexStatisticsProxy/IndexCall/GetPortfolioDay/"
SCALE = 2  # decimals of a level
_DAYS = list(range(1, 32))


@dataclass(frozen=True, order=True)
class IndexLevel:
    """The level of an index on one session.

    Attributes:
        trading_date: The session.
        level: In points, two decimals, exact as published.
    """

    trading_date: dt.date
    level: Decimal


class Row(Strict):
    """One day of the month in each month of the year; every level as B3 writes it."""

    model_config = ConfigDict(alias_generator=to_camel)

    day: int
    rate_value1: str | None
    rate_value2: str | None
    rate_value3: str | None
    rate_value4: str | None
    rate_value5: str | None
    rate_value6: str | None
    rate_value7: str | None
    rate_value8: str | None
    rate_value9: str | None
    rate_value10: str | None
    rate_value11: str | None
    rate_value12: str | None

    def by_month(self) -> dict[int, str]:
        """Return `{month: level}` of the months that have one."""
        texts = {month: getattr(self, f"rate_value{month}") for month in range(1, 13)}
        return {month: text for month, text in texts.items() if text is not None}


class Answer(Strict):
    """One answer, its fields as B3 writes them."""

    results: list[Row]


def check_year(year: int, today: dt.date) -> int:
    """Return `year` if levels can be asked for it.

    Args:
        year: The year.
        today: The day it is in São Paulo.

    Raises:
        InvalidInputError: Before the calendar's start, or to come.
    """
    if not FIRST_YEAR <= year <= today.year:
        raise InvalidInputError(f"Expected a year from {FIRST_YEAR} to {today.year}, found {year}.")
    return year


def request_path(index_code: str, year: int) -> str:
    """Return the path of one year."""
    return encode_request(PATH, {"language": LANGUAGE, "index": index_code, "year": str(year)})


def read_answer(body: bytes, index_code: str) -> Answer:
    """Read one answer.

    Args:
        body: The answer, byte for byte: JSON, or a JSON string that holds it.
        index_code: What was asked for; for messages.

    Raises:
        RetryableError: The body is empty or no JSON, as in B3's bad moments.
        NotPublishedError: B3 publishes no levels for the index.
        BadDataError: JSON of another form than the known one; the message names the fields.
    """
    payload = load_answer(body, index_code)
    if isinstance(payload, dict) and "results" in payload and payload["results"] in (None, []):
        raise NotPublishedError(
            f"B3 publishes no levels of {index_code}. Check the code: B3 lists its indices on "
            f"its site."
        )
    return validate_answer(Answer, payload, index_code)


def parse_levels(answer: Answer, index_code: str, year: int) -> tuple[IndexLevel, ...]:
    """Turn an answer into levels, in the order of their sessions.

    Args:
        answer: The answer.
        index_code: What was asked for; the answer does not repeat it.
        year: What was asked for, likewise.

    Raises:
        NotPublishedError: There is no level in the whole year.
        BadDataError: The days are not 1 to 31, or a level stands on a day that the year does not
            have or is not in the form of the language that was asked for; the message names it.
    """
    days = [row.day for row in answer.results]
    if days != _DAYS:
        raise BadDataError(
            f"{index_code} levels {year}: expected a row for each day from 1 to 31, in order; "
            f"found {show(days)}."
        )
    levels = sorted(
        _read_level(index_code, (year, month, row.day), text)
        for row in answer.results
        for month, text in row.by_month().items()
    )
    if not levels:
        raise NotPublishedError(
            f"B3 publishes no level of {index_code} in {year}. The index may be younger, or the "
            f"code wrong: B3 lists its indices on its site."
        )
    return tuple(levels)


def _read_level(index_code: str, date: tuple[int, int, int], text: str) -> IndexLevel:
    where = "{} {:04}-{:02}-{:02}".format(index_code, *date)
    try:
        day = dt.date(*date)
    except ValueError as error:
        raise BadDataError(
            f"{where}: expected no level on a day that the year does not have, found {show(text)}."
        ) from error
    try:
        return IndexLevel(day, parse_decimal(text, SCALE))
    except BadDataError as error:
        raise BadDataError(
            f"{where}: {error}. B3 was asked for {LANGUAGE}; an answer in another form is "
            f"not stored."
        ) from error


def to_raw_rows(
    index_code: str, levels: Sequence[IndexLevel], extracted_at: dt.datetime
) -> list[dict[str, Any]]:
    """Return the rows of `tasks.core.levels.tables.INDEX_LEVELS`, by session."""
    return [
        {
            "index_code": index_code,
            "trading_date": each.trading_date,
            "level": each.level,
            "extracted_at": extracted_at,
        }
        for each in levels
    ]


def from_raw_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[IndexLevel, ...]:
    """Return the levels that an index's raw rows hold, in order: `to_raw_rows` backwards."""
    return tuple(sorted(IndexLevel(row["trading_date"], row["level"]) for row in rows))


def are_levels(rows: Iterable[Mapping[str, Any]], index_code: str, year: int) -> bool:
    """Return whether raw rows are levels of an index in a year, each with its session."""
    return all(
        row["index_code"] == index_code
        and type(row["trading_date"]) is dt.date
        and row["trading_date"].year == year
        and isinstance(row["level"], Decimal)
        for row in rows
    )
