"""Faults that no timeout of a socket ends, as they are on the wire."""

import base64
import json
import socket
import zlib
from collections.abc import Iterator

import pytest

from infra.local.b3.hostile_faults import ELSEWHERE, ESCAPE
from infra.local.b3.replay import Replay, start

FIELDS = {"language": "pt-br", "pageNumber": 1, "pageSize": 120, "index": "IBOV", "segment": "2"}
PATH = (
    "/indexProxy/indexCall/GetPortfolioDay/"
    + base64.b64encode(json.dumps(FIELDS).encode()).decode()
)


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start() as running:
        yield running


def receive(replay: Replay, most: int = 10_000_000) -> list[bytes]:
    """What comes, a piece each read, until there are so many or the connection ends."""
    address = ("127.0.0.1", int(replay.url.rpartition(":")[2]))
    pieces: list[bytes] = []
    with socket.create_connection(address, timeout=5) as asked:
        asked.sendall(f"GET {PATH} HTTP/1.1\r\nHost: b3\r\n\r\n".encode())
        while len(pieces) < most and (piece := asked.recv(2**16)):
            pieces.append(piece)
    return pieces


def test_slow_headers_come_a_byte_at_a_time(replay: Replay) -> None:
    replay.misbehave("slow_headers", pause_seconds=0.02)
    pieces = receive(replay, 4)
    assert b"HTTP/1.1 200".startswith(b"".join(pieces))
    assert len(b"".join(pieces)) < 10


def test_slow_headers_end_with_the_right_answer(replay: Replay) -> None:
    right = b"".join(receive(replay)).partition(b"\r\n\r\n")[2]
    replay.misbehave("slow_headers", pause_seconds=0.0001)
    assert b"".join(receive(replay)).partition(b"\r\n\r\n")[2] == right


def test_endless_continue_never_answers(replay: Replay) -> None:
    replay.misbehave("endless_continue", pause_seconds=0.0001)
    lines = b"".join(receive(replay, 50)).split(b"\r\n\r\n")
    assert set(lines[:-1]) == {b"HTTP/1.1 100 Continue"}
    assert len(lines) > 10


def test_bad_length_is_no_count(replay: Replay) -> None:
    replay.misbehave("bad_length")
    head, _, body = b"".join(receive(replay)).partition(b"\r\n\r\n")
    assert b"Content-Length: \xb2, or so" in head
    assert json.loads(body)["page"]["totalPages"] == 1


def test_redirect_leads_to_another_host(replay: Replay) -> None:
    replay.misbehave("redirect")
    head = b"".join(receive(replay)).decode()
    assert head.startswith("HTTP/1.1 302 ")
    assert f"Location: {ELSEWHERE}" in head


def test_gzip_bomb_is_a_thousand_times_what_it_says(replay: Replay) -> None:
    replay.misbehave("gzip_bomb", size_bytes=2**22)
    head, _, body = b"".join(receive(replay)).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    size, packed = 0, len(body)
    while body:
        member = zlib.decompressobj(wbits=31)
        size += len(member.decompress(body))
        body = member.unused_data
    assert size == 2**22
    assert packed * 500 < size


def test_nested_page_is_some_five_megabytes_deep(replay: Replay) -> None:
    replay.misbehave("nested_page")
    page = b"".join(receive(replay)).partition(b"\r\n\r\n")[2]
    assert 4_800_000 < len(page) < 5_000_000
    assert page.count(b"<div>") > 900_000
    assert b"</div>" not in page


def test_escapes_are_in_the_status_line_and_in_the_page(replay: Replay) -> None:
    replay.misbehave("escapes")
    head, _, page = b"".join(receive(replay)).partition(b"\r\n\r\n")
    assert head.splitlines()[0] == f"HTTP/1.1 500 {ESCAPE}".encode()
    assert page.count(ESCAPE.encode()) == 2
