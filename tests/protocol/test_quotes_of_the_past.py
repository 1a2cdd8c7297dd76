"""Backfills of years in which B3's files, the calendar and the rules of a record disagree."""

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from inspect import unwrap
from typing import Any

import boto3
import pytest

from flows.backfill import backfill
from flows.quotes import daily_quotes
from tasks import report
from tasks.core.errors import IncompleteError, SourceHasNoDataError
from tasks.core.exchange import SAO_PAULO, sessions_between
from tasks.core.quotes.tables import QUOTES_DAILY, RAW_QUOTES
from tests.protocol.b3_files import B3Files, on, serve
from tests.protocol.lake import Lake
from tests.protocol.stage import Stage, before
from tests.standin.glue import BUCKET, DATABASE, JOB

Backfill = Callable[..., str]


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def month(text: str) -> list[dt.date]:
    """The sessions of a month, by the calendar."""
    first = day(f"{text}-01")
    return sessions_between(first, (first + dt.timedelta(31)).replace(day=1) - dt.timedelta(1))


@pytest.fixture
def b3(monkeypatch: pytest.MonkeyPatch) -> Iterator[B3Files]:
    with serve() as b3:
        monkeypatch.setenv("B3_QUOTES_URL", b3.url)
        yield b3


@pytest.fixture
def run(b3: B3Files, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Backfill:
    """Run a backfill of the quotes from a day to a day; return what it ends with."""
    for name, value in (("LAKE_BUCKET", BUCKET), ("DATABASE", DATABASE), ("GLUE_JOB", JOB)):
        monkeypatch.setenv(f"B3_{name}", value)
    for name in ("create_progress_artifact", "update_progress_artifact"):
        monkeypatch.setattr(report, name, lambda *_, **__: None)
    clock = dt.datetime(2026, 11, 26, 12, tzinfo=SAO_PAULO)
    monkeypatch.setattr("flows.backfill.now_in_sao_paulo", lambda: clock)
    numbers = itertools.count()

    def run(start: str, end: str, **changes: Any) -> str:
        b3.asked.clear()
        parameters: dict[str, Any] = {
            "dataset": "quotes",
            "start": day(start),
            "end": day(end),
        } | changes
        actor = stage.actor(
            f"backfill-{next(numbers)}",
            lambda: unwrap(backfill.fn)(**parameters),
        )
        return str(actor.ends().message)

    return run


def published(lake: Lake) -> Counter[tuple[str, str, int | None]]:
    """Session, ticker and term of each row that readers see."""
    glue: Any = boto3.client("glue")
    parts = glue.get_partitions(DatabaseName=DATABASE, TableName=QUOTES_DAILY.name)["Partitions"]
    found: Counter[tuple[str, str, int | None]] = Counter()
    for part in parts:
        prefix = part["StorageDescriptor"]["Location"].removeprefix(f"s3://{BUCKET}/")
        for key in lake.keys(prefix):
            rows = lake.rows(key) if key.endswith(".parquet") else []
            found.update(
                (str(row["trading_date"]), row["ticker"], row["forward_days"]) for row in rows
            )
    return found


def registered(table: str = RAW_QUOTES.name) -> list[str]:
    """The partitions of a raw table."""
    glue: Any = boto3.client("glue")
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=table)
    return sorted(each["Values"][0] for page in pages for each in page["Partitions"])


def without_run(message: str) -> str:
    """The message but for the names of the runs."""
    return message.partition(", run")[0]


def test_control_bytes_in_a_term_hold_no_month_back(b3: B3Files, run: Backfill, lake: Lake) -> None:
    odd, sound = month("1987-01"), month("1987-02")
    b3.put("M011987", [*on(*odd), *on(odd[-1], codneg="CPF 3", tpmerc="020", prazot="\x00\x0f")])
    b3.put("M021987", on(*sound))

    message = run("1987-01-01", "1987-02-28")

    assert without_run(message) == (
        f"published quotes 1987-01-01 to 1987-02-28: {len(odd + sound)} published"
    )
    assert published(lake)[str(odd[-1]), "CPF 3", None] == 1
    raw = lake.rows(RAW_QUOTES.object_key(str(odd[-1]), "quotes"))
    assert [row["prazot"] for row in raw] == ["", "\x00\x0f"]


def test_a_key_that_b3_repeats_holds_no_month_back(b3: B3Files, run: Backfill, lake: Lake) -> None:
    days = month("1986-10")
    twice = on(days[7], codneg="VGO 2", tpmerc="030", prazot="060")[0]
    records = sorted([*on(*days), twice, twice | {"totneg": 4}], key=lambda one: one["data"])
    b3.put("M101986", records)

    assert without_run(run("1986-10-01", "1986-10-31")).endswith(f"{len(days)} published")
    assert published(lake)[str(days[7]), "VGO 2", 60] == 2


@pytest.mark.parametrize("name", ["D26041986", "M041986", "A1986"])
def test_a_saturday_that_traded_is_a_session(b3: B3Files, run: Backfill, name: str) -> None:
    days = [day("1986-04-26")] if name[0] == "D" else month("1986-04")
    b3.put(name, on(*days), made_on="1986-04-26" if name[0] == "D" else "1999-12-10")
    message = run("1986-04-26", "1986-04-26")
    assert without_run(message) == "published quotes 1986-04-26 to 1986-04-26: 1 published"
    assert run("1986-04-26", "1986-04-26").endswith(": 1 already there")
    assert b3.asked == []


def test_a_maundy_thursday_is_no_session_and_is_not_asked_for(b3: B3Files, run: Backfill) -> None:
    days = month("1999-04")
    assert day("1999-04-01") not in days
    b3.put("M041999", on(*days), made_on="1999-12-30")
    assert without_run(run("1999-04-01", "1999-04-30")).endswith(f"{len(days)} published")
    assert b3.asked == ["M041999"]
    assert run("1999-04-01", "1999-04-30").endswith(f": {len(days)} already there")
    assert b3.asked == []


def test_a_day_that_traded_against_the_calendar_is_a_session_and_told(
    b3: B3Files, run: Backfill, lake: Lake
) -> None:
    sunday = day("1992-06-14")
    days = sorted([*month("1992-06"), sunday])
    b3.put("M061992", on(*days))
    said = f"{len(days)} published (1 of them no session by the calendar)"
    assert without_run(run("1992-06-01", "1992-06-30")).endswith(said)
    assert published(lake)[str(sunday), "PET 4", None] == 1
    assert run("1992-06-14", "1992-06-14").endswith(
        "1 already there (1 of them no session by the calendar)"
    )
    assert b3.asked == []


def test_a_day_that_the_calendar_denies_can_be_asked_for_by_itself(
    b3: B3Files, run: Backfill, stage: Stage, lake: Lake
) -> None:
    sunday = day("1992-06-14")
    b3.put("M061992", on(*sorted([*month("1992-06"), sunday])))
    message = (
        stage.actor("quotes", lambda: unwrap(daily_quotes.fn)(trading_date=sunday)).ends().message
    )
    assert message.startswith("published quotes 1992-06-14, run ")
    assert b3.asked == ["D14061992", "M061992"]
    assert published(lake)[str(sunday), "PET 4", None] == 1
    with pytest.raises(SourceHasNoDataError):
        stage.actor("again", lambda: unwrap(daily_quotes.fn)(trading_date=day("1992-12-25"))).ends()


def test_what_the_file_of_a_year_is_known_not_to_hold_is_not_asked_for_again(
    b3: B3Files, run: Backfill
) -> None:
    days = month("1989-01") + month("1989-02")
    closed = [days[5], days[25]]
    b3.put("A1989", on(*(each for each in days if each not in closed)))

    message = run("1989-01-01", "1989-02-28")

    assert without_run(message) == (
        f"published quotes 1989-01-01 to 1989-02-28: {len(days) - 2} published, 2 no session"
    )
    assert b3.asked == ["M011989", "M021989", f"D{days[0]:%d%m%Y}", "A1989"]
    again = run("1989-01-01", "1989-02-28")
    assert again.endswith(f": {len(days) - 2} already there, 2 no session")
    assert run(str(closed[1]), str(closed[1])).endswith(": 1 no session")
    assert "0 missing" in run("1989-01-01", "1989-02-28", dry_run=True)
    assert b3.asked == []


def test_how_far_it_is_is_told_by_files_then_by_months_and_the_sessions_that_there_are(
    b3: B3Files, run: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[float, str]] = []
    for name in ("create_progress_artifact", "update_progress_artifact"):
        monkeypatch.setattr(
            report,
            name,
            lambda *_, progress, description, **__: told.append((progress, description)),
        )
    days = month("1989-01") + month("1989-02")
    b3.put("A1989", on(*(each for each in days if each not in (days[5], days[25]))))
    run("1989-01-01", "1989-02-28")
    sessions = len(days) - 2
    assert told[:2] == [(0, "0 of 2 files asked for"), (25, "1 of 2 files asked for")]
    assert told[-1] == (100, f"2 of 2 months published, {sessions} of {sessions} sessions")


def test_the_file_of_a_year_that_ends_early_settles_nothing_after_its_end(
    b3: B3Files, run: Backfill
) -> None:
    days = month("1989-01") + month("1989-02")
    b3.put("A1989", on(*days[:-1]))
    said = f"{len(days) - 1} published, 1 missing at the source"
    assert said in run("1989-01-01", "1989-02-28")
    b3.put("A1989", on(*days))
    assert "published quotes" in run("1989-01-01", "1989-02-28")
    assert run("1989-01-01", "1989-02-28").endswith(f": {len(days)} already there")


def test_a_year_that_was_not_over_when_it_was_asked_for_is_asked_for_again(
    b3: B3Files, run: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = month("1999-12")
    closed = days[-3]
    b3.put("A1999", on(*(each for each in days if each != closed)), made_on="1999-12-30")
    clock = dt.datetime(2000, 1, 5, 12, tzinfo=dt.UTC)
    monkeypatch.setattr("flows.backfill.now_in_sao_paulo", lambda: clock)
    assert "1 missing at the source" in run("1999-12-01", "1999-12-31")
    assert "1 missing at the source" in run(str(closed), str(closed))
    assert b3.asked == [f"D{closed:%d%m%Y}", "M121999", "A1999"]

    clock = dt.datetime(2000, 1, 10, 12, tzinfo=dt.UTC)  # the same file, and B3 says so
    assert run(str(closed), str(closed)).endswith(": 1 no session")
    assert run(str(closed), str(closed)).endswith(": 1 no session")
    assert b3.asked == []


@pytest.mark.parametrize("note", [b"", b"{", b"\xff", b"[]", b'{"etag": 1}', b'{"asked_on": "x"}'])
def test_a_note_that_is_damaged_says_nothing_and_is_written_anew(
    b3: B3Files, run: Backfill, lake: Lake, note: bytes
) -> None:
    days = month("1989-01")
    b3.put("A1989", on(*(each for each in days if each != days[5])))
    run("1989-01-01", "1989-01-31")
    key = "landing/quotes/COTAHIST_A1989.ZIP/loaded.json"
    good = lake.body(key)
    lake.put(key, note)
    assert run("1989-01-01", "1989-01-31").endswith(f"{len(days) - 1} already there, 1 no session")
    assert lake.body(key) == good


def test_a_bad_file_does_not_hide_a_larger_good_one(b3: B3Files, run: Backfill) -> None:
    days = month("1990-05")
    b3.put(f"D{days[3]:%d%m%Y}", on(days[3], fatcot=0), made_on=str(days[3]))
    b3.put("M051990", on(*days))
    day = str(days[3])
    assert without_run(run(day, day)) == f"published quotes {day} to {day}: 1 published"
    assert b3.asked == [f"D{days[3]:%d%m%Y}", "M051990"]


def test_a_bad_month_is_taken_from_the_file_of_its_year(b3: B3Files, run: Backfill) -> None:
    days = month("1990-05")
    b3.put("M051990", on(*days, fatcot=0))
    b3.put("A1990", on(*days))
    assert without_run(run("1990-05-01", "1990-05-31")).endswith(f": {len(days)} published")
    assert b3.asked == ["M051990", "A1990"]


def test_the_first_of_several_bad_files_is_the_reason(b3: B3Files, run: Backfill) -> None:
    days = month("1990-05")
    b3.put("M051990", on(*days, fatcot=0))
    b3.files["COTAHIST_A1990.ZIP"] = b"PK no zip"
    with pytest.raises(IncompleteError, match=r"COTAHIST_M051990\.ZIP: line 2, field FATCOT"):
        run("1990-05-01", "1990-05-31")
    assert b3.asked == ["M051990", "A1990"]


def test_partitions_of_raw_are_registered_by_the_next_run_after_a_kill(
    b3: B3Files, run: Backfill, stage: Stage
) -> None:
    days = month("1990-05")
    b3.put("M051990", on(*days))
    killed = stage.actor(
        "killed",
        lambda: unwrap(backfill.fn)(dataset="quotes", start=days[0], end=day("1990-05-31")),
    )
    killed.goes_to(before("register-partitions"))
    killed.is_killed()
    assert registered() == []
    run("1990-05-01", "1990-05-31")
    assert registered() == list(map(str, days))


def test_a_backfill_of_the_portfolio_registers_its_own_raw(run: Backfill, lake: Lake) -> None:
    lake.write(day("2025-08-04"))
    assert registered("raw_portfolio") == []
    run("2025-08-04", "2025-08-04", dataset="portfolio")
    assert registered("raw_portfolio") == ["2025-08-04"]
    assert registered() == []


def test_a_session_that_publishing_has_mended_is_there(
    b3: B3Files, run: Backfill, lake: Lake
) -> None:
    days = month("1990-05")
    b3.put("M051990", on(*days))
    run("1990-05-01", "1990-05-31")
    lake.delete([RAW_QUOTES.object_key(str(days[3]), "quotes")])
    b3.files.clear()
    message = run("1990-05-01", "1990-05-31")
    assert f": {len(days)} " in message
    assert "missing" not in message


@pytest.mark.parametrize("start", ["2030-01-01", "2500-01-01", "9999-12-31"])
def test_a_range_to_come_is_not_due(b3: B3Files, run: Backfill, start: str) -> None:
    message = run(start, "9999-12-31")
    assert message.startswith(
        f"up to date quotes {start} to 9999-12-31: nothing is due after 2026-11-25 yet"
    )
    assert b3.asked == []


def test_the_latest_session_that_is_due_can_be_filled(b3: B3Files, run: Backfill) -> None:
    b3.put("D25112026", on(day("2026-11-25")), made_on="2026-11-25")
    message = run("2026-11-25", "2026-11-26")  # of the second day nothing is due yet
    assert without_run(message) == "published quotes 2026-11-25 to 2026-11-26: 1 published"


def test_what_raw_holds_of_other_indices_fills_no_session_of_one(run: Backfill, lake: Lake) -> None:
    lake.write(day("2025-08-04"), index_code="SMLL")
    lake.write(day("2025-08-05"), day("2025-07-31"))
    message = without_run(run("2025-08-04", "2025-08-05", dataset="portfolio"))
    counts = "1 missing at the source, 1 published"
    assert message.splitlines()[-1] == f"published IBOV 2025-08-04 to 2025-08-05: {counts}"
    assert registered("raw_portfolio") == ["2025-08-04", "2025-08-05"]


def test_a_bad_month_a_good_one_and_a_missing_one_are_told_by_a_line_each(
    b3: B3Files, run: Backfill, lake: Lake, stage: Stage
) -> None:
    bad, good, missing = month("1990-04"), month("1990-05"), month("1990-06")
    b3.put("M041990", [*on(*bad[:-1]), *on(bad[-1], fatcot=0)])
    b3.put("M051990", on(*good))

    def fails() -> list[str]:
        with pytest.raises(IncompleteError) as failed:
            run("1990-04-01", "1990-06-30")
        return str(failed.value).splitlines()

    first, *lines = fails()
    counts = f"{len(bad)} failed, {len(good)} published, {len(missing)} missing at the source"
    assert first == f"quotes 1990-04-01 to 1990-06-30: {counts}"
    assert [line[:7] for line in lines] == ["1990-04", "1990-05", "1990-06"]
    assert f"line {len(bad) + 1}, field FATCOT" in lines[0]
    assert lines[1] == f"1990-05: {len(good)} published"
    assert f"1990-06: {len(missing)} missing at the source: " in lines[2]
    assert {session[:7] for session, _, _ in published(lake)} == {"1990-05"}

    starts = stage.glue_starts
    first, *lines = fails()
    assert lines[1] == f"1990-05: {len(good)} already there"
    assert "M051990" not in b3.asked
    assert stage.glue_starts == starts

    b3.put("M041990", on(*bad))
    b3.put("M061990", on(*missing))
    message = run("1990-04-01", "1990-06-30")
    counts = f"{len(bad) + len(missing)} published, {len(good)} already there"
    assert without_run(message) == f"published quotes 1990-04-01 to 1990-06-30: {counts}"
    assert b3.asked == ["M041990", "M061990"]
    assert stage.glue_starts == starts + 1
