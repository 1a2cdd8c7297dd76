"""Who asked the local cloud for what: a line of JSON for each call, as CloudTrail keeps them.

A program is told from another by its access key: a task's is the name of its role.
"""

import io
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")
# S3's calls have no name on the wire; IAM's names of what they need.
_S3_ACTIONS = {"HEAD": "GetObject", "GET": "GetObject", "PUT": "PutObject", "POST": "PutObject"}
_LARGEST_BODY_BYTES = 1_000_000


class TrailMiddleware:
    """A WSGI layer that keeps a line of each call: `principal`, `action`, `parameters`."""

    def __init__(self, application: Callable[..., Iterable[bytes]], path: Path) -> None:
        self._application = application
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope:
            action, parameters = _describe(environ, scope["service"])
            line = {"principal": scope["key"], "action": action, "parameters": parameters}
            with self._lock:
                self._file.write(json.dumps(line) + "\n")
        return self._application(environ, start_response)

    def close(self) -> None:
        """Close the file; nothing is asked any more."""
        self._file.close()


def _describe(environ: dict[str, Any], service: str) -> tuple[str, dict[str, Any]]:
    """Return the action in IAM's form, such as `glue:GetTable`, and what it was asked about."""
    if service == "s3":
        return _describe_s3(environ)
    body = _read_body(environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return f"{service}:{target.rpartition('.')[2]}", json.loads(body or b"{}")
    query = urllib.parse.parse_qs(body.decode() or environ.get("QUERY_STRING", ""))
    parameters = {name: values[0] for name, values in query.items()}
    return f"{service}:{parameters.pop('Action', environ['PATH_INFO'])}", parameters


def _describe_s3(environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    method = environ["REQUEST_METHOD"]
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    if not key:
        if method == "POST" and "delete" in query:
            return "s3:DeleteObject", {"bucket": bucket}
        if method in ("GET", "HEAD"):
            return "s3:ListBucket", {"bucket": bucket, "prefix": query.get("prefix", [""])[0]}
        return f"s3:{method.title()}Bucket", {"bucket": bucket}
    if method == "DELETE":
        action = "AbortMultipartUpload" if "uploadId" in query else "DeleteObject"
    else:
        action = _S3_ACTIONS[method]
    return f"s3:{action}", {"bucket": bucket, "key": key}


def _read_body(environ: dict[str, Any]) -> bytes:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if size > _LARGEST_BODY_BYTES:
        return b""
    body: bytes = environ["wsgi.input"].read(size)
    environ["wsgi.input"] = io.BytesIO(body)
    return body
