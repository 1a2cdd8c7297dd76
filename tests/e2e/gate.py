"""A gate in front of AWS: a test holds calls of a program, or lets them fail.

    with gate_to(cloud.env["AWS_ENDPOINT_URL"]) as gate:
        held = gate.hold("glue:UpdatePartition")
        gate.fail("s3:PutObject", "reset after", where=lambda call: is_commit(call.parameters))
        ...  # a program with AWS_ENDPOINT_URL=gate.url
        held.wait_until_held()
        held.release()

Whatever is not held and does not fail goes through as it is. Calls have AWS's names:
`glue:GetJobRuns`, `s3:DeleteObjects`. A program that is to be steered gets a gate of its own;
others ask AWS itself.
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
from typing import Any, Literal

from tests.e2e.refusals import REFUSALS, Refusal

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
        parameters: What it was asked; of S3's calls `Bucket`, `Key` and `Prefix`.
    """

    action: str
    parameters: dict[str, Any]


Condition = Callable[[Call], bool]
Kind = Literal["500", "throttled", "reset before", "reset after", "cut"]


def _always(_call: Call) -> bool:
    return True


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
class _Fault:
    action: str
    kind: Kind
    times: int
    where: Condition


class Gate:
    """See the module."""

    def __init__(self, upstream_url: str) -> None:
        upstream = urllib.parse.urlsplit(upstream_url)
        assert upstream.hostname
        assert upstream.port
        self.upstream = (upstream.hostname, upstream.port)
        self._holds: list[Hold] = []
        self._faults: list[_Fault] = []
        self._seen: list[str] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Passage)
        self._server.gate = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def seen(self) -> list[str]:
        """The actions of all calls until now, in the order in which they came."""
        with self._lock:
            return list(self._seen)

    def hold(self, *actions: str, where: Condition = _always) -> Hold:
        """Hold these calls from now on."""
        hold = Hold(actions, where)
        with self._lock:
            self._holds.append(hold)
        return hold

    def fail(self, action: str, kind: Kind, times: int = 1, *, where: Condition = _always) -> None:
        """Let the next calls that match fail, each once; faults of one action come in turn.

        Args:
            action: Service and operation.
            kind: `500`: an internal error of AWS. `throttled`: too many calls, says AWS.
                `reset before`: the connection is cut, and AWS is not asked either.
                `reset after`: AWS has done it, and the connection is cut in place of its answer.
                `cut`: AWS has done it, and the connection is cut halfway through the answer's
                body, or as in `reset after` where there is none. Beware: botocore finds a JSON
                answer that is cut to be one with nothing in it, and raises no error.
            times: How many calls.
            where: Which calls.
        """
        with self._lock:
            self._faults.append(_Fault(action, kind, times, where))

    def lose_answer(self, action: str, times: int = 1) -> None:
        """Let AWS do what it is asked for, and cut the connection in place of its answer."""
        self.fail(action, "reset after", times)

    @property
    def has_failed_all(self) -> bool:
        """Whether every call that was to fail has failed."""
        with self._lock:
            return all(fault.times == 0 for fault in self._faults)

    def may_pass(self, call: Call) -> bool:
        """Keep a call as long as it is held; return whether it may go through then."""
        with self._lock:
            self._seen.append(call.action)
            holds = [hold for hold in self._holds if hold.matches(call)]
        return all(hold.keep() for hold in holds)

    def next_fault(self, call: Call) -> Kind | None:
        """Return how this call fails; no other call takes its place."""
        with self._lock:
            for fault in self._faults:
                if fault.action == call.action and fault.times > 0 and fault.where(call):
                    fault.times -= 1
                    return fault.kind
        return None

    @contextmanager
    def open(self) -> Iterator[None]:
        # It looks that often whether it shall end.
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
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
        fault = gate.next_fault(call)
        try:
            if fault in REFUSALS:
                self._refuse(REFUSALS[fault], call.action.partition(":")[0])
            elif fault == "reset before":
                self._cut()
            else:
                self._ask(body, fault)
        except (OSError, http.client.HTTPException):  # either side has gone
            self._cut()

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

    def _refuse(self, refusal: Refusal, service: str) -> None:
        is_json = "X-Amz-Target" in self.headers
        status, content_type, body = refusal.answer(service, is_json=is_json)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _ask(self, body: bytes, fault: Kind | None) -> None:
        upstream = http.client.HTTPConnection(*self.server.gate.upstream)
        try:
            answer = self._forward(upstream, body)
            if fault is None:
                self._answer(answer)
                return
            whole = answer.read()
            if fault == "cut" and whole:
                self._begin(answer)
                self.send_header("Content-Length", str(len(whole)))
                self.end_headers()
                self.wfile.write(whole[: len(whole) // 2])
            self._cut()
        finally:
            upstream.close()

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

    def _begin(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in {*_OF_ONE_CONNECTION, "content-length"}:
                self.send_header(name, value)

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        # http.client knows how long an answer is, 0 of those that have no body by rule.
        is_chunked = answer.length is None
        self._begin(answer)
        if "Content-Length" in answer.headers:
            self.send_header("Content-Length", answer.headers["Content-Length"])
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
        prefix = asked.get("prefix", [""])[0]
        parameters = {"Bucket": bucket, "Key": key, "Prefix": prefix}
        return Call(f"s3:{_s3_operation(method, key, asked)}", parameters)
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
