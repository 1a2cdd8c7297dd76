"""A session made again from what landing keeps: B3's answers page by page, and saved files."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, product

from tasks.core.errors import B3PipelineError
from tasks.core.exchange import SAO_PAULO
from tasks.core.numbers import parse_date
from tasks.core.portfolio.checks import check_portfolio
from tasks.core.portfolio.model import Portfolio, RawSession
from tasks.core.portfolio.pages import Page, parse_pages, read_page
from tasks.core.portfolio.paging import check_same_portfolio
from tasks.core.portfolio.reconcile import SavedFile, add_sectors, read_saved_file
from tasks.core.portfolio.strays import find_strays

_MOST_TRIED = 1000  # combinations of pages that differ: a handful, where B3 corrected something


@dataclass(frozen=True)
class Landed:
    """What landing keeps of one answer or file.

    Attributes:
        key: Its key.
        body: Its bytes, as they came.
        received_at: When they came (with a zone).
    """

    key: str
    body: bytes
    received_at: dt.datetime


def find_latest(
    landed: Sequence[Landed],
    index_code: str,
    trading_date: dt.date,
    before: Portfolio | None = None,
) -> RawSession | None:
    """Return the session as it came last; None where landing holds no complete set of it.

    What cannot be read, or fails the checks that it would have failed when it came, is passed
    over. A saved file without sectors takes them from what came before it.

    Args:
        landed: Answers and files, of whatever sessions of the index.
        index_code: The index.
        trading_date: The session.
        before: The session before it, where that is known: an answer that holds another index is
            passed over. A file names its index.
    """
    answers = [each for each in landed if each.key.endswith(".json.gz")]
    files = [each for each in landed if each.key.endswith(".csv.gz")]
    versions = [
        *_versions_of_pages(answers, index_code, trading_date),
        *_versions_of_files(files, index_code, trading_date),
    ]
    found: RawSession | None = None
    for version in sorted(versions, key=lambda version: version.received_at):
        portfolio = version.portfolio
        known = {index_code: before} if before else {}
        if not version.is_file and find_strays({index_code: portfolio}, {}, known):
            continue
        if version.is_file and found:
            portfolio = add_sectors(portfolio, found.portfolio)
        at = version.received_at.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None)
        found = RawSession(portfolio, at)
    return found


@dataclass(frozen=True)
class _Version:
    portfolio: Portfolio
    received_at: dt.datetime
    is_file: bool


def _versions_of_pages(
    answers: Iterable[Landed], index_code: str, trading_date: dt.date
) -> Iterator[_Version]:
    """Yield, of each header that B3 showed for the session, the latest pages that go together."""
    sets: dict[tuple[str, int], dict[int, list[tuple[Landed, Page]]]]
    sets = defaultdict(lambda: defaultdict(list))
    for each in sorted(answers, key=lambda one: one.received_at, reverse=True):
        with suppress(B3PipelineError):
            page = read_page(each.body, index_code)
            if parse_date(page.header.date) == trading_date:
                kind = (page.header.model_dump_json(), page.page.totalPages)
                sets[kind][page.page.pageNumber].append((each, page))
    for (_, page_count), found in sets.items():
        by_number = [found.get(number, []) for number in range(1, page_count + 1)]
        for chosen in islice(product(*by_number), _MOST_TRIED):
            received_at = max(each.received_at for each, _ in chosen)
            today = received_at.astimezone(SAO_PAULO).date()
            pages = [page for _, page in chosen]
            if portfolio := _join(pages, index_code, today):
                yield _Version(portfolio, received_at, is_file=False)
                break


def _join(pages: Sequence[Page], index_code: str, today: dt.date) -> Portfolio | None:
    try:
        check_same_portfolio(pages)
        portfolio = parse_pages(pages, index_code)
    except B3PipelineError:
        return None
    checks = check_portfolio(portfolio, record_count=pages[0].page.totalRecords, today=today)
    return portfolio if all(check.has_passed for check in checks) else None


def _versions_of_files(
    files: Iterable[Landed], index_code: str, trading_date: dt.date
) -> Iterator[_Version]:
    for each in files:
        today = each.received_at.astimezone(SAO_PAULO).date()
        with suppress(B3PipelineError):
            saved = read_saved_file(SavedFile(each.key, each.body), today)
            if saved.session == (index_code, trading_date):
                yield _Version(saved.portfolio, each.received_at, is_file=True)
