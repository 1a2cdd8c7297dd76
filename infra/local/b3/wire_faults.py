"""Misbehaviour of the connection: another answer than the right one, or bytes sent badly.

An answer is sent in pieces, each with the seconds to wait before it.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import format_datetime

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from infra.local.b3.http_answer import Answer, html_page

Pieces = Iterator[tuple[float, bytes]]


class FaultOptions(BaseModel):
    """What can be chosen of a fault, each used by the faults that name it.

    Attributes:
        delay_seconds: How late an answer is (`timeout`).
        pause_seconds: Wait before each byte (`drip`, `slow_headers`) or line
            (`endless_continue`).
        retry_after_seconds: What Retry-After asks for (`http_429`, `http_429_date`).
        size_bytes: Where a body ends at last (`oversize`), or what it is unpacked (`gzip_bomb`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    delay_seconds: PositiveFloat = 60.0
    pause_seconds: PositiveFloat = 0.5
    retry_after_seconds: PositiveInt = 1
    size_bytes: PositiveInt = 2**30


def send_at_once(answer: Answer, _options: FaultOptions) -> Pieces:
    """Send the whole answer: what happens when all is well."""
    yield 0, answer.message()


def html(status: int, title: str, text: str) -> Callable[[Answer, FaultOptions], Answer]:
    """Return a fault that answers with an HTML page."""
    return lambda _answer, _options: html_page(status, title, text)


def ask_to_wait(_answer: Answer, options: FaultOptions) -> Answer:
    """Answer 429 with the wait in seconds."""
    page = html_page(429, "Too Many Requests", "Rate limited.")
    return replace(page, headers=(("Retry-After", str(options.retry_after_seconds)),))


def ask_to_wait_until(_answer: Answer, options: FaultOptions) -> Answer:
    """Answer 429 with the end of the wait as an HTTP date."""
    # An HTTP date has whole seconds: one more, so that the wait is never shorter than asked.
    wait = dt.timedelta(seconds=options.retry_after_seconds + 1)
    until = format_datetime(dt.datetime.now(dt.UTC) + wait, usegmt=True)
    page = html_page(429, "Too Many Requests", "Rate limited.")
    return replace(page, headers=(("Retry-After", until),))


def empty_body(answer: Answer, _options: FaultOptions) -> Answer:
    """Leave the body away."""
    return replace(answer, body=b"")


def json_in_string(answer: Answer, _options: FaultOptions) -> Answer:
    """Wrap the body in a JSON string."""
    return replace(answer, body=json.dumps(answer.body.decode(), ensure_ascii=False).encode())


def not_json(answer: Answer, _options: FaultOptions) -> Answer:
    """Put a text in place of the body, under the same content type."""
    return replace(answer, body=b"Object reference not set to an instance of an object.")


def send_late(answer: Answer, options: FaultOptions) -> Pieces:
    """Send the whole answer after `delay_seconds`."""
    yield options.delay_seconds, answer.message()


def send_nothing(_answer: Answer, _options: FaultOptions) -> Pieces:
    """Close the connection without a byte."""
    yield from ()


def send_without_end(answer: Answer, options: FaultOptions) -> Pieces:
    """Send the body and then spaces, up to `size_bytes`, with no length announced."""
    yield 0, answer.head(None) + answer.body
    chunk = b" " * 2**16
    for _ in range(len(answer.body), options.size_bytes, len(chunk)):
        yield 0, chunk


def send_byte_by_byte(answer: Answer, options: FaultOptions) -> Pieces:
    """Send the head at once and the body a byte each `pause_seconds`."""
    yield 0, answer.head(len(answer.body))
    for byte in answer.body:
        yield options.pause_seconds, bytes([byte])


def send_half(answer: Answer, _options: FaultOptions) -> Pieces:
    """Announce the whole length and send half of it."""
    yield 0, answer.head(len(answer.body)) + answer.body[: len(answer.body) // 2]
