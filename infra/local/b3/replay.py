"""B3's sites on this machine, as a server.

It answers `GetPortfolioDay` and `GetDownloadPortfolioDay` as B3 does (see `format`), for the
indices of `sessions.INDEX_SIZES`, and like B3 shows one session of an index at a time. For that
session it also answers with the portfolio of the period and with the preview of the next one (see
`period` and `period_calls`). Where no preview is in force it answers with the last that was, as B3
does: only `GetConfigurations` tells. It serves the list of indices, `GetStockIndex` (see
`stock_index`), the files of daily quotes, `/InstDados/SerHist/COTAHIST_….ZIP`, of every session so
far (see `quotes`), and the levels of the indices that these quotes give (see `levels`).

    GET  /replay                              what it shows, how it misbehaves, what was asked
    POST /replay {"session": "2025-08-01"}    show another session, of every index
    POST /replay {"session": "2025-08-01", "index": "IBXX"}      of one index
    POST /replay {"session": "2025-08-01", "after": 12}          after 12 portfolio requests more
    POST /replay {"listed": ["IBOV", "NEWX"]}                    list these indices alone
    POST /replay {"listed": null}                                list as before
    POST /replay {"fault": "http_429", "times": 2, "options": {"retry_after_seconds": 3}}
    POST /replay {"fault": "http_500", "index": "SMLL"}          misbehave for one index
    POST /replay {"fault": "http_500", "index": "list"}          misbehave for the list
    POST /replay {"fault": "http_500", "index": "theoretical"}   for the period's portfolios
    POST /replay {"fault": "http_500", "index": "preview"}       for the previews
    POST /replay {"fault": "http_500", "index": "configurations"}  for whether there is a preview
    POST /replay {"fault": null, "index": "SMLL"}                behave again for that one
    POST /replay {"fault": null}                                 behave again
    POST /replay {"preview": true}            say that a preview is in force; false that none is
    POST /replay {"preview": null}            say it by the calendar

A fault of an index is for all that is asked about it, a fault of a call for that call about any
index, its file included; the index's own comes before the call's, and both before that of every
request. Portfolio requests are those for pages of the day's portfolio alone. The fields of several
can stand in one; `index` is then that of session and fault. An index that is listed and not in
`sessions.INDEX_SIZES` has portfolios and levels as long as it is listed. A program starts it with
`start()` and steers it with the methods of `Replay`.
"""

import datetime as dt
import socketserver
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self

from infra.local.b3.format import BadRequestError
from infra.local.b3.http_answer import Answer, html_page, json_answer
from infra.local.b3.routes import read_request
from infra.local.b3.sessions import SESSIONS
from infra.local.b3.state import ReplayState
from infra.local.b3.steering import Steering
from infra.local.b3.wire_faults import FaultOptions, Pieces, send_at_once


class Replay(ReplayState):
    """A running replay on 127.0.0.1; as a context manager it stops at the end.

    Attributes:
        url: Where it is served, without a slash at the end.
    """

    def __init__(self, session: dt.date) -> None:
        super().__init__(session)
        self.stopping = threading.Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.05,), name="b3-replay", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server, answers that are not sent yet included."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


def start(session: dt.date | None = None) -> Replay:
    """Start a replay in a daemon thread.

    Args:
        session: What to show; the last of `SESSIONS` if None.
    """
    return Replay(session or SESSIONS[-1])


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/replay":
            self._send(_at_once(_state_answer(self.server.replay)))
        else:
            known_etag = self.headers.get("If-None-Match")
            self._send(_pieces_for(self.path, self.server.replay, known_etag))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/replay":
            self._send(_at_once(_steer(body, self.server.replay)))
        else:
            self._send(_at_once(_text(404, "POST goes to /replay.")))

    def _send(self, pieces: Pieces) -> None:
        with suppress(ConnectionError):  # the client has closed it
            for seconds, piece in pieces:
                if self.server.replay.stopping.wait(seconds):
                    return
                self.wfile.write(piece)


def _at_once(answer: Answer) -> Pieces:
    return send_at_once(answer, FaultOptions())


def _text(status: int, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode())


def _state_answer(replay: Replay) -> Answer:
    return json_answer(replay.state())


def _steer(body: bytes, replay: Replay) -> Answer:
    try:
        replay.steer(Steering.model_validate_json(body))
    except ValueError as error:
        return _text(400, str(error))
    return _state_answer(replay)


def _pieces_for(path: str, replay: Replay, known_etag: str | None) -> Pieces:
    try:
        asked = read_request(path)
    except BadRequestError as error:
        return _at_once(_text(400, str(error)))
    if asked is None:
        return _at_once(html_page(404, "Not Found", "No such page."))
    shown, in_force = replay.take(asked.query)
    answer = asked.answer(shown, in_force.fault)
    answer = in_force.fault.answer(answer.unless_known(known_etag), in_force.options)
    return in_force.fault.send(answer, in_force.options)
