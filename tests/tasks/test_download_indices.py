import datetime as dt
import hashlib
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws
from prefect import flow

from infra.local.b3.http_answer import Answer
from tasks import download, site
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.indices import Members, list_path
from tasks.download import download_indices
from tasks.objects import list_etags, read_landed
from tasks.turns import Budget
from tests.tasks.conftest import Server, serve

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
Serve = Callable[..., Server]
LATE = dt.datetime(2025, 8, 2, 2, 59, tzinfo=dt.UTC)
ROWS = [
    {"company": "VALE", "spotlight": "ON      NM", "code": "VALE3", "indexes": "IBOV,IBXX"},
    {"company": "PETROBRAS", "spotlight": "PN  EJ  N2", "code": "PETR4", "indexes": "IBOV"},
]
LIST = json.dumps(
    {"page": {"totalRecords": 2}, "header": {"update": "2025-08-01"}, "results": ROWS}
).encode()
MEMBERS = {"IBOV": {"VALE3", "PETR4"}, "IBXX": {"VALE3"}}


def ask(server: Server) -> Members:
    return download_indices.fn(f"{server.url}/", BUCKET, Budget.of_all(20.0))


def landed() -> list[bytes | None]:
    return [read_landed(BUCKET, key) for key in list_etags(BUCKET, "")]


def test_the_list_comes_in_one_request(server: Serve) -> None:
    answered = server(200, LIST)
    assert ask(answered) == MEMBERS
    (request,) = answered.requests
    assert request.startswith(f"GET {list_path()} ")


def test_it_is_kept_byte_for_byte_by_the_day_it_came_among_the_answers_about_portfolios(
    server: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "_now", lambda: LATE)
    ask(server(200, LIST))
    name = f"{hashlib.sha256(LIST).hexdigest()}.json.gz"
    key = f"landing/portfolio/received=2025-08-01/indices/{name}"
    assert list(list_etags(BUCKET, "")) == [key]
    assert read_landed(BUCKET, key) == LIST
    assert boto3.client("s3").head_object(Bucket=BUCKET, Key=key)["Metadata"] == {
        "request": list_path(),
        "page": "1",
        "order": "1",
    }


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        (b'{"results": []}', RetryableError, "found an empty list"),
        (b"Object reference not set", RetryableError, "Expected JSON from B3"),
        (b'{"other": 1}', BadDataError, "Landing keeps the bytes"),
        (LIST.replace(b"IBXX", b"IB-X"), BadDataError, "'IB-X'.* Landing keeps the bytes"),
    ],
)
def test_it_is_kept_before_it_is_refused(
    server: Serve, body: bytes, error: type[B3PipelineError], said: str
) -> None:
    with pytest.raises(error, match=said):
        ask(server(200, body))
    assert landed() == [body]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"", RetryableError),
        (200, b"<html>Just a moment</html>", BlockedError),
        (403, b"", BlockedError),
        (404, b"{}", SourceHasNoDataError),
        (500, b"busy", RetryableError),
        (503, b"<html>Em manutencao</html>", BlockedError),
    ],
)
def test_what_is_no_answer_is_not_kept(
    server: Serve, status: int, body: bytes, error: type[B3PipelineError]
) -> None:
    with pytest.raises(error) as raised:
        ask(server(status, body))
    assert type(raised.value) is error
    assert landed() == []


@pytest.mark.parametrize(
    ("attempt", "whole", "error"),
    [
        pytest.param(0.0, 600.0, RetryableError, id="of-the-attempt"),
        pytest.param(120.0, 0.0, BlockedError, id="of-the-run"),
    ],
)
def test_nothing_is_asked_without_time(
    server: Serve,
    monkeypatch: pytest.MonkeyPatch,
    attempt: float,
    whole: float,
    error: type[B3PipelineError],
) -> None:
    monkeypatch.setattr(download, "ATTEMPT_SECONDS", attempt)
    answered = server(200, LIST)
    with pytest.raises(error, match="time budget") as raised:
        download_indices.fn(answered.url, BUCKET, Budget.of_all(whole))
    assert type(raised.value) is error
    assert answered.requests == []


@flow
def ask_at_once(url: str) -> dict[str, Any]:
    quick = download_indices.with_options(retry_delay_seconds=0, retry_jitter_factor=0)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        return dict(quick(url, BUCKET, Budget.of_all(600.0)))


@pytest.mark.usefixtures("prefect_server")
def test_it_is_asked_for_again_until_the_source_answers() -> None:
    messages = [
        Answer(status, "application/json", body, ()).message()
        for status, body in ((500, b"busy"), (200, b'{"results": []}'), (200, LIST))
    ]
    with serve(*messages) as answered:
        assert ask_at_once(answered.url) == MEMBERS
    assert len(answered.requests) == 3


@pytest.mark.usefixtures("prefect_server")
def test_it_is_asked_for_once_where_everybody_is_turned_away(server: Serve) -> None:
    blocked = server(403)
    with pytest.raises(BlockedError):
        ask_at_once(blocked.url)
    assert len(blocked.requests) == 1
