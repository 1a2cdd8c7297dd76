"""B3's folder of quotes files, as the replay serves it: `/InstDados/SerHist/COTAHIST_….ZIP`.

The files are generated, by the rules of `cotahist_files`, for every session from 1986 up to today;
a month or year that is not over ends with today's. Same period, same bytes, same ETag.
"""

import datetime as dt
import functools
import hashlib
import re
import tempfile
from dataclasses import dataclass, replace
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

from infra.local.b3.cotahist_files import list_sessions, parse_period, write_quotes_zip
from infra.local.b3.format import BadRequestError
from infra.local.b3.http_answer import Answer, html_page
from tasks.core.quotes.files import QuotesPeriod

INSTRUMENTS = 250
"""A small market, in which every constituent of the indices is still traded."""

_SAO_PAULO = ZoneInfo("America/Sao_Paulo")
_FILE_NAME = re.compile(r"COTAHIST_(?:D(\d\d)(\d\d)(\d{4})|M(\d\d)(\d{4})|A(\d{4}))\.ZIP")


@dataclass(frozen=True)
class QuotesQuery:
    """A request for a quotes file."""

    call: ClassVar[str] = "COTAHIST"
    target: ClassVar[None] = None
    page_number: ClassVar[int] = 1

    period: QuotesPeriod

    @property
    def index_code(self) -> None:
        """No index: a quotes file is of the whole market."""


def read_file_name(name: str) -> QuotesPeriod:
    """Return the period of a file.

    Raises:
        BadRequestError: It is no name of a quotes file.
    """
    match = _FILE_NAME.fullmatch(name)
    if not match:
        raise BadRequestError(f"Expected COTAHIST_D…, _M… or _A… and .ZIP, found {name!r}.")
    day, month_of_day, year_of_day, month, year_of_month, year = match.groups()
    parts = (year_of_day or year_of_month or year, month_of_day or month, day)
    try:
        return parse_period("-".join(part for part in parts if part))
    except ValueError as error:
        raise BadRequestError(f"{name} is no file of a day, month or year: {error}") from error


def serve_quotes(period: QuotesPeriod) -> Answer:
    """Return the file of a period, or 404 where it has no session yet."""
    today = dt.datetime.now(_SAO_PAULO).date()
    return _serve(replace(period, last_date=min(period.last_date, today)))


@functools.lru_cache(maxsize=16)
def _serve(period: QuotesPeriod) -> Answer:
    sessions = list_sessions(period) if period.first_date.year >= 1986 else []
    if not sessions:
        return html_page(404, "404 - File or directory not found.", "There is no such file.")
    with tempfile.TemporaryDirectory() as folder:
        body = write_quotes_zip(Path(folder), period, instrument_count=INSTRUMENTS).read_bytes()
    changed_at = dt.datetime.combine(sessions[-1], dt.time(23, 30), dt.UTC)
    headers = (
        ("ETag", f'"{hashlib.sha256(body).hexdigest()[:16]}"'),
        ("Last-Modified", format_datetime(changed_at, usegmt=True)),
    )
    return Answer(200, "application/x-zip-compressed", body, headers)
