"""From B3's quotes files to raw: by day, month or year."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from flows.settings import Settings
from tasks.catalog import register_partitions
from tasks.core.errors import B3PipelineError, RetryableError, SourceHasNoDataError
from tasks.core.quotes.files import NOTHING_LOADED, LoadedQuotes, QuotesPeriod, is_due
from tasks.core.quotes.tables import QUOTES_OBJECT, RAW_QUOTES
from tasks.download_quotes import download_quotes
from tasks.reading import convert_quotes_file
from tasks.store import land_zip, list_sessions, read_note, write_note, write_raw_files

NOTE = "loaded.json"  # beside the files of a period: which of them raw was loaded from


def landing_folder(period: QuotesPeriod) -> str:
    """Return where the files of a period are kept, by B3's name of them."""
    return f"{RAW_QUOTES.landing_prefix}{period.file_name}/"


def load_quotes(
    settings: Settings, period: QuotesPeriod, now: dt.datetime, *, anew: bool = False
) -> LoadedQuotes:
    """Bring the file of a period to landing and raw, and return what it holds.

    A file that raw was loaded from and that B3 has not changed since is not loaded again. The
    partitions are registered before it is noted that raw was loaded.

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
    note = None if anew else read_note(bucket, f"{folder}{NOTE}")
    known = LoadedQuotes.from_note(note) if note else NOTHING_LOADED
    span = str(period)[: len("YYYY-MM")]
    if not list_sessions(bucket, RAW_QUOTES, span).issuperset(known.trading_dates):
        known = NOTHING_LOADED  # raw has lost what the file brought
    with tempfile.TemporaryDirectory(prefix="b3-quotes-") as name:
        here = Path(name)
        download = download_quotes(settings.quotes_url, period, here, known.etag, now)
        if download is None:
            _register(settings, known.trading_dates)
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
    )
    write_note(bucket, f"{folder}{NOTE}", loaded.to_note())
    return loaded


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
        absences: `{session: what B3 said}`, of those that B3 has no file of.
        failures: `{session: why}`, of those that a file should have brought.
    """

    held: set[dt.date]
    absences: dict[dt.date, str] = field(default_factory=dict)
    failures: dict[dt.date, str] = field(default_factory=dict)

    def missing(self, wanted: Iterable[dt.date]) -> list[dt.date]:
        """Return the sessions that may still be found in another file."""
        return [day for day in wanted if day not in self.held and day not in self.failures]


def load_missing(
    settings: Settings,
    sessions: list[dt.date],
    held: set[dt.date],
    files: list[QuotesPeriod],
    now: dt.datetime,
    advance: Callable[[str], None],
) -> Loading:
    """Bring the sessions that raw lacks to raw: from the planned files, else from any that has one.

    A file that fails does not stop the others.

    Args:
        settings: The settings.
        sessions: What is wanted.
        held: What raw holds.
        files: Where to look first; with none planned, nothing is fetched.
        now: The date and time in São Paulo.
        advance: Called after each planned file.
    """
    loading = Loading(set(held))
    for period in files:
        _load_into(loading, settings, period, sessions, now)
        advance(period.file_name)
    tried = set(files)
    for day in sessions if files else []:
        for period in files_with(day):
            if loading.missing([day]) and period not in tried:
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
        loading.held.update(load_quotes(settings, period, now).trading_dates)
    except SourceHasNoDataError as error:
        loading.absences.update(dict.fromkeys(wanted, str(error)))
    except B3PipelineError as error:
        loading.failures.update(dict.fromkeys(wanted, str(error)))
