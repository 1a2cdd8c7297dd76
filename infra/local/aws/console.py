"""The local cloud's own pages, which stand for some of the AWS console's.

Without a signature, for a browser:

    GET /console/glue/<job>/<run id>      a Glue run with its log
    GET /console/s3/<bucket>/reports/…    a page of the bucket, as its button *Open* shows it
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from infra.local.aws.state_files import StateDirectory

_RUN = re.compile(r"/console/glue/(?P<job>[^/]+)/(?P<run>jr_[0-9a-f]+)/?")
_NAME = r"[A-Za-z0-9][A-Za-z0-9-]*"
_OBJECT = re.compile(rf"/console/s3/(?P<bucket>{_NAME})/(?P<key>reports/({_NAME}/)*{_NAME}\.html)")
_FOUND, _NONE = "200 OK", "404 Not Found"


class ConsoleMiddleware:
    """A WSGI layer that answers a browser; calls go on to AWS."""

    def __init__(self, application: Callable[..., Iterable[bytes]], state: StateDirectory) -> None:
        self._application = application
        self._state = state

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        # A call is signed, in its head or in its query; a page has neither.
        is_call = "HTTP_AUTHORIZATION" in environ or environ.get("QUERY_STRING")
        shown = None
        if environ["REQUEST_METHOD"] == "GET" and not is_call:
            shown = self._show(environ["PATH_INFO"])
        if shown is None:
            return self._application(environ, start_response)
        status, kind, body = shown
        headers = [
            ("Content-Type", f"text/{kind}; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),  # a log is not to be run as a page
        ]
        start_response(status, headers)
        return [body]

    def _show(self, path: str) -> tuple[str, str, bytes] | None:
        """Return the status, the kind of text and the text of a page; None where it is none."""
        if page := _RUN.fullmatch(path):
            text = _describe_run(self._state, page["job"], page["run"])
            missing = f"There is no run {page['run']} of a Glue job {page['job']}.\n"
            return (_FOUND if text else _NONE), "plain", (text or missing).encode()
        if page := _OBJECT.fullmatch(path):
            file = self._state.lake / page["bucket"] / page["key"]
            if file.is_file():
                return _FOUND, "html", file.read_bytes()
            return _NONE, "plain", f"There is no {page['key']} in {page['bucket']}.\n".encode()
        return None


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
