import datetime as dt
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.b3.replay import Replay
from tasks import download, http
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    RateLimitedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.portfolio.pages import parse_pages, read_page
from tasks.download import Download, download_portfolio
from tests.tasks.conftest import Server

pytestmark = pytest.mark.usefixtures("no_run_logger")

Serve = Callable[..., Server]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Wait for nothing; returns the pauses that were asked for."""
    slept: list[float] = []
    clock = SimpleNamespace(sleep=slept.append, monotonic=time.monotonic)
    monkeypatch.setattr(download, "time", clock)
    monkeypatch.setattr(http, "time", clock)
    monkeypatch.setattr(http, "LARGEST_BODY_BYTES", 200_000)
    return slept


def fetch(replay: Replay, index_code: str = "IBOV") -> Download:
    return download_portfolio.fn(replay.url, index_code)


def test_a_portfolio_that_fits_takes_one_request(replay: Replay) -> None:
    bodies = fetch(replay).bodies
    assert len(replay.requests) == len(bodies) == 1
    assert len(parse_pages([read_page(bodies[0], "IBOV")], "IBOV").constituents) == 84


def test_an_index_of_222_constituents_comes_whole_in_two_pages(
    replay: Replay, pauses: list[float]
) -> None:
    bodies = fetch(replay, "ITAG").bodies
    portfolio = parse_pages([read_page(body, "ITAG") for body in bodies], "ITAG")
    assert len({row.ticker for row in portfolio.constituents}) == 222
    assert [query.page_number for query in replay.requests] == [1, 2]
    assert pauses == [download.PAUSE_SECONDS]


def test_it_is_known_when_the_answer_had_come(replay: Replay) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    received_at = fetch(replay).received_at
    assert before <= received_at <= dt.datetime.now(dt.UTC)
    assert received_at.microsecond == 0


@pytest.mark.parametrize(
    ("received_at", "day"),
    [("2025-08-02T02:59:59+00:00", "2025-08-01"), ("2025-08-02T03:00:00+00:00", "2025-08-02")],
)
def test_the_day_is_the_one_where_the_exchange_is(received_at: str, day: str) -> None:
    download = Download((), dt.datetime.fromisoformat(received_at))
    assert str(download.day_in_sao_paulo) == day


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("reset", RetryableError, "No complete answer from 127.0.0.1"),
        ("challenge_403", RetryableError, "answered 403 .*Just a moment.*Checking your browser"),
        ("challenge_200", RetryableError, "answered 200 .*Just a moment"),
        ("maintenance", RetryableError, "answered 503 .*Sistema em manutenção.*indisponível"),
        ("http_500", RetryableError, "answered 500 .*Runtime error"),
        ("http_520", RetryableError, "answered 520 .*Error code 520"),
        ("http_404", SourceHasNoDataError, "answered 404 .*B3_INDEX_URL"),
        ("empty", RetryableError, "empty body for IBOV"),
        ("null_results", SourceHasNoDataError, "B3 publishes no portfolio for IBOV"),
        ("oversize", BadDataError, "at most 200000 bytes"),
        ("truncated", RetryableError, r"Expected \d+ bytes|No complete answer"),
        ("not_json", RetryableError, "Expected JSON from B3 for IBOV"),
    ],
)
def test_misbehaviour_becomes_the_error_that_says_what_to_do(
    replay: Replay, fault: str, error: type[B3PipelineError], said: str
) -> None:
    replay.misbehave(fault)
    with pytest.raises(error, match=said) as raised:
        fetch(replay)
    assert type(raised.value) is error
    assert len(replay.requests) == 1


def test_an_answer_that_is_late_may_come_later(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT_SECONDS", 0.2)
    replay.misbehave("timeout")
    with pytest.raises(RetryableError, match=r"No complete answer from 127.* timed out"):
        fetch(replay)


def test_an_answer_that_drips_meets_the_time_budget(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TOTAL_BUDGET_SECONDS", 0.3)
    replay.misbehave("drip", pause_seconds=0.02)
    started = time.monotonic()
    with pytest.raises(RetryableError, match="within the time budget"):
        fetch(replay)
    assert time.monotonic() - started < 10


def test_the_budget_is_one_for_all_pages(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TOTAL_BUDGET_SECONDS", 1.0)
    clock = SimpleNamespace(
        sleep=lambda _: replay.misbehave("drip", pause_seconds=0.02), monotonic=time.monotonic
    )
    monkeypatch.setattr(download, "time", clock)
    with pytest.raises(RetryableError, match="within the time budget"):
        fetch(replay, "ITAG")
    assert len(replay.requests) == 2


@pytest.mark.parametrize("fault", ["rollover", "repeated_page", "other_total"])
def test_pages_that_do_not_go_together_may_pass(replay: Replay, fault: str) -> None:
    replay.misbehave(fault)
    with pytest.raises(RetryableError, match="etch all pages again"):
        fetch(replay, "ITAG")


def test_json_in_a_json_string_is_kept_as_it_came(replay: Replay) -> None:
    plain = fetch(replay).bodies[0]
    replay.misbehave("json_string")
    wrapped = fetch(replay).bodies[0]
    assert wrapped != plain
    assert read_page(wrapped, "IBOV") == read_page(plain, "IBOV")


def test_an_answer_of_an_unknown_form_is_returned_so_that_it_can_be_kept(server: Serve) -> None:
    answered = server(200, b'{"page": 7}')
    assert download_portfolio.fn(answered.url, "IBOV").bodies == (b'{"page": 7}',)


@pytest.mark.parametrize("fault", ["http_429", "http_429_date"])
def test_the_wait_that_b3_asks_for_is_kept(replay: Replay, pauses: list[float], fault: str) -> None:
    replay.misbehave(fault, retry_after_seconds=7)
    with pytest.raises(RateLimitedError, match="429") as raised:
        fetch(replay)
    assert 6 < raised.value.retry_after_seconds <= 8
    assert pauses == [raised.value.retry_after_seconds]


def test_the_request_says_who_asks_and_for_what(server: Serve) -> None:
    answered = server(200, b"[]")
    download_portfolio.fn(f"{answered.url}/", "IBXX")
    head: dict[str, Any] = dict(
        line.split(": ", 1) for line in answered.requests[0].splitlines()[1:]
    )
    assert head["User-Agent"].startswith("b3-pipeline/0.1.0 (python-requests; Python 3.")
    assert head["Accept"] == "application/json"
    assert answered.requests[0].startswith("GET /indexProxy/indexCall/GetPortfolioDay/ey")
