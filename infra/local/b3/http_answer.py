"""An HTTP answer as a value, and the bytes that it is on the wire."""

import json
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus


@dataclass(frozen=True)
class Answer:
    """One HTTP answer.

    Attributes:
        status: Status code, codes that no standard knows (520) included.
        content_type: Value of the Content-Type header.
        body: The body.
        headers: Further headers, name and value.
    """

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def head(self, content_length: int | None) -> bytes:
        """Return status line and headers, up to and with the empty line.

        Args:
            content_length: What to announce; with None the body ends with the connection.
        """
        reasons = {status.value: status.phrase for status in HTTPStatus}
        lines = [f"HTTP/1.1 {self.status} {reasons.get(self.status, 'Unknown')}"]
        lines += [f"Date: {formatdate(usegmt=True)}", f"Content-Type: {self.content_type}"]
        if content_length is not None:
            lines.append(f"Content-Length: {content_length}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append("Connection: close")
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")

    def unless_known(self, etag: str | None) -> "Answer":
        """Return the answer, or 304 without a body where the client names its ETag."""
        if etag and ("ETag", etag) in self.headers and self.status == HTTPStatus.OK:
            return replace(self, status=HTTPStatus.NOT_MODIFIED, body=b"")
        return self

    def message(self) -> bytes:
        """Return the whole answer as it is on the wire."""
        return self.head(len(self.body)) + self.body


def json_answer(body: object) -> Answer:
    """Return a JSON body, written as B3 writes it."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Answer(200, "application/json; charset=utf-8", text.encode())


def html_page(status: int, title: str, text: str) -> Answer:
    """Return a small HTML page, as a person would see it."""
    page = (
        f"<!DOCTYPE html><html><head><title>{title}</title></head>"
        f"<body><h1>{title}</h1><p>{text}</p></body></html>"
    )
    return Answer(status, "text/html; charset=UTF-8", page.encode())
