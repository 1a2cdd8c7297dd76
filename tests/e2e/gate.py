"""A gate in front of AWS: a test holds calls of a program, or lets their answers get lost.

    with gate_to(cloud.env["AWS_ENDPOINT_URL"]) as gate:
        held = gate.hold("glue:UpdatePartition")
        ...  # a program with AWS_ENDPOINT_URL=gate.url
        held.wait_until_held()
        held.release()

Whatever is not held or lost goes through as it is. Calls have AWS's names: `glue:GetJobRuns`,
`s3:DeleteObjects`. A program that is to be steered gets a gate of its own; others ask AWS itself.
"""

import http.client
import json
import re
import select
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_SECONDS = 300.0
_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<name>[^/]+)/aws4_request")
# They belong to one connection; a body is forwarded whole, so nobody is asked to wait for it.
_OF_ONE_CONNECTION = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "expect"}
_BLOCK_BYTES = 65_536


@dataclass(frozen=True)
class Call:
    """A call to AWS.

    Attributes:
        action: Service and operation, e.g. `glue:GetJobRuns`.
        parameters: What it was asked; of S3's calls `Bucket` and `Key`.
    """

    action: str
    parameters: dict[str, Any]


Condition = Callable[[Call], bool]


@dataclass
class Hold:
    """Calls that wait at the gate until they are released; all that match wait, not just one.

    A client that has lost its patience asks again, and that call must not slip through.
    """

    actions: tuple[str, ...]
    where: Condition
    _has_one: threading.Event = field(default_factory=threading.Event)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _is_released: bool = False

    @property
    def has_one(self) -> bool:
        """Whether a call waits, or has waited."""
        return self._has_one.is_set()

    def wait_until_held(self, timeout_seconds: float = PATIENCE_SECONDS) -> None:
        assert self._has_one.wait(timeout_seconds), f"no call of {self.actions} was made"

    def release(self) -> None:
        """Let through what waits, unless its client is gone, and all that comes."""
        self._is_released = True
        self._is_over.set()

    def give_up(self) -> None:
        """Cut the connections of what waits."""
        self._is_over.set()

    def matches(self, call: Call) -> bool:
        return call.action in self.actions and not self._is_over.is_set() and self.where(call)

    def keep(self) -> bool:
        """Keep a call until this is over; return whether it may go through."""
        self._has_one.set()
        self._is_over.wait()
        return self._is_released


@dataclass
class _Loss:
    action: str
    times: int


class Gate:
    """See the module."""

    def __init__(self, upstream_url: str) -> None:
        upstream = urllib.parse.urlsplit(upstream_url)
        assert upstream.hostname
        assert upstream.port
        self.upstream = (upstream.hostname, upstream.port)
        self._holds: list[Hold] = []
        self._losses: list[_Loss] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Passage)
        self._server.gate = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def hold(self, *actions: str, where: Condition = lambda _call: True) -> Hold:
        """Hold these calls from now on."""
        hold = Hold(actions, where)
        with self._lock:
            self._holds.append(hold)
        return hold

    def lose_answer(self, action: str, times: int = 1) -> None:
        """Let AWS do what it is asked for, and cut the connection in place of its answer."""
        with self._lock:
            self._losses.append(_Loss(action, times))

    @property
    def has_lost_all(self) -> bool:
        """Whether every answer that was to be lost has been lost."""
        with self._lock:
            return all(loss.times == 0 for loss in self._losses)

    def may_pass(self, call: Call) -> bool:
        """Keep a call as long as it is held; return whether it may go through then."""
        with self._lock:
            holds = [hold for hold in self._holds if hold.matches(call)]
        return all(hold.keep() for hold in holds)

    def is_answer_lost(self, call: Call) -> bool:
        with self._lock:
            for loss in self._losses:
                if loss.action == call.action and loss.times > 0:
                    loss.times -= 1
                    return True
        return False

    @contextmanager
    def open(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            with self._lock:
                for hold in self._holds:
                    hold.give_up()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


@contextmanager
def gate_to(upstream_url: str) -> Iterator[Gate]:
    """Open a gate in front of AWS; what it still holds at the end is cut off."""
    gate = Gate(upstream_url)
    with gate.open():
        yield gate


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    gate: Gate


class _Passage(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass(self) -> None:
        gate = self.server.gate
        body = self._read_body()
        call = _describe(self.command, self.path, self.headers, body)
        if not gate.may_pass(call) or self._is_client_gone():
            self._cut()
            return
        # Which answer gets lost is decided before the call: nobody else's takes its place.
        is_lost = gate.is_answer_lost(call)
        upstream = http.client.HTTPConnection(*gate.upstream)
        try:
            answer = self._forward(upstream, body)
            if is_lost:
                answer.read()
                self._cut()
            else:
                self._answer(answer)
        except (OSError, http.client.HTTPException):  # either side has gone
            self._cut()
        finally:
            upstream.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 - the server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the server's name
        """Say nothing."""

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(chunks)

    def _forward(
        self, upstream: http.client.HTTPConnection, body: bytes
    ) -> http.client.HTTPResponse:
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {*_OF_ONE_CONNECTION, "content-length"}:
                upstream.putheader(name, value)
        if body or "Content-Length" in self.headers:
            upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body or None)
        return upstream.getresponse()

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        # http.client knows how long an answer is, 0 of those that have no body by rule.
        is_chunked = answer.length is None
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while block := answer.read1(_BLOCK_BYTES):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if is_chunked else block)
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _is_client_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        try:
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except ConnectionError:
            return True

    def _cut(self) -> None:
        self.close_connection = True


def _describe(method: str, target: str, headers: Any, body: bytes) -> Call:
    scope = _SERVICE.search(headers.get("Authorization", ""))
    service = scope["name"] if scope else ""
    operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
    if operation:
        return Call(f"{service}:{operation}", json.loads(body or b"{}"))
    path, _, query = target.partition("?")
    asked = urllib.parse.parse_qs(query, keep_blank_values=True)
    if service == "s3":
        bucket, _, key = urllib.parse.unquote(path).lstrip("/").partition("/")
        return Call(f"s3:{_s3_operation(method, key, asked)}", {"Bucket": bucket, "Key": key})
    form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
    return Call(f"{service}:{form.pop('Action', method)}", form)


def _s3_operation(method: str, key: str, asked: dict[str, list[str]]) -> str:
    if "delete" in asked:
        return "DeleteObjects"
    if "uploadId" in asked or "uploads" in asked:
        return "MultipartUpload"
    if key:
        return f"{method.title()}Object"
    return "ListObjectsV2" if "list-type" in asked else f"{method.title()}Bucket"
