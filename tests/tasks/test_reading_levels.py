import datetime as dt
import hashlib
import json
import logging
from collections.abc import Callable
from decimal import Decimal

import boto3
import pytest
from prefect.context import AssetContext

from infra.local.b3.replay import Replay
from infra.local.b3.sessions import index_level
from tasks import download, site
from tasks.assets import asset_of
from tasks.core.download import Download
from tasks.core.errors import B3PipelineError, BadDataError, RetryableError
from tasks.core.exchange import sessions_between
from tasks.core.levels.answer import (
    Answer,
    IndexLevel,
    from_raw_rows,
    read_answer,
    request_path,
    to_raw_rows,
)
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.objects import list_etags, read_landed
from tasks.reading import read_levels
from tasks.store import put_rows, read_raw
from tasks.turns import Budget
from tests.portfolios import EXTRACTED_AT, FRIDAY
from tests.tasks.conftest import Server

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
LEVELS = (
    IndexLevel(dt.date(2025, 7, 31), Decimal("133071.05")),
    IndexLevel(FRIDAY, Decimal("132437.30")),
)


def stored(year: str) -> dict[str, tuple[IndexLevel, ...]]:
    found = read_raw(BUCKET, INDEX_LEVELS, year, ["IBOV"])
    return {code: from_raw_rows(rows) for code, rows in found.items() if isinstance(rows, list)}


def ask(source: Replay | Server, index_code: str = "IBOV") -> Download[Answer]:
    budget = Budget.of(20.0)
    return download.download_index_levels.fn(source.url, index_code, 2025, BUCKET, budget)


def read(
    answered: Download[Answer], before: tuple[IndexLevel, ...] = ()
) -> tuple[IndexLevel, ...] | B3PipelineError:
    return read_levels.fn({"IBOV": answered}, 2025, {"IBOV": before})["IBOV"]


def test_raw_gives_back_what_was_written_and_nothing_where_there_is_none() -> None:
    assert stored("2025") == {}
    with AssetContext(downstream_assets={asset_of(INDEX_LEVELS)}):
        rows = to_raw_rows("IBOV", LEVELS, EXTRACTED_AT)
        put_rows(BUCKET, INDEX_LEVELS, {("2025", "IBOV"): rows})
    assert stored("2025") == {"IBOV": LEVELS}
    assert stored("2024") == {}
    key = "raw/index_levels/year=2025/IBOV.parquet"
    assert list(list_etags(BUCKET, "")) == [key]
    found = read_raw(BUCKET, INDEX_LEVELS, "2025", ["IBOV"])["IBOV"]
    assert isinstance(found, list)
    row, _ = found
    assert list(row) == list(INDEX_LEVELS.types())
    assert str(row["level"]) == "133071.05"
    assert row["extracted_at"] == EXTRACTED_AT.replace(tzinfo=None)


def test_b3s_year_is_read_and_passes_its_checks(replay: Replay) -> None:
    levels = read(ask(replay))
    assert isinstance(levels, tuple)
    found = {each.trading_date: each.level for each in levels}
    assert found[FRIDAY] == index_level("IBOV", FRIDAY)
    assert {day.year for day in found} == {2025}


def test_levels_that_fail_a_check_are_refused_with_the_reason(replay: Replay) -> None:
    noon = dt.datetime(2025, 8, 1, 15, tzinfo=dt.UTC)
    refused = read(Download(ask(replay).pages, noon))
    assert isinstance(refused, BadDataError)
    assert "no_level_of_a_day_to_come" in str(refused)
    assert "found 2025-08-04" in str(refused)
    assert "Landing keeps the bytes" in str(refused)


def test_a_level_that_raw_holds_may_not_be_lost(replay: Replay) -> None:
    holiday = IndexLevel(dt.date(2025, 1, 1), Decimal("1.00"))
    refused = read(ask(replay), (holiday,))
    assert isinstance(refused, BadDataError)
    assert "no_stored_level_is_lost" in str(refused)


def test_levels_that_are_refused_stop_no_other(replay: Replay) -> None:
    noon = dt.datetime(2025, 8, 1, 15, tzinfo=dt.UTC)
    answers = {
        "IBOV": Download(ask(replay).pages, noon),
        "SMLL": ask(replay, "SMLL"),
    }
    found = read_levels.fn(answers, 2025, {})
    assert {code: type(each) for code, each in found.items()} == {
        "IBOV": BadDataError,
        "SMLL": tuple,
    }


@pytest.mark.parametrize(("status", "body"), [(200, b""), (503, b"busy"), (200, b"<html></html>")])
def test_what_may_pass_by_itself_may_be_asked_again(
    server: Callable[..., Server], status: int, body: bytes
) -> None:
    with pytest.raises(RetryableError):
        ask(server(status, body))
    assert list_etags(BUCKET, "") == {}


def test_an_answer_is_kept_byte_for_byte_by_the_day_it_came_and_what_was_asked(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = dt.datetime(2025, 8, 2, 2, 59, tzinfo=dt.UTC)
    monkeypatch.setattr(site, "_now", lambda: late)
    answered = ask(replay)
    assert answered.received_at == late
    (key,) = list_etags(BUCKET, "")
    body = read_landed(BUCKET, key)
    assert body
    name = f"{hashlib.sha256(body).hexdigest()}.json.gz"
    assert key == f"landing/index_levels/received=2025-08-01/IBOV-2025/{name}"
    assert read_answer(body, "IBOV") == answered.pages[0]
    assert boto3.client("s3").head_object(Bucket=BUCKET, Key=key)["Metadata"] == {
        "request": request_path("IBOV", 2025),
        "page": "1",
        "order": "1",
    }


def test_an_answer_of_an_unknown_form_is_kept_before_it_is_refused(
    server: Callable[..., Server],
) -> None:
    with pytest.raises(BadDataError, match="Landing keeps the bytes"):
        ask(server(200, b'{"other": 1}'))
    (key,) = list_etags(BUCKET, "")
    assert read_landed(BUCKET, key) == b'{"other": 1}'


def test_days_on_which_b3_and_the_calendar_disagree_are_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.reading.get_run_logger", lambda: logging.getLogger("levels"))
    days = sessions_between(dt.date(1989, 2, 1), dt.date(1989, 2, 28))
    texts = {each.day: "100,00" for each in days[:3] + days[4:]}
    none = {f"rateValue{month}": None for month in range(1, 13)}
    rows = [none | {"day": day, "rateValue2": texts.get(day)} for day in range(1, 32)]
    answer = read_answer(json.dumps({"results": rows}).encode(), "IBOV")
    with caplog.at_level(logging.WARNING):
        found = read_levels.fn({"IBOV": Download((answer,), EXTRACTED_AT)}, 1989, {})["IBOV"]
    assert isinstance(found, tuple)
    assert len(found) == len(days) - 1
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("IBOV 1989: expected a level on each session from the first level to")
    assert said.endswith(f"; B3 is believed on {days[3]}")
