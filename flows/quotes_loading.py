"""From B3's quotes files to raw: by day, month or year."""

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from prefect import get_run_logger

from flows.settings import Settings
from tasks.catalog import register_partitions
from tasks.core.attempt import UNREADABLE
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.quotes.files import NOTHING_LOADED, LoadedQuotes, QuotesPeriod, is_due
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES
from tasks.download_quotes import download_quotes
from tasks.landing import read_note, write_note
from tasks.reading import convert_quotes_file
from tasks.store import land_zip, list_sessions, write_raw_files

NOTE = "loaded.json"  # beside the files of a period: which of them raw was loaded from


def landing_folder(period: QuotesPeriod) -> str:
    """Return where the files of a period are kept, by B3's name of them."""
    return f"{RAW_QUOTES.landing_prefix}{period.file_name}/"


def load_quotes(
    settings: Settings, period: QuotesPeriod, now: dt.datetime, *, anew: bool = False
) -> LoadedQuotes:
    """Bring the file of a period to landing and raw, and return what it holds.

    A file that raw was loaded from and that B3 has not changed since is not loaded again; once its
    period is over, that is noted. The partitions are registered before it is noted that raw was
    loaded.

    Args:
        settings: The settings.
        period: The day, month or year.
        now: The date and time in São Paulo.
        anew: Fetch the file whatever is noted.

    Raises:
        SourceHasNoDataError: B3 has no such file.
        RetryableError: B3 did not answer as it should.
        BadDataError: The file is bad; nothing of it reached raw.
    """
    bucket = settings.lake_bucket
    folder = landing_folder(period)
    known = NOTHING_LOADED if anew else _read_note(bucket, period)
    span = str(period)[: len("YYYY-MM")]
    today = now.date()
    if not list_sessions(bucket, RAW_QUOTES, span).issuperset(known.trading_dates):
        known = NOTHING_LOADED  # raw has lost what the file brought
    with tempfile.TemporaryDirectory(prefix="b3-quotes-") as name:
        here = Path(name)
        download = download_quotes(
            settings.quotes_url, period, here, known.etag, now, settings.user_agent
        )
        if download is None:
            _register(settings, known.trading_dates)
            if period.is_over_by(today) and not known.is_final(period):
                known = replace(known, asked_on=today)
                write_note(bucket, f"{folder}{NOTE}", known.to_note())
            return known
        land_zip(bucket, folder, download.path, download.sha256)
        file = convert_quotes_file(download.path, period, here / "sessions")
        files = {str(session.trading_date): session.path for session in file.sessions}
        write_raw_files(bucket, RAW_QUOTES, QUOTES_OBJECT, files)
    _register(settings, [session.trading_date for session in file.sessions])
    loaded = LoadedQuotes(
        etag=download.etag,
        sha256=download.sha256,
        trading_dates=tuple(session.trading_date for session in file.sessions),
        record_count=file.record_count,
        asked_on=today,
    )
    write_note(bucket, f"{folder}{NOTE}", loaded.to_note())
    return loaded


def _read_note(bucket: str, period: QuotesPeriod) -> LoadedQuotes:
    """Return which file of a period raw was loaded from; what cannot be read says nothing."""
    key = f"{landing_folder(period)}{NOTE}"
    note = read_note(bucket, key)
    try:
        return LoadedQuotes.from_note(note) if note else NOTHING_LOADED
    except UNREADABLE as error:
        get_run_logger().warning("%s is passed over, as it is no note: %r", key, error)
        return NOTHING_LOADED


def _register(settings: Settings, trading_dates: Iterable[dt.date]) -> None:
    values = list(map(str, trading_dates))
    register_partitions(settings.database, RAW_QUOTES, settings.lake_bucket, values)


def load_session(
    settings: Settings, trading_date: dt.date, now: dt.datetime, *, anew: bool = False
) -> None:
    """Bring one session to raw: from the day's file, else the month's, else the year's.

    B3 keeps the files of single days and months for some time only. A larger file is loaded as a
    whole, so that it need not be fetched again for its other sessions.

    Args:
        settings: The settings.
        trading_date: The session.
        now: The date and time in São Paulo.
        anew: Fetch the files whatever is noted of them.

    Raises:
        SourceHasNoDataError: None of the files holds it; the message is that of the day's file.
    """
    day, *larger = files_with(trading_date)
    # Larger files of days to come hold the days before: there is nothing to find in them.
    candidates = [day, *larger] if is_due(day, now) else [day]
    failure: SourceHasNoDataError | RetryableError | None = None
    for period in candidates:
        try:
            if trading_date in load_quotes(settings, period, now, anew=anew).trading_dates:
                return
        except (SourceHasNoDataError, RetryableError) as error:
            failure = failure or error
    raise failure or SourceHasNoDataError(f"B3's files hold no quotes of {trading_date}.")


def files_with(trading_date: dt.date) -> list[QuotesPeriod]:
    """Return the files that may hold a session, the smallest first."""
    return [
        QuotesPeriod.day(trading_date),
        QuotesPeriod.month(trading_date.year, trading_date.month),
        QuotesPeriod.year(trading_date.year),
    ]


@dataclass
class Loading:
    """What came of loading the files of a range.

    Attributes:
        held: The sessions that raw holds.
        closed: `{day: how that is known}`, of sessions by the calendar that were none.
        absences: `{session: what B3 said}`, of those that B3 has no file of.
        failures: `{session: why}`, of those that a file should have brought.
        unreached: Those of them whose file did not come as it should: B3 is not asked for others.
    """

    held: set[dt.date]
    closed: dict[dt.date, str] = field(default_factory=dict)
    absences: dict[dt.date, str] = field(default_factory=dict)
    failures: dict[dt.date, str] = field(default_factory=dict)
    unreached: set[dt.date] = field(default_factory=set)

    def missing(self, wanted: Iterable[dt.date]) -> list[dt.date]:
        """Return the sessions that may still be found in another file."""
        settled = self.held | self.closed.keys() | self.unreached
        return [day for day in wanted if day not in settled]


def find_closed(
    settings: Settings, days: Iterable[dt.date], now: dt.datetime
) -> dict[dt.date, str]:
    """Return the days on which B3's file of their year, as raw was loaded from it, has no quotes.

    Args:
        settings: The settings.
        days: Sessions by the calendar.
        now: The date and time in São Paulo.

    Returns:
        `{day: how that is known}`; nothing of a year that is not over, or whose file was not asked
        for since.
    """
    closed: dict[dt.date, str] = {}
    years: dict[QuotesPeriod, list[dt.date]] = defaultdict(list)
    for day in days:
        years[QuotesPeriod.year(day.year)].append(day)
    for period, its_days in years.items():
        if period.is_over_by(now.date()):
            closed |= _read_note(settings.lake_bucket, period).closed_days(period, its_days)
    return closed


def load_missing(
    settings: Settings,
    sessions: list[dt.date],
    found: Loading,
    files: list[QuotesPeriod],
    now: dt.datetime,
    advance: Callable[[str], None],
) -> Loading:
    """Bring the sessions that raw lacks to raw: from the planned files, else from any that has one.

    A file that fails does not stop the others. What a bad one should have brought is looked for in
    B3's other files of months and years.

    Args:
        settings: The settings.
        sessions: What is wanted.
        found: What raw holds, and what is known of days that it does not hold.
        files: Where to look first; with none planned, nothing is fetched.
        now: The date and time in São Paulo.
        advance: Called after each planned file.
    """
    loading = Loading(set(found.held), dict(found.closed))
    for period in files:
        _load_into(loading, settings, period, sessions, now)
        advance(period.file_name)
    tried = set(files)
    for day in sessions if files else []:
        for period in files_with(day):
            is_smaller = period.kind == "D" and day in loading.failures
            if loading.missing([day]) and period not in tried and not is_smaller:
                tried.add(period)
                _load_into(loading, settings, period, sessions, now)
    return loading


def _load_into(
    loading: Loading,
    settings: Settings,
    period: QuotesPeriod,
    sessions: list[dt.date],
    now: dt.datetime,
) -> None:
    wanted = loading.missing(day for day in sessions if day in period)
    if not wanted:
        return
    try:
        loaded = load_quotes(settings, period, now)
        loading.held.update(loaded.trading_dates)
        loading.closed |= loaded.closed_days(period, wanted)
    except SourceHasNoDataError as error:
        loading.absences.update(dict.fromkeys(wanted, str(error)))
    except B3PipelineError as error:
        get_run_logger().warning("%s is passed over: %s", period.file_name, error)
        for day in wanted:
            loading.failures.setdefault(day, str(error))  # the first reason is the file's own
        if not isinstance(error, BadDataError):
            loading.unreached.update(wanted)
