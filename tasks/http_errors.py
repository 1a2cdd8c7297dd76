"""Which error of ours each way becomes in which B3 does not answer over HTTP.

No message shows what a terminal could not, nor who asks: an address may hold a name and a secret.
"""

import datetime as dt
import email.utils
import logging
import ssl
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from tasks.core.answers import describe_page, looks_like_html
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    NotConfiguredError,
    RateLimitedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.texts import clean, hide_secrets, shorten, show

LONGEST_WAIT_SECONDS = 300.0  # that a Retry-After may ask for

_MAY_PASS = {408, 425, 429}
_TURNED_AWAY = {200, 403, 503}  # with a page: a challenge, a refusal, or maintenance
_NO_ADDRESS = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
)
# Of headers that are none urllib3 warns with a traceback; what they lead to is told by our errors.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
_LONGEST_LENGTH = 18  # digits: far above any file's


@contextmanager
def connection_to(url: str) -> Iterator[None]:
    """Turn every way in which a connection can fail into one of our errors.

    Raises:
        RetryableError: No connection, a timeout, an answer that breaks off or is no HTTP.
        NotConfiguredError: The certificate cannot be verified, or the address is none.
    """
    try:
        yield
    except requests.exceptions.SSLError as error:
        if not isinstance(_root_of(error), ssl.SSLCertVerificationError):
            raise RetryableError(
                f"No secure connection to {host_of(url)}: {_say(_root_of(error))}. Try again later."
            ) from error
        raise NotConfiguredError(
            f"The certificate of {host_of(url)} cannot be verified: {_say(error)}. If your network "
            f"has an authority of its own, name its file in REQUESTS_CA_BUNDLE."
        ) from error
    except _NO_ADDRESS as error:
        raise NotConfiguredError(
            f"Expected the address of a site, found {show(hide_secrets(url))}: {_say(error)}. "
            f"Check B3_INDEX_URL and B3_QUOTES_URL."
        ) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise RetryableError(
            f"No complete answer from {host_of(url)}: {_say(_root_of(error))}. Try again later."
        ) from error


def _say(error: BaseException) -> str:
    return shorten(clean(hide_secrets(str(error) or type(error).__name__)), 300)


def error_of(response: requests.Response, body: bytes, advice: str) -> B3PipelineError:
    """Return the error that an answer is, where it is not what was asked for.

    Args:
        response: The answer.
        body: Its body, or the start of it.
        advice: What to do where the address is not there.
    """
    status = response.status_code
    if response.is_redirect:
        return BadDataError(_describe_redirect(response, advice))
    said = (
        describe_page(body)
        if looks_like_html(body)
        else repr(body[:120].decode("utf-8", "replace"))
    )
    reason = shorten(clean(str(response.reason)))
    message = f"{host_of(response.url)} answered {status} {reason}: {said}"
    if status == requests.codes.too_many_requests:
        wait = _retry_after_seconds(response.headers.get("Retry-After"))
        if wait > LONGEST_WAIT_SECONDS:
            return BadDataError(f"{message} It asks to wait {wait:.0f} s: run again after that.")
        return RateLimitedError(message, wait)
    if status == requests.codes.forbidden or (status in _TURNED_AWAY and looks_like_html(body)):
        return BlockedError(message)
    if status in _MAY_PASS or status >= 500:
        return RetryableError(message)
    if status in (requests.codes.not_found, requests.codes.gone):
        return SourceHasNoDataError(f"{message} {advice}")
    return BadDataError(message)


def _describe_redirect(response: requests.Response, advice: str) -> str:
    here = host_of(response.url)
    try:
        there = host_of(urllib.parse.urljoin(response.url, response.headers["Location"]))
    except ValueError:
        there = ""
    where = "another address of its own" if there == here else shorten(there)
    where = where or "an address that is none"
    return (
        f"Expected {here} to answer itself, found that it answered {response.status_code} and "
        f"sends to {where}. B3 does not, and nobody is followed. {advice}"
    )


def read_length(response: requests.Response) -> int | None:
    """Return how many bytes a body is said to have as it is sent; None where nothing is said.

    Raises:
        RetryableError: What is said is no count.
    """
    header = response.headers.get("Content-Length", "").strip()
    if not header or "Content-Encoding" in response.headers:
        return None
    if not (header.isascii() and header.isdecimal() and len(header) <= _LONGEST_LENGTH):
        raise RetryableError(
            f"Expected a count of bytes as Content-Length from {host_of(response.url)}, found "
            f"{show(header)}. Try again later."
        )
    return int(header)


def _retry_after_seconds(header: str | None) -> float:
    """Read Retry-After: seconds or an HTTP date; 0 where there is none."""
    if not header:
        return 0.0
    if header.strip().isdecimal():
        return float(header)
    try:
        at = email.utils.parsedate_to_datetime(header)
        at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)  # HTTP's dates are in UTC
        return max(0.0, (at - dt.datetime.now(dt.UTC)).total_seconds())
    except (ValueError, OverflowError):
        return 0.0


def _root_of(error: BaseException) -> BaseException:
    """Return what began it: the wrappers of requests and urllib3 say little."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


def host_of(url: str) -> str:
    """Return the host and port of an address, without the name and the secret that it may hold."""
    return clean(urllib.parse.urlsplit(url).netloc.rpartition("@")[2])
