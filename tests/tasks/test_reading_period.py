"""What B3 shows beside the day's portfolio: read and checked, each index by itself."""

import logging
from typing import Any

import pytest

from infra.local.b3.replay import Replay
from tasks import reading_period
from tasks.core.errors import BadDataError
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.period import PeriodDownload
from tasks.core.portfolio.period_tables import RAW_PREVIEW
from tasks.download_period import download_theoretical
from tasks.objects import land_bytes
from tasks.reading_period import read_in_force, read_period
from tasks.turns import Budget
from tests.portfolios import FRIDAY, to_bytes

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
WHAT = "theoretical portfolio"


@pytest.fixture
def downloads(replay: Replay) -> dict[str, PeriodDownload]:
    budget = Budget.of_all(60.0)
    return {
        code: download_theoretical.fn(replay.url, code, FRIDAY, BUCKET, budget)
        for code in ("IBOV", "IDIV")
    }


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the run's log says."""
    caplog.set_level(logging.INFO, "period")
    monkeypatch.setattr(reading_period, "get_run_logger", lambda: logging.getLogger("period"))
    return caplog.messages


def counts(found: dict[str, Any]) -> dict[str, int]:
    return {
        code: len(each.constituents) for code, each in found.items() if isinstance(each, Portfolio)
    }


def test_what_is_sound_is_given_and_told_together(
    downloads: dict[str, PeriodDownload], caplog: pytest.LogCaptureFixture, said: list[str]
) -> None:
    found = read_period.fn(downloads, {}, WHAT, {})
    assert counts(found).keys() == {"IBOV", "IDIV"}
    there = sum(counts(found).values())
    assert caplog.messages == [f"Theoretical portfolio, IBOV IDIV: {there} constituents, sound"]


def test_what_cannot_be_read_stops_no_other(
    downloads: dict[str, PeriodDownload], caplog: pytest.LogCaptureFixture, said: list[str]
) -> None:
    page = downloads["IDIV"].pages[0]
    header = page.header.model_copy(update={"part": "much"})
    bad = PeriodDownload(
        (page.model_copy(update={"header": header}),),
        downloads["IDIV"].received_at,
        trading_date=FRIDAY,
    )
    found = read_period.fn(downloads | {"IDIV": bad}, {}, WHAT, {})
    assert isinstance(found["IDIV"], BadDataError)
    assert "theoretical portfolio of IDIV header part" in str(found["IDIV"])
    assert counts(found) == {"IBOV": 84}
    assert caplog.messages == ["Theoretical portfolio, IBOV: 84 constituents, sound"]


def test_what_is_that_of_another_index_is_refused_and_not_called_sound(
    downloads: dict[str, PeriodDownload],
    caplog: pytest.LogCaptureFixture,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stray = BadDataError("that of another index")
    monkeypatch.setattr(reading_period, "refuse_strays", lambda *_: {"IDIV": stray})
    found = read_period.fn(downloads, {}, WHAT, {})
    assert found["IDIV"] is stray
    assert counts(found) == {"IBOV": 84}
    assert caplog.messages == ["Theoretical portfolio, IBOV: 84 constituents, sound"]


def test_nothing_is_said_where_nothing_is_sound(
    caplog: pytest.LogCaptureFixture, said: list[str]
) -> None:
    assert read_period.fn({}, {}, WHAT, {}) == {}
    assert caplog.messages == []


def test_the_indices_are_known_of_which_b3_said_that_a_preview_is_in_force() -> None:
    def land(code: str, body: bytes) -> str:
        return land_bytes(BUCKET, RAW_PREVIEW.landing_folder(FRIDAY, code), body, "json", {})

    keys = {
        "IBOV": land("IBOV", to_bytes({"preview": [{"has": 1}]})),
        "IDIV": land("IDIV", to_bytes({"preview": [{"has": 0}]})),
        "SMLL": land("SMLL", b"no answer"),
        "GONE": "landing/portfolio_preview/gone.json.gz",
    }
    assert read_in_force(BUCKET, keys) == {"IBOV"}
