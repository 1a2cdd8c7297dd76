"""The levels flow: B3's published levels of indices in one year, from B3 to Athena.

python -m flows.levels [--index CODE …|all] [--year YYYY]
"""

import datetime as dt
import sys
from collections import defaultdict
from collections.abc import Collection
from functools import partial
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import (
    INDICES,
    check_indices,
    levels_year,
    now_in_sao_paulo,
    option,
    parse,
    run_command,
)
from flows.ending import with_reason
from flows.fetching import FETCH_SECONDS, fetch_each
from flows.forms import IndexCodes, Year
from flows.indices import RECENT_SESSIONS, Wanted, choose_indices, settle_absent
from flows.settings import Settings, load_settings
from tasks.catalog import register_partitions
from tasks.core.errors import B3PipelineError, NotPublishedError, UnreadableRawError
from tasks.core.exchange import last_sessions, latest_due_session
from tasks.core.indices import read_index_codes
from tasks.core.levels.answer import (
    IndexLevel,
    are_levels,
    check_year,
    from_raw_rows,
    to_raw_rows,
)
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.outcome import conclude, count_indices, name_indices
from tasks.download import download_index_levels
from tasks.reading import read_levels
from tasks.report import rename_flow_run
from tasks.store import list_names, read_raw, write_raw
from tasks.turns import Budget

Levels = dict[str, tuple[IndexLevel, ...]]


def name_flow_run() -> str:
    """Name a run by its indices and year, as far as they are known at its start."""
    parameters = runtime.flow_run.parameters
    return f"{name_indices(parameters['index_codes'])} levels {parameters['year'] or 'latest'}"


@flow(name="index-levels", flow_run_name=name_flow_run)
@with_reason
def index_levels(year: Year = None, index_codes: IndexCodes = ("IBOV",)) -> State[Any]:
    """Bring B3's published levels of indices in one year to Athena, all in one run.

    Args:
        year: The year. Leave it empty for that of the latest session that is over.
        index_codes: B3's codes of the indices, 4 to 6 letters and digits each, such as IBOV. Or
            all by itself: what B3 lists now, and what it has published in the last ten sessions.
    """
    named = read_index_codes(index_codes)
    now = now_in_sao_paulo()
    latest = latest_due_session(now)
    year = check_year(latest.year if year is None else year, now.date())
    settings = load_settings()
    rename_flow_run(f"{name_indices(named)} levels {year}")
    budget = Budget.of_all(FETCH_SECONDS)

    recent = last_sessions(latest, RECENT_SESSIONS)
    find_recent = partial(find_recent_levels, settings, year, recent)
    wanted = choose_indices(settings, named, find_recent, budget)
    levels, stored, errors, without = collect_levels(settings, wanted, year, budget)
    errors |= wanted.problems
    changed = [code for code in levels if levels[code] != stored.get(code)]
    subject = describe(levels, year)
    done = f"{'published' if changed else 'up to date'} {subject}" if levels else ""
    return Completed(message=conclude(done, errors, without, wanted.codes))


def find_recent_levels(settings: Settings, year: int, recent: Collection[dt.date]) -> set[str]:
    """Return the indices whose level raw holds of one of the last sessions.

    Of a year that has none of these sessions, those whose level raw holds of any of its own.
    """
    years = {day.year for day in recent}
    found = find_level_sessions(settings.lake_bucket, years if year in years else {year})
    return {code for code, days in found.items() if year not in years or days & set(recent)}


def find_level_sessions(bucket: str, years: Collection[int]) -> dict[str, set[dt.date]]:
    """Return the sessions of which raw holds the level of each index, in some years."""
    sessions: dict[str, set[dt.date]] = defaultdict(set)
    for value in sorted(f"{year:04}" for year in years):
        names = list_names(bucket, INDEX_LEVELS, value)
        for code, levels in load_levels(bucket, names, value).items():
            sessions[code].update(level.trading_date for level in levels)
    return sessions


def collect_levels(
    settings: Settings, wanted: Wanted, year: int, budget: Budget
) -> tuple[Levels, Levels, dict[str, B3PipelineError], list[str]]:
    """Bring the levels of indices in a year to raw, and let readers see them.

    An index that fails does not stop the others.

    Args:
        settings: The settings.
        wanted: The indices.
        year: The year.
        budget: How long all requests may take.

    Returns:
        The levels of each index; what raw held of them before; why an index has none; and the
        indices that B3 lists and publishes no levels of.
    """
    bucket, value = settings.lake_bucket, f"{year:04}"
    stored = load_levels(bucket, wanted.codes, value)
    fetch = partial(
        download_index_levels,
        settings.index_url,
        year=year,
        bucket=bucket,
        budget=budget,
        user_agent=settings.user_agent,
    )
    fetched = fetch_each(wanted.codes, fetch, budget, wanted.blocked_by)
    read = read_levels(fetched.answers, year, stored) if fetched.answers else {}
    errors = fetched.failures | {
        code: each for code, each in read.items() if isinstance(each, B3PipelineError)
    }
    levels = {code: each for code, each in read.items() if isinstance(each, tuple)}
    absences = {code: e for code, e in errors.items() if isinstance(e, NotPublishedError)}
    absent = settle_absent(settings, wanted, absences, budget)
    errors = {code: e for code, e in errors.items() if code not in absences} | absent.failures
    objects = {
        (value, code): to_raw_rows(code, each, fetched.answers[code].received_at)
        for code, each in levels.items()
        if each != stored.get(code)
    }
    if objects:
        write_raw(bucket, INDEX_LEVELS, objects)
    if levels:
        register_partitions(settings.database, INDEX_LEVELS, bucket, [value])
    return levels, stored, errors, absent.listed


def load_levels(bucket: str, index_codes: Collection[str], year: str) -> Levels:
    """Return the levels that raw holds of a year; what cannot be read counts as not held."""
    levels = {}
    for code, found in read_stored(bucket, index_codes, year).items():
        if isinstance(found, UnreadableRawError):
            get_run_logger().warning("%s It counts as not held.", found)
        else:
            levels[code] = found
    return levels


def read_stored(
    bucket: str, index_codes: Collection[str], year: str
) -> dict[str, tuple[IndexLevel, ...] | UnreadableRawError]:
    """Return the levels that raw holds of a year, or what says that it is none of that index."""
    stored: dict[str, tuple[IndexLevel, ...] | UnreadableRawError] = {}
    for code, rows in read_raw(bucket, INDEX_LEVELS, year, index_codes).items():
        if isinstance(rows, UnreadableRawError):
            stored[code] = rows
        elif are_levels(rows, code, int(year)):
            stored[code] = from_raw_rows(rows)
        else:
            key = INDEX_LEVELS.object_key(year, code)
            stored[code] = UnreadableRawError(bucket, key, "rows that are no levels of its own")
    return stored


def describe(levels: Levels, year: int) -> str:
    """Say what a run was about: one index with its sessions, or how many indices."""
    if len(levels) != 1:
        return f"levels of {count_indices(len(levels))} in {year}"
    ((code, found),) = levels.items()
    return f"{code} levels {year}, {len(found)} sessions"


OPTIONS = (
    INDICES,
    option(
        "--year",
        type=levels_year,
        metavar="YYYY",
        help="the year; without it, that of the latest session that is over",
    ),
)
EXAMPLES = (
    ("--index IBOV SMLL", "the levels of two indices in this year"),
    ("--index all --year 2024", "those of all indices in a year"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse(
        "flows.levels", __doc__, OPTIONS, EXAMPLES, argv, check=check_indices
    )
    return run_command(lambda: index_levels(**parameters, return_state=True), is_verbose=is_verbose)


if __name__ == "__main__":
    sys.exit(main())
