"""A deadline that holds whatever the peer does: the connection is cut when it has come.

A timeout of a socket is one of each read: a peer that sends a byte now and then, or `100 Continue`
without end, never meets it, and neither requests nor http.client gives an answer back before its
headers are there. So somebody else looks at the clock, and shuts the connection down.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tasks import USER_AGENT
from tasks.turns import Budget


class _Line:
    """The connections that a session has opened, by handles of our own on their sockets."""

    def __init__(self) -> None:
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        self.is_cut = False

    def add(self, opened: socket.socket) -> None:
        # A handle of its own: TLS takes the first one over, and gives it back as another.
        handle = opened.dup()
        with self._lock:
            self._handles.append(handle)
            if self.is_cut:
                _shut_down(handle)

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            for handle in self._handles:
                _shut_down(handle)

    def close(self) -> None:
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()


def _shut_down(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed already
        handle.shutdown(socket.SHUT_RDWR)


class _Adapter(HTTPAdapter):
    """Opens connections that can be cut."""

    def __init__(self) -> None:
        self.line = _Line()
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **named: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **named)
        if "ConnectionCls" not in vars(pool):
            pool.ConnectionCls = partial(_make_connection, pool.ConnectionCls, self.line)
        return pool

    def close(self) -> None:
        super().close()
        self.line.close()


def _make_connection(kind: Callable[..., Any], line: _Line, **options: Any) -> Any:
    """Return a connection of urllib3's that has the line know the socket it opens."""
    made = kind(**options)
    connect = made._new_conn  # noqa: SLF001 - urllib3 has no other door before TLS is spoken

    def connect_and_tell() -> socket.socket:
        opened: socket.socket = connect()
        line.add(opened)
        return opened

    made._new_conn = connect_and_tell  # noqa: SLF001
    return made


class _Session(requests.Session):
    def get_redirect_target(self, _response: requests.Response) -> str | None:
        """Follow no redirect: B3 has none here, and one would leave the address that was checked.

        Nor is it looked at: what one says may be no address.
        """
        return None


def open_session(user_agent: str = USER_AGENT) -> requests.Session:
    """Return a session whose requests can be given a deadline; no redirect is followed.

    Args:
        user_agent: Who asks, as each request says.
    """
    session = _Session()
    session.headers["User-Agent"] = user_agent
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


@contextmanager
def ends_with(session: requests.Session, budget: Budget) -> Iterator[None]:
    """Cut the session's connections where the block is not done when a budget ends.

    No thread is left behind. The session is of no use once it was cut.

    Args:
        session: Of `open_session`; no other thread asks by it.
        budget: How long the block may take.

    Raises:
        RetryableError: The budget is used up, whatever the block then ended with.
        BlockedError: Likewise of a whole.
    """
    lines = [each.line for each in session.adapters.values() if isinstance(each, _Adapter)]
    watch = threading.Timer(budget.remaining_seconds(), _cut, [lines])
    watch.start()
    try:
        yield
    except Exception as error:
        if not budget.has(0.0):  # cut, or timed out by itself in the very moment
            raise budget.used_up() from error
        raise
    finally:
        watch.cancel()
        watch.join()
    # A body whose length was not announced ends well where the connection does.
    if any(line.is_cut for line in lines):
        raise budget.used_up()


def _cut(lines: list[_Line]) -> None:
    for line in lines:
        line.cut()
