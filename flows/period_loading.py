"""What B3 shows beside the day's portfolios, to raw: the period's portfolio, and previews.

The portfolios of the day never wait long for it, and nothing that fails here holds them back.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from prefect import get_run_logger

from flows.fetching import fetch_each
from flows.portfolio_sessions import load_sessions, register_sessions, store_sessions
from flows.settings import Settings, lost
from tasks.core.dataset import Table
from tasks.core.errors import B3PipelineError, BlockedError
from tasks.core.indices import Members
from tasks.core.outcome import name_indices
from tasks.core.portfolio.model import Portfolio, RawSession
from tasks.core.portfolio.period import PeriodDownload, parse_period, read_period_page
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.reconcile import SavedFile, read_period_file
from tasks.download_period import download_preview, download_theoretical
from tasks.landing import read_note, write_note
from tasks.objects import read_landed
from tasks.reading_period import read_period
from tasks.refusals import in_our_words
from tasks.report import report_page
from tasks.turns import Budget

KIND_SECONDS = 90.0  # for all requests of a run about one kind


@dataclass(frozen=True)
class _Kind:
    """A kind of portfolio that B3 shows beside the day's."""

    name: str
    table: Table
    download: Callable[..., PeriodDownload | None]


# What is sooner gone comes first: a preview is in force for two weeks, the last one for a day.
_KINDS = (
    _Kind("preview", RAW_PREVIEW, download_preview),
    _Kind("theoretical portfolio", RAW_THEORETICAL, download_theoretical),
)


@dataclass
class CollectedBeside:
    """What came of collecting what B3 shows beside the day's portfolios.

    Attributes:
        sessions: Those that raw has something new of.
        missing: Why something is not there, by its kind and index.
    """

    sessions: set[dt.date] = field(default_factory=set)
    missing: dict[str, dict[str, Exception]] = field(default_factory=lambda: defaultdict(dict))

    def describe_missing(self) -> str:
        """Say what is not there, to stand at the end of an outcome; empty if nothing is missing."""
        said = [
            f"{kind} of {name_indices(sorted(codes))}"
            for kind, codes in self.missing.items()
            if codes
        ]
        return f"; not had: {', '.join(said)}" if said else ""


def collect_period(
    settings: Settings,
    of_the_day: Mapping[str, Portfolio],
    members: Members,
    *,
    is_blocked: bool = False,
) -> CollectedBeside:
    """Bring to raw what it does not hold yet of the session that B3 shows of each index.

    Whatever fails is told in the log, on a page of the run and in its outcome.

    Args:
        settings: The settings.
        of_the_day: The portfolios of the day that B3 has just shown, each sound.
        members: B3's list of indices; empty where it was not asked for.
        is_blocked: Whether B3 has turned us away: then it is asked for nothing more.
    """
    beside = CollectedBeside()
    for kind in _KINDS:
        budget = Budget.of_all(KIND_SECONDS)
        failures: Mapping[str, Exception]
        if is_blocked:
            failures = dict.fromkeys(of_the_day, BlockedError("B3 was not asked for it any more."))
            beside.missing[kind.name].update(failures)
            continue
        try:
            sessions, failures = _collect(settings, kind, of_the_day, members, budget)
            beside.sessions |= sessions
        except Exception as error:  # noqa: BLE001 - of whatever kind: the day's portfolios go on
            get_run_logger().exception("The %s could not be had", kind.name)
            failures = dict.fromkeys(of_the_day, in_our_words(error))
        beside.missing[kind.name].update(failures)
        is_blocked = budget.has(0) and any(
            isinstance(error, BlockedError) for error in failures.values()
        )
    try:
        _report(beside)
    except Exception:  # noqa: BLE001 - likewise
        get_run_logger().exception("What could not be had has no page")
    return beside


def _collect(
    settings: Settings,
    kind: _Kind,
    of_the_day: Mapping[str, Portfolio],
    members: Members,
    budget: Budget,
) -> tuple[set[dt.date], dict[str, B3PipelineError]]:
    """Return the sessions that raw has something new of, and by index why it lacks one."""
    bucket, by_session = settings.lake_bucket, defaultdict(list)
    for code, portfolio in of_the_day.items():
        by_session[portfolio.trading_date].append(code)
    held: set[str] = set()
    for day, codes in by_session.items():
        held |= load_sessions(bucket, day, codes, kind.table).keys()
    wanted = [code for code in of_the_day if code not in held]

    def fetch(code: str) -> PeriodDownload | None:
        day = of_the_day[code].trading_date
        return kind.download(settings.index_url, code, day, bucket, budget, settings.user_agent)

    fetched = fetch_each(wanted, fetch, budget, waits_seconds=())
    downloads = {code: each for code, each in fetched.answers.items() if each is not None}
    none = sorted(fetched.answers.keys() - downloads.keys())
    if none:
        get_run_logger().info("No %s of %s is in force", kind.name, name_indices(none))
    if not downloads:
        return set(), fetched.failures
    found = read_period(downloads, of_the_day, kind.name, members)
    sound = {code: each for code, each in found.items() if isinstance(each, Portfolio)}
    sessions = [RawSession(each, downloads[code].received_at) for code, each in sound.items()]
    store_period(bucket, kind.table, sessions, {code: downloads[code].keys for code in sound})
    refused = {code: each for code, each in found.items() if isinstance(each, B3PipelineError)}
    return {each.trading_date for each in sound.values()}, fetched.failures | refused


def _report(beside: CollectedBeside) -> None:
    lines = []
    for kind, failures in beside.missing.items():
        for code, error in failures.items():
            get_run_logger().warning("The %s of %s is not had: %s", kind, code, error)
            lines.append(f"- {kind} of {code}: {' '.join(str(error).split())}")
    if lines:
        said = "What B3 shows beside the day's portfolios and could not be had. The next run asks "
        text = f"{said}for it again; the portfolios of the day are as they should be."
        report_page("not-had", "\n".join([text, "", *lines]), text)


def store_period(
    bucket: str,
    table: Table,
    sessions: Collection[RawSession],
    answers: Mapping[str, Sequence[str]],
) -> None:
    """Write sessions to raw, each after a note in landing of what it was read from.

    Args:
        bucket: The lake's bucket.
        table: The raw table.
        sessions: Of indices, each at most once.
        answers: Of each index the keys of what landing keeps of it, page by page.
    """
    for each in sessions:
        portfolio = each.portfolio
        note = {"answers": list(answers[portfolio.index_code])}
        key = note_key(table, portfolio.index_code, portfolio.trading_date)
        write_note(bucket, key, note | {"extracted_at": each.extracted_at.isoformat()})
    store_sessions(bucket, sessions, table)


def note_key(table: Table, index_code: str, trading_date: dt.date) -> str:
    """Return where landing says which answers a raw object was read from: they name no session."""
    return f"{table.landing_prefix}session={trading_date}/{index_code}.json"


def restore_period(settings: Settings, table: Table, index_code: str, trading_date: dt.date) -> str:
    """Make a raw object again from what landing keeps; return in a few words how.

    Raises:
        SourceHasNoDataError: Landing does not have it; the message names the object.
    """
    bucket = settings.lake_bucket
    key = table.object_key(str(trading_date), index_code)
    note = read_note(bucket, note_key(table, index_code, trading_date)) or {}
    kind = next(each.name for each in _KINDS if each.table is table)
    try:
        answers = [str(each) for each in note["answers"]]
        if not all(each.startswith(table.landing_prefix) for each in answers):
            raise ValueError(f"expected keys of landing in the note, found {answers}")  # noqa: TRY301
        bodies = {each: read_landed(bucket, each) or b"" for each in answers}
        at = dt.datetime.fromisoformat(note["extracted_at"])
        portfolio = _read_again(bodies, index_code, trading_date, kind)
    except (LookupError, TypeError, ValueError, B3PipelineError) as error:
        said = f"landing does not hold what it was read from ({error!r})"
        raise lost(settings, key, said) from error
    store_sessions(bucket, [RawSession(portfolio, at)], table)
    register_sessions(settings, {trading_date})
    return f"made again from what landing received at {at} UTC"


def _read_again(
    bodies: Mapping[str, bytes], index_code: str, trading_date: dt.date, kind: str
) -> Portfolio:
    """Read what was read once: the pages that B3 answered with, or one saved file.

    Raises:
        B3PipelineError: It is not that, or not sound.
        ValueError: There are several files, or it is one of another index.
    """
    if any(key.endswith(".csv.gz") for key in bodies):
        ((key, body),) = bodies.items()
        portfolio = read_period_file(SavedFile(key, body), trading_date).portfolio
        if portfolio.index_code != index_code:
            raise ValueError(f"expected a file of {index_code}, found {portfolio.index_code}")
        return portfolio
    read = partial(read_period_page, subject=f"{kind} of {index_code}")
    return parse_period(list(map(read, bodies.values())), index_code, trading_date, kind)
