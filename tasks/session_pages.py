"""Reports of sessions as pages: in S3, which tells what each was made of, or in a folder.

```
reports/portfolio/<session>/<index>.html    a session of an index
reports/portfolio/<month>.html              what there is of a month
```

A folder of a person's has the same as below `reports/portfolio/`: links lead from page to page.
"""

import datetime as dt
import re
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import boto3
from botocore.exceptions import ClientError
from prefect import task

from tasks.core.errors import DiskFullError, InvalidInputError
from tasks.disk import find_full_disk
from tasks.objects import list_etags
from tasks.retries import OVER_AWS, code_of, tried_again
from tasks.side_by_side import READS_AT_ONCE, side_by_side

REPORTS = "reports/portfolio/"
_DIGEST = "made-of"  # S3 keeps it beside the page
_PAGE = re.compile(r"(\d{4}-\d\d-\d\d)/([A-Z0-9]{4,6})\.html", re.ASCII)

Pages = dict[dt.date, set[str]]
"""`{session: the indices that there is a page of}`."""


@dataclass(frozen=True)
class Page:
    """A page to be written.

    Attributes:
        html: It.
        digest: Of what it is made of, and how.
    """

    html: str
    digest: str


def page_path(trading_date: dt.date, index_code: str) -> str:
    """Return where the page of a session lies, below `REPORTS`."""
    return f"{trading_date}/{index_code}.html"


def month_path(month: str) -> str:
    """Return where the page of a month lies, below `REPORTS`."""
    return f"{month}.html"


class Place(Protocol):
    """Where pages lie."""

    def list_pages(self, month: str) -> Pages:
        """Return the pages of a month."""

    def find_digests(self, paths: Collection[str]) -> dict[str, str]:
        """Return the digests of those that are there, and say what they were made of."""

    def write(self, about: str, pages: Mapping[str, Page]) -> None:
        """Write pages, each in one step; safe to repeat."""

    def name_of(self, path: str) -> str:
        """Return where a page lies, for people."""


class Bucket:
    """The lake's bucket, where pages lie below `REPORTS`."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @tried_again
    def list_pages(self, month: str) -> Pages:
        """Return the pages of a month; one listing."""
        keys = list_etags(self._bucket, f"{REPORTS}{month}-")
        return _read_paths(key.removeprefix(REPORTS) for key in keys)

    @tried_again
    def find_digests(self, paths: Collection[str]) -> dict[str, str]:
        """Return the digests of the pages that are there; one call a page."""
        client = boto3.client("s3")

        def find(path: str) -> str:
            try:
                found = client.head_object(Bucket=self._bucket, Key=f"{REPORTS}{path}")
            except ClientError as error:
                if code_of(error) in ("404", "NoSuchKey", "NotFound"):
                    return ""
                raise
            return found["Metadata"].get(_DIGEST, "")

        found = side_by_side(find, paths, READS_AT_ONCE)
        return {path: digest for path, digest in zip(paths, found, strict=True) if digest}

    def write(self, about: str, pages: Mapping[str, Page]) -> None:
        """Write pages, each by one PUT: a step of the run."""
        step = task(name="write-reports", task_run_name=f"write {about}", **OVER_AWS)(put_pages)
        step(self._bucket, pages)

    def name_of(self, path: str) -> str:
        """Return the address of a page."""
        return f"s3://{self._bucket}/{REPORTS}{path}"


def put_pages(bucket: str, pages: Mapping[str, Page]) -> None:
    """Write pages to S3. Safe to repeat: one PUT of one object each, which replaces it whole."""
    client = boto3.client("s3")
    for path, page in pages.items():
        client.put_object(
            Bucket=bucket,
            Key=f"{REPORTS}{path}",
            Body=page.html.encode(),
            ContentType="text/html; charset=utf-8",
            Metadata={_DIGEST: page.digest},
        )


class Folder:
    """A folder on this machine; what it has of a page is written again."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, which is made where there is none.

        Raises:
            InvalidInputError: It is none, or cannot be made.
        """
        self._folder = folder
        self._make(folder)

    def list_pages(self, month: str) -> Pages:
        """Return the pages of a month."""
        found = self._folder.glob(f"{month}-*/*.html")
        return _read_paths(path.relative_to(self._folder).as_posix() for path in found)

    def find_digests(self, paths: Collection[str]) -> dict[str, str]:  # noqa: ARG002
        """Return none: a file says nothing of what it was made of."""
        return {}

    def write(self, about: str, pages: Mapping[str, Page]) -> None:
        """Write pages beside their places, and put each there when it is whole.

        Raises:
            InvalidInputError: One cannot be written there.
            DiskFullError: There is no room for it.
        """
        for path, page in pages.items():
            to = self._folder / path
            self._make(to.parent)
            part = to.with_name(f".{uuid.uuid4().hex}")
            try:
                part.write_text(page.html, encoding="utf-8")
                part.replace(to)
            except OSError as error:
                raise _unwritable(about, to, error) from error
            finally:
                part.unlink(missing_ok=True)

    def name_of(self, path: str) -> str:
        """Return the path of a page."""
        return str(self._folder / path)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable("reports", folder, error) from error


def _unwritable(about: str, to: Path, error: OSError) -> DiskFullError | InvalidInputError:
    full = find_full_disk(error)
    if full:
        return DiskFullError(f"{full} {about}: not all is written; run it again.")
    return InvalidInputError(
        f"{to} cannot be written ({error.strerror}): mend that, or name another --to."
    )


def _read_paths(paths: Iterable[str]) -> Pages:
    pages: dict[dt.date, set[str]] = defaultdict(set)
    for path in paths:
        match = _PAGE.fullmatch(path)
        with suppress(ValueError):  # somebody else's, of a day that there is not
            if match:
                pages[dt.date.fromisoformat(match[1])].add(match[2])
    return dict(pages)


@tried_again
def list_versions(bucket: str, prefixes: Collection[str]) -> dict[str, str]:
    """Return `{key: ETag}` of what lies under some prefixes: whether it has changed since."""
    found: dict[str, str] = {}
    for prefix in prefixes:
        found |= list_etags(bucket, prefix)
    return found
