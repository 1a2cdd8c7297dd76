import datetime as dt
import hashlib
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from infra.local.b3.replay import Replay
from tasks import download, download_quotes, http, site, turns
from tasks.core.download import Download
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    NotPublishedError,
    RateLimitedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.portfolio.pages import Page, parse_pages, read_page, request_path
from tasks.download import download_portfolio
from tasks.objects import list_etags, read_landed
from tasks.turns import Budget
from tests.conftest import PAUSE_SECONDS
from tests.portfolios import answer as shown_by_b3
from tests.portfolios import to_bytes
from tests.tasks.conftest import Server
from tests.tasks.glue_service import Clock

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
Serve = Callable[..., Server]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Wait for nothing; returns the pauses that were asked for."""
    slept: list[float] = []
    monkeypatch.setattr(http, "time", SimpleNamespace(sleep=slept.append))
    return slept


def fetch(
    source: Replay | Server, index_code: str = "IBOV", budget: Budget | None = None
) -> Download[Page]:
    return download_portfolio.fn(source.url, index_code, BUCKET, budget or Budget.of_all(600.0))


def landed() -> dict[str, bytes]:
    """What landing keeps, byte for byte, by key."""
    found = {key: read_landed(BUCKET, key) for key in list_etags(BUCKET, "")}
    return {key: body for key, body in found.items() if body is not None}


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def said(key: str) -> dict[str, str]:
    return boto3.client("s3").head_object(Bucket=BUCKET, Key=key)["Metadata"]


def test_a_portfolio_that_fits_takes_one_request(replay: Replay) -> None:
    pages = fetch(replay).pages
    assert len(replay.requests) == len(pages) == 1
    assert len(parse_pages(pages, "IBOV").constituents) == 84


def test_an_index_of_222_constituents_comes_whole_in_two_pages(replay: Replay) -> None:
    portfolio = parse_pages(fetch(replay, "ITAG").pages, "ITAG")
    assert len({row.ticker for row in portfolio.constituents}) == 222
    assert [query.page_number for query in replay.requests] == [1, 2]


def test_pages_wait_for_their_turns(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    monkeypatch.setattr(turns, "PAUSE_SECONDS", PAUSE_SECONDS)
    fetch(replay, "ITAG")
    fetch(replay)
    assert clock.slept == [PAUSE_SECONDS, PAUSE_SECONDS]


def test_it_is_known_when_the_answer_had_come(replay: Replay) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    received_at = fetch(replay).received_at
    assert before <= received_at <= dt.datetime.now(dt.UTC)
    assert received_at.microsecond == 0


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("reset", RetryableError, "No complete answer from 127.0.0.1"),
        ("challenge_403", BlockedError, "answered 403 .*Just a moment.*Checking your browser"),
        ("challenge_200", BlockedError, "answered 200 .*Just a moment"),
        ("maintenance", BlockedError, "answered 503 .*Sistema em manutenção.*indisponível"),
        ("http_500", RetryableError, "answered 500 .*Runtime error"),
        ("http_520", RetryableError, "answered 520 .*Error code 520"),
        ("http_404", SourceHasNoDataError, "answered 404 .*B3_INDEX_URL"),
        ("empty", RetryableError, "empty body for IBOV"),
        ("null_results", NotPublishedError, "B3 publishes no portfolio for IBOV"),
        ("oversize", BadDataError, "at most 5000000 bytes"),
        ("truncated", RetryableError, r"Expected \d+ bytes|No complete answer"),
        ("not_json", RetryableError, "Expected JSON from B3 for IBOV"),
        ("bad_length", RetryableError, "as Content-Length from 127.0.0.1|No complete answer"),
        ("redirect", BadDataError, r"answered 302 and sends to elsewhere\.invalid\. B3 does not"),
        ("gzip_bomb", BadDataError, "at most 5000000 bytes"),
        ("nested_page", BlockedError, "answered 200 OK: Erro$"),
        ("escapes", RetryableError, "Erro: .*Tente mais tarde"),
    ],
)
def test_misbehaviour_becomes_the_error_that_says_what_to_do(
    replay: Replay, fault: str, error: type[B3PipelineError], message: str
) -> None:
    replay.misbehave(fault)
    with pytest.raises(error, match=message) as raised:
        fetch(replay)
    assert type(raised.value) is error
    assert len(replay.requests) == 1
    assert str(raised.value).isprintable()


def test_an_answer_that_is_late_may_come_later(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT_SECONDS", 0.2)
    replay.misbehave("timeout")
    with pytest.raises(RetryableError, match=r"No complete answer from 127.* timed out"):
        fetch(replay)


@pytest.mark.parametrize(
    ("attempt", "whole", "error"),
    [
        pytest.param(0.3, 600.0, RetryableError, id="of-the-attempt"),
        pytest.param(120.0, 0.3, BlockedError, id="of-the-run"),
    ],
)
@pytest.mark.parametrize("fault", ["drip", "slow_headers", "endless_continue"])
def test_an_answer_that_does_not_end_meets_the_time_budget(
    fault: str,
    replay: Replay,
    monkeypatch: pytest.MonkeyPatch,
    attempt: float,
    whole: float,
    error: type[B3PipelineError],
) -> None:
    monkeypatch.setattr(download, "ATTEMPT_SECONDS", attempt)
    replay.misbehave(fault, pause_seconds=0.02)
    started = time.monotonic()
    with pytest.raises(error, match="within the time budget") as raised:
        fetch(replay, budget=Budget.of_all(whole))
    assert type(raised.value) is error
    assert time.monotonic() - started < 10
    assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer)]


def test_the_budget_is_one_for_all_pages(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def read(body: bytes, index_code: str) -> Page:
        clock.sleep(60.0)
        return read_page(body, index_code)

    monkeypatch.setattr(turns, "time", clock)
    monkeypatch.setattr(download, "read_page", read)
    fetch(replay, "ITAG")
    monkeypatch.setattr(download, "ATTEMPT_SECONDS", 60.0)
    with pytest.raises(RetryableError, match="within the time budget"):
        fetch(replay, "ITAG")
    assert [query.page_number for query in replay.requests] == [1, 2, 1]


@pytest.mark.parametrize("fault", ["rollover", "repeated_page", "other_total"])
def test_pages_that_do_not_go_together_may_pass(replay: Replay, fault: str) -> None:
    replay.misbehave(fault)
    with pytest.raises(RetryableError, match="etch all pages again"):
        fetch(replay, "ITAG")


def test_json_in_a_json_string_is_read_and_kept_as_it_came(replay: Replay) -> None:
    plain = fetch(replay).pages
    replay.misbehave("json_string")
    assert fetch(replay).pages == plain
    assert len(landed()) == 2
    assert [read_page(body, "IBOV") for body in landed().values()] == [*plain, *plain]


def test_every_page_is_kept_byte_for_byte_by_the_day_it_came_and_what_was_asked(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "_now", lambda: at("2025-08-02T02:59:59+00:00"))
    pages = fetch(replay, "ITAG").pages
    assert len(pages) == 2
    found = landed()
    assert {key.rpartition("/")[0] for key in found} == {
        "landing/portfolio/received=2025-08-01/ITAG"
    }
    for key, body in found.items():
        assert key.endswith(f"/{hashlib.sha256(body).hexdigest()}.json.gz")
        page = read_page(body, "ITAG")
        number = page.page.pageNumber
        assert page == pages[number - 1]
        assert said(key) == {
            "request": request_path("ITAG", number),
            "page": str(number),
            "order": str(number),
        }


def test_a_page_that_comes_after_midnight_in_sao_paulo_is_one_of_the_next_day(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(["2025-08-02T02:59:59+00:00", "2025-08-02T03:00:00+00:00"])
    monkeypatch.setattr(site, "_now", lambda: at(next(times)))
    answered = fetch(replay, "ITAG")
    assert answered.received_at == at("2025-08-02T03:00:00+00:00")
    days = [key.split("/")[2] for key in sorted(landed())]
    assert days == ["received=2025-08-01", "received=2025-08-02"]


def test_a_retry_after_a_lost_answer_gives_the_same_object(replay: Replay) -> None:
    fetch(replay)
    before = list_etags(BUCKET, "")
    metadata = [said(key) for key in before]
    fetch(replay)
    assert list_etags(BUCKET, "") == before
    assert [said(key) for key in before] == metadata


def test_a_page_is_kept_before_it_is_read_and_before_the_next_one_is_asked(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    def read(body: bytes, index_code: str) -> Page:
        seen.append((len(replay.requests), len(landed())))
        return read_page(body, index_code)

    monkeypatch.setattr(download, "read_page", read)
    fetch(replay, "ITAG")
    assert seen == [(1, 1), (2, 2)]


def test_pages_that_came_before_a_failure_are_kept(replay: Replay, pauses: list[float]) -> None:
    replay.misbehave("rollover")
    with pytest.raises(RetryableError):
        fetch(replay, "ITAG")
    assert len(landed()) == 2


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"page": 7}', BadDataError),
        (b"[]", BadDataError),
        (b'{"page": {', RetryableError),
        (b"Object reference not set to an instance of an object.", RetryableError),
        (b'{"results": null}', NotPublishedError),
        (b"\xff\xfe", RetryableError),
    ],
)
def test_whatever_answer_cannot_be_read_is_kept(
    server: Serve, body: bytes, error: type[B3PipelineError]
) -> None:
    with pytest.raises(error) as raised:
        fetch(server(200, body))
    assert list(landed().values()) == [body]
    if error is BadDataError:
        assert "Landing keeps the bytes; raw and refined are untouched" in str(raised.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, b" \r\n"), (200, b"<!doctype html><p>x"), (503, b"busy"), (404, b"{}")],
)
def test_what_is_no_answer_is_not_kept(server: Serve, status: int, body: bytes) -> None:
    with pytest.raises(B3PipelineError):
        fetch(server(status, body))
    assert landed() == {}


def test_b3s_largest_answers_are_under_the_limits() -> None:
    assert http.LARGEST_BODY_BYTES >= 1_000_000
    assert download_quotes.LARGEST_ZIP_BYTES["D"] >= 5_000_000
    assert download_quotes.LARGEST_ZIP_BYTES["M"] >= 50_000_000
    assert download_quotes.LARGEST_ZIP_BYTES["A"] >= 300_000_000


@pytest.mark.parametrize("fault", ["http_429", "http_429_date"])
def test_the_wait_that_b3_asks_for_is_kept(replay: Replay, pauses: list[float], fault: str) -> None:
    replay.misbehave(fault, retry_after_seconds=7)
    with pytest.raises(RateLimitedError, match="429") as raised:
        fetch(replay)
    assert 6 < raised.value.retry_after_seconds <= 8
    assert pauses == [raised.value.retry_after_seconds]


def test_the_wait_that_b3_asks_for_is_kept_by_whoever_asks_it(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    replay.misbehave("http_429", times=1, retry_after_seconds=7)
    with pytest.raises(RateLimitedError):
        fetch(replay)
    fetch(replay, "SMLL")
    assert clock.slept == [7]


def test_the_request_says_who_asks_and_for_what(server: Serve) -> None:
    answered = server(200, to_bytes(shown_by_b3()))
    download_portfolio.fn(f"{answered.url}/", "IBXX", BUCKET, Budget.of(20.0))
    head: dict[str, Any] = dict(
        line.split(": ", 1) for line in answered.requests[0].splitlines()[1:]
    )
    assert head["User-Agent"].startswith("b3-pipeline/0.1.0 (python-requests; Python 3.")
    assert head["Accept"] == "application/json"
    assert answered.requests[0].startswith("GET /indexProxy/indexCall/GetPortfolioDay/ey")


def test_an_address_that_may_hold_a_secret_is_not_shown_with_the_site() -> None:
    budget = Budget.of(1.0)
    shown = repr(site.Site("http://user:secret@b3.invalid", BUCKET, budget, budget))
    assert "secret" not in shown
    assert f"bucket={BUCKET!r}" in shown
