import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable
from email.utils import format_datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    NotConfiguredError,
    RateLimitedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.http import fetch_body
from tasks.turns import Budget
from tests.tasks.conftest import Server, serve

Serve = Callable[..., Server]


def fetch_from(server: Server, seconds: float = 20.0) -> bytes:
    with requests.Session() as session:
        return fetch_body(session, f"{server.url}/page", Budget.of(seconds))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("0", 0, id="at-once"),
        pytest.param(" 12 ", 12, id="blanks"),
        pytest.param("soon", 0, id="a-word"),
        pytest.param("\xb2", 0, id="a-digit-that-is-no-number"),
        pytest.param("", 0, id="empty"),
    ],
)
def test_every_form_of_retry_after_is_read(server: Serve, header: str, seconds: float) -> None:
    with pytest.raises(RateLimitedError) as raised:
        fetch_from(server(429, b"", ("Retry-After", header)))
    assert raised.value.retry_after_seconds == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
@pytest.mark.parametrize(("ahead", "seconds"), [(-60, 0), (100, 100)])
def test_retry_after_may_be_a_date(server: Serve, zone: str, ahead: int, seconds: int) -> None:
    at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead)
    header = format_datetime(at, usegmt=True).replace("GMT", zone)
    with pytest.raises(RateLimitedError) as raised:
        fetch_from(server(429, b"", ("Retry-After", header)))
    assert raised.value.retry_after_seconds == pytest.approx(seconds, abs=20)


def test_a_429_without_a_wait_is_tried_again_soon(server: Serve) -> None:
    with pytest.raises(RateLimitedError) as raised:
        fetch_from(server(429))
    assert raised.value.retry_after_seconds == 0


def test_a_wait_longer_than_a_run_should_take_is_told_and_not_kept(server: Serve) -> None:
    with pytest.raises(BadDataError, match="asks to wait 3600 s: run again after that"):
        fetch_from(server(429, b"", ("Retry-After", "3600")))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, BadDataError),
        (400, BadDataError),
        (401, BadDataError),
        (403, BlockedError),
        (404, SourceHasNoDataError),
        (408, RetryableError),
        (410, SourceHasNoDataError),
        (425, RetryableError),
        (500, RetryableError),
        (502, RetryableError),
        (503, RetryableError),
        (504, RetryableError),
        (522, RetryableError),
    ],
)
def test_a_status_becomes_the_error_that_says_what_to_do(
    server: Serve, status: int, error: type[B3PipelineError]
) -> None:
    with pytest.raises(error, match=f"answered {status} .*'what it said'") as raised:
        fetch_from(server(status, b"what it said"))
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, BlockedError),
        (403, BlockedError),
        (404, SourceHasNoDataError),
        (500, RetryableError),
        (503, BlockedError),
        (520, RetryableError),
    ],
)
def test_a_page_of_somebody_who_turns_everybody_away_is_told_from_the_others(
    server: Serve, status: int, error: type[B3PipelineError]
) -> None:
    page = b"<!doctype html><title>Just a moment</title>"
    with pytest.raises(error, match=f"answered {status} .*: Just a moment") as raised:
        fetch_from(server(status, page))
    assert type(raised.value) is error


def test_a_redirect_is_not_followed(server: Serve) -> None:
    elsewhere = server(200, b"{}")
    with pytest.raises(BadDataError, match="answered 302"):
        fetch_from(server(302, b"", ("Location", elsewhere.url)))
    assert elsewhere.requests == []


def test_a_source_that_is_not_there_may_come_back(server: Serve) -> None:
    gone = Server("http://127.0.0.1:9")
    with pytest.raises(RetryableError, match=r"No complete answer from 127\.0\.0\.1:9: .*refused"):
        fetch_from(gone)


def test_no_request_is_made_when_the_budget_is_used_up(server: Serve) -> None:
    answered = server(200, b"{}")
    with pytest.raises(RetryableError, match="time budget"):
        fetch_from(answered, seconds=0)
    assert answered.requests == []


def test_a_turn_ends_with_its_answer_whatever_that_is(server: Serve) -> None:
    bad, good = server(500, b"busy"), server(200, b"{}")
    for _ in range(3):
        with pytest.raises(RetryableError):
            fetch_from(bad)
    assert fetch_from(good) == b"{}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that only its owner has signed, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + certificate.public_bytes(pem))
    return path


def tls_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with (
        serve(ANSWER, tls=tls_context(certificate)) as server,
        pytest.raises(NotConfiguredError, match=r"cannot be verified.*REQUESTS_CA_BUNDLE"),
    ):
        fetch_from(server)
    assert server.requests == []


def test_an_authority_of_ones_own_can_be_named(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serve(ANSWER, tls=tls_context(certificate)) as server:
        assert fetch_from(server) == b"{}"


@pytest.mark.parametrize(
    "reply", [pytest.param(b"", id="hangs-up"), pytest.param(ANSWER, id="speaks-no-tls")]
)
def test_a_connection_that_cannot_be_secured_may_pass(reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(reply)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(RetryableError, match=r"No (secure connection|complete answer)"):
            fetch_from(Server(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join()
