"""B3's site of indices, asked within a budget, and the lake that keeps what it answers."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import requests
from prefect import get_run_logger

from tasks import USER_AGENT
from tasks.core.answers import bytes_kept
from tasks.core.dataset import Table
from tasks.core.download import Download, Paged
from tasks.core.exchange import day_in_sao_paulo
from tasks.deadline import open_session
from tasks.http import fetch_body, waiting_as_asked
from tasks.objects import land_bytes
from tasks.turns import Budget

Form = TypeVar("Form", bound=Paged)


@dataclass(frozen=True)
class Kept:
    """One answer, which landing keeps.

    Attributes:
        body: Its bytes.
        received_at: When it had come (UTC, whole seconds).
        key: Where landing keeps it; empty of a blank one, which it does not keep.
    """

    body: bytes
    received_at: dt.datetime
    key: str


@dataclass(frozen=True)
class Site:
    """B3's site, and the lake that keeps what it answers.

    Attributes:
        index_url: The site, without a path.
        bucket: The lake's bucket.
        whole: How long all requests of the run may take.
        attempt: How long those of this attempt may take.
        user_agent: Who asks.
    """

    index_url: str = field(repr=False)  # it may hold a secret
    bucket: str
    whole: Budget
    attempt: Budget
    user_agent: str = USER_AGENT

    @contextmanager
    def asked(self) -> Iterator[requests.Session]:
        """Ask within one session; a limit on the rate of requests is kept."""
        with open_session(self.user_agent) as session, waiting_as_asked(self.whole):
            yield session

    def fetch(
        self, session: requests.Session, path: str, table: Table, name: str, page: int = 1
    ) -> Kept:
        """Fetch an answer and keep it before anything is read of it."""
        body = fetch_body(session, self.index_url.rstrip("/") + path, self.attempt)
        received_at, key = _now(), ""
        if body.strip():
            folder = table.landing_folder(day_in_sao_paulo(received_at), name)
            said = {"request": path, "page": str(page), "order": str(page)}
            key = land_bytes(self.bucket, folder, body, "json", said)
            get_run_logger().debug("Landed s3://%s/%s", self.bucket, key)
        return Kept(body, received_at, key)

    def fetch_pages(
        self,
        session: requests.Session,
        table: Table,
        name: str,
        *,
        path_of: Callable[[int], str],
        read: Callable[[bytes], Form],
    ) -> Download[Form]:
        """Fetch all pages of an answer; each is kept before it is read.

        Args:
            session: Of `asked`.
            table: The raw table that it is for.
            name: What landing calls it.
            path_of: Gives the path of a page, by its number.
            read: Reads a page.
        """
        pages: list[Form] = []
        keys: list[str] = []
        while not pages or len(pages) < pages[0].page.totalPages:
            number = len(pages) + 1
            kept = self.fetch(session, path_of(number), table, name, number)
            with bytes_kept():
                pages.append(read(kept.body))
            keys.append(kept.key)
        return Download(tuple(pages), kept.received_at, tuple(keys))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
