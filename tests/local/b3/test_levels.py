import base64
import datetime as dt
import io
import json
import zipfile
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

import pytest
import requests

from infra.local.b3.levels import levels_of_year
from infra.local.b3.quotes import serve_quotes
from infra.local.b3.replay import Replay, start
from infra.local.b3.sessions import (
    INDEX_SIZES,
    SESSIONS,
    WITHOUT_PORTFOLIO,
    index_level,
    published_portfolio,
)
from tasks.core.exchange import is_session
from tasks.core.quotes.files import QuotesPeriod
from tests.cotahist_text import read_line

CALL = "/indexStatisticsProxy/IndexCall/GetPortfolioDay/"


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with start() as running:
        yield running


def ask(replay: Replay, **fields: object) -> requests.Response:
    asked = {"language": "pt-br", "index": "IBOV", "year": "2025"} | fields
    argument = base64.b64encode(json.dumps(asked).encode()).decode()
    return requests.get(replay.url + CALL + argument, timeout=20)


def closes(day: dt.date) -> dict[str, Decimal]:
    """The cash market's closes in the quotes file of a day, in reais."""
    with zipfile.ZipFile(io.BytesIO(serve_quotes(QuotesPeriod.day(day)).body)) as archive:
        lines = archive.read(archive.namelist()[0]).splitlines()[1:-1]
    records = [read_line(line) for line in lines]
    return {
        str(record["codneg"]): Decimal(str(record["preult"]))
        for record in records
        if record["tpmerc"] == "010"
    }


@pytest.mark.parametrize("day", SESSIONS, ids=str)
def test_the_level_is_what_portfolio_and_quotes_of_the_session_give(day: dt.date) -> None:
    portfolio = published_portfolio("IBOV", day)
    assert portfolio
    prices = closes(day)
    value = sum(row.theoretical_quantity * prices[row.ticker] for row in portfolio.constituents)
    exact = value / portfolio.index_divisor
    assert index_level("IBOV", day) == exact.quantize(Decimal("0.01"), ROUND_DOWN)  # cut


def test_an_answer_has_b3s_form(replay: Replay) -> None:
    answer = ask(replay)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body = answer.json()
    months = [f"rateValue{month}" for month in range(1, 13)]
    assert list(body) == ["min", "max", "results"]
    assert [row["day"] for row in body["results"]] == list(range(1, 32))
    assert all(list(row) == ["day", *months] for row in body["results"])
    august = [row["rateValue8"] for row in body["results"] if row["rateValue8"]]
    assert (min(august), max(august)) == (body["min"]["rateValue8"], body["max"]["rateValue8"])


def test_each_session_of_the_year_has_a_level_and_no_other_day(replay: Replay) -> None:
    found = {
        dt.date(2025, month, row["day"])
        for row in ask(replay).json()["results"]
        for month in range(1, 13)
        if row[f"rateValue{month}"]
    }
    first = dt.date(2025, 1, 1)
    days = (first + dt.timedelta(days=number) for number in range(365))
    assert found == {day for day in days if is_session(day)}


def test_numbers_are_in_the_language_asked_for(replay: Replay) -> None:
    level = f"{index_level('IBOV', dt.date(2025, 8, 1)):,}"
    assert ask(replay, language="en-us").json()["results"][0]["rateValue8"] == level
    swapped = level.translate(str.maketrans(",.", ".,"))
    assert ask(replay).json()["results"][0]["rateValue8"] == swapped


def test_every_index_with_a_portfolio_has_levels(replay: Replay) -> None:
    day = dt.date(2025, 8, 1)
    levels = {code: levels_of_year(code, 2025, day) for code in INDEX_SIZES}
    assert {code for code, found in levels.items() if not found} == WITHOUT_PORTFOLIO
    for code in INDEX_SIZES.keys() - WITHOUT_PORTFOLIO:
        assert levels[code][day] == index_level(code, day)
        written = ask(replay, index=code, language="en-us").json()["results"][0]["rateValue8"]
        assert written == f"{levels[code][day]:,}"
    assert len({found[day] for found in levels.values() if found}) > 30


@pytest.mark.parametrize(
    "fields", [{"index": "XXXX"}, {"index": "AGFS"}, {"year": "2099"}, {"year": "1985"}]
)
def test_no_level_where_there_is_none(replay: Replay, fields: dict[str, str]) -> None:
    rows = ask(replay, **fields).json()["results"]
    assert {value for row in rows for key, value in row.items() if key != "day"} == {None}


@pytest.mark.parametrize("fields", [{"year": 2025}, {"year": "25"}, {"language": "fr-fr"}])
def test_a_request_of_another_form_is_refused(replay: Replay, fields: dict[str, object]) -> None:
    assert ask(replay, **fields).status_code == 400
