import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from infra.local.b3.http_answer import Answer
from infra.local.b3.replay import Replay, start
from tests.portfolios import FRIDAY
from tests.tasks.toy import Toy


@pytest.fixture(autouse=True)
def no_local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local cloud that other tests started is not the one that these tests talk to."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """AWS inside this process, one for a file's tests: each cleans up what it made."""
    with mock_aws():
        yield


@pytest.fixture
def bucket(aws: None) -> Iterator[None]:
    """An empty `b3-lake`, where a file has none of its own."""
    bucket = boto3.resource("s3").Bucket("b3-lake")
    bucket.create()
    yield
    bucket.objects.delete()
    bucket.delete()


@pytest.fixture
def calls(bucket: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls to AWS once the file's own `bucket` is there, by name."""
    made: list[str] = []
    make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: BaseClient, operation: str, parameters: Any) -> Any:
        made.append(operation)
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return made


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, no_run_logger: None) -> Iterator[Toy]:
    """A lake of its own with one small dataset."""
    with mock_aws():
        yield Toy(monkeypatch)


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start(session=FRIDAY) as running:
        yield running


class Server:
    """Sends one message a request, the last one for ever, and keeps what it was asked.

    Attributes:
        url: Where it is.
        requests: The heads of the requests, as they came.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[str] = []


@contextmanager
def serve(*messages: bytes, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    ahead = [*messages]

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                head += line
            served.requests.append(head.decode("latin-1"))
            self.wfile.write(ahead.pop(0) if len(ahead) > 1 else ahead[0])

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is what some tests are about."""

    with Listener(("127.0.0.1", 0), Handler) as listener:
        if tls:
            listener.socket = tls.wrap_socket(listener.socket, server_side=True)
        scheme = "https" if tls else "http"
        served = Server(f"{scheme}://127.0.0.1:{listener.server_address[1]}")
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield served
        finally:
            listener.shutdown()


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    """Start servers that answer with a status, headers and a body."""
    with ExitStack() as stack:

        def run(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Server:
            answer = Answer(status, "text/html", body, headers)
            return stack.enter_context(serve(answer.message()))

        yield run
