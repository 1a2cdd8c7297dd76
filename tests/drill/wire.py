"""The wire to AWS with every fault of the drill; readers' calls pass by it unharmed."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from moto.core.botocore_stubber import MockRawResponse

from tests.protocol.wire import Wire

_spared = threading.local()
BATCHES = ("glue:BatchCreatePartition", "s3:DeleteObjects")
"""Calls whose answer says of each item whether it was done."""
CODES: dict[str, tuple[int, str, str]] = {
    "500": (500, "InternalError", "InternalServiceException"),
    "503": (503, "ServiceUnavailable", "ServiceUnavailableException"),
    "throttled": (503, "SlowDown", "ThrottlingException"),
    "expired": (400, "ExpiredToken", "ExpiredTokenException"),
    "denied": (403, "AccessDenied", "AccessDeniedException"),
    "clock skew": (403, "RequestTimeTooSkewed", "InvalidSignatureException"),
    "conflict": (409, "OperationAborted", "ConcurrentModificationException"),
    "busy for ever": (400, "", "ConcurrentRunsExceededException"),
    "vanished": (400, "", "EntityNotFoundException"),
}
"""`{kind: (status, S3's code, Glue's code)}`."""


@contextmanager
def spared() -> Iterator[None]:
    """What this thread asks in the block meets no fault, and is not counted."""
    before = getattr(_spared, "is_on", False)
    _spared.is_on = True
    try:
        yield
    finally:
        _spared.is_on = before


def is_spared() -> bool:
    """Whether this thread is in such a block."""
    return getattr(_spared, "is_on", False)


class DrillWire(Wire):
    """See the module.

    Attributes:
        on_change: Called after every call that may change what readers see.
    """

    def __init__(self) -> None:
        super().__init__()
        self.on_change: Callable[[], None] = lambda: None

    def carries(self, ask: Callable[[], Any], action: str, request: Any) -> Any:
        """Carry a call there and its answer back."""
        if is_spared():
            return ask()
        try:
            return self._carry(ask, action, request)
        finally:
            if _changes(action, request.url):
                self.on_change()

    def _carry(self, ask: Callable[[], Any], action: str, request: Any) -> Any:
        fault = next((each for each in self.faults if each.action == action and each.times), None)
        kind = fault.kind if fault else ""
        if kind not in CODES and kind not in ("corrupted", "a part refused"):
            return super().carries(ask, action, request)
        assert fault
        self.seen.append(action)
        fault.times -= 1
        if kind in CODES:
            return _refuse(request.url, action, *CODES[kind])
        answer = ask()
        if kind == "corrupted":
            return _corrupt(answer, request.url)
        return _refuse_a_part(answer, action, request)


def _changes(action: str, url: str) -> bool:
    service, _, operation = action.partition(":")
    if service == "glue":
        return operation.endswith("Partition") and not operation.startswith("Get")
    return operation in ("DeleteObjects", "DeleteObject") or (
        operation == "PutObject" and "/published/" in url
    )


def _answer(url: str, status: int, body: bytes, headers: dict[str, str]) -> AWSResponse:
    headers = {**headers, "content-length": str(len(body))}
    return AWSResponse(url, status, headers, MockRawResponse(body))  # type: ignore[arg-type]


def _refuse(url: str, action: str, status: int, of_s3: str, of_glue: str) -> AWSResponse:
    if action.startswith("s3:"):
        body = f"<Error><Code>{of_s3}</Code><Message>drilled</Message></Error>".encode()
        return _answer(url, status, body, {})
    body = json.dumps({"__type": of_glue, "Message": "drilled"}).encode()
    status = status if status >= 500 and "Throttling" not in of_glue else 400
    return _answer(url, status, body, {"content-type": "application/x-amz-json-1.1"})


def _corrupt(answer: AWSResponse, url: str) -> AWSResponse:
    """Turn a bit in the middle of a body; one without a body is lost."""
    body = bytearray(answer.content)
    if not body:
        raise ConnectionClosedError(endpoint_url=url)
    body[len(body) // 2] ^= 0x10
    return _answer(url, answer.status_code, bytes(body), dict(answer.headers))


def _refuse_a_part(answer: AWSResponse, action: str, request: Any) -> AWSResponse:
    """Say of the first item of a batch that it was not done for now, though the answer is a 200."""
    if action == "s3:DeleteObjects":
        key = re.search(r"<Key>(.*?)</Key>", _text(request.body))
        assert key
        said = "<Code>InternalError</Code><Message>drilled</Message>"
        error = f"<Error><Key>{key[1]}</Key>{said}</Error></DeleteResult>"
        body = answer.content.decode().replace("</DeleteResult>", error)
        return _answer(request.url, 200, body.encode(), dict(answer.headers))
    values = json.loads(_text(request.body))["PartitionInputList"][0]["Values"]
    detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "drilled"}
    refused = {"Errors": [{"PartitionValues": values, "ErrorDetail": detail}]}
    return _answer(request.url, 200, json.dumps(refused).encode(), dict(answer.headers))


def _text(body: Any) -> str:
    return (body if isinstance(body, bytes) else body.read()).decode()
