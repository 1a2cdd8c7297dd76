"""Ask B3's site of indices: which there are, for a portfolio of the day, for the levels of a year.

What B3 answers is landed, byte for byte, before anything is read of it.

Retries live in the tasks alone, so that the dashboard shows each and they do not multiply: only
what may pass (no connection, timeouts, 429, 5xx) raises `RetryableError`. What concerns all of the
site, a challenge or a refusal, is a `BlockedError`: the flow waits it out, for all indices.
"""

from functools import partial

from prefect import get_run_logger, task

from tasks import USER_AGENT
from tasks.core.answers import bytes_kept
from tasks.core.download import Download
from tasks.core.indices import LIST_NAME, Members, list_path, read_list
from tasks.core.levels.answer import Answer, read_answer
from tasks.core.levels.answer import request_path as levels_path
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio.pages import Page, read_page, request_path
from tasks.core.portfolio.paging import check_same_portfolio
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.wording import count
from tasks.retries import ONE_OF_MANY
from tasks.site import Site
from tasks.turns import Budget

ATTEMPT_SECONDS = 120.0  # for all pages of one attempt


@task(name="download-indices", task_run_name="download B3's list of indices", **ONE_OF_MANY)
def download_indices(
    index_url: str, bucket: str, budget: Budget, user_agent: str = USER_AGENT
) -> Members:
    """Fetch B3's list of indices; it is landed before it is read.

    Safe to repeat: the same bytes of one day give the same object. Retried: whatever may pass by
    itself.

    Args:
        index_url: B3's site, without a path.
        bucket: The lake's bucket.
        budget: How long all requests of the run may take.
        user_agent: Who asks.

    Raises:
        RetryableError: It failed in a way that may pass.
        BadDataError: B3's answer cannot be right, or is no answer to such a request.
    """
    site = Site(index_url, bucket, budget, budget.part(ATTEMPT_SECONDS), user_agent)
    with site.asked() as session:
        answer = site.fetch(session, list_path(), RAW_PORTFOLIO, LIST_NAME)
    with bytes_kept():
        members = read_list(answer.body)
    get_run_logger().info("B3 lists %d indices; its answer is kept in landing", len(members))
    return members


@task(name="download-portfolio", task_run_name="download {index_code}", **ONE_OF_MANY)
def download_portfolio(
    index_url: str, index_code: str, bucket: str, budget: Budget, user_agent: str = USER_AGENT
) -> Download[Page]:
    """Fetch all pages of the portfolio that B3 shows now; each is landed before it is read.

    Safe to repeat: the same bytes of one day give the same object. Retried: whatever may pass by
    itself, all pages again.

    Args:
        index_url: B3's site, without a path.
        index_code: E.g. `IBOV`.
        bucket: The lake's bucket.
        budget: How long all requests of the run may take.
        user_agent: Who asks.

    Raises:
        RetryableError: It failed in a way that may pass.
        NotPublishedError: B3 publishes no portfolio for the index.
        BadDataError: B3's answer cannot be right, or is no answer to such a request.
    """
    site = Site(index_url, bucket, budget, budget.part(ATTEMPT_SECONDS), user_agent)
    with site.asked() as session:
        download = site.fetch_pages(
            session,
            RAW_PORTFOLIO,
            index_code,
            path_of=partial(request_path, index_code),
            read=lambda body: read_page(body, index_code),
        )
    check_same_portfolio(download.pages)
    said = count(len(download.pages), "page")
    get_run_logger().info("%s: B3's answer kept in landing, %s", index_code, said)
    return download


@task(
    name="download-index-levels",
    task_run_name="download levels of {index_code} {year}",
    **ONE_OF_MANY,
)
def download_index_levels(
    index_url: str,
    index_code: str,
    year: int,
    bucket: str,
    budget: Budget,
    user_agent: str = USER_AGENT,
) -> Download[Answer]:
    """Fetch B3's answer about the levels of an index in one year; it is landed before it is read.

    Safe to repeat: the same bytes of one day give the same object. Retried: whatever may pass by
    itself.

    Args:
        index_url: B3's site, without a path.
        index_code: E.g. `IBOV`.
        year: The year.
        bucket: The lake's bucket.
        budget: How long all requests of the run may take.
        user_agent: Who asks.

    Raises:
        RetryableError: It failed in a way that may pass.
        NotPublishedError: B3 publishes no levels for the index.
        BadDataError: B3's answer is no answer to such a request.
    """
    site = Site(index_url, bucket, budget, budget.part(ATTEMPT_SECONDS), user_agent)
    path, name = levels_path(index_code, year), f"{index_code}-{year:04}"
    with site.asked() as session:
        kept = site.fetch(session, path, INDEX_LEVELS, name)
    with bytes_kept():
        answer = read_answer(kept.body, index_code)
    get_run_logger().info("%s levels %d: B3's answer kept in landing", index_code, year)
    return Download((answer,), kept.received_at)
