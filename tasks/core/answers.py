"""What B3 is asked in JSON, and its answers told apart.

An answer is a web page, nothing yet, JSON of another form, or of the form that a reader knows.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tasks.core.errors import BadDataError, RetryableError

_Form = TypeVar("_Form", bound=BaseModel)
_LONGEST_PAGE = 300
BYTES_KEPT = (
    "Landing keeps the bytes; raw and refined are untouched. Look at it before running again."
)


def encode_request(path: str, request: Mapping[str, Any]) -> str:
    """Return the path of a request as B3's proxies take it: a JSON object in standard base64."""
    text = json.dumps(request, separators=(",", ":"))
    return path + base64.b64encode(text.encode()).decode()


def load_answer(body: bytes, subject: str) -> Any:
    """Return what an answer holds: JSON, or a JSON string that holds it.

    Args:
        body: The answer, byte for byte.
        subject: What was asked for; for messages.

    Raises:
        RetryableError: The body is empty or no JSON, as in B3's bad moments.
    """
    if not body.strip():
        raise RetryableError(f"B3 answered with an empty body for {subject}. Try again later.")
    try:
        payload = json.loads(body)
        return json.loads(payload) if isinstance(payload, str) else payload
    except (ValueError, RecursionError) as error:
        raise RetryableError(
            f"Expected JSON from B3 for {subject}, found {body[:80]!r}. Try again later."
        ) from error


def validate_answer(form: type[_Form], payload: object, subject: str) -> _Form:
    """Return an answer in the form that its reader knows.

    Args:
        form: The form.
        payload: What the answer holds.
        subject: What was asked for; for messages.

    Raises:
        BadDataError: JSON of another form; the message names up to five problems.
    """
    try:
        return form.model_validate(payload)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in error.errors()[:5]
        )
        raise BadDataError(
            f"B3's answer for {subject} is not in the known form: {problems}. "
            f"If B3 has changed it, the reader must follow."
        ) from error


@contextmanager
def bytes_kept() -> Iterator[None]:
    """Let what refuses an answer say that its bytes are kept.

    Raises:
        BadDataError: Whatever was refused.
    """
    try:
        yield
    except BadDataError as error:
        raise BadDataError(f"{error} {BYTES_KEPT}") from error


def looks_like_html(body: bytes) -> bool:
    """Return whether the bytes are a web page."""
    start = body.lstrip()[:200].lower()
    return start.startswith((b"<!doctype", b"<html", b"<head", b"<body")) or b"<html" in start


def describe_page(body: bytes) -> str:
    """Return the title and the text of a web page, shortened, for a message."""
    # Imported here: most runs meet no page, and need not wait for it.
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(body, "html.parser")
    for tag in soup(["script", "style", "noscript", "head"]):
        if tag.name != "head":
            tag.decompose()
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    text = soup.body.get_text(" ", strip=True) if soup.body else soup.get_text(" ", strip=True)
    said = f"{title}: {text}" if title and text and title != text else title or text
    return said if len(said) <= _LONGEST_PAGE else said[:_LONGEST_PAGE].rstrip() + " …"
