"""The wire to AWS in this process: calls that fail on it.

Faults happen below boto3, so that its own attempts and checks are what meets them.
"""

import base64
import json
import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ResponseStreamingError
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

Kind = Literal["500", "throttled", "reset before", "reset after", "cut", "busy", "inner", "damaged"]
KINDS: tuple[Kind, ...] = ("500", "throttled", "reset before", "reset after", "cut")

# Those that only some calls can meet: another call is at work on the same thing, a `200` with an
# error inside, a body whose checksum is another one.
SPECIAL: tuple[tuple[str, Kind], ...] = (
    ("s3:GetObject", "damaged"),
    ("s3:ListObjectsV2", "inner"),
    ("s3:PutObject", "inner"),
    ("s3:PutObject", "busy"),
    ("s3:DeleteObjects", "inner"),
    ("glue:BatchCreatePartition", "inner"),
    ("glue:CreatePartition", "busy"),
    ("glue:UpdatePartition", "busy"),
)


@dataclass
class Fault:
    """What happens to the next calls of an action.

    Attributes:
        action: E.g. `s3:PutObject`.
        kind: What happens.
        times: To how many calls it has still to happen.
    """

    action: str
    kind: str
    times: int = 1


class Wire:
    """See the module.

    Attributes:
        seen: The actions that were asked for.
        faults: What is to happen.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.faults: list[Fault] = []
        self._lock = threading.Lock()

    def carries(self, ask: Callable[[], Any], action: str, request: Any) -> Any:
        """Carry a call there and its answer back."""
        self.seen.append(action)
        with self._lock:
            fault = next((f for f in self.faults if f.action == action and f.times), None)
            if fault:
                fault.times -= 1
        kind = fault.kind if fault else ""
        if kind == "reset before":
            raise ConnectionClosedError(endpoint_url=request.url)
        if kind in ("500", "throttled", "busy"):
            return _refusal(request.url, action, kind)
        if kind == "inner" and action not in _INNER:
            return _response(request.url, 200, _error("InternalError"))
        answer = ask()
        if kind == "inner":
            return _response(request.url, 200, _INNER[action](request))
        if kind == "damaged":
            return _damage(answer, request.url)
        if kind == "reset after":
            raise ConnectionClosedError(endpoint_url=request.url)
        return _cut(answer, request.url) if kind == "cut" else answer


def lay(wire: Wire, patch: pytest.MonkeyPatch) -> None:
    """Have every call to AWS in this process go over the wire."""
    ask = BotocoreStubber.__call__

    def carry(self: BotocoreStubber, event_name: str, request: Any, **named: Any) -> Any:
        _, service, operation = event_name.split(".")
        return wire.carries(
            lambda: ask(self, event_name, request, **named), f"{service}:{operation}", request
        )

    patch.setattr(BotocoreStubber, "__call__", carry)


def _response(url: str, status: int, body: bytes) -> AWSResponse:
    headers = {"content-type": "application/x-amz-json-1.1", "content-length": str(len(body))}
    return AWSResponse(url, status, headers, MockRawResponse(body))  # type: ignore[arg-type]


def _refusal(url: str, action: str, kind: str) -> AWSResponse:
    is_s3 = action.startswith("s3:")
    if kind == "throttled":
        status, code = (503, "SlowDown") if is_s3 else (400, "ThrottlingException")
    elif kind == "busy":
        busy = (409, "OperationAborted"), (400, "ConcurrentModificationException")
        status, code = busy[0] if is_s3 else busy[1]
    else:
        status, code = 500, "InternalError" if is_s3 else "InternalServiceException"
    if not is_s3:
        return _response(url, status, json.dumps({"__type": code, "Message": "later"}).encode())
    return _response(url, status, _error(code))


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>later</Message></Error>".encode()


def _refuse_partition(request: Any) -> bytes:
    """Say of the first partition that it was not created, though it was."""
    first = json.loads(request.body)["PartitionInputList"][0]["Values"]
    detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "later"}
    return json.dumps({"Errors": [{"PartitionValues": first, "ErrorDetail": detail}]}).encode()


def _refuse_removal(request: Any) -> bytes:
    """Say of the first object that it was not removed, though it was."""
    key = re.search(rb"<Key>(.*?)</Key>", request.body)
    assert key
    error = b"<Error><Key>%s</Key><Code>InternalError</Code><Message>later</Message></Error>"
    return b"<DeleteResult>%s</DeleteResult>" % (error % key[1])


# What a batch's answer is where it was not done for one of the batch.
_INNER: dict[str, Callable[[Any], bytes]] = {
    "glue:BatchCreatePartition": _refuse_partition,
    "s3:DeleteObjects": _refuse_removal,
}


def _damage(answer: AWSResponse, url: str) -> AWSResponse:
    """Turn the last bit of a body, which has the checksum that it had before."""
    body = answer.content
    checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    headers = {
        **answer.headers,
        "content-length": str(len(body)),
        "x-amz-checksum-crc32": checksum,
    }
    damaged = body[:-1] + bytes([body[-1] ^ 1])
    return AWSResponse(url, answer.status_code, headers, MockRawResponse(damaged))  # type: ignore[arg-type]


class _Cut(MockRawResponse):  # type: ignore[misc]
    """Half of a body, and then the connection is gone."""

    def stream(self, **_: Any) -> Any:
        yield self.read()
        raise ResponseStreamingError(error="cut")


def _cut(answer: AWSResponse, url: str) -> AWSResponse:
    body = answer.content
    if not body:
        raise ConnectionClosedError(endpoint_url=url)
    headers = {**answer.headers, "content-length": str(len(body))}
    return AWSResponse(url, answer.status_code, headers, _Cut(body[: len(body) // 2]))  # type: ignore[arg-type]
