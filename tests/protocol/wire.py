"""The wire to AWS in this process: calls that fail on it.

Faults happen below boto3, so that its own attempts and checks are what meets them.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ResponseStreamingError
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

Kind = Literal["500", "throttled", "reset before", "reset after", "cut"]
KINDS: tuple[Kind, ...] = ("500", "throttled", "reset before", "reset after", "cut")


@dataclass
class Fault:
    """What happens to the next calls of an action.

    Attributes:
        action: E.g. `s3:PutObject`.
        kind: What happens.
        times: To how many calls it has still to happen.
    """

    action: str
    kind: Kind
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
        if kind in ("500", "throttled"):
            return _refusal(request.url, action, kind)
        answer = ask()
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
    else:
        status, code = 500, "InternalError" if is_s3 else "InternalServiceException"
    if not is_s3:
        return _response(url, status, json.dumps({"__type": code, "Message": "later"}).encode())
    body = f"<Error><Code>{code}</Code><Message>later</Message></Error>".encode()
    return _response(url, status, body)


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
