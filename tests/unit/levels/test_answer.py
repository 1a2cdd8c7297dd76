import base64
import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import flows.command
from flows import levels as command
from tasks.core.checks import Check
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    InvalidInputError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.exchange import sessions_between
from tasks.core.levels.answer import (
    PATH,
    IndexLevel,
    are_levels,
    check_year,
    from_raw_rows,
    parse_levels,
    read_answer,
    request_path,
    to_raw_rows,
)
from tasks.core.levels.checks import check_levels
from tasks.core.levels.tables import INDEX_LEVELS
from tests.conftest import ROOT
from tests.portfolios import EXTRACTED_AT

SAMPLE = ROOT / ".." / "shared" / "b3" / "samples" / "IndexStatistics_IBOV_2022_en-us.json"
TODAY = dt.date(2025, 8, 4)
LEVELS = (
    IndexLevel(dt.date(2025, 7, 31), Decimal("133071.05")),
    IndexLevel(dt.date(2025, 8, 1), Decimal("132437.39")),
    IndexLevel(dt.date(2025, 8, 4), Decimal("132971.20")),
)
TEXTS = {(31, 7): "133.071,05", (1, 8): "132.437,39", (4, 8): "132.971,20"}


def answer(texts: dict[tuple[int, int], Any], days: int = 31) -> dict[str, Any]:
    """An answer with these levels by day and month."""
    rows = [
        {"day": day, **{f"rateValue{month}": texts.get((day, month)) for month in range(1, 13)}}
        for day in range(1, days + 1)
    ]
    return {"min": {"day": 0}, "max": {"day": 0}, "results": rows}


def parse(payload: Any) -> tuple[IndexLevel, ...]:
    return parse_levels(read_answer(json.dumps(payload).encode(), "IBOV"), "IBOV", 2025)


def failed(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.found for check in checks if not check.has_passed}


def test_a_request_is_base64_of_index_year_and_the_portfolios_language() -> None:
    argument = request_path("IBOV", 2025).removeprefix(PATH)
    asked = {"language": "pt-br", "index": "IBOV", "year": "2025"}
    assert json.loads(base64.b64decode(argument, validate=True)) == asked


@pytest.mark.parametrize("payload", [answer(TEXTS), json.dumps(answer(TEXTS))], ids=["", "string"])
def test_levels_are_exact_and_in_the_order_of_their_sessions(payload: Any) -> None:
    assert parse(payload) == LEVELS
    assert failed(check_levels(LEVELS, LEVELS, TODAY)) == {}


def test_checks_that_pass_say_what_was_counted() -> None:
    number = len(LEVELS)
    assert {c.name: c.found for c in check_levels(LEVELS, LEVELS[:1], TODAY)} == {
        "levels_are_of_sessions": f"{number} of {number} levels on sessions",
        "no_session_is_left_out": f"{number} sessions, none left out",
        "no_level_of_a_day_to_come": f"{number} levels, the last of {LEVELS[-1].trading_date}",
        "levels_are_positive": f"{number} of {number} levels above zero",
        "no_stored_level_is_lost": "1 of 1 session of raw",
    }


@pytest.mark.skipif(not SAMPLE.exists(), reason=f"no recorded answer of B3 in {SAMPLE}")
def test_a_recorded_year_reads_whole_and_passes_every_check() -> None:
    body = SAMPLE.read_bytes()
    with pytest.raises(BadDataError, match="IBOV 2022-02-01: expected a pt-br number"):
        parse_levels(read_answer(body, "IBOV"), "IBOV", 2022)
    levels = parse_levels(read_answer(in_portuguese(body), "IBOV"), "IBOV", 2022)
    assert len(levels) == 250
    assert levels[0] == IndexLevel(dt.date(2022, 1, 3), Decimal("103921.59"))
    assert levels[-1] == IndexLevel(dt.date(2022, 12, 29), Decimal("109734.60"))
    assert failed(check_levels(levels, levels, dt.date(2022, 12, 29))) == {}


def in_portuguese(body: bytes) -> bytes:
    """The same answer as B3 writes it in Portuguese."""
    marks = bytes.maketrans(b",.", b".,")
    return re.sub(rb'"\d[\d.,]*"', lambda level: level[0].translate(marks), body)


@pytest.mark.parametrize(
    "text",
    ["132,437.39", "132437,39", "132.437,3", "132.437,390", "132.437", "", " 132.437,39", "n/d"],
)
def test_a_level_of_another_form_is_refused_by_its_day(text: str) -> None:
    with pytest.raises(BadDataError, match="IBOV 2025-08-01: expected a pt-br number"):
        parse(answer(TEXTS | {(1, 8): text}))


def test_a_level_that_is_longer_than_its_column_is_refused_by_its_day() -> None:
    with pytest.raises(BadDataError, match="IBOV 2025-08-01: expected a number of at most 15"):
        parse(answer(TEXTS | {(1, 8): "1.000.000.000.000.000,00"}))


@pytest.mark.parametrize("month", [2, 8])
def test_a_text_of_any_length_is_refused_in_few_words(month: int) -> None:
    with pytest.raises(BadDataError, match=f"IBOV 2025-{month:02}-29") as error:
        parse(answer(TEXTS | {(29, month): "\n" * 1_000_000}))
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


def test_a_table_of_any_length_is_refused_in_few_words() -> None:
    with pytest.raises(BadDataError, match="a row for each day from 1 to 31") as error:
        parse(answer({}, 1000))
    assert len(str(error.value)) < 300


def test_a_level_on_a_day_that_the_year_does_not_have_is_refused() -> None:
    with pytest.raises(BadDataError, match="IBOV 2025-02-29: expected no level on a day"):
        parse(answer(TEXTS | {(29, 2): "130.000,00"}))


@pytest.mark.parametrize("days", [1, 30, 32])
def test_a_table_without_a_row_for_each_day_is_refused(days: int) -> None:
    with pytest.raises(BadDataError, match="a row for each day from 1 to 31"):
        parse(answer({(1, 8): "132.437,39"}, days))


def test_rows_in_another_order_are_refused() -> None:
    payload = answer(TEXTS)
    payload["results"].reverse()
    with pytest.raises(BadDataError, match="in order"):
        parse(payload)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", RetryableError),
        (b"<html>", RetryableError),
        (b'{"results": null}', SourceHasNoDataError),
        (b'{"results": []}', SourceHasNoDataError),
        (b'{"results": false}', BadDataError),
        (b'{"results": [], "min": NaN}', BadDataError),
        (b'{"results": [], "results": []}', BadDataError),
        (b"[" * 1000 + b"]" * 1000, BadDataError),
        (b'{"rows": []}', BadDataError),
        (json.dumps(answer({(1, 8): 132437.39})).encode(), BadDataError),
        (b'{"results": [{"day": 1}]}', BadDataError),
    ],
)
def test_what_is_no_answer_is_told_apart(body: bytes, error: type[B3PipelineError]) -> None:
    with pytest.raises(error, match="IBOV"):
        read_answer(body, "IBOV")


def test_a_year_without_any_level_is_one_that_b3_has_no_data_of() -> None:
    with pytest.raises(SourceHasNoDataError, match="no level of IBOV in 2025"):
        parse(answer({}))


@pytest.mark.parametrize(
    ("levels", "name", "found"),
    [
        pytest.param(
            (*LEVELS[:2], IndexLevel(dt.date(2025, 8, 2), Decimal(1)), LEVELS[2]),
            "levels_are_of_sessions",
            "2025-08-02",
            id="saturday",
        ),
        pytest.param((LEVELS[0], LEVELS[2]), "no_session_is_left_out", "2025-08-01", id="left-out"),
        pytest.param(
            (*LEVELS, IndexLevel(dt.date(2025, 8, 5), Decimal(1))),
            "no_level_of_a_day_to_come",
            "2025-08-05",
            id="tomorrow",
        ),
        pytest.param(
            (*LEVELS[:2], IndexLevel(TODAY, Decimal("0.00"))),
            "levels_are_positive",
            "2025-08-04 0.00",
            id="zero",
        ),
        pytest.param(LEVELS[:2], "no_stored_level_is_lost", "2025-08-04", id="last-lost"),
        pytest.param(LEVELS[1:], "no_stored_level_is_lost", "2025-07-31", id="first-lost"),
    ],
)
def test_a_failed_check_names_the_days(
    levels: tuple[IndexLevel, ...], name: str, found: str
) -> None:
    stored = (LEVELS[0], LEVELS[2])
    assert failed(check_levels(levels, stored, TODAY)) == {name: found}


def levels_on(*days: dt.date) -> tuple[IndexLevel, ...]:
    return tuple(IndexLevel(each, Decimal("100.00")) for each in sorted(days))


def year_of(year: int) -> list[dt.date]:
    return sessions_between(dt.date(year, 1, 1), dt.date(year, 12, 31))


def told(levels: tuple[IndexLevel, ...]) -> dict[str, str]:
    """What checks that passed name."""
    checks = check_levels(levels, (), TODAY)
    return {check.name: check.remark for check in checks if check.has_passed and check.remark}


def test_the_levels_of_1999_have_none_on_maundy_thursday() -> None:
    levels = levels_on(*year_of(1999))
    assert dt.date(1999, 4, 1) not in {each.trading_date for each in levels}
    assert failed(check_levels(levels, (), TODAY)) == told(levels) == {}


def test_the_levels_about_a_maundy_thursday_pass_every_check(inputs: Path) -> None:
    body = (inputs / "levels_IBOV_1999.json").read_bytes()
    levels = parse_levels(read_answer(body, "IBOV"), "IBOV", 1999)
    assert [str(each.trading_date) for each in levels] == ["1999-03-31", "1999-04-05"]
    assert failed(check_levels(levels, (), TODAY)) == told(levels) == {}


def test_before_2000_b3_is_believed_about_a_few_days_and_they_are_told() -> None:
    days = set(year_of(1989))
    odd = {dt.date(1989, 2, 6), dt.date(1989, 2, 9), dt.date(1989, 3, 1)}
    sunday = dt.date(1989, 2, 12)
    levels = levels_on(*days - odd | {sunday})
    assert failed(check_levels(levels, (), TODAY)) == {}
    assert told(levels) == {
        "levels_are_of_sessions": "B3 is believed on 1989-02-12",
        "no_session_is_left_out": f"B3 is believed on {', '.join(map(str, sorted(odd & days)))}",
    }


@pytest.mark.parametrize(("count", "is_told"), [(10, True), (11, False)])
def test_an_answer_that_the_calendar_denies_too_often_is_refused(count: int, is_told: bool) -> None:
    days = year_of(1995)
    levels = levels_on(*days[:20], *days[20 + count :])
    assert ("no_session_is_left_out" in told(levels)) is is_told
    assert ("no_session_is_left_out" in failed(check_levels(levels, (), TODAY))) is not is_told


def test_from_2000_on_the_calendar_is_b3s_own() -> None:
    days = year_of(2000)
    levels = levels_on(*days[:20], *days[21:])
    assert failed(check_levels(levels, (), TODAY)) == {"no_session_is_left_out": str(days[20])}


def test_sessions_that_b3_has_still_to_publish_are_not_missed() -> None:
    assert failed(check_levels(LEVELS, LEVELS, dt.date(2025, 8, 29))) == {}


@pytest.mark.parametrize("year", [1985, 2026])
def test_a_year_before_the_data_or_to_come_is_refused(year: int) -> None:
    with pytest.raises(InvalidInputError, match=f"from 1986 to 2025, found {year}"):
        check_year(year, TODAY)


@pytest.mark.parametrize("year", [1986, 2025])
def test_a_year_that_has_levels_is_returned(year: int) -> None:
    assert check_year(year, TODAY) == year


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("2026", "Expected a year from 1986 to 2025, found 2026"),
        ("25", "expected a year YYYY, found '25'"),
        ("2025-08", "expected a year YYYY, found '2025-08'"),
    ],
)
def test_a_year_that_cannot_be_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argument: str, said: str
) -> None:
    monkeypatch.setattr(flows.command, "today_in_sao_paulo", lambda: TODAY)
    with pytest.raises(SystemExit) as ended:
        command.main(["--year", argument])
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_levels_survive_raw_in_any_order() -> None:
    rows = to_raw_rows("IBOV", LEVELS, EXTRACTED_AT)
    assert {row["index_code"] for row in rows} == {"IBOV"}
    assert all(list(row) == list(INDEX_LEVELS.types()) for row in rows)
    assert from_raw_rows(rows) == from_raw_rows(rows[::-1]) == LEVELS


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"index_code": "SMLL"}, False),
        ({"trading_date": None}, False),
        ({"trading_date": dt.datetime(2025, 8, 1, 12)}, False),  # noqa: DTZ001 - as a file has it
        ({"trading_date": dt.date(2024, 8, 1)}, False),
        ({"level": None}, False),
        ({"level": 132437.39}, False),
    ],
)
def test_rows_are_levels_of_their_index_and_year_or_not(
    change: dict[str, Any], expected: bool
) -> None:
    sound = {
        "index_code": "IBOV",
        "trading_date": dt.date(2025, 8, 1),
        "level": Decimal("132437.39"),
    }
    assert are_levels([sound, sound | change], "IBOV", 2025) is expected
