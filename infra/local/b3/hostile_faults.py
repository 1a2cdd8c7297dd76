"""Misbehaviour that no timeout of a socket ends, or that costs who reads it more than it says.

Whoever asks must have a deadline and a size limit of its own.
"""

import gzip
import itertools
from dataclasses import replace

from infra.local.b3.http_answer import Answer
from infra.local.b3.wire_faults import FaultOptions, Pieces

ELSEWHERE = "http://elsewhere.invalid/indexProxy"
NESTED_PAGE_BYTES = 4_900_000  # just under what one answer may have
ESCAPE = "\x1b[2J\x1b]0;owned\x07"  # clears a terminal, and names it
_BOMB_MEMBER_BYTES = 2**20


def send_head_byte_by_byte(answer: Answer, options: FaultOptions) -> Pieces:
    """Send the head a byte each `pause_seconds`, and then the body."""
    for byte in answer.head(len(answer.body)):
        yield options.pause_seconds, bytes([byte])
    yield 0, answer.body


def send_continue_without_end(_answer: Answer, options: FaultOptions) -> Pieces:
    """Send `100 Continue` each `pause_seconds`, and no answer ever."""
    for _ in itertools.count():
        yield options.pause_seconds, b"HTTP/1.1 100 Continue\r\n\r\n"


def send_bad_length(answer: Answer, _options: FaultOptions) -> Pieces:
    """Announce a length that is no count."""
    head = answer.head(len(answer.body))
    length = f"Content-Length: {len(answer.body)}".encode()
    yield 0, head.replace(length, b"Content-Length: \xb2, or so") + answer.body


def send_bomb(answer: Answer, options: FaultOptions) -> Pieces:
    """Send zeros of `size_bytes`, packed a thousand to one."""
    yield 0, replace(answer, headers=(("Content-Encoding", "gzip"),)).head(None)
    member = gzip.compress(bytes(_BOMB_MEMBER_BYTES), mtime=0)
    for _ in range(0, options.size_bytes, _BOMB_MEMBER_BYTES):
        yield 0, member


def send_escapes(_answer: Answer, _options: FaultOptions) -> Pieces:
    """Answer 500 with escape characters in the status line and in the page."""
    page = f"<html><title>{ESCAPE}Erro</title><body>{ESCAPE}Tente mais tarde</body></html>"
    head = Answer(500, "text/html", b"").head(len(page.encode()))
    reason = f"500 {ESCAPE}".encode()
    yield 0, head.replace(b"500 Internal Server Error", reason) + page.encode()


def redirect_elsewhere(answer: Answer, _options: FaultOptions) -> Answer:
    """Answer 302 to another host."""
    return replace(answer, status=302, body=b"", headers=(("Location", ELSEWHERE),))


def nested_page(_answer: Answer, _options: FaultOptions) -> Answer:
    """Answer with a page of some five megabytes, each element in the one before."""
    start = b"<html><head><title>Erro</title></head><body>"
    page = start + b"<div>" * ((NESTED_PAGE_BYTES - len(start)) // len(b"<div>"))
    return Answer(200, "text/html; charset=UTF-8", page)
