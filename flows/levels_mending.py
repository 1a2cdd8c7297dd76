"""Index levels: years in raw that are gone or cannot be read, made again; and what raw holds."""

import datetime as dt
from collections import defaultdict

from flows.indices import Wanted
from flows.levels import collect_levels, read_stored
from flows.quotes_loading import find_closed
from flows.settings import Settings, lost
from tasks.catalog import register_partitions
from tasks.core.errors import B3PipelineError, InvalidInputError, UnreadableRawError
from tasks.core.exchange import day_in_sao_paulo
from tasks.core.findings import Finding
from tasks.core.indices import check_index_code
from tasks.core.inventory import Held
from tasks.core.landing import was_answered
from tasks.core.levels.answer import check_year, parse_levels, read_answer, to_raw_rows
from tasks.core.levels.checks import check_levels
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.past_sessions import FIRST_SURE_YEAR
from tasks.core.verify_raw import judge_raw_partitions, judge_sessions, missing_sessions
from tasks.inventory import Survey, find_partitions, is_marker
from tasks.inventory_landing import check_landing, list_whole
from tasks.objects import list_at, read_landed
from tasks.store import write_raw
from tasks.turns import Budget

NAME = "levels"
FETCH_SECONDS = 60.0  # for one index: landing has it, where B3 does not answer


def mend_levels(settings: Settings, key: str) -> str:
    """Make a year of an index's levels again; return in a few words how.

    B3 is asked, which keeps them; where it does not answer, the latest sound answer in landing is
    read.

    Args:
        settings: The settings.
        key: The raw object.

    Raises:
        SourceHasNoDataError: Neither has the year; the message names the object.
    """
    try:
        code, year = check_index_code(INDEX_LEVELS.name_of(key)), int(INDEX_LEVELS.value_of(key))
    except (ValueError, InvalidInputError) as error:
        raise lost(settings, key, f"it is no year of an index: {error}") from error
    budget = Budget.of_all(FETCH_SECONDS)
    levels, _, errors, _ = collect_levels(settings, Wanted((code,)), year, budget)
    if code in levels:
        return "fetched again from B3"
    if _restore(settings, code, year):
        return "made again from landing"
    said = f"landing holds no sound answer; {errors.get(code, 'B3 publishes none')}"
    raise lost(settings, key, said)


def _restore(settings: Settings, code: str, year: int) -> bool:
    """Write the latest sound answer of landing to raw; return whether there is one.

    What raw holds and can be read is not replaced by an answer that lacks a session of it.
    """
    bucket, name = settings.lake_bucket, f"/{code}-{year:04}/"
    found = [each for each in list_at(bucket, INDEX_LEVELS.landing_prefix)[0] if name in each.key]
    held = read_stored(bucket, [code], f"{year:04}").get(code, ())
    stored = () if isinstance(held, UnreadableRawError) else held
    for each in sorted(found, key=lambda one: one.modified_at, reverse=True):
        try:
            answer = read_answer(read_landed(bucket, each.key) or b"", code)
            levels = parse_levels(answer, code, year)
        except B3PipelineError:
            continue  # what was refused when it came
        day = day_in_sao_paulo(each.modified_at)
        if all(check.has_passed for check in check_levels(levels, stored, day)):
            at = each.modified_at.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None)
            rows = to_raw_rows(code, levels, at)
            write_raw(bucket, INDEX_LEVELS, {(f"{year:04}", code): rows})
            register_partitions(settings.database, INDEX_LEVELS, bucket, [f"{year:04}"])
            return True
    return False


def look_over_levels(settings: Settings, now: dt.datetime) -> Survey:
    """Look over the levels in raw, which readers see as they are; nothing is changed."""
    bucket, survey = settings.lake_bucket, Survey()
    by_year: dict[str, list[str]] = defaultdict(list)
    held = Held()
    objects, s3_now = list_whole(bucket, INDEX_LEVELS.prefix)
    for each in objects:
        survey.objects += 1
        value, name = INDEX_LEVELS.value_of(each.key), INDEX_LEVELS.name_of(each.key)
        if not _is_of_a_year(each.key, now.date()):
            if not is_marker(each.key):
                said = f"expected {INDEX_LEVELS.object_key('YYYY', 'NAME')}"
                survey.findings.append(Finding("raw of no session", NAME, each.key, said))
            continue
        by_year[value].append(name)
        held.add_partition(value, each.modified_at)
    for value, names in by_year.items():
        _read_year(bucket, value, names, held, survey)
    survey.findings += check_landing(bucket, NAME, INDEX_LEVELS, held, was_answered)
    days = sorted({day for each in held.sessions.values() for day in missing_sessions(each)})
    # Of earlier years the calendar may be wrong, and B3 is believed when they come.
    sure = [day for day in days if day.year >= FIRST_SURE_YEAR]
    none = {*days} - {*sure}
    closed = none | {*find_closed(settings, sure, now)} if sure else none
    survey.findings += judge_sessions(NAME, INDEX_LEVELS, held, closed)
    found = find_partitions(settings.database, INDEX_LEVELS, NAME, survey.findings)
    if found is not None:
        survey.findings += judge_raw_partitions(NAME, INDEX_LEVELS, bucket, held, found, s3_now)
    return survey


def _is_of_a_year(key: str, today: dt.date) -> bool:
    try:
        year = check_year(int(INDEX_LEVELS.value_of(key)), today)
        code = check_index_code(INDEX_LEVELS.name_of(key))
    except (ValueError, InvalidInputError):
        return False
    return INDEX_LEVELS.object_key(f"{year:04}", code) == key


def _read_year(bucket: str, value: str, names: list[str], held: Held, survey: Survey) -> None:
    for name, found in read_stored(bucket, names, value).items():
        if isinstance(found, UnreadableRawError):
            finding = Finding(
                "raw unreadable", NAME, found.key, "no file of its table", keys=(found.key,)
            )
            survey.findings.append(finding)
        else:
            held.sessions[name] |= {level.trading_date for level in found}
