"""B3's folder of quotes files, with the files that a test puts into it."""

import datetime as dt
import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.cotahist_text import RECORD, write_line, write_text, zip_text

PET: dict[str, Any] = RECORD | {"codneg": "PET 4", "especi": "PP", "modref": "CZ$"}


class B3Files:
    """See the module.

    Attributes:
        files: `{name: bytes}` of what B3 has.
        asked: The names that were asked for, in order.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = ""

    def put(
        self, name: str, records: Iterable[dict[str, Any]], made_on: str = "1999-12-10"
    ) -> None:
        """Put a file of records in; its header bears the year of the first one."""
        records = list(records)
        text = write_text(map(write_line, records), file_date=dt.date.fromisoformat(made_on))
        year = f"COTAHIST.{records[0]['data'].year}".encode()
        text = text.replace(f"COTAHIST.{made_on[:4]}".encode(), year)
        self.files[f"COTAHIST_{name}.ZIP"] = zip_text(text).read()


def on(*days: dt.date, **values: Any) -> list[dict[str, Any]]:
    """One record a session."""
    return [PET | {"data": day} | values for day in days]


@contextmanager
def serve() -> Iterator[B3Files]:
    """Serve the folder on this machine."""
    b3 = B3Files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            b3.asked.append(name.removeprefix("COTAHIST_").removesuffix(".ZIP"))
            body = b3.files.get(name)
            etag = f'"{hashlib.sha256(body or b"").hexdigest()[:16]}"'
            is_known = self.headers.get("If-None-Match") == etag
            self.send_response(404 if body is None else 304 if is_known else 200)
            content = b"" if is_known or body is None else body
            for key, value in (("ETag", etag), ("Content-Length", str(len(content)))):
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    b3.url = f"http://127.0.0.1:{server.server_address[1]}/InstDados/SerHist"
    try:
        yield b3
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
