"""Every parser of what somebody else wrote, at the door that the pipeline takes to it."""

import base64
import datetime as dt
import gzip
import io
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.b3.format import DownloadQuery, content_of, render_csv
from infra.local.b3.http_answer import html_page, json_answer
from infra.local.b3.sessions import generate_portfolio
from tasks.core.answers import describe_page
from tasks.core.attempt import UNREADABLE, read_outcome
from tasks.core.commit import read_commit, write_commit
from tasks.core.errors import B3PipelineError
from tasks.core.footer import read_ends
from tasks.core.indices import read_index_codes, read_list
from tasks.core.levels.answer import parse_levels, read_answer
from tasks.core.portfolio.pages import parse_pages, read_page
from tasks.core.portfolio.period import has_preview, parse_period, read_period_page
from tasks.core.portfolio.reconcile import SavedFile, read_period_file, read_saved_file
from tasks.core.quotes import QUOTES
from tasks.core.quotes.archive import read_sessions
from tasks.core.quotes.files import LoadedQuotes, QuotesPeriod
from tasks.core.views import read_moment, read_plan_columns
from tasks.deadline import open_session
from tasks.http import fetch_body
from tasks.objects import parse_table, read_landed
from tasks.turns import Budget
from tests.cotahist_text import RECORD, SESSION, write_line, write_text, zip_text
from tests.portfolios import FRIDAY, answer, period_answer, to_bytes
from tests.tasks.conftest import serve
from tests.unit.portfolio.test_saved_period import LINES, MONDAY
from tests.unit.test_attempt import OUTCOME
from tests.unit.test_commit import COMMIT, KEY
from tests.unit.test_footer import SOUND

Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Parser:
    """One parser.

    Attributes:
        samples: What it reads well.
        read: Reads bytes, or raises one of `refusals`.
        refusals: What it may raise; ours, but for what its caller asks whether it can be read.
    """

    samples: Sequence[bytes]
    read: Read
    refusals: tuple[type[Exception], ...] = field(default=(B3PipelineError,))


def _page(body: bytes) -> object:
    return parse_pages([read_page(body, "IBOV")], "IBOV")


def _period(body: bytes) -> object:
    page = read_period_page(body, "IBOV theoretical portfolio")
    return parse_period([page], "IBOV", FRIDAY, "IBOV theoretical portfolio")


def _levels(body: bytes) -> object:
    return parse_levels(read_answer(body, "IBOV"), "IBOV", 2025)


def _zip(body: bytes) -> object:
    # Closed at once where it fails: what it holds open is not left to the garbage.
    with closing(read_sessions(io.BytesIO(body), QuotesPeriod.day(SESSION))) as sessions:
        return sum(batch.num_rows for _, batch in sessions)


def _zipped(text: bytes) -> object:
    return _zip(zip_text(text).read())


def _table(body: bytes) -> object:
    return parse_table("b3-lake", "raw/x.parquet", body)


def _landed(body: bytes) -> object:
    with patch("tasks.objects.read_object", lambda *_: body):
        return read_landed("b3-lake", "landing/x.json.gz")


def _note(body: bytes) -> object:
    return LoadedQuotes.from_note(json.loads(body))


def _moment(body: bytes) -> object:
    return read_moment(body.decode("latin-1"), dt.datetime(2025, 8, 4, tzinfo=dt.UTC))


def _codes(body: bytes) -> object:
    return read_index_codes(body.decode("latin-1").split())


def _http(message: bytes) -> object:
    with serve(message) as server, open_session() as session:
        return fetch_body(session, f"{server.url}/page", Budget.of(5.0))


def _samples_of_levels() -> bytes:
    months: dict[str, object] = {f"rateValue{month}": None for month in range(1, 13)}
    rows: list[dict[str, object]] = [{"day": day} | months for day in range(1, 32)]
    rows[0]["rateValue8"] = "132.437,39"
    return to_bytes({"min": {"day": 0}, "max": {"day": 0}, "results": rows})


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"ticker": ["PETR4", "VALE3"], "n": [1, 2]}), file)
    return file.getvalue()


def _saved(index: str) -> bytes:
    content = content_of(
        generate_portfolio(index, FRIDAY, 20), DownloadQuery(language="pt-br", index=index)
    )
    return base64.b64decode(render_csv(content).body)


_TEXT = write_text([write_line({**RECORD, "codneg": f"ABCD{number}"}) for number in range(5)])
_LISTED = {
    "results": [{"code": "VALE3", "indexes": "IBOV,SMLL"}, {"code": "A1AP34", "indexes": ""}]
}
_PLAN = {"tables": [{"name": "quotes_daily", "columns": [["ticker", "string"]]}]}
_NOTE = LoadedQuotes('"e"', "a" * 64, (SESSION,), 5, SESSION).to_note()
_PAGE = html_page(503, "Sistema em manutenção", "Tente mais tarde")
_PREVIEW = {"preview": [{"has": 1}], "theorical": [], "segments": [], "update": "04/08/25"}

PARSERS: dict[str, Parser] = {
    "portfolio page": Parser([to_bytes(answer()), to_bytes(to_bytes(answer()).decode())], _page),
    "period page": Parser([to_bytes(period_answer())], _period),
    "configurations": Parser([to_bytes(_PREVIEW)], lambda body: has_preview(body, "IBOV")),
    "list of indices": Parser([to_bytes(_LISTED)], read_list),
    "levels": Parser([_samples_of_levels()], _levels),
    "saved file": Parser(
        [_saved("IBOV")], lambda body: read_saved_file(SavedFile("x.csv", body), FRIDAY)
    ),
    "saved file of a period": Parser(
        ["\r\n".join(LINES).encode("latin-1")],
        lambda body: read_period_file(SavedFile("x.csv", body), MONDAY),
    ),
    "quotes text": Parser([_TEXT], _zipped),
    "quotes zip": Parser([zip_text(_TEXT).read()], _zip),
    "web page": Parser([_PAGE.body], describe_page),
    "http answer": Parser(
        [
            _PAGE.message(),
            json_answer({"results": []}).message(),
            b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/\r\n\r\n",
            b"HTTP/1.1 429 Slow\r\nRetry-After: Fri, 01 Aug 2025 12:00:00 GMT\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}", mtime=0),
        ],
        _http,
    ),
    "commit": Parser(
        [write_commit(COMMIT, QUOTES, "b3-lake")], lambda body: read_commit(body, KEY)
    ),
    "outcome": Parser([json.dumps(OUTCOME).encode()], read_outcome, UNREADABLE),
    "plan": Parser([json.dumps(_PLAN).encode()], lambda body: read_plan_columns(body, "k")),
    "note": Parser([json.dumps(_NOTE).encode()], _note, UNREADABLE),
    "raw object": Parser([_parquet()], _table),
    "footer": Parser([SOUND], lambda body: read_ends(body, "index_code"), (ValueError,)),
    "landed object": Parser([gzip.compress(to_bytes(answer()), mtime=0)], _landed),
    "moment": Parser([b"2025-08-01T12:00", b"2025-08-01T12:00-03:00"], _moment),
    "index codes": Parser([b"IBOV SMLL", b"all"], _codes),
}
