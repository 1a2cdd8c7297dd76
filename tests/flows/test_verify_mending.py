"""What a repair makes again beside what the daily runs do: years of levels, and lost landing."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from inspect import unwrap
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from prefect import flow

import flows.verify as verify_flow
from flows import levels_mending
from flows.care import CARES, mend_of, was_filed
from flows.levels import index_levels
from flows.levels_mending import look_over_levels, mend_levels
from flows.quotes_loading import landing_folder, load_session
from flows.verify import verify
from infra.local.b3.replay import Replay
from tasks import inventory, inventory_landing
from tasks.core.errors import (
    IncompleteError,
    InvalidInputError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.exchange import SAO_PAULO, sessions_between
from tasks.core.findings import Finding
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.tables import RAW_QUOTES
from tasks.inventory import Survey, find_partitions
from tasks.inventory_landing import list_whole
from tasks.objects import land_bytes, list_at, read_landed
from tests.flows.conftest import BUCKET, Lake
from tests.portfolios import FRIDAY, THURSDAY

KEY = "raw/index_levels/year=2025/IBOV.parquet"
LATE = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)  # the whole of 2025 is over
NOW = dt.datetime(2025, 8, 1, 12, tzinfo=dt.UTC)
SetClock = Callable[[dt.datetime], None]


@pytest.fixture
def levels(lake: Lake, set_clock: SetClock) -> Lake:
    """A lake with the levels of a year."""
    set_clock(LATE)
    assert index_levels(year=2025, return_state=True).is_completed()
    return lake


def mend(lake: Lake, key: str = KEY) -> str:
    @flow
    def run() -> str:
        return mend_levels(lake.settings, key)

    return run()


def land(lake: Lake, key: str, dataset: str = "portfolio") -> str:
    @flow
    def run() -> str:
        return CARES[dataset].land(lake.settings, NOW, key)

    return run()


def test_levels_that_are_gone_are_fetched_again(levels: Lake) -> None:
    rows = levels.rows(KEY)
    levels.put(KEY, b"")
    assert mend(levels) == "fetched again from B3"
    assert [row["level"] for row in levels.rows(KEY)] == [row["level"] for row in rows]


def test_levels_are_read_from_landing_where_b3_does_not_have_them(
    levels: Lake, replay: Replay
) -> None:
    rows = levels.rows(KEY)
    levels.delete(KEY)
    levels.put("landing/index_levels/received=2026-01-02/IBOV-2025/0.json.gz", b"damaged")
    replay.misbehave("http_404")
    assert mend(levels) == "made again from landing"
    assert [row["level"] for row in levels.rows(KEY)] == [row["level"] for row in rows]


@pytest.mark.parametrize(
    "key", [KEY, "raw/index_levels/year=2025/i.parquet", "raw/index_levels/year=x/IBOV.parquet"]
)
def test_levels_that_neither_has_are_named(lake: Lake, replay: Replay, key: str) -> None:
    replay.misbehave("http_404")
    with pytest.raises(SourceHasNoDataError, match=f"s3://b3-lake/{key} is gone") as raised:
        mend(lake, key)
    said = "landing holds no sound answer; " if key == KEY else "it is no year of an index: "
    assert said in str(raised.value)
    assert lake.list_keys("raw/") == []


def test_levels_that_are_as_they_should_be_have_no_finding(levels: Lake) -> None:
    @flow
    def run() -> tuple[int, list[tuple[str, str]]]:
        survey = look_over_levels(levels.settings, NOW)
        return survey.objects, sorted((each.kind, each.where) for each in survey.findings)

    assert run() == (1, [])
    strange = [
        f"raw/index_levels/year={name}"
        for name in (
            *("2025/notes.txt", "2025/ib-v.parquet", "x/IBOV.parquet", "2025/a/SMLL.parquet"),
            *("1985/IBOV.parquet", "2026/IBOV.parquet", "02025/IBOV.parquet"),
        )
    ]
    row = levels.rows(KEY)[0]
    for key in (*strange, "raw/index_levels/year=2025/SMLL.parquet"):
        levels.put(key, b"")
    for year in (1985, 2026):  # where no calendar reaches, or nothing can be by now
        day = dt.date(year, 1, 2)
        days = [row | {"trading_date": day + dt.timedelta(number)} for number in (0, 9)]
        levels.put_rows(f"raw/index_levels/year={year}/IBOV.parquet", days)
    for marker in ("", "_SUCCESS", "year=2025/", "year=2025_$folder$"):
        levels.put(f"raw/index_levels/{marker}", b"")
    assert run() == (
        13,
        sorted(
            [
                *(("raw of no session", key) for key in strange),
                ("raw unreadable", "raw/index_levels/year=2025/SMLL.parquet"),
            ]
        ),
    )


def look(lake: Lake) -> list[tuple[str, str]]:
    @flow
    def run() -> list[tuple[str, str]]:
        survey = look_over_levels(lake.settings, NOW)
        return [(each.kind, each.where) for each in survey.findings]

    return run()


@pytest.mark.parametrize(
    "change",
    [
        {"index_code": "SMLL"},
        {"trading_date": None},
        {"level": None},
        {"trading_date": dt.date(2024, 8, 1)},
    ],
)
def test_rows_that_are_no_levels_of_the_index_and_year_are_told_and_made_again(
    levels: Lake, change: dict[str, Any]
) -> None:
    rows = levels.rows(KEY)
    levels.put_rows(KEY, [*rows[:-1], rows[-1] | change])
    assert look(levels) == [("raw unreadable", KEY)]
    assert mend(levels) == "fetched again from B3"
    assert [row["level"] for row in levels.rows(KEY)] == [row["level"] for row in rows]
    assert look(levels) == []


def test_a_session_that_only_the_calendar_has_is_no_gap_of_a_year_before_2000(
    levels: Lake,
) -> None:
    row, key = levels.rows(KEY)[0], "raw/index_levels/year=1998/IBOV.parquet"
    days = sessions_between(dt.date(1998, 5, 4), dt.date(1998, 6, 30))
    assert len(days) > 30
    levels.put_rows(key, [row | {"trading_date": day} for day in days if day != days[20]])
    assert "session missing" not in [kind for kind, _ in look(levels)]


@pytest.mark.parametrize(
    ("step", "module", "asks"),
    [(list_whole, inventory_landing, "list_at"), (find_partitions, inventory, "list_locations")],
)
def test_an_answer_that_was_cut_is_asked_for_again(
    levels: Lake, step: Any, module: Any, asks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, cut = getattr(module, asks), iter([True])

    def ask_twice(*given: Any) -> Any:
        if next(cut, False):
            raise RetryableError("cut")
        return ask(*given)

    monkeypatch.setattr(module, asks, ask_twice)
    monkeypatch.setattr(step.retry, "sleep", lambda _: None)
    assert look(levels) == []
    assert next(cut, "asked") == "asked"


def test_what_is_no_sound_answer_of_the_year_is_passed_over(levels: Lake, replay: Replay) -> None:
    rows = levels.rows(KEY)
    replay.misbehave("http_404")
    folder = "landing/index_levels/received=2026-01-02/"
    for name in ("IBOV-2024", "SMLL-2025", "IBOV-2025"):  # each is later
        land_bytes(BUCKET, f"{folder}{name}/", b"{}", "json", {})
    levels.put_rows(KEY, rows[:-1])
    boto3.client("glue").delete_partition(
        DatabaseName="b3", TableName="index_levels", PartitionValues=["2025"]
    )
    assert mend(levels) == "made again from landing"
    found = levels.rows(KEY)
    assert [row["level"] for row in found] == [row["level"] for row in rows]
    assert {row["extracted_at"].microsecond for row in found} == {0}
    assert list(levels.partitions("index_levels")) == ["2025"]


def test_of_several_sound_answers_the_latest_is_read(
    levels: Lake, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    (landed,) = levels.list_keys("landing/index_levels/")
    sound = read_landed(BUCKET, landed) or b""
    folder = "landing/index_levels/received=2026-01-02/IBOV-2025/"
    others = [land_bytes(BUCKET, folder, sound + b" " * n, "json", {}) for n in (1, 2)]
    first, latest, last = sorted([landed, *others])
    levels.delete(KEY)
    replay.misbehave("http_404")

    def at_their_times(bucket: str, prefix: str) -> Any:
        found, now = list_at(bucket, prefix)
        times = {first: NOW, latest: LATE, last: NOW}
        return [replace(each, modified_at=times[each.key]) for each in found], now

    monkeypatch.setattr(levels_mending, "list_at", at_their_times)
    assert mend(levels) == "made again from landing"
    assert levels.rows(KEY)[0]["extracted_at"] == LATE.replace(tzinfo=None)


def test_landing_of_quotes_comes_back_whatever_is_noted(lake: Lake) -> None:
    key = RAW_QUOTES.object_key(str(THURSDAY), "quotes")

    @flow
    def load() -> None:
        load_session(lake.settings, THURSDAY, NOW.astimezone(SAO_PAULO))

    load()
    (landed,) = [key for key in lake.list_keys("landing/quotes/") if key.endswith(".zip")]
    lake.delete(landed)
    assert land(lake, key, "quotes") == "fetched again from B3"
    assert landed in lake.list_keys("landing/quotes/")


def test_a_file_that_has_several_sessions_is_fetched_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dt.date] = []

    def load_year(_settings: object, day: dt.date, _now: object, *, anew: bool) -> None:
        asked.append(day)
        lake.put(f"{landing_folder(QuotesPeriod.year(day.year))}ab.zip", b"the year")

    monkeypatch.setattr("flows.care.load_session", load_year)
    said = [
        land(lake, RAW_QUOTES.object_key(str(day), "quotes"), "quotes")
        for day in (THURSDAY, FRIDAY)
    ]
    assert asked == [THURSDAY]
    assert said == ["fetched again from B3", "landing has a file of it by now"]


@pytest.mark.parametrize(
    ("dataset", "step"),
    [
        ("portfolio", "mend_session"),
        ("levels", "mend_levels"),
        ("reconciliation", "mend_reconciliation"),
    ],
)
def test_what_is_made_again_says_how(
    dataset: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"flows.care.{step}", lambda settings, key: f"{key} of {settings}")
    assert mend_of(CARES[dataset], "the lake", NOW)("key") == "key of the lake"  # type: ignore[arg-type]


@pytest.mark.parametrize("is_kept", [True, False])
def test_quotes_are_kept_where_a_file_that_may_hold_them_is(is_kept: bool) -> None:
    names = {"COTAHIST_A2025.ZIP"} if is_kept else {"COTAHIST_M082025.ZIP", "COTAHIST_A2024.ZIP"}
    kept: Any = SimpleNamespace(folders=names)
    assert was_filed(kept, THURSDAY, "quotes", THURSDAY) is is_kept


def test_a_verification_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"^Expected at least one of portfolio, quotes, "):
        unwrap(verify.fn)(datasets=())


def test_what_is_wrong_at_first_sight_is_looked_at_again_and_nothing_else(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, no_run_logger: None
) -> None:
    looks: list[str] = []
    stays = Finding("commit missing", "quotes", "quotes 2025-08", "no commit 1")
    passes = Finding("raw moved on", "quotes", "quotes 2025-07", "1 object")

    def look_at(name: str) -> Any:
        def look(*_: object) -> Survey:
            looks.append(name)
            found = [stays, passes] if looks.count(name) == 1 else [stays]
            return Survey(findings=found if name == "quotes" else [])

        return look

    for name in ("portfolio", "quotes"):
        monkeypatch.setitem(CARES, name, replace(CARES[name], look=look_at(name)))
    monkeypatch.setattr(verify_flow, "time", SimpleNamespace(sleep=lambda s: looks.append(f"{s}")))
    found, _ = verify_flow.look(lake.settings, ["portfolio", "quotes"], NOW)
    assert found == [stays]
    assert looks == ["portfolio", "quotes", "15.0", "quotes"]


def test_what_a_repair_has_failed_with_is_told_though_nothing_is_found_after_it(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, no_run_logger: None
) -> None:
    looks: list[list[Finding]] = []
    lost = "raw/portfolio/trading_date=2025-08-01/IBOV.parquet"
    gap = Finding("session missing", "portfolio", "raw_portfolio IBOV", "1 session", keys=(lost,))

    def look_at(*_: object) -> Survey:
        looks.append([gap] if len(looks) < 2 else [])  # twice before, once after
        return Survey(findings=looks[-1], months=1)

    def mend(_settings: object, _now: object, key: str) -> str:
        raise SourceHasNoDataError(f"landing has no {key}")

    care = replace(CARES["portfolio"], look=look_at, mend=mend)
    monkeypatch.setitem(CARES, "portfolio", care)
    monkeypatch.setattr(verify_flow, "LOOK_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(verify_flow, "report_findings", lambda *_: None)
    with pytest.raises(IncompleteError) as raised:
        unwrap(verify.fn)(repair=True, datasets=["portfolio"])
    head, _, line = str(raised.value).splitlines()
    assert head.startswith("1 finding; healed 0 of 1 finding; looked at portfolio: 1 month")
    assert f"raw_portfolio IBOV | 1 session | not healed: landing has no {lost} Next: " in line


def test_landing_of_a_portfolio_comes_back_while_b3_shows_it(lake: Lake, replay: Replay) -> None:
    key = RAW_PORTFOLIO.object_key(str(FRIDAY), "IBOV")
    assert land(lake, key) == "fetched again from B3"
    assert len(lake.list_keys("landing/portfolio/")) == 1
    assert lake.rows(key)[0]["extracted_at"] == NOW.replace(tzinfo=None)  # though it is the same
    asked = len(replay.requests)
    past = RAW_PORTFOLIO.object_key(str(THURSDAY - dt.timedelta(days=7)), "IBOV")
    preview = "raw/portfolio_preview/trading_date=2025-08-01/IBOV.parquet"
    for other in (past, preview):
        with pytest.raises(SourceHasNoDataError, match="B3 shows it no more"):
            land(lake, other)
    assert len(replay.requests) == asked
