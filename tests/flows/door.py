"""A door before Prefect's API."""

import socket
import threading
from contextlib import suppress

import httpx


class Door:
    """A way to the server that can be shut, and opened again.

    Attributes:
        url: Of the API behind it.
    """

    def __init__(self, api_url: str) -> None:
        there = httpx.URL(api_url)
        self._there = (there.host, there.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._here = self._listener.getsockname()
        self._lines: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._here[1]}/api"
        self.open()

    def open(self) -> None:
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(self._here)
        threading.Thread(target=self._let_in, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        for line in (self._listener, *self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        self._lines.clear()

    def _let_in(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                one, _ = listener.accept()
                other = socket.create_connection(self._there)
                self._lines += [one, other]
                for pair in ((one, other), (other, one)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(2**16):
                other.sendall(piece)
        for line in (one, other):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
