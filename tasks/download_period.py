"""Ask B3's site for what it shows beside the day's portfolio: the period's, and previews.

Neither answer names a session. Theirs is the one that the index's day portfolio names before and
after them; where it names another one after them than before, they are asked for again.

What B3 answers is landed, byte for byte, before anything is read of it. The day's portfolio must
not wait long for this: it is tried again less often, and within a budget of its own.
"""

import datetime as dt
from collections.abc import Callable
from functools import partial

import requests
from prefect import get_run_logger, task

from tasks import USER_AGENT
from tasks.core.answers import bytes_kept
from tasks.core.dataset import Table
from tasks.core.download import Download
from tasks.core.errors import RetryableError
from tasks.core.numbers import parse_date
from tasks.core.portfolio.pages import read_page, request_path
from tasks.core.portfolio.paging import page_path
from tasks.core.portfolio.period import (
    CONFIGURATIONS,
    CONFIGURATIONS_PATH,
    PREVIEW_PATH,
    THEORETICAL_PATH,
    PeriodDownload,
    PeriodPage,
    has_preview,
    read_period_page,
)
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.retries import ASIDE
from tasks.site import Site
from tasks.turns import Budget

ATTEMPT_SECONDS = 60.0  # for all requests of one attempt
MOST_ROUNDS = 3  # B3 goes over to another session once a day


class _NoPreviewError(Exception):
    """None is in force."""


@task(
    name="download-theoretical",
    task_run_name="download theoretical portfolio {index_code}",
    **ASIDE,
)
def download_theoretical(
    index_url: str,
    index_code: str,
    trading_date: dt.date,
    bucket: str,
    budget: Budget,
    user_agent: str = USER_AGENT,
) -> PeriodDownload:
    """Fetch the portfolio of the period that B3 shows now, and have its session named.

    Safe to repeat: the same bytes of one day give the same object. Retried: whatever may pass by
    itself, all of it again.

    Args:
        index_url: B3's site, without a path.
        index_code: E.g. `IBOV`.
        trading_date: The session that the index's day portfolio named before.
        bucket: The lake's bucket.
        budget: How long all requests of the kind may take.
        user_agent: Who asks.

    Raises:
        RetryableError: It failed in a way that may pass.
        NotPublishedError: B3 shows none of the index.
        BadDataError: B3's answer cannot be right, or is no answer to such a request.
    """
    site = Site(index_url, bucket, budget, budget.part(ATTEMPT_SECONDS), user_agent)
    with site.asked() as session:
        fetch = partial(_fetch, site, session, RAW_THEORETICAL, THEORETICAL_PATH, index_code)
        return _within_session(site, session, index_code, trading_date, fetch)


@task(name="download-preview", task_run_name="download preview {index_code}", **ASIDE)
def download_preview(
    index_url: str,
    index_code: str,
    trading_date: dt.date,
    bucket: str,
    budget: Budget,
    user_agent: str = USER_AGENT,
) -> PeriodDownload | None:
    """Fetch the preview of the next portfolio, where B3 says that one is in force.

    Safe to repeat, and retried, as `download_theoretical`; so are arguments and errors.

    Returns:
        The preview; None where none is in force. What `GetQuartelyPreview` answers then is an old
        one: it is not asked for.
    """
    site = Site(index_url, bucket, budget, budget.part(ATTEMPT_SECONDS), user_agent)

    def fetch() -> Download[PeriodPage]:
        path, name = (
            page_path(CONFIGURATIONS_PATH, index_code, 1),
            f"{index_code}{CONFIGURATIONS}",
        )
        said = site.fetch(session, path, RAW_PREVIEW, name)
        with bytes_kept():
            is_there = has_preview(said.body, index_code)
        if not is_there:
            raise _NoPreviewError
        return _fetch(site, session, RAW_PREVIEW, PREVIEW_PATH, index_code)

    with site.asked() as session:
        try:
            return _within_session(site, session, index_code, trading_date, fetch)
        except _NoPreviewError:
            get_run_logger().debug("%s: no preview is in force", index_code)
            return None


def _fetch(
    site: Site, session: requests.Session, table: Table, path: str, index_code: str
) -> Download[PeriodPage]:
    what = "preview" if table is RAW_PREVIEW else "theoretical portfolio"
    return site.fetch_pages(
        session,
        table,
        index_code,
        path_of=partial(page_path, path, index_code),
        read=lambda body: read_period_page(body, f"{what} of {index_code}"),
    )


def _within_session(
    site: Site,
    session: requests.Session,
    index_code: str,
    trading_date: dt.date,
    fetch: Callable[[], Download[PeriodPage]],
) -> PeriodDownload:
    """Fetch, and have the day's portfolio name the session again."""
    for _ in range(MOST_ROUNDS):
        shown = fetch()
        day = site.fetch(session, request_path(index_code, 1), RAW_PORTFOLIO, index_code)
        with bytes_kept():
            after = parse_date(read_page(day.body, index_code).header.date)
        if after == trading_date:
            return PeriodDownload(shown.pages, shown.received_at, shown.keys, trading_date=after)
        get_run_logger().warning(
            "%s: B3 went over from %s to %s meanwhile; asked again", index_code, trading_date, after
        )
        trading_date = after
    raise RetryableError(
        f"Expected B3 to name the same session of {index_code} before and after, found another one "
        f"in each of {MOST_ROUNDS} rounds."
    )
