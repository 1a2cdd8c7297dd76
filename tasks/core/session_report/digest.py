"""By what one tells that a page says what it should: the digest of what it is made of."""

import dataclasses
import hashlib
from functools import cache
from pathlib import Path

from tasks.core.session_report.model import SessionReport

_HOW = ("*.py", "*.html", "*.css", "*.toml")


def digest_report(report: SessionReport, language: str) -> str:
    """Return the digest of what a page says, in which language, and how it says it.

    Which commit it was read from does not count: a month is published again for each session of
    it, and says the same of the others.
    """
    said = dataclasses.replace(report, origin=None)  # type: ignore[arg-type]
    return _digest(repr(said), language, _digest_how())


def digest_page(html: str) -> str:
    """Return the digest of a page that says no more than what it says."""
    return _digest(html)


@cache
def _digest_how() -> str:
    """Return the digest of the code that makes pages: a page that is made otherwise is another."""
    folder = Path(__file__).parent
    files = sorted(path for pattern in _HOW for path in folder.glob(pattern))
    return _digest(*(f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in files))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
