"""What B3 is asked in JSON, and its answers told apart.

An answer is a web page, nothing yet, JSON of another form, or of the form that a reader knows.
"""

import base64
import codecs
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from tasks.core.errors import BadDataError, RetryableError
from tasks.core.texts import clean, shorten, show

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_Form = TypeVar("_Form", bound=BaseModel)
LARGEST_PAGE_BYTES = (
    16 * 1024
)  # of a page, before it is parsed: a parser's time may grow as its square
_LONGEST_PAGE = 300  # characters of a message
_LONGEST_NUMBER = 18  # characters: far above B3's counts, and within 64 bits
_DEEPEST = 20  # levels: B3's answers have four
_MOST_PROBLEMS = 5  # named in a message
_SURROGATE = re.compile("[\ud800-\udfff]")
BYTES_KEPT = (
    "Landing keeps the bytes; raw and refined are untouched. Look at it before running again."
)


class Strict(BaseModel):
    """A part of an answer, its fields as B3 writes them; fields that are not known are let be."""

    model_config = ConfigDict(strict=True, frozen=True)


def encode_request(path: str, request: Mapping[str, Any]) -> str:
    """Return the path of a request as B3's proxies take it: a JSON object in standard base64."""
    text = json.dumps(request, separators=(",", ":"))
    return path + base64.b64encode(text.encode()).decode()


def load_answer(body: bytes, subject: str) -> Any:
    """Return what an answer holds: JSON, or a JSON string that holds it.

    What JSON can say and no reader can keep is refused, wherever it stands: a key twice in one
    object, of which one value would be lost in silence; NaN and infinity; a number that is longer
    than any of B3's; half of a surrogate pair, which no file can hold.

    Args:
        body: The answer, byte for byte: UTF-8, with or without a byte order mark.
        subject: What was asked for; for messages.

    Raises:
        RetryableError: The body is empty or no JSON, as in B3's bad moments.
        BadDataError: JSON that is refused; the message names up to five places.
    """
    if not body.strip():
        raise RetryableError(f"B3 answered with an empty body for {subject}. Try again later.")
    try:
        payload = _parse(body.decode())
        payload = _parse(payload) if isinstance(payload, str) else payload
    except ValueError as error:
        raise RetryableError(
            f"Expected JSON from B3 for {subject}, found {body[:80]!r}. Try again later."
        ) from error
    except RecursionError as error:
        raise _bad_json(subject, [_TOO_DEEP]) from error
    if problems := list(islice(_find_problems(payload, ()), _MOST_PROBLEMS)):
        raise _bad_json(subject, problems)
    return payload


@dataclass(frozen=True)
class _Refused:
    """Stands where an answer has something that no reader is given."""

    what: str


_TOO_DEEP = f"more than {_DEEPEST} levels, one in the other"


def _parse(text: str) -> Any:
    return json.loads(
        text.removeprefix("\ufeff"), object_pairs_hook=_read_object, parse_int=_read_integer
    )


def _read_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _Refused("a key that stands twice") if key in found else value
    return found


def _read_integer(digits: str) -> int | _Refused:
    if len(digits) > _LONGEST_NUMBER:
        return _Refused(f"the number {shorten(digits)}")
    return int(digits)


def _find_problems(value: Any, path: tuple[object, ...]) -> Iterator[str]:
    if what := _what_is_refused(value, len(path)):
        yield f"{_name_place(path)}: {what}"
        return
    inner = value.items() if isinstance(value, dict) else ()
    for key, each in enumerate(value) if isinstance(value, list) else inner:
        yield from _find_problems(each, (*path, key))


def _what_is_refused(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return _TOO_DEEP
    if isinstance(value, _Refused):
        return value.what
    if isinstance(value, float) and not math.isfinite(value):
        return f"the number {json.dumps(value)}"
    texts = value if isinstance(value, dict) else [value] if isinstance(value, str) else ()
    halves = (text for text in texts if _SURROGATE.search(text))
    return next((f"half of a surrogate pair in {show(text)}" for text in halves), "")


def _name_place(path: Sequence[object]) -> str:
    parts = (str(key) if str(key).isalnum() else show(key) for key in path)
    return shorten(".".join(parts)) or "answer"


def _bad_json(subject: str, problems: Sequence[str]) -> BadDataError:
    return BadDataError(
        f"Expected JSON that can be kept from B3 for {subject}, found {'; '.join(problems)}."
    )


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
        problems = "; ".join(map(_tell, error.errors()[:_MOST_PROBLEMS]))
        raise BadDataError(
            f"B3's answer for {subject} is not in the known form: {problems}. "
            f"If B3 has changed it, the reader must follow."
        ) from error


def _tell(problem: ErrorDetails) -> str:
    """Return where it is, what was expected, and what was found where that is a single value."""
    found = problem["input"]
    shown = "" if isinstance(found, dict | list) else f", found {show(found)}"
    return f"{_name_place(problem['loc'])}: {problem['msg']}{shown}"


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
    """Return the title and the text of a web page, on one line and shortened, for a message."""
    # Imported here: most runs meet no page, and need not wait for it.
    from bs4 import BeautifulSoup, ParserRejectedMarkup

    start = _decode_page(body[:LARGEST_PAGE_BYTES])
    try:
        title, text = _read_page(BeautifulSoup(start, "html.parser"))
    except (ParserRejectedMarkup, RecursionError):  # no page that can be read
        title, text = "", start
    said = clean(f"{title}: {text}" if title and text and title != text else title or text)
    return said if len(said) <= _LONGEST_PAGE else said[:_LONGEST_PAGE].rstrip() + " …"


def _decode_page(start: bytes) -> str:
    """Return the start of a page as text: UTF-8, or else what B3's older pages are in."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(start)  # it may end in a character
    except UnicodeDecodeError:
        return start.decode("cp1252", "replace")


def _read_page(soup: "BeautifulSoup") -> tuple[str, str]:
    """Return a page's title and its text."""
    for tag in soup(["script", "style", "noscript"]):
        tag.decompose()
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    return title, (soup.body or soup).get_text(" ", strip=True)
