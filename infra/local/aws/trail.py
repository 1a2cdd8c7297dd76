"""Who asked the local cloud for what: a line of JSON for each call, as CloudTrail keeps them.

A program is told from another by its access key: a task's, and a job's, is the name of its role.
What ECS and Glue ask for in a role's name, without a request that could be seen here, they keep
here too.
"""

import io
import json
import re
import threading
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")
# S3's calls have no name on the wire; IAM's names of what they need.
_S3_ACTIONS = {"HEAD": "GetObject", "GET": "GetObject", "PUT": "PutObject", "POST": "PutObject"}
# Questions about a bucket that need another right than its list.
_S3_SUBRESOURCES = {
    "location": "GetBucketLocation",
    "uploads": "ListBucketMultipartUploads",
    "versions": "ListBucketVersions",
}
_SECRETS = {"SecretString", "SecretBinary"}
_LARGEST_BODY_BYTES = 16_000_000  # above a list of the 1,000 longest keys to delete


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
            for action, parameters in _describe_or_note(environ, scope["service"]):
                self.keep(scope["key"], action, parameters)
        return self._application(environ, start_response)

    def keep(self, principal: str, action: str, parameters: dict[str, Any]) -> None:
        """Keep one call.

        Args:
            principal: Who asked: an access key, or the name of a role.
            action: In IAM's form, such as `glue:GetTable`.
            parameters: What it was asked about; a secret's value is left out.
        """
        parameters = {name: parameters[name] for name in parameters if name not in _SECRETS}
        line = {"principal": principal, "action": action, "parameters": parameters}
        with self._lock:
            if not self._file.closed:
                self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Close the file; nothing is asked any more."""
        with self._lock:
            self._file.close()


def _describe_or_note(environ: dict[str, Any], service: str) -> list[tuple[str, dict[str, Any]]]:
    """Describe a request, or say that it cannot be: to refuse it is the service's part."""
    try:
        return _describe(environ, service)
    except (ValueError, KeyError, ET.ParseError) as error:
        return [(f"{service}:unreadable", {"error": type(error).__name__})]


def _describe(environ: dict[str, Any], service: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the actions that a request takes, in IAM's form, and what each was asked about."""
    if service == "s3":
        return _describe_s3(environ)
    body = _read_body(environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        asked = json.loads(body or b"{}")
        if not isinstance(asked, dict):
            raise ValueError("expected an object")
        return [(f"{service}:{target.rpartition('.')[2]}", asked)]
    query = urllib.parse.parse_qs(body.decode() or environ.get("QUERY_STRING", ""))
    parameters = {name: values[0] for name, values in query.items()}
    return [(f"{service}:{parameters.pop('Action', environ['PATH_INFO'])}", parameters)]


def _describe_s3(environ: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    method = environ["REQUEST_METHOD"]
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    path = environ["PATH_INFO"].encode("latin-1").decode()  # WSGI has bytes as characters
    bucket, _, key = path.lstrip("/").partition("/")
    if not key:
        return _describe_bucket(environ, bucket, method, query)
    about = {"bucket": bucket, "key": key}
    if method == "DELETE":
        return [("s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject", about)]
    if method == "GET" and "uploadId" in query:
        return [("s3:ListMultipartUploadParts", about)]
    if "HTTP_IF_NONE_MATCH" in environ and method == "PUT":
        about["if_none_match"] = environ["HTTP_IF_NONE_MATCH"]
    calls = [(f"s3:{_S3_ACTIONS[method]}", about)]
    if source := environ.get("HTTP_X_AMZ_COPY_SOURCE"):
        name, _, copied = urllib.parse.unquote(source).lstrip("/").partition("/")
        calls.append(("s3:GetObject", {"bucket": name, "key": copied.partition("?")[0]}))
    return calls


def _describe_bucket(
    environ: dict[str, Any], bucket: str, method: str, query: dict[str, list[str]]
) -> list[tuple[str, dict[str, Any]]]:
    if method == "POST" and "delete" in query:
        asked = ET.fromstring(_read_body(environ))  # noqa: S314 - of our own clients
        keys = [key.text or "" for key in asked.findall(".//{*}Key")]
        return [("s3:DeleteObject", {"bucket": bucket, "key": key}) for key in keys]
    if method in ("GET", "HEAD"):
        action = next((_S3_SUBRESOURCES[name] for name in query if name in _S3_SUBRESOURCES), "")
        about = {"bucket": bucket, "prefix": query.get("prefix", [""])[0]}
        return [(f"s3:{action or 'ListBucket'}", about)]
    return [(f"s3:{method.title()}Bucket", {"bucket": bucket})]


def _read_body(environ: dict[str, Any]) -> bytes:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if size > _LARGEST_BODY_BYTES:
        return b""
    body: bytes = environ["wsgi.input"].read(size)
    environ["wsgi.input"] = io.BytesIO(body)
    return body
