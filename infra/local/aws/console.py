"""The local cloud's own page, which stands for one of the AWS console: a Glue run with its log.

`GET /console/glue/<job>/<run id>`, without a signature, for a browser.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from infra.local.aws.state_files import StateDirectory

_PAGE = re.compile(r"/console/glue/(?P<job>[^/]+)/(?P<run>jr_[0-9a-f]+)/?")


class ConsoleMiddleware:
    """A WSGI layer that answers a browser; calls go on to AWS."""

    def __init__(self, application: Callable[..., Iterable[bytes]], state: StateDirectory) -> None:
        self._application = application
        self._state = state

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        # A call is signed, in its head or in its query; a page has neither.
        is_call = "HTTP_AUTHORIZATION" in environ or environ.get("QUERY_STRING")
        page = _PAGE.fullmatch(environ["PATH_INFO"])
        if is_call or environ["REQUEST_METHOD"] != "GET" or not page:
            return self._application(environ, start_response)
        text = _describe_run(self._state, page["job"], page["run"])
        status = "200 OK" if text else "404 Not Found"
        body = (text or f"There is no run {page['run']} of a Glue job {page['job']}.\n").encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),  # a log is not to be run as a page
        ]
        start_response(status, headers)
        return [body]


def _describe_run(state: StateDirectory, job_name: str, run_id: str) -> str:
    """Return what is known of a run, then its log as far as it goes; empty where there is none."""
    described, log = state.glue / f"{run_id}.json", state.glue / f"{run_id}.log"
    if not described.exists():
        return ""
    run = json.loads(described.read_text())
    if run["job_name"] != job_name:
        return ""
    times = {name: run[f"{name}_at"] for name in ("started", "completed")}
    lines = [
        f"Glue run {run_id} of {job_name}: {run['state']}",
        *([run["error"]] if run["error"] else []),
        *(f"{name}: {_time(at)}" for name, at in times.items() if at is not None),
        *(f"{name}: {value}" for name, value in run["arguments"].items()),
        f"log file: {log}",
        "",
        log.read_text(errors="replace") if log.exists() else "(it has written nothing yet)\n",
    ]
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, tz=dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
