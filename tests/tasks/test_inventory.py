"""What AWS holds of a dataset, looked over: small months, and what is not as it should be."""

import datetime as dt
import io
import logging
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import inventory, inventory_months
from tasks.catalog import register_partitions
from tasks.core.attempt import attempt_key
from tasks.core.commit import commit_key
from tasks.core.errors import NotConfiguredError
from tasks.core.findings import Finding
from tasks.core.inventory import Facts, Held
from tasks.core.landing import was_shown
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.plan import plan_key
from tasks.inventory import Survey
from tasks.inventory_landing import check_landing
from tests.tasks.toy import BUCKET, D1, D2, DATABASE, MONTH, RAW, SUBJECT, TABLES, TOY, Toy

JULY = D1.replace(month=7)


def look_over(**is_kept: Any) -> Survey:
    return inventory.look_over.fn(SUBJECT, is_kept)


def register(*days: dt.date) -> None:
    register_partitions.fn(DATABASE, RAW, BUCKET, list(map(str, days)))


@pytest.fixture
def sound(toy: Toy) -> Toy:
    """Two months that readers see, of days ago."""
    toy.write(JULY, D1, D2)
    register(JULY, D1, D2)
    toy.publish("july", month="2025-07")
    toy.publish("august")
    toy.passes(days=2)
    return toy


def kinds(survey: Survey) -> list[str]:
    return [each.kind for each in survey.findings]


def test_what_is_as_it_should_be_is_counted_and_nothing_else_said(
    sound: Toy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inventory, "get_run_logger", lambda: logging.getLogger("inventory"))
    with caplog.at_level(logging.INFO, "inventory"):
        survey = look_over()
    assert survey.findings == []
    assert (survey.months, survey.objects) == (2, 3)
    assert survey.held[RAW.name].sessions == {"toy": {JULY, D1, D2}}
    assert caplog.messages == ["toy: 2 months and 3 raw objects looked over"]


def test_an_empty_lake_holds_nothing(toy: Toy) -> None:
    survey = look_over()
    assert (survey.findings, survey.months, survey.objects) == ([], 0, 0)
    assert [each.sessions for each in survey.held.values()] == [{}, {}]


def test_what_marks_a_folder_is_no_raw_and_nothing_else_is_passed_over(sound: Toy) -> None:
    for name in ("_SUCCESS", ".hidden", f"trading_date={D1}/", f"trading_date={D1}_$folder$"):
        sound.put(f"{RAW.prefix}{name}")
    assert look_over().findings == []
    sound.put(f"{RAW.prefix}notes.txt")
    said = f"expected {RAW.object_key('YYYY-MM-DD', 'NAME')}"
    assert look_over().findings == [
        Finding("raw of no session", "toy", f"{RAW.prefix}notes.txt", said)
    ]


def test_a_plan_without_an_outcome_is_told_where_readers_lack_what_it_makes(sound: Toy) -> None:
    published = sound.refine("august")
    sound.delete(attempt_key(published.run_id, "august", "outcome"))
    sound.passes(days=2)
    assert look_over().findings == []  # readers have it, whatever became of the outcome
    sound.write(D2, value=2)
    lost = sound.refine("lost")
    sound.delete(attempt_key(lost.run_id, "lost", "outcome"))
    sound.passes(days=2)
    assert kinds(look_over()) == ["raw moved on", "run without outcome"]


def test_what_was_left_over_is_not_asked_about_where_there_is_no_job(
    sound: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound.write(D2, value=2)
    sound.refine("stray")
    sound.write(D2)
    sound.passes(days=30)
    assert "attempt left over" in kinds(look_over())

    def no_job(*_: object) -> None:
        raise NotConfiguredError("no such job")

    monkeypatch.setattr(inventory, "find_unneeded", no_job)
    assert "attempt left over" not in kinds(look_over())


def test_a_month_that_nobody_has_published_is_told(sound: Toy) -> None:
    june = D1.replace(month=6)
    sound.write(june)
    register(june)
    sound.passes(hours=2)
    (found,) = look_over().findings
    assert (found.kind, found.where) == ("raw moved on", "toy 2025-06")
    assert found.found.endswith("and no commit")


def test_months_that_nobody_sees_yet_are_no_finding_while_a_backfill_writes_others(
    sound: Toy,
) -> None:
    june, may = D1.replace(month=6), D1.replace(month=5)
    sound.write(june)
    register(june)
    sound.passes(hours=2)
    assert kinds(look_over()) == ["raw moved on"]
    sound.write(may)
    register(may)
    sound.passes(minutes=5)
    assert kinds(look_over()) == []
    sound.passes(hours=1)
    found = [(each.kind, each.where) for each in look_over().findings]
    assert found == [("raw moved on", "toy 2025-05"), ("raw moved on", "toy 2025-06")]


@pytest.mark.parametrize(
    ("number", "body", "kind"),
    [(2, None, "commit missing"), (3, b"{", "commit unreadable")],
)
def test_what_is_wrong_with_commits_is_told_in_a_sentence(
    sound: Toy, number: int, body: bytes | None, kind: str
) -> None:
    for each in (2, 3):
        sound.write(D2, value=each)
        sound.publish(f"a{each}")
    key = commit_key(TOY, MONTH, number)
    if body is None:
        sound.delete(key)
    else:
        sound.put(key, body)
    (found,) = (each for each in look_over().findings if each.kind == kind)
    assert found.where == f"toy {MONTH}"
    assert found.found.startswith("Expected ")
    assert ". " not in found.found


@pytest.mark.parametrize("is_only_one", [False, True])
def test_a_commit_that_partitions_follow_and_that_is_gone_is_all_that_is_told_of_its_month(
    sound: Toy, is_only_one: bool
) -> None:
    if not is_only_one:
        sound.write(D2, value=2)
        sound.publish("second")
        sound.delete(*(key for key in sound.keys("refined/") if "attempt=august" in key))
    last = 1 if is_only_one else 2
    key = commit_key(TOY, MONTH, last)
    sound.delete(key)
    sound.passes(days=2)
    there = "no commit" if is_only_one else "000001 as the last one"
    said = f"Expected {key}, which {max(TABLES)} follows, found {there}"
    assert look_over().findings == [
        Finding("commit missing", "toy", f"toy {MONTH}", said, (MONTH,))
    ]


def test_partitions_that_follow_an_older_commit_are_told_as_such(sound: Toy) -> None:
    sound.write(D2, value=2)
    sound.commit("second")
    sound.passes(days=2)
    assert set(kinds(look_over())) == {"partition elsewhere"}


def test_a_glue_run_whose_month_was_published_meanwhile_is_told(sound: Toy) -> None:
    plan = f"s3://{BUCKET}/{plan_key(sound.refine('august').run_id)}"
    sound.glue_runs = [
        {
            "Id": "jr",
            "JobRunState": "RUNNING",
            "Arguments": {"--plan": plan},
            "StartedOn": sound.now,
            "Timeout": 9999,
        }
    ]
    sound.passes(hours=1)
    sound.write(D2, value=2)
    sound.publish("rival")
    sound.passes(hours=2)
    assert [(each.kind, each.where) for each in look_over().findings] == [
        ("Glue run left at work", "jr")
    ]


def test_files_that_move_while_they_are_looked_at_are_left_to_another_look(
    sound: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_months, "has_footer", lambda *_: True)
    assert look_over().findings == []


def test_files_that_are_no_parquet_are_told_though_their_size_is_right(sound: Toy) -> None:
    (key,) = (each for each in sound.keys(f"refined/{TABLES[0]}/") if "august" in each)
    sound.put(key, bytes(len(sound.body(key))))
    (found,) = look_over().findings
    assert (found.kind, found.where, found.found) == (
        "tables disagree",
        f"toy {MONTH}, commit 1",
        f"{TABLES[0]} cannot be read",
    )


def footer_of(body: bytes) -> bytes:
    return body[-8 - int.from_bytes(body[-8:-4], "little") : -8]


def metadata(*groups: list[Any], name: str = "trading_date", statistics: bool = True) -> Any:
    """What the end of a file says whose row groups have dates."""
    file = io.BytesIO()
    schema = pa.schema([("value", pa.int32()), (name, pa.date32())])
    with pq.ParquetWriter(file, schema, write_statistics=statistics) as writer:
        for days in groups:
            writer.write_table(pa.table([[1] * len(days), days], schema=schema))
    return inventory_months._read_end(pq.read_metadata(file), footer_of(file.getvalue()))


@pytest.mark.parametrize(
    ("files", "rows", "spans"),
    [
        pytest.param([metadata([D2], [D1])], 2, {"trading_date": (D1, D2)}, id="groups"),
        pytest.param(
            [metadata([D2]), metadata([JULY, D1])], 3, {"trading_date": (JULY, D2)}, id="files"
        ),
        pytest.param(
            [metadata([D1], name="last_trading_date")],
            1,
            {"last_trading_date": (D1, D1)},
            id="another-column",
        ),
        pytest.param([metadata([D1], name="day")], 1, {}, id="no-such-column"),
        pytest.param([metadata([D1]), metadata([D2], name="day")], 2, {}, id="not-in-all"),
        pytest.param([metadata([D1], statistics=False)], 1, {}, id="no-statistics"),
        pytest.param([metadata([D1], [None])], 2, {}, id="a-group-of-nulls"),
        pytest.param([metadata()], 0, {}, id="no-rows"),
    ],
)
def test_the_ends_of_files_say_how_many_rows_and_which_dates(
    files: list[Any], rows: int, spans: dict[str, tuple[dt.date, dt.date]]
) -> None:
    named = [(f"{number}.parquet", each) for number, each in enumerate(files)]
    assert inventory_months._sum_up(named) == Facts(rows, spans)
    with_bad = [*named, ("bad.parquet", False)]
    assert inventory_months._sum_up(with_bad) == Facts(rows, spans, ("bad.parquet",))


# What landing keeps

JANUARY = dt.date(2025, 1, 2)
LEVELS = INDEX_LEVELS.object_key("2025", "IBOV")


def levels(*came_at: Any, kind: str = "timestamp[us]") -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"extracted_at": pa.array(came_at).cast(kind)}), file)
    return file.getvalue()


def unkept_levels() -> list[str]:
    held = Held()
    held.sessions["IBOV"] |= {JANUARY, JANUARY + dt.timedelta(1)}
    found = check_landing(BUCKET, "levels", INDEX_LEVELS, held, was_shown)
    return [each.where for each in found]


LATE = dt.datetime(2026, 1, 3, 2, 59)  # noqa: DTZ001 - as raw has it: UTC


def test_raw_whose_rows_say_on_which_day_they_came_is_kept_where_landing_has_that_day(
    toy: Toy,
) -> None:
    toy.put(LEVELS, levels(LATE, LATE - dt.timedelta(days=9)))
    assert unkept_levels() == ["index_levels 2025-01"]
    assert toy.asked("GetObject") == [LEVELS]  # once for all sessions of the year
    toy.put(f"{INDEX_LEVELS.landing_prefix}received=2026-01-03/IBOV/x.json.gz")
    toy.put(f"{INDEX_LEVELS.landing_prefix}received=2026-01-02/SMLL/x.json.gz")
    assert unkept_levels() == ["index_levels 2025-01"]
    toy.put(f"{INDEX_LEVELS.landing_prefix}received=2026-01-02/IBOV/x.json.gz")
    assert unkept_levels() == []  # the day in São Paulo, by the first row


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="gone"),
        pytest.param(b"garbage", id="bad"),
        pytest.param(levels(), id="no-rows"),
        pytest.param(levels(None), id="null"),
        pytest.param(levels("2025-08-01", kind="string"), id="text"),
        pytest.param(levels(2**62), id="no-time"),
    ],
)
def test_raw_that_does_not_say_when_it_came_is_not_told_of_here(
    toy: Toy, body: bytes | None
) -> None:
    if body is not None:
        toy.put(LEVELS, body)
    assert unkept_levels() == []


def test_of_raw_whose_rows_say_nothing_the_session_tells(sound: Toy) -> None:
    found = look_over(**{RAW.name: lambda _kept, day, *_: day != D2}).findings
    assert [(each.kind, each.where) for each in found] == [
        ("raw without landing", f"raw_toy {MONTH}")
    ]
