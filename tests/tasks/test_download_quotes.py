import datetime as dt
import hashlib
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from infra.local.b3.replay import Replay
from tasks import download_quotes as steps
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    RateLimitedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.quotes.files import QuotesPeriod
from tasks.download_quotes import QuotesDownload, download_quotes
from tasks.reading import convert_quotes_file
from tests.tasks.conftest import Server

pytestmark = pytest.mark.usefixtures("no_run_logger")

FRIDAY = dt.date(2025, 8, 1)
DAY = QuotesPeriod.day(FRIDAY)
LATE, EARLY = dt.datetime(2025, 8, 4, 22, 0), dt.datetime(2025, 8, 1, 12, 0)  # noqa: DTZ001

Serve = Callable[..., Server]


def download(
    replay: Replay,
    folder: Path,
    period: QuotesPeriod = DAY,
    known_etag: str = "",
    now: dt.datetime = LATE,
) -> QuotesDownload | None:
    url = f"{replay.url}/InstDados/SerHist"
    return download_quotes.fn(url, period, folder, known_etag, now)


@pytest.mark.parametrize("period", [DAY, QuotesPeriod.month(2025, 7)], ids=str)
def test_a_file_comes_whole_and_is_read(
    replay: Replay, tmp_path: Path, period: QuotesPeriod
) -> None:
    found = download(replay, tmp_path, period)
    assert found
    body = found.path.read_bytes()
    assert (found.size_bytes, found.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    file = convert_quotes_file.fn(found.path, period, tmp_path / "sessions")
    assert [session.trading_date in period for session in file.sessions] == [True] * len(
        file.sessions
    )
    assert len(file.sessions) == (1 if period == DAY else 23)


def test_a_file_that_is_known_is_not_sent_again(replay: Replay, tmp_path: Path) -> None:
    first = download(replay, tmp_path)
    assert first
    assert first.etag
    assert download(replay, tmp_path, known_etag=first.etag) is None
    assert download(replay, tmp_path, known_etag='"another"') == first


def test_only_of_a_file_that_is_known_it_is_said_that_it_is_as_it_was(
    replay: Replay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(steps, "get_run_logger", lambda: logging.getLogger("quotes"))
    with caplog.at_level(logging.INFO, "quotes"):
        first = download(replay, tmp_path)
        assert first
        assert caplog.messages == []
        download(replay, tmp_path, known_etag=first.etag)
    assert caplog.messages == ["COTAHIST_D01082025.ZIP: as it was when it was loaded"]


@pytest.mark.parametrize(
    ("fault", "now", "error", "said"),
    [
        ("http_404", LATE, SourceHasNoDataError, "404 .*was a session, so .* should be there"),
        ("http_404", EARLY, SourceHasNoDataError, "404 .*not published yet: .* at 21:00"),
        ("empty", LATE, RetryableError, "an empty body.*should be there"),
        ("empty", EARLY, SourceHasNoDataError, "an empty body.*not published yet"),
        ("challenge_200", LATE, RetryableError, "a page: Just a moment.*should be there"),
        ("challenge_200", EARLY, SourceHasNoDataError, "a page: Just a moment.*not published yet"),
        ("not_json", LATE, BadDataError, "no ZIP: expected .*PK.* found b'Object reference"),
        ("truncated", LATE, RetryableError, "No complete answer"),
        ("reset", LATE, RetryableError, "No complete answer"),
        ("maintenance", LATE, BlockedError, "503 .*Sistema em manutenção"),
        ("challenge_403", LATE, BlockedError, "403 .*Just a moment"),
    ],
)
def test_what_is_no_file_becomes_the_error_that_says_what_to_do(
    replay: Replay,
    tmp_path: Path,
    fault: str,
    now: dt.datetime,
    error: type[B3PipelineError],
    said: str,
) -> None:
    replay.misbehave(fault)
    with pytest.raises(error, match=said) as raised:
        download(replay, tmp_path, now=now)
    assert type(raised.value) is error


def test_a_file_over_the_limit_is_refused(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(steps.LARGEST_ZIP_BYTES, "D", 5_000)
    with pytest.raises(BadDataError, match="at most 5000 bytes"):
        download(replay, tmp_path)


def test_the_wait_that_b3_asks_for_is_kept(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tasks.http.time", SimpleNamespace(sleep=slept.append))
    replay.misbehave("http_429", retry_after_seconds=7)
    with pytest.raises(RateLimitedError):
        download(replay, tmp_path)
    assert slept == [7]


def test_an_attempt_overwrites_what_the_one_before_left(replay: Replay, tmp_path: Path) -> None:
    (tmp_path / "COTAHIST_D01082025.ZIP").write_bytes(b"x" * 1_000_000)
    found = download(replay, tmp_path)
    assert found
    assert zipfile.is_zipfile(found.path)


def test_a_damaged_file_is_refused_and_nothing_of_it_is_written(
    replay: Replay, tmp_path: Path
) -> None:
    found = download(replay, tmp_path)
    assert found
    body = bytearray(found.path.read_bytes())
    body[len(body) // 2] ^= 1
    found.path.write_bytes(body)
    with pytest.raises(BadDataError, match=r"^COTAHIST_D01082025\.ZIP: .*Landing keeps the file"):
        convert_quotes_file.fn(found.path, DAY, tmp_path / "sessions")
    assert not (tmp_path / "sessions").exists()


def test_the_request_says_who_asks(server: Serve, tmp_path: Path) -> None:
    answered = server(200, b"PK\x03\x04 and more")
    download_quotes.fn(answered.url, DAY, tmp_path, '"known"', LATE)
    (head,) = answered.requests
    assert head.startswith("GET /COTAHIST_D01082025.ZIP ")
    assert "User-Agent: b3-pipeline/" in head
    assert 'If-None-Match: "known"' in head
