"""The ways in which the source can misbehave, by name: the table `FAULTS`."""

from collections.abc import Callable
from dataclasses import dataclass

from infra.local.b3 import content_faults, hostile_faults, wire_faults
from infra.local.b3.format import Content
from infra.local.b3.http_answer import Answer
from infra.local.b3.wire_faults import FaultOptions, Pieces, html


def _same_content(content: Content) -> Content:
    return content


def _same_answer(answer: Answer, _options: FaultOptions) -> Answer:
    return answer


@dataclass(frozen=True)
class Fault:
    """One way to misbehave; with a description alone, none.

    Attributes:
        description: What a client meets, in one line.
        content: Changes what the answer says.
        answer: Changes or replaces the answer.
        send: Yields the bytes to send, each piece with the seconds to wait before it.
        is_unknown_index: Whether every index is answered as one without a portfolio.
        from_page: First page that misbehaves.
    """

    description: str
    content: Callable[[Content], Content] = _same_content
    answer: Callable[[Answer, FaultOptions], Answer] = _same_answer
    send: Callable[[Answer, FaultOptions], Pieces] = wire_faults.send_at_once
    is_unknown_index: bool = False
    from_page: int = 1


NO_FAULT = Fault("answers as it should")

_CHALLENGE = ("Just a moment...", "Checking your browser before you access this site.")
_MAINTENANCE = ("Sistema em manutenção", "O serviço está indisponível. Tente mais tarde.")

FAULTS: dict[str, Fault] = {
    "timeout": Fault("answers delay_seconds too late", send=wire_faults.send_late),
    "reset": Fault("closes the connection without an answer", send=wire_faults.send_nothing),
    "http_429": Fault(
        "429, Retry-After in seconds (retry_after_seconds)", answer=wire_faults.ask_to_wait
    ),
    "http_429_date": Fault("429, Retry-After as a date", answer=wire_faults.ask_to_wait_until),
    "challenge_403": Fault("403 with an HTML challenge page", answer=html(403, *_CHALLENGE)),
    "challenge_200": Fault("200 with an HTML challenge page", answer=html(200, *_CHALLENGE)),
    "maintenance": Fault("503 with an HTML maintenance page", answer=html(503, *_MAINTENANCE)),
    "http_500": Fault("500 with an HTML page", answer=html(500, "Server Error", "Runtime error.")),
    "http_520": Fault(
        "520, as the front answers for a failing server",
        answer=html(520, "Web server is returning an unknown error", "Error code 520"),
    ),
    "http_404": Fault("404 with an HTML page", answer=html(404, "Not Found", "No such page.")),
    "empty": Fault("200 with an empty body", answer=wire_faults.empty_body),
    "json_string": Fault(
        "the right body, once more encoded as a JSON string", answer=wire_faults.json_in_string
    ),
    "null_results": Fault("results and totalPages are null", is_unknown_index=True),
    "oversize": Fault("a body without end (up to size_bytes)", send=wire_faults.send_without_end),
    "drip": Fault("a byte each pause_seconds", send=wire_faults.send_byte_by_byte),
    "truncated": Fault("half of the announced Content-Length", send=wire_faults.send_half),
    "not_json": Fault("200 with a text that is no JSON", answer=wire_faults.not_json),
    "slow_headers": Fault(
        "status and headers a byte each pause_seconds", send=hostile_faults.send_head_byte_by_byte
    ),
    "endless_continue": Fault(
        "100 Continue each pause_seconds, for ever", send=hostile_faults.send_continue_without_end
    ),
    "bad_length": Fault("a Content-Length that is no count", send=hostile_faults.send_bad_length),
    "redirect": Fault("302 to another host", answer=hostile_faults.redirect_elsewhere),
    "gzip_bomb": Fault(
        "size_bytes of zeros, packed to a thousandth", send=hostile_faults.send_bomb
    ),
    "nested_page": Fault(
        "200 with five megabytes of nested HTML", answer=hostile_faults.nested_page
    ),
    "escapes": Fault(
        "500 with escape characters in status line and page", send=hostile_faults.send_escapes
    ),
    "other_language": Fault(
        "numbers, dates, texts in the other language", content=content_faults.other_language
    ),
    "swapped_date": Fault(
        "right numbers, day and month of the date swapped", content=content_faults.swapped_date
    ),
    "rollover": Fault(
        "page 2 and later are of the next session, period or preview",
        content=content_faults.roll_over,
        from_page=2,
    ),
    "repeated_page": Fault(
        "page 2 and later repeat the rows of page 1",
        content=content_faults.repeat_page,
        from_page=2,
    ),
    "other_total": Fault(
        "page 2 and later claim one record more", content=content_faults.other_total, from_page=2
    ),
    "missing_row": Fault("one constituent is missing", content=content_faults.missing_row),
    "duplicate_ticker": Fault(
        "one ticker stands twice, another is missing", content=content_faults.duplicate_ticker
    ),
    "wrong_weight": Fault(
        "weights sum to 100.001, or 100.002 of a period", content=content_faults.wrong_weight
    ),
    "zero_weight": Fault(
        "one weight is zero, the sum is right", content=content_faults.zero_weight
    ),
    "wrong_quantity": Fault(
        "quantities sum to one more than the header's", content=content_faults.wrong_quantity
    ),
    "negative_quantity": Fault(
        "one quantity is negative, the sum is right", content=content_faults.negative_quantity
    ),
    "no_session_date": Fault(
        "the header's date is a holiday, 2024-12-25", content=content_faults.no_session_date
    ),
    "bad_divisor": Fault("the divisor is zero", content=content_faults.bad_divisor),
    "other_index": Fault(
        "a consistent portfolio of another index; only the file's first line tells",
        content=content_faults.other_index,
    ),
}
