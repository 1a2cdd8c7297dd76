import contextlib
import datetime as dt
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import format_datetime
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tasks import http, turns
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    NotConfiguredError,
    RateLimitedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.deadline import ends_with, open_session
from tasks.http import fetch_body, fetch_file, read_chunks, waiting_as_asked
from tasks.http_errors import connection_to
from tasks.turns import Budget
from tests.tasks.conftest import Server, serve
from tests.tasks.glue_service import Clock

Serve = Callable[..., Server]


def fetch_from(server: Server, seconds: float = 20.0) -> bytes:
    with open_session() as session:
        return fetch_body(session, f"{server.url}/page", Budget.of(seconds))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("0", 0, id="at-once"),
        pytest.param(" 12 ", 12, id="blanks"),
        pytest.param("soon", 0, id="a-word"),
        pytest.param("\xb2", 0, id="a-digit-that-is-no-number"),
        pytest.param("", 0, id="empty"),
        pytest.param("Fri, 01 Jan 99999999999999999999 00:00:00 GMT", 0, id="a-year-without-end"),
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
    found = raised.value.retry_after_seconds
    assert found == pytest.approx(seconds, abs=20) if seconds else found == 0


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
    there = elsewhere.url.removeprefix("http://")
    with pytest.raises(BadDataError, match=rf"answered 302 and sends to {there}\. .*INDEX_URL"):
        fetch_from(server(302, b"", ("Location", elsewhere.url)))
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/other", "another address of its own"),
        ("http://[", "an address that is none"),
        ("ftp:", "an address that is none"),
        ("https://user:secret@b3.invalid/x", r"b3\.invalid\. B3 does not"),
        ("https://" + "b" * 500, r"b{60}… \(500 characters\)"),
    ],
)
def test_a_redirect_is_told_without_secrets_in_few_words(
    server: Serve, location: str, said: str
) -> None:
    with pytest.raises(BadDataError, match=f"sends to {said}") as raised:
        fetch_from(server(301, b"", ("Location", location)))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("length", ["-1", "many", "0x10", "1_000", "9" * 19, "1, 2", "\xb2"])
def test_a_length_that_is_no_count_may_be_mended(length: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    said = "Expected a count of bytes as Content-Length|No complete answer"
    with serve(head.encode("latin-1") + b"{}") as server, pytest.raises(RetryableError, match=said):
        fetch_from(server)


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_answer_of_the_limit_is_read_and_none_that_is_longer_by_a_byte(
    server: Serve, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(http, "LARGEST_BODY_BYTES", 1000)
    for size, is_read in ((999, True), (1000, True), (1001, False)):
        body = bytes(size)
        sent, said = (
            (gzip.compress(body), [("Content-Encoding", "gzip")])
            if encoding == "gzip"
            else (body, [])
        )
        source = server(200, sent, *said)
        if is_read:
            assert fetch_from(source) == body
        else:
            with pytest.raises(
                BadDataError, match=r"at most 1000 bytes from 127\.0\.0\.1:\d+, found"
            ):
                fetch_from(source)


@pytest.mark.parametrize("announced", [3, 18])
def test_an_answer_that_is_shorter_than_announced_by_a_byte_may_be_mended(announced: int) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {announced:018}\r\nConnection: close\r\n\r\n"
    with serve(head.encode() + b"x" * announced) as whole:
        assert fetch_from(whole) == b"x" * announced
    said = f"Expected {announced} bytes from B3, found {announced - 1}|No complete answer"
    cut = head.encode() + b"x" * (announced - 1)
    with serve(cut) as server, pytest.raises(RetryableError, match=said):
        fetch_from(server)


class Answered(requests.Response):
    """An answer whose body comes in pieces, as urllib3 hands it out."""

    def __init__(self, *pieces: bytes, **headers: str) -> None:
        super().__init__()
        self.url = "http://b3.invalid/page"
        self.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        ahead = iter([*pieces, b""])
        self.raw = SimpleNamespace(read1=lambda _most, decode_content: next(ahead))


@pytest.mark.parametrize(("length", "is_whole"), [("4", True), ("5", False), ("", True)])
def test_what_an_answer_lacks_is_noticed_whoever_reads_it(length: str, is_whole: bool) -> None:
    answer = Answered(b"ab", b"cd", Content_Length=length)
    if is_whole:
        assert list(read_chunks(answer, Budget.of(20), 4)) == [b"ab", b"cd"]
    else:
        with pytest.raises(RetryableError, match=r"^Expected 5 bytes from B3, found 4\.$"):
            list(read_chunks(answer, Budget.of(20), 4))


def test_a_length_of_more_digits_than_any_file_has_is_none() -> None:
    with pytest.raises(RetryableError, match=r"count of bytes as Content-Length .* found '9{19}'"):
        list(read_chunks(Answered(Content_Length="9" * 19), Budget.of(20), 4))


def test_what_is_said_of_a_connection_is_short_and_what_says_nothing_is_called_by_its_kind() -> (
    None
):
    for error, said in (
        (requests.ConnectionError("x" * 301), f"{'x' * 300}… (301 characters)"),
        (requests.ConnectionError("x" * 300), "x" * 300),
        (requests.ConnectionError(), "ConnectionError"),
    ):
        with pytest.raises(RetryableError) as raised, connection_to("http://b3.invalid/x"):
            raise error
        expected = f"No complete answer from b3.invalid: {said}. Try again later."
        assert str(raised.value) == expected


def test_of_an_answer_that_is_no_page_the_start_is_shown(server: Serve) -> None:
    with pytest.raises(RetryableError) as raised:
        fetch_from(server(500, b"a" * 120 + b"b"))
    assert str(raised.value).endswith(f": {'a' * 120!r}")


@pytest.mark.parametrize(("seconds", "error"), [(300, RateLimitedError), (301, BadDataError)])
def test_the_longest_wait_is_kept_and_none_that_is_longer(
    server: Serve, seconds: int, error: type[B3PipelineError]
) -> None:
    with pytest.raises(error) as raised:
        fetch_from(server(429, b"", ("Retry-After", str(seconds))))
    assert type(raised.value) is error


@pytest.mark.parametrize("status", [409, 426, 430, 499])
def test_what_the_source_refuses_for_good_is_not_asked_for_again(
    server: Serve, status: int
) -> None:
    with pytest.raises(BadDataError):
        fetch_from(server(status, b"no"))


def test_a_wait_that_the_whole_has_no_time_for_ends_it() -> None:
    said = r"^wait It asks to wait 30 s: run later\.$"
    with pytest.raises(BlockedError, match=said), waiting_as_asked(Budget.of_all(20.0)):
        raise RateLimitedError("wait", 30.0)


def test_a_file_that_is_elsewhere_is_not_followed_to_there(server: Serve, tmp_path: Path) -> None:
    elsewhere = server(200, b"PK")
    here = server(302, b"", ("Location", elsewhere.url))
    response, _ = fetch_file(here.url, tmp_path / "x", "", Budget.of(20), 99)
    assert response.status_code == 302
    assert elsewhere.requests == []


def test_of_an_error_in_place_of_a_file_no_more_is_taken_than_of_a_page(
    server: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST_PAGE_BYTES", 10)
    for status, size, most in ((200, 99, 99), (500, 10, 99), (200, 100, 99), (500, 11, 99)):
        source = server(status, bytes(size))
        if size in (99, 10):
            fetch_file(source.url, tmp_path / "x", "", Budget.of(20), most)
            assert (tmp_path / "x").stat().st_size == size
        else:
            with pytest.raises(BadDataError, match=f"at most {size - 1} bytes"):
                fetch_file(source.url, tmp_path / "x", "", Budget.of(20), most)


def test_a_length_is_not_that_of_what_was_unpacked(server: Serve) -> None:
    packed = gzip.compress(b"{}" * 100)
    assert fetch_from(server(200, packed, ("Content-Encoding", "gzip"))) == b"{}" * 100


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_cannot_be_unpacked_may_be_mended(server: Serve, encoding: str) -> None:
    with pytest.raises(RetryableError, match="No complete answer"):
        fetch_from(server(200, b"not packed", ("Content-Encoding", encoding)))


@pytest.mark.parametrize(
    "reply", [b"\x1b[2J\r\n\r\n", b"HTTP/1.1 \x1b[2J\r\n\r\n", b"\xff" * 70_000]
)
def test_what_is_no_http_may_be_mended_and_is_told_in_plain_words(reply: bytes) -> None:
    with serve(reply) as server, pytest.raises(RetryableError, match="No complete") as raised:
        fetch_from(server)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500


def test_who_asks_and_with_which_secret_stands_in_no_message(server: Serve) -> None:
    url = server(500, b"what it said").url.replace("//", "//user:secret@")
    with pytest.raises(RetryableError, match=r"^127\.0\.0\.1:.* answered 500") as raised:
        fetch_from(Server(url))
    assert "secret" not in str(raised.value)
    gone = Server("http://user:secret@127.0.0.1:9")
    with pytest.raises(RetryableError, match=r"No complete answer from 127\.0\.0\.1:9") as raised:
        fetch_from(gone)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://user:secret@:80", "http://user:secret@b3\x1b:x", "ftp://b3"]
)
def test_an_address_that_is_none_is_a_setting_to_mend(url: str) -> None:
    with pytest.raises(NotConfiguredError, match="Expected the address of a site") as raised:
        fetch_from(Server(url))
    assert "secret" not in str(raised.value)
    assert str(raised.value).isprintable()


def test_the_budget_ends_what_tls_is_waiting_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(RetryableError, match="within the time budget"):
            fetch_from(Server(url), seconds=0.2)


def test_the_budget_ends_a_body_that_is_cut_where_no_length_was_announced() -> None:
    def trickle(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b" ")
                time.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: trickle(listener.accept()[0]), daemon=True)
        thread.start()
        with pytest.raises(RetryableError, match="within the time budget"):
            fetch_from(Server(f"http://127.0.0.1:{listener.getsockname()[1]}"), seconds=0.2)
        thread.join(5)
    assert not thread.is_alive()


def test_pages_of_one_connection_end_with_the_budget_of_each() -> None:
    """A connection that is kept for the next page is cut as well."""

    def serve_one(connection: socket.socket) -> None:
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            connection.recv(4096)
            connection.recv(1)  # until the client has gone

    with socket.create_server(("127.0.0.1", 0)) as listener, open_session() as session:
        thread = threading.Thread(target=lambda: serve_one(listener.accept()[0]), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert fetch_body(session, url, Budget.of(20)) == b"{}"
        with pytest.raises(RetryableError, match="within the time budget"):
            fetch_body(session, url, Budget.of(0.2))
        thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("seconds", "kind", "error"),
    [
        (20.0, Budget.of, RetryableError),
        (20.0, Budget.of_all, BlockedError),
        (19.5, Budget.of_all, requests.ReadTimeout),
    ],
    ids=["of-an-attempt", "of-the-whole", "before"],
)
def test_what_fails_when_the_budget_has_ended_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    kind: Callable[[float], Budget],
    error: type[Exception],
) -> None:
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    budget = kind(20.0)

    def fail_in_time() -> None:
        with open_session() as session, ends_with(session, budget):
            clock.sleep(seconds)
            raise requests.ReadTimeout("timed out")

    with pytest.raises(error) as raised:
        fail_in_time()
    assert type(raised.value) is error


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
