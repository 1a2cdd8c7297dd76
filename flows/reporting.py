"""Reports of sessions, made and kept: pages where they are not what they should be, and links."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import boto3
from prefect import get_run_logger

from flows.dashboard import in_words, is_expected
from flows.report_lake import Lake
from flows.report_session import make_reports
from flows.settings import NO_REPORTS, Settings
from flows.telling import describe_defect
from tasks.core.console import object_url
from tasks.core.errors import OrchestratorError, PublishConflictError
from tasks.core.exchange import month_of
from tasks.core.session_report.digest import digest_page, digest_report
from tasks.core.session_report.months import render_month
from tasks.core.session_report.page import render_page
from tasks.core.wording import count
from tasks.report import report_page
from tasks.session_pages import REPORTS, Bucket, Page, Place, month_path, page_path

Wanted = Mapping[dt.date, Collection[str] | None]
"""`{session: indices}`; None for all that readers see of it."""
MOST_SESSIONS = 10  # whose reports the last step of a run makes
MOST_ROUNDS = 5
_AT_ONCE = 10  # are drawn before they are written


@dataclass
class Reported:
    """What came of reports that were asked for.

    Attributes:
        pages: `{session: indices}` of which there is a report.
        written: The paths of those that were not there, or said something else.
    """

    pages: dict[dt.date, list[str]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    @property
    def page_count(self) -> int:
        """How many reports there are."""
        return sum(map(len, self.pages.values()))


def write_reports(settings: Settings, place: Place, wanted: Wanted, language: str) -> Reported:
    """Write the reports of sessions that are not there, or say something else than the lake.

    Safe to repeat, and beside others: it ends when the lake is what the pages were made of.

    Args:
        settings: The settings.
        place: Where they are kept.
        wanted: Of what; where readers see none of an index on a session, there is no report.
        language: Of the pages.

    Raises:
        PublishConflictError: The lake changed in every round.
    """
    done = Reported()
    for _ in range(MOST_ROUNDS):
        lake = Lake(settings)
        for session in sorted(wanted):
            _write_session(lake, place, session, wanted[session], language, done)
        if is_done := lake.is_as_read():
            break
    for month in sorted({month_of(day) for day, codes in done.pages.items() if codes}):
        _write_month(place, month, language)
    if not is_done:
        raise PublishConflictError(
            f"The lake changed in each of {MOST_ROUNDS} rounds of making reports. Run "
            f"python -m flows.report when other runs have ended."
        )
    return done


def _write_session(
    lake: Lake,
    place: Place,
    session: dt.date,
    codes: Collection[str] | None,
    language: str,
    done: Reported,
) -> None:
    reports = {
        page_path(session, one.index_code): one for one in make_reports(lake, session, codes)
    }
    done.pages[session] = [one.index_code for one in reports.values()]
    wanted = {path: digest_report(report, language) for path, report in reports.items()}
    there = place.find_digests(list(wanted))
    changed = [path for path, digest in wanted.items() if there.get(path) != digest]
    for start in range(0, len(changed), _AT_ONCE):
        paths = changed[start : start + _AT_ONCE]
        pages = {path: Page(render_page(reports[path], language), wanted[path]) for path in paths}
        place.write(f"{count(len(pages), 'report')} of {session}", pages)
        done.written |= set(paths)
        so_far = start + len(paths)
        get_run_logger().info("Reports of %s: %d of %d written", session, so_far, len(changed))


def _write_month(place: Place, month: str, language: str) -> None:
    """Write the page of a month, until it names every page that there is by then."""
    path, pages = month_path(month), None
    while (now := place.list_pages(month)) != pages:
        pages = now
        html = render_month(month, pages, language)
        page = Page(html, digest_page(html))
        if place.find_digests([path]).get(path) != page.digest:
            place.write(f"the page of {month}", {path: page})


def group_by_session(pairs: Iterable[tuple[dt.date, str]]) -> dict[dt.date, set[str]]:
    """Return the indices of each session."""
    sessions: dict[dt.date, set[str]] = {}
    for session, index_code in pairs:
        sessions.setdefault(session, set()).add(index_code)
    return sessions


def report_last(settings: Settings, wanted: Wanted) -> str:
    """Make the reports of what a run has published, as its last step.

    What is published stays so, whatever fails here: that is a warning.

    Args:
        settings: The settings, which say in which language, or that there are no reports.
        wanted: Of what.

    Returns:
        What the outcome has to say of it: nothing where all is well.
    """
    sessions = sorted(day for day, codes in wanted.items() if codes is None or codes)
    if settings.reports == NO_REPORTS or not sessions:
        return ""
    logger, latest = get_run_logger(), sessions[-MOST_SESSIONS:]
    if older := sessions[:-MOST_SESSIONS]:
        logger.info(
            "No reports of %s to %s: make them with python -m flows.report", older[0], older[-1]
        )
    try:
        place, of_latest = Bucket(settings.lake_bucket), {day: wanted[day] for day in latest}
        done = write_reports(settings, place, of_latest, settings.reports)
        if done.written:
            link_reports(settings, done)
    except Exception as error:
        told = in_words(error)
        if isinstance(told, OrchestratorError):
            raise
        logger.warning("No reports: %s", told if is_expected(error) else describe_defect(error))
        return " (without reports: the log says why)"
    return ""


def link_reports(settings: Settings, done: Reported) -> None:
    """Show where the reports of a run are."""
    client, bucket = boto3.client("s3"), settings.lake_bucket

    def link(name: str, path: str) -> str:
        where = client.meta.region_name, bucket, f"{REPORTS}{path}", client.meta.endpoint_url
        return f"[{name}]({object_url(*where)})"

    lines = []
    found = {session: codes for session, codes in done.pages.items() if codes}
    for session, codes in sorted(found.items(), reverse=True):
        links = ", ".join(link(each, page_path(session, each)) for each in codes)
        lines.append(f"- {session}: {links}")
    months = sorted(set(map(month_of, found)), reverse=True)
    lines += [f"- {link(f'All of {month}', month_path(month))}" for month in months]
    how = "How a page of a private bucket is opened: docs/OPERATIONS.md, Reports."
    report_page(
        "reports",
        "\n".join([*lines, "", how]),
        f"{count(done.page_count, 'report')}, {len(done.written)} of them new.",
    )
