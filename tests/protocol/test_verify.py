"""Planted damage: each kind is found, and healed or named; a lake without any has no finding.

The flow runs as a function over the stand-in. The lake is filled once, by the flows themselves
over B3's replay, and copied for each test.
"""

import datetime as dt
import io
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from inspect import unwrap
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flows.verify
from flows import portfolio
from flows.levels import index_levels
from flows.portfolio import daily_portfolio
from flows.quotes import daily_quotes
from flows.vacuum import vacuum
from flows.verify import verify
from infra.local.aws.glue.runs import JobRun
from infra.local.b3.replay import Replay, start
from tasks.core.datasets import TABLES
from tasks.core.errors import IncompleteError
from tasks.core.findings import KINDS, tabulate_findings
from tasks.shelf import follow
from tests.protocol.lake import SUBJECT, Lake
from tests.protocol.stage import Actor, Event, Point, Stage, after, before
from tests.standin.glue import BUCKET, DATABASE, JOB, Jobs

pytestmark = pytest.mark.timeout(600)

DAYS = [dt.date(2025, 7, 31), dt.date(2025, 8, 1), dt.date(2025, 8, 4)]
CODES = ("IDIV", "SMLL")
MONTH = "2025-08"
RAW = "raw/portfolio/trading_date=2025-08-01/IDIV.parquet"
LOST = "raw/portfolio/trading_date=2025-08-01/SMLL.parquet"
QUOTES_ZIP = "landing/quotes/COTAHIST_D01082025.ZIP/"
DAY = "2025-08-01"
NEXT = dt.date(2025, 8, 5)
LEVELS = "raw/index_levels/year=2025/IDIV.parquet"


@dataclass
class Snapshot:
    """All that a lake holds."""

    objects: dict[str, bytes] = field(default_factory=dict)
    partitions: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def take(self) -> None:
        self.objects = {key: Lake.body(key) for key in keys()}
        glue: Any = boto3.client("glue")
        for table in TABLES:
            found = glue.get_partitions(DatabaseName=DATABASE, TableName=table.name)["Partitions"]
            for each in found:
                names = ("Values", "StorageDescriptor", "Parameters")
                told = {name: each[name] for name in names if name in each}
                self.partitions.append((table.name, told))

    def lay(self) -> None:
        s3, glue = boto3.client("s3"), boto3.client("glue")
        for key, body in self.objects.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        for table, each in self.partitions:
            given: Any = {"DatabaseName": DATABASE, "TableName": table, "PartitionInput": each}
            glue.create_partition(**given)


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with start(session=DAYS[-1]) as running:
        yield running


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """Taken by the first test."""
    return Snapshot()


@pytest.fixture
def sound(
    stage: Stage,
    lake: Lake,
    replay: Replay,
    snapshot: Snapshot,
    monkeypatch: pytest.MonkeyPatch,
) -> Lake:
    """A lake of three sessions of two indices, one of quotes and a year of levels, days ago."""
    for name, value in {
        "B3_LAKE_BUCKET": BUCKET,
        "B3_DATABASE": DATABASE,
        "B3_GLUE_JOB": JOB,
        "B3_INDEX_URL": replay.url,
        "B3_QUOTES_URL": f"{replay.url}/InstDados/SerHist",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(portfolio, "report_indices", lambda *_: None)
    monkeypatch.setattr(flows.verify, "LOOK_AGAIN_SECONDS", 0.0)
    if not snapshot.objects:
        fill(stage, replay)
        snapshot.take()
    else:
        snapshot.lay()
    lake.passes(days=2)
    return lake


def fill(stage: Stage, replay: Replay) -> None:
    """Have the flows fill a lake."""
    for day in DAYS:
        replay.show(day)
        stage.actor(f"fill-{day}", lambda: unwrap(daily_portfolio.fn)(index_codes=CODES)).ends()
    stage.actor("quotes", lambda: unwrap(daily_quotes.fn)(trading_date=DAYS[1])).ends()
    levels = {"year": 2025, "index_codes": CODES[:1]}
    stage.actor("levels", lambda: unwrap(index_levels.fn)(**levels)).ends()


def keys(prefix: str = "") -> list[str]:
    return Lake.keys(prefix)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, str]]]:
    """The tables that the dashboard shows, the latest last."""
    tables: list[list[dict[str, str]]] = []

    def take(findings: Any, why_not: Any, _described: str) -> None:
        tables.append(tabulate_findings(findings, why_not))

    monkeypatch.setattr(flows.verify, "report_findings", take)
    return tables


numbers = itertools.count()


def verifier(stage: Stage, *, repair: bool = False) -> Actor:
    """Bring a verification on."""
    return stage.actor(f"verify-{next(numbers)}", lambda: unwrap(verify.fn)(repair=repair))


def look(stage: Stage, *, repair: bool = False) -> dict[str, list[str]]:
    """Verify; return `{kind: the lines of the table}`."""
    try:
        state = verifier(stage, repair=repair).ends()
    except IncompleteError as error:
        head, titles, *lines = str(error).splitlines()
        assert head.startswith(f"{len(lines)} finding")
        assert titles == "  kind | where | what was found | what can be done"
        found: dict[str, list[str]] = {}
        for line in lines:
            kind, *rest = line.strip().split(" | ")
            assert len(rest) == 3
            found.setdefault(kind, []).append(" | ".join(rest))
        return found
    seen = "portfolio, quotes, levels, reconciliation"
    assert state.message.startswith(f"verified {seen}: 3 months, ")
    return {}


def sweep(stage: Stage, lake: Lake) -> None:
    """Have the vacuum mark what nobody needs, and remove it."""
    for hours in (0, 2):
        lake.passes(hours=hours)
        act = lambda: unwrap(vacuum.fn)(delete=True)  # noqa: E731
        stage.actor(f"vacuum-{hours}", act).ends()


def latest(month: str = MONTH, dataset: str = "portfolio") -> tuple[str, dict[str, Any]]:
    """Key and document of the commit that readers see."""
    key = max(Lake.keys(f"published/{dataset}/{month}/"))
    return key, json.loads(Lake.body(key))


def put(key: str, body: bytes) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def delete(*keys: str) -> None:
    for key in keys:
        boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)


def file_of(table: str, month: str = MONTH) -> str:
    """A file that readers of a table are sent to."""
    document = latest(month, table.partition("_")[0])[1]
    return str(document["tables"][table]["objects"][0]["key"])


def commit_again(month: str, dataset: str, **changes: Any) -> None:
    """Write a commit after the latest, with changes."""
    key, document = latest(month, dataset)
    document |= changes | {"number": document["number"] + 1}
    put(f"{key[:-11]}{document['number']:06}.json", json.dumps(document).encode())


def sessions_seen(lake: Lake) -> set[dt.date]:
    """The sessions of the month that Athena shows; each table must show the same."""
    places = lake.locations()
    seen = [
        {
            row["trading_date"]
            for key in keys(places[table])
            if key.endswith(".parquet")
            for row in lake.rows(key)
        }
        for table in ("portfolio_daily", "portfolio_daily_summary")
    ]
    assert seen[0] == seen[1]
    assert any(keys(places["portfolio_monthly"]))
    return seen[0]


def partition(table: str, value: str) -> dict[str, Any]:
    return {"DatabaseName": DATABASE, "TableName": table, "PartitionValues": [value]}


def move_partition(table: str, value: str) -> None:
    glue: Any = boto3.client("glue")
    found = glue.get_partition(**partition(table, value))["Partition"]
    place = found["StorageDescriptor"] | {"Location": f"s3://{BUCKET}/elsewhere/"}
    glue.update_partition(
        DatabaseName=DATABASE,
        TableName=table,
        PartitionValueList=[value],
        PartitionInput={"Values": [value], "StorageDescriptor": place},
    )


def drop_partition(table: str, value: str) -> None:
    glue: Any = boto3.client("glue")
    glue.delete_partition(**partition(table, value))


def add_partition_of_nothing() -> None:
    glue: Any = boto3.client("glue")
    given = {"Values": ["2019-01"], "StorageDescriptor": {"Location": f"s3://{BUCKET}/gone/"}}
    glue.create_partition(DatabaseName=DATABASE, TableName="portfolio_daily", PartitionInput=given)


def say_fewer_rows() -> None:
    tables = latest("2025-07")[1]["tables"]
    tables["portfolio_monthly"]["rows"] -= 1
    commit_again("2025-07", "portfolio", tables=tables)


def cut_levels() -> None:
    """Take a session out of the middle of a year."""
    rows = pq.read_table(io.BytesIO(Lake.body(LEVELS)))
    body = io.BytesIO()
    pq.write_table(pa.concat_tables([rows[:20], rows[21:]]), body)
    put(LEVELS, body.getvalue())


def lose_the_outcome() -> None:
    """As though the latest session had come to raw, and Glue and the flow had died then."""
    key, document = latest()
    delete(key, f"runs/{document['run_id']}/{document['attempt']}/outcome.json")
    follow(SUBJECT, MONTH)


def leave_at_work(jobs: Jobs) -> None:
    """Have a Glue run that should have ended long ago; it is the last of what is planted."""
    plan = f"s3://{BUCKET}/runs/{latest()[1]['run_id']}/plan.json"
    arguments = {"--plan": plan, "--token": "nobody/1"}
    run = JobRun(JOB, arguments, 30, {}, state="RUNNING", started_at=time.time() - 7200)
    jobs.runs.add(run, 5)


def nothing() -> None:
    """What another damage beside it has done."""


Damage = tuple[Callable[[], Any], str, str]
# What is done to the lake; the kind of finding that comes of it, and where.
HEALED: dict[str, list[Damage]] = {
    "partitions-and-files": [
        (lambda: drop_partition("portfolio_daily", MONTH), "partition missing", "portfolio_daily"),
        (lambda: move_partition("quotes_monthly", MONTH), "partition elsewhere", "quotes_monthly"),
        (lambda: drop_partition("raw_portfolio", DAY), "partition missing", "raw_portfolio"),
        (lambda: move_partition("index_levels", "2025"), "partition elsewhere", "index_levels"),
        (lambda: delete(file_of("portfolio_monthly")), "files gone", "portfolio_monthly"),
        (
            lambda: put(file_of("quotes_daily"), Lake.body(file_of("quotes_daily"))[:-9]),
            "files differ",
            "quotes_daily",
        ),
        (
            lambda: put(f"{file_of('portfolio_daily', '2025-07')}.parquet", b"1"),
            "files too many",
            "portfolio_daily 2025-07",
        ),
        (lambda: put(LEVELS, b""), "raw unreadable", LEVELS),
    ],
    "raw-and-what-is-made-of-it": [
        (lambda: put(RAW, b"no Parquet " * 99), "raw unreadable", RAW),
        (lambda: delete(LOST), "raw lost", LOST),
        (nothing, "session missing", "raw_portfolio SMLL"),
        (cut_levels, "session missing", "index_levels IDIV 2025-01"),
        (lambda: delete(*keys(QUOTES_ZIP)), "raw without landing", "raw_quotes"),
        (say_fewer_rows, "tables disagree", "portfolio 2025-07"),
        (
            lambda: commit_again(MONTH, "quotes", statements="others", digest="others"),
            "old statements",
            "quotes",
        ),
    ],
    "a-run-died": [
        (lose_the_outcome, "raw moved on", "portfolio"),
        (nothing, "run without outcome", "runs/"),
        (nothing, "Glue run left at work", "jr_"),
    ],
}
NAMED: list[Damage] = [
    (lambda: delete(f"published/portfolio/{MONTH}/000001.json"), "commit missing", "portfolio"),
    (lambda: put(latest("2025-07")[0], b"{}"), "commit unreadable", "portfolio 2025-07"),
    (lambda: put(f"{RAW}.txt", b"hello"), "raw of no session", f"{RAW}.txt"),
    (
        lambda: delete(*(key for key in Lake.keys("landing/portfolio/") if "/IDIV/" in key)),
        "raw without landing",
        "raw_portfolio 2025-07",
    ),
    (nothing, "raw without landing", "raw_portfolio"),
    (add_partition_of_nothing, "partition of nothing", "portfolio_daily 2019-01"),
    (
        lambda: boto3.client("glue").delete_table(DatabaseName=DATABASE, Name="quotes_daily"),
        "table missing",
        "b3.quotes_daily",
    ),
    (lambda: boto3.client("glue").delete_job(JobName=JOB), "job missing", JOB),  # told once
]


def places(damages: list[Damage]) -> list[tuple[str, str]]:
    return sorted((kind, where) for _, kind, where in damages)


def test_every_kind_of_finding_is_planted() -> None:
    damages = [*itertools.chain.from_iterable(HEALED.values()), *NAMED]
    in_tests_of_their_own = {"database missing", "attempt left over"}
    assert {kind for _, kind, _ in damages} | in_tests_of_their_own == KINDS.keys()


def found_at(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Kind and where of each finding: of the usual month, without a commit's or a plan's number."""
    unsaid = rf" {MONTH}$|, commit \d+$|(?:(?<=runs/)|(?<=jr_)).*$"
    places = (re.sub(r", commit \d+$", "", row["where"]) for row in rows)
    return sorted(
        (row["kind"], re.sub(unsaid, "", where)) for row, where in zip(rows, places, strict=True)
    )


@pytest.mark.parametrize("group", HEALED)
def test_damage_is_found_and_healed(
    stage: Stage, sound: Lake, jobs: Jobs, told: list[list[dict[str, str]]], group: str
) -> None:
    for do, _, _ in HEALED[group]:
        do()
    if group == "a-run-died":
        leave_at_work(jobs)
    sound.passes(hours=30)
    assert look(stage, repair=True) == {}
    first, last = told
    assert found_at(first) == places(HEALED[group])
    assert last == []
    assert sessions_seen(sound) == set(DAYS[1:])


def test_without_repair_nothing_is_changed_and_what_nothing_heals_is_named(
    stage: Stage,
    sound: Lake,
    told: list[list[dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for do, _, _ in NAMED:
        do()
    was = keys()
    found = look(stage)
    assert found_at(told[0]) == places(NAMED)
    assert keys() == was
    left = look(stage, repair=True)
    for kind in found:
        assert all(KINDS[kind].words in line for line in left[kind])

    monkeypatch.setenv("B3_DATABASE", "another")
    found = look(stage)
    assert len(found.pop("database missing")) == 1
    assert not {"table missing", "partition missing"} & found.keys()


def test_what_runs_have_left_is_named_only_when_the_vacuum_should_have_had_it(
    stage: Stage, sound: Lake
) -> None:
    sound.passes(days=19)
    assert look(stage) == {}
    sound.passes(days=2)
    assert list(look(stage)) == ["attempt left over"]
    sweep(stage, sound)
    assert look(stage) == {}


def test_pages_of_reports_are_nothing_foreign_and_the_vacuum_leaves_them(
    stage: Stage, sound: Lake
) -> None:
    pages = ["reports/portfolio/2025-08-04/IDIV.html", "reports/portfolio/2025-08.html"]
    for each in pages:
        sound.put(each, b"<!doctype html>")
    sound.passes(days=40)
    sweep(stage, sound)
    assert look(stage, repair=True) == {}
    assert keys("reports/") == pages


def test_a_sound_lake_has_no_finding_nor_has_what_a_flow_is_at_work_on(
    stage: Stage, sound: Lake, replay: Replay
) -> None:
    was = {key: Lake.body(key) for key in keys()}
    assert look(stage, repair=True) == {}
    assert {key: Lake.body(key) for key in keys()} == was
    daily = daily_run(stage, replay)
    for point in (before("look-at-month"), before("publish-month")):
        daily.goes_to(point)
        assert look(stage) == {}
    daily.goes_to(before("glue:UpdatePartition"))
    looking = verifier(stage)
    looking.goes_to(after("glue:GetPartitions", TableName="quotes_daily"))
    daily.ends()
    assert looking.ends().message.startswith("verified")


def test_two_repairs_and_a_daily_run_at_once_end_well(
    stage: Stage, sound: Lake, replay: Replay
) -> None:
    delete(file_of("portfolio_daily"), LOST)
    drop_partition("portfolio_monthly", MONTH)
    sound.passes(hours=2)
    first, second = verifier(stage, repair=True), verifier(stage, repair=True)
    first.goes_to(before("s3:PutObject", key=f"published/portfolio/{MONTH}/"))
    second.goes_to(before("s3:PutObject", key=f"published/portfolio/{MONTH}/"))
    daily_run(stage, replay).ends()
    assert first.ends().message.startswith("verified")
    assert second.ends().message.startswith("verified")
    assert sessions_seen(sound) == {*DAYS[1:], NEXT}
    assert look(stage) == {}


def test_a_repair_that_is_killed_anywhere_is_ended_by_the_next(stage: Stage, sound: Lake) -> None:
    delete(file_of("portfolio_daily"), LOST)
    put(RAW, b"")
    drop_partition("quotes_daily", MONTH)
    sound.passes(hours=2)
    for number in (9, 12, 16):
        repairing = verifier(stage, repair=True)
        if repairing.comes_to(nth_step(number)):
            repairing.is_killed()
    assert look(stage, repair=True) == {}
    assert sessions_seen(sound) == set(DAYS[1:])


def unpublish() -> None:
    """As though no flow had come to publish the month: readers are shown nothing of it."""
    delete(*Lake.keys(f"published/portfolio/{MONTH}/"))
    glue: Any = boto3.client("glue")
    for table in SUBJECT.dataset.refined_tables:
        given = {"DatabaseName": DATABASE, "TableName": table.name}
        glue.batch_delete_partition(**given, PartitionsToDelete=[{"Values": [MONTH]}])


def test_a_session_that_cannot_be_made_again_is_told_beside_one_that_was(
    stage: Stage, sound: Lake
) -> None:
    unpublish()
    delete(RAW, LOST, *(key for key in Lake.keys("landing/portfolio/") if "/IDIV/" in key))
    sound.passes(hours=2)
    (line,) = look(stage, repair=True)["session missing"]
    assert line.startswith("raw_portfolio IDIV 2025-08 | 1 session: 2025-08-01 | not healed: ")
    assert RAW in line
    assert LOST in keys()


def test_what_is_made_again_and_not_published_is_told(stage: Stage, sound: Lake) -> None:
    run_id = latest()[1]["run_id"]
    unpublish()
    delete(LOST, *keys(f"runs/{run_id}/"))
    sound.passes(hours=2)
    stage.glue.fails_with = "out of memory"
    left = look(stage, repair=True)
    assert list(left) == ["raw moved on"]
    assert left["raw moved on"][0].startswith("portfolio 2025-08 | ")
    assert "not healed: " in left["raw moved on"][0]
    assert "out of memory" in left["raw moved on"][0]
    assert LOST in keys()


def test_a_commit_that_is_gone_stops_its_month_and_readers_keep_what_they_see(
    stage: Stage, sound: Lake
) -> None:
    first, last = Lake.keys(f"published/portfolio/{MONTH}/")
    tables = json.loads(Lake.body(first))["tables"].values()
    delete(last, LOST, *(each["key"] for table in tables for each in table["objects"]))
    was = sound.locations()
    sound.passes(hours=2)
    left = look(stage, repair=True)
    assert last in left["commit missing"][0]
    assert sound.locations() == was
    assert sessions_seen(sound) == set(DAYS[1:])
    assert keys("published/portfolio/2025-08/") == [first]


def nth_step(number: int) -> Point:
    """The boundary after so many steps."""
    count = itertools.count(1)

    def is_there(event: Event) -> bool:
        return event.when == "after" and ":" not in event.what and next(count) == number

    return is_there


def daily_run(stage: Stage, replay: Replay) -> Actor:
    """A daily run of the next session."""
    replay.show(NEXT)
    return stage.actor("daily", lambda: unwrap(daily_portfolio.fn)(index_codes=CODES))
