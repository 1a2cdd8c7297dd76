"""The steps of a repair: one that fails stops no other, and nothing is done that is not needed."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from flows import repair
from flows.care import CARES
from flows.repair import repair_dataset
from flows.settings import Settings
from tasks.core.dataset import Table
from tasks.core.errors import BadDataError, SourceHasNoDataError
from tasks.core.findings import Finding
from tasks.core.month import PublishedMonths
from tasks.core.plan import Subject
from tasks.core.quotes.tables import RAW_QUOTES

NOW = dt.datetime(2025, 8, 5, 12, tzinfo=dt.UTC)
SETTINGS = Settings(lake_bucket="b3-lake", database="b3", glue_job="b3-refine")
IDIV = "raw/portfolio/trading_date=2025-08-01/IDIV.parquet"
SMLL = "raw/portfolio/trading_date=2025-07-31/SMLL.parquet"
LEVELS = "raw/index_levels/year=2025/IBOV.parquet"


@dataclass
class World:
    """What a repair does, in order, and what fails of it.

    Attributes:
        done: Each step: what, and of what.
        held: The raw objects that are there by now.
        failures: Why a step fails, by what it is about.
        places: Where partitions point to.
        unpublished: Why months are not published.
        refusal: Why none is.
        made_after_all: A raw object that publishing makes again, though it could not be before.
        comes_with: What raw holds once a raw object is made again.
    """

    done: list[tuple[Any, ...]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    failures: dict[str, Exception] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    unpublished: dict[str, Any] = field(default_factory=dict)
    refusal: Exception | None = None
    made_after_all: str = ""
    comes_with: dict[str, set[str]] = field(default_factory=dict)

    def do(self, what: str, about: str, answer: Any = None) -> Any:
        self.done.append((what, about))
        if about in self.failures:
            raise self.failures[about]
        return answer

    def list_names(self, bucket: str, table: Table, value: str) -> list[str]:
        assert bucket == "b3-lake"
        return [table.name_of(key) for key in self.held if table.value_of(key) == value]

    def list_raw(self, bucket: str, table: Table, year: str) -> dict[str, str]:
        assert bucket == "b3-lake"
        return {key: "1" for key in self.held if key.startswith(table.span_prefix(year))}

    def register(self, _database: str, table: Table, _bucket: str, values: Sequence[str]) -> None:
        self.done.append(("register", table.name, *values))

    def point(self, _database: str, table: str, value: str, place: str, **how: Any) -> None:
        self.done.append(("point", table, value, place, how))

    def publish(
        self, subject: Subject, months: list[str], *, force: bool, mend: Any
    ) -> PublishedMonths:
        self.done.append(("publish", *months, "forced" if force else "in the ordinary way"))
        if self.refusal:
            raise self.refusal
        if self.made_after_all:
            del self.failures[self.made_after_all]
            mend(self.made_after_all)
        return PublishedMonths(failures={} if force else dict(self.unpublished))

    def bring(self, what: str, key: str, said: str = "") -> str:
        self.held |= self.comes_with.get(key, set())
        return str(self.do(what, key, said))

    def repair(self, *findings: Finding, dataset: str = "portfolio") -> dict[str, str]:
        care = replace(
            CARES[dataset],
            mend=lambda _settings, _now, key: self.bring("mend", key, "from landing"),
            land=lambda _settings, _now, key: self.bring("land", key),
        )
        return repair_dataset(SETTINGS, care, findings, NOW)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> World:
    world = World()
    logger = logging.getLogger("steps")
    caplog.set_level(logging.INFO, "steps")
    monkeypatch.setattr(repair, "get_run_logger", lambda: logger)
    monkeypatch.setattr(repair, "list_names", world.list_names)
    monkeypatch.setattr(repair, "list_raw", world.list_raw)
    monkeypatch.setattr(repair, "register_partitions", world.register)
    monkeypatch.setattr(repair, "list_locations", lambda *_: world.places)
    monkeypatch.setattr(repair, "point_partition", world.point)
    monkeypatch.setattr(repair, "publish_months", world.publish)
    monkeypatch.setattr(repair, "stop_run", lambda job, run_id: world.do("stop", run_id, job))
    return world


def missing(*keys: str) -> Finding:
    return Finding("session missing", "portfolio", "raw_portfolio", "1 session", keys=keys)


def test_steps_come_in_the_order_in_which_they_hold(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    why_not = world.repair(
        Finding("tables disagree", "portfolio", "2025-05", "rows", months=("2025-05",)),
        Finding("partition missing", "portfolio", "x", "it", months=("2025-06",)),
        Finding("files gone", "portfolio", "x", "2 files", months=("2025-04",)),
        Finding(
            "partition missing", "portfolio", "x", "2", table="raw_portfolio", keys=("2025-08-01",)
        ),
        Finding("raw without landing", "portfolio", "x", "1 object", keys=(SMLL,)),
        missing(IDIV),
        Finding("Glue run left at work", "portfolio", "jr_1", "2 h", keys=("jr_1",)),
    )
    assert why_not == {}
    assert world.done == [
        ("stop", "jr_1"),
        ("mend", IDIV),
        ("land", SMLL),
        ("register", "raw_portfolio", "2025-08-01"),
        (
            *("point", "raw_portfolio", "2025-08-01"),
            "s3://b3-lake/raw/portfolio/trading_date=2025-08-01/",
            {"is_there": True, "parameters": {}},
        ),
        ("publish", "2025-04", "2025-06", "2025-07", "2025-08", "in the ordinary way"),
        ("publish", "2025-05", "forced"),
    ]
    assert caplog.messages == [
        "jr_1: b3-refine",
        f"{IDIV}: from landing",
        f"{SMLL}: healed",
        "raw_portfolio 2025-08-01: healed",
        "portfolio: 4 months as raw has it",
        "portfolio: 1 month as raw has it",
    ]


def test_a_partition_that_is_where_it_should_be_is_left(world: World) -> None:
    world.places = {"2025-08-01": "s3://b3-lake/raw/portfolio/trading_date=2025-08-01/"}
    values = ("2025-08-01",)
    world.repair(
        Finding("partition elsewhere", "portfolio", "x", "1", table="raw_portfolio", keys=values)
    )
    assert world.done == [("register", "raw_portfolio", "2025-08-01")]


def test_what_raw_has_got_meanwhile_is_not_made_again(world: World) -> None:
    world.held = {IDIV}
    world.repair(missing(IDIV, SMLL, SMLL))
    assert world.done == [("mend", SMLL), ("publish", "2025-07", "in the ordinary way")]


def test_what_came_with_another_is_not_made_again_and_is_published(world: World) -> None:
    world.comes_with = {IDIV: {IDIV, SMLL}}
    world.repair(missing(IDIV, SMLL))
    assert world.done == [
        ("mend", IDIV),
        ("publish", "2025-07", "2025-08", "in the ordinary way"),
    ]


@pytest.mark.parametrize("kind", ["session missing", "raw without landing"])
def test_what_else_a_file_of_a_year_brings_to_raw_is_published(world: World, kind: str) -> None:
    key, earlier, before = (
        RAW_QUOTES.object_key(day, "quotes") for day in ("2024-07-10", "2024-03-04", "2024-02-01")
    )
    world.held = {before}
    world.comes_with = {key: {key, earlier}}
    world.repair(Finding(kind, "quotes", "raw_quotes", "1 session", keys=(key,)), dataset="quotes")
    assert world.done[1:] == [("publish", "2024-03", "2024-07", "in the ordinary way")]


def test_a_month_whose_commit_is_gone_is_left_to_people(world: World) -> None:
    gone = Finding("commit missing", "portfolio", "portfolio 2025-08", "no 2", ("2025-08",))
    files = Finding("files gone", "portfolio", "x", "2 files", months=("2025-06",))
    old = Finding("old statements", "portfolio", "y", "2", months=("2025-06", "2025-08"))
    assert world.repair(gone, missing(IDIV), files, old) == {
        "portfolio 2025-08": "no 2: restore it first."
    }
    assert world.done == [("mend", IDIV), ("publish", "2025-06", "in the ordinary way")]


def test_where_publishing_fails_as_a_whole_it_is_told_of_each_month(world: World) -> None:
    world.refusal = BadDataError("no table")
    files = Finding("files gone", "portfolio", "x", "2 files", months=("2025-06",))
    said = dict.fromkeys(["portfolio 2025-06", "portfolio 2025-07"], "no table")
    assert world.repair(files, missing(SMLL)) == said


def test_a_year_that_lacks_sessions_is_made_again_though_raw_holds_it(world: World) -> None:
    world.held = {LEVELS}
    finding = Finding("session missing", "levels", "x", "1 session", keys=(LEVELS,))
    assert world.repair(finding, dataset="levels") == {}
    assert world.done == [("mend", LEVELS)]


def test_raw_that_readers_see_as_it_is_is_made_again_and_not_published(world: World) -> None:
    finding = Finding("raw unreadable", "levels", LEVELS, "no file", keys=(LEVELS,))
    assert world.repair(finding, dataset="levels") == {}
    assert world.done == [("mend", LEVELS)]


def test_one_that_fails_stops_no_other_and_is_told(world: World) -> None:
    world.failures = {IDIV: SourceHasNoDataError("landing has none")}
    world.unpublished = {"2025-07": BadDataError("the audit said no")}
    files = Finding("files gone", "portfolio", "x", "2 files", months=("2025-06",))
    assert world.repair(missing(IDIV, SMLL), files) == {
        IDIV: "landing has none",
        "portfolio 2025-07": "the audit said no",
    }
    assert world.done == [
        ("mend", IDIV),
        ("mend", SMLL),
        ("publish", "2025-06", "2025-07", "in the ordinary way"),
    ]


def test_what_was_done_after_all_has_not_failed(world: World) -> None:
    world.failures = {IDIV: SourceHasNoDataError("B3 did not answer")}
    world.made_after_all = IDIV
    lost = Finding("raw lost", "portfolio", IDIV, "gone", months=("2025-08",), keys=(IDIV,))
    assert world.repair(lost, missing(IDIV)) == {}


def test_a_month_that_is_published_when_it_is_forced_has_not_failed(world: World) -> None:
    world.unpublished = {"2025-08": BadDataError("raw moved")}
    rows = Finding("tables disagree", "portfolio", "x", "rows", months=("2025-08",))
    moved = Finding("raw moved on", "portfolio", "y", "1 object", months=("2025-08",))
    assert world.repair(rows, moved) == {}
    assert [each[-1] for each in world.done] == ["in the ordinary way", "forced"]


def test_what_is_wrong_with_the_code_ends_it(world: World) -> None:
    world.failures = {IDIV: KeyError("a mistake")}
    with pytest.raises(KeyError):
        world.repair(missing(IDIV))
