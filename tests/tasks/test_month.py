import datetime as dt
import io
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import month
from tasks.core.attempt import Outcome, Output
from tasks.core.checks import Check
from tasks.core.dataset import RawRows, Table
from tasks.core.errors import CommitError, UnreadableRawError
from tasks.core.month import Look
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import to_raw_rows
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.month import audit_month
from tests.portfolios import EXTRACTED_AT, FRIDAY, portfolio
from tests.standin.lake import raw_table
from tests.tasks.toy import (
    BESIDE,
    D1,
    D2,
    D3,
    MONTH,
    NOON,
    RAW,
    SUBJECT,
    TABLES,
    TOY,
    Toy,
    both,
    parquet,
    subject,
)

PUBLISHED = f"published/toy/{MONTH}/"
OTHERWISE = replace(
    TOY, refined=(replace(TOY.refined[0], statement="SELECT 1 AS value"), TOY.refined[1])
)


def key(day: dt.date, name: str = "toy") -> str:
    return RAW.object_key(str(day), name)


def beside(day: dt.date) -> str:
    return BESIDE.object_key(str(day), "toy")


def stored(index_code: str, table: Table) -> bytes:
    """A portfolio with the columns of a raw table."""
    file = io.BytesIO()
    rows = to_raw_rows(portfolio(index_code=index_code), EXTRACTED_AT)
    pq.write_table(
        raw_table(table, [{name: row[name] for name in table.types()} for row in rows]), file
    )
    return file.getvalue()


def test_a_month_without_commits_is_looked_at(toy: Toy) -> None:
    toy.write(D2, D1)
    look = toy.look()
    assert (look.dataset, look.month, look.commit) == (TOY, MONTH, None)
    assert [each.key for each in look.inputs] == [key(D1), key(D2)]
    assert look.inputs == toy.inputs()
    assert (look.unreadable, look.lost, look.is_whole, look.is_up_to_date) == ((), [], False, False)
    assert look.at == NOON


def test_commits_are_read_before_raw_is_listed(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    toy.calls.clear()
    toy.look()
    raw = toy.calls.index(("ListObjectsV2", RAW.span_prefix(MONTH)))
    assert toy.calls.index(("ListObjectsV2", PUBLISHED)) < raw
    assert toy.calls.index(("GetObject", f"{PUBLISHED}000001.json")) < raw


def test_what_is_published_while_a_look_lists_raw_is_not_taken_for_seen(toy: Toy) -> None:
    toy.write(D1)

    def rival() -> None:
        toy.write(D2)
        toy.publish("rival")

    toy.meets("before", "ListObjectsV2", "raw/", rival)
    look = toy.look()
    assert look.commit is None
    assert len(look.inputs) == 2
    assert toy.show(look, toy.refine("b")) is not None  # the same as what the rival has shown
    assert toy.keys(PUBLISHED) == [f"{PUBLISHED}000001.json"]


def test_only_parquet_files_of_the_month_count(toy: Toy) -> None:
    toy.write(D1, D1.replace(month=9))
    toy.put(f"raw/toy/trading_date={D1}/_SUCCESS")
    assert [each.key for each in toy.look().inputs] == [key(D1)]


def test_a_look_takes_in_every_raw_table_of_the_dataset(toy: Toy) -> None:
    toy.write(D2)
    toy.write(D1, D1.replace(month=9), table=BESIDE)
    toy.put(f"raw/toy_beside/trading_date={D1}/_SUCCESS")
    look = toy.look()
    assert [each.key for each in look.inputs] == [key(D2), beside(D1)]
    assert look.unreadable == ()


def test_a_month_may_hold_nothing_but_what_is_beside(toy: Toy) -> None:
    toy.write(D1, table=BESIDE)
    assert [each.key for each in toy.look().inputs] == [beside(D1)]
    toy.publish()
    assert toy.look().is_up_to_date


@pytest.mark.parametrize("change", ["new", "other", "gone"])
def test_a_month_follows_what_is_beside_too(toy: Toy, change: str) -> None:
    toy.write(D1)
    toy.write(D1, table=BESIDE)
    toy.publish()
    if change == "gone":
        toy.delete(beside(D1))
    else:
        toy.write(D2 if change == "new" else D1, value=2, table=BESIDE)
    look = toy.look()
    assert not look.is_up_to_date
    assert look.lost == ([beside(D1)] if change == "gone" else [])


def test_a_raw_object_is_to_be_one_of_the_table_that_it_lies_in(toy: Toy) -> None:
    whole = stored("IBOV", RAW_PORTFOLIO)
    ibov, ibxx = (stored(code, RAW_PREVIEW) for code in ("IBOV", "IBXX"))
    kept = {
        RAW_PORTFOLIO.object_key(str(FRIDAY), "IBOV"): whole,
        RAW_THEORETICAL.object_key(str(FRIDAY), "IBOV"): ibov,
        RAW_PREVIEW.object_key(str(FRIDAY), "IBXX"): ibxx,
    }
    refused = {
        RAW_PORTFOLIO.object_key(str(FRIDAY), "IDIV"): whole,
        RAW_PORTFOLIO.object_key(str(FRIDAY), "IBXX"): ibxx,
        RAW_THEORETICAL.object_key(str(FRIDAY), "IBXX"): ibov,
        RAW_PREVIEW.object_key(str(FRIDAY), "IBOV"): whole,
        f"{RAW_PREVIEW.prefix}trading_date=2025-08-xx/IBXX.parquet": ibxx,
    }
    for place, body in (kept | refused).items():
        toy.put(place, body)
    look = toy.look(dataset=PORTFOLIO)
    assert {each.key for each in look.inputs} == kept.keys() | refused.keys()
    assert set(look.unreadable) == refused.keys()


def other_types(table: Table, name: str, kind: pa.DataType) -> bytes:
    rows = pq.read_table(io.BytesIO(stored("IBOV", table)), coerce_int96_timestamp_unit="us")
    place = rows.column_names.index(name)
    body = io.BytesIO()
    pq.write_table(rows.set_column(place, name, rows[name].cast(kind, safe=False)), body)
    return body.getvalue()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("part", pa.float64()),
        ("part", pa.decimal128(7, 3)),
        ("theorical_qty", pa.int32()),
        ("theorical_qty", pa.string()),
        ("cod", pa.binary()),
        ("extracted_at", pa.int64()),
    ],
)
def test_a_raw_object_of_other_types_is_no_object_of_its_table(
    toy: Toy, name: str, kind: pa.DataType
) -> None:
    place = RAW_THEORETICAL.object_key(str(FRIDAY), "IBOV")
    toy.put(place, other_types(RAW_THEORETICAL, name, kind))
    assert toy.look(dataset=PORTFOLIO).unreadable == (place,)


def test_a_raw_object_without_rows_is_none(toy: Toy) -> None:
    rows = pq.read_table(io.BytesIO(stored("IBOV", RAW_THEORETICAL)))
    body = io.BytesIO()
    pq.write_table(rows.slice(0, 0), body)
    place = RAW_THEORETICAL.object_key(str(FRIDAY), "IBOV")
    toy.put(place, body.getvalue())
    assert toy.look(dataset=PORTFOLIO).unreadable == (place,)


def test_what_is_left_out_is_no_input_and_not_looked_at(toy: Toy) -> None:
    toy.write(D1)
    toy.put(key(D2), b"cut")
    look = toy.look(key(D2))
    assert [each.key for each in look.inputs] == [key(D1)]
    assert look.unreadable == ()


def test_what_is_new_and_cannot_be_read_is_named(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    toy.put(key(D2), b"no Parquet, though long enough")
    toy.put(key(D1), parquet([1])[:-1])
    assert toy.look().unreadable == (key(D1), key(D2))


def test_what_was_audited_once_is_not_read_again(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    toy.write(D2)
    toy.calls.clear()
    assert toy.look().unreadable == ()
    assert [about for about in toy.asked("GetObject") if about.startswith("raw/")] == [key(D2)]


def test_a_month_that_readers_see_is_up_to_date(toy: Toy) -> None:
    toy.write(D1)
    commit = toy.publish()
    look = toy.look()
    assert look.commit == commit
    assert look.is_whole
    assert look.is_up_to_date


@pytest.mark.parametrize("change", ["new", "other", "gone", "left-out"])
def test_a_month_whose_raw_is_another_is_not(toy: Toy, change: str) -> None:
    toy.write(D1, D2)
    toy.publish()
    if change == "gone":
        toy.delete(key(D2))
    elif change != "left-out":
        toy.write(D3 if change == "new" else D2, value=2)
    look = toy.look(*([key(D2)] if change == "left-out" else []))
    assert not look.is_up_to_date
    assert look.is_whole
    assert look.lost == ([key(D2)] if change in ("gone", "left-out") else [])


def test_a_month_that_is_made_otherwise_is_not(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    assert not toy.look(dataset=OTHERWISE).is_up_to_date


@pytest.mark.parametrize("fault", ["gone", "too-many"])
def test_a_month_whose_files_are_not_those_of_its_commit_is_not(toy: Toy, fault: str) -> None:
    toy.write(D1)
    commit = toy.publish()
    (name,) = commit.tables[TABLES[1]].objects
    if fault == "gone":
        toy.delete(name)
    else:
        toy.put(name.replace("part-0", "part-1"))
    look = toy.look()
    assert not look.is_whole
    assert not look.is_up_to_date


@pytest.mark.parametrize("raw_moved", [False, True])
def test_partitions_follow_whatever_raw_is(toy: Toy, raw_moved: bool) -> None:
    toy.write(D1)
    toy.publish("a")
    toy.write(D2)
    toy.commit("b")
    assert toy.locations() == both("a")
    if raw_moved:
        toy.write(D3)
    assert toy.look().is_up_to_date is not raw_moved
    assert toy.locations() == both("b")


def test_partitions_do_not_follow_to_where_files_are_gone(toy: Toy) -> None:
    toy.write(D1)
    toy.publish("a")
    toy.write(D2)
    toy.commit("b")
    toy.delete(*(name for name in toy.keys("refined/toy_daily/") if "attempt=b" in name))
    assert not toy.look().is_whole
    assert toy.locations() == both("a")


def test_a_look_that_finds_all_well_changes_nothing(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    toy.calls.clear()
    toy.look()
    writes = ("PutObject", "CreatePartition", "UpdatePartition", "DeleteObject")
    assert [name for name, _ in toy.calls if name in writes] == []


def test_a_commit_that_is_missing_is_an_error(toy: Toy) -> None:
    toy.put(f"{PUBLISHED}000002.json")
    with pytest.raises(CommitError, match="a commit is gone"):
        toy.look()


def test_what_is_looked_into_is_kept_for_the_audit_where_that_is_wanted(toy: Toy) -> None:
    toy.write(D1)
    toy.publish()
    toy.write(D2, value=2)
    toy.put(key(D3), b"no Parquet, though long enough")
    bodies = {key(D2): parquet([2]), key(D3): b"no Parquet, though long enough"}
    assert toy.look(keeps=True).bodies == bodies
    assert toy.look().bodies == {}
    assert toy.look(keeps=True) == toy.look()


def test_a_look_that_mends_nothing_leaves_partitions_where_they_are(toy: Toy) -> None:
    toy.write(D1)
    toy.publish("a")
    toy.write(D2)
    toy.commit("b")
    assert toy.look(mends=False).is_up_to_date
    assert toy.locations() == both("a")


def failed(look: Look, outcome: Outcome) -> list[str] | None:
    """The names of the checks that failed; None for: look again."""
    checks = audit_month.fn(SUBJECT, look, outcome)
    return None if checks is None else [each.name for each in checks if not each.has_passed]


@pytest.fixture
def look(toy: Toy) -> Look:
    """A month with a session that readers see and another one."""
    toy.write(D1)
    toy.publish("before")
    toy.write(D2, value=2)
    return toy.look()


def test_what_is_right_passes_every_check(toy: Toy, look: Look) -> None:
    checks = audit_month.fn(SUBJECT, look, toy.refine())
    assert checks
    assert [each.name for each in checks] == [
        *(f"{table}_has_its_rows" for table in TABLES),
        "published_sessions_stay",
        *(f"{table}_has_the_sum" for table in TABLES),
    ]
    assert all(each.has_passed for each in checks)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Callable[[], Any]:
    """What the run's log says by now, each with its level."""
    monkeypatch.setattr(month, "get_run_logger", lambda: logging.getLogger("month"))
    caplog.set_level(logging.INFO, "month")
    return lambda: [(each.levelname, each.getMessage()) for each in caplog.records]


def test_what_a_look_sees_is_said_once(toy: Toy, said: Callable[[], Any]) -> None:
    toy.write(D1, D2)
    first = toy.look()
    toy.look(before=first)
    toy.publish()
    assert said() == [
        ("INFO", f"toy {MONTH}: 2 raw objects, to be refined"),
        ("INFO", f"toy {MONTH}: 2 raw objects, to be refined"),
    ]
    toy.look()
    assert said()[2:] == [("INFO", f"toy {MONTH}: 2 raw objects, as commit 1 shows it")]


def test_checks_that_fail_and_remarks_are_said(toy: Toy, said: Callable[[], Any]) -> None:
    toy.write(D1)
    look, outcome = toy.look(), toy.refine()
    checks = [
        Check("good", "1", "1", has_passed=True),
        Check("odd", "1", "1", has_passed=True, remark="as raw has it"),
        Check("bad", "1", "2", has_passed=False),
    ]
    audited = subject(replace(TOY, audit=lambda *_: checks))
    audit_month.fn(audited, look, outcome)
    assert said()[1:] == [
        ("WARNING", "odd: as raw has it"),
        ("ERROR", "bad: expected 1; found 2"),
        ("INFO", f"toy {MONTH}: 5 of 6 checks passed"),
    ]


def test_checks_that_pass_say_what_was_counted(toy: Toy, look: Look) -> None:
    checks = audit_month.fn(SUBJECT, look, toy.refine())
    assert checks
    assert [(each.expected, each.found) for each in checks[:3]] == [
        *[("2 rows", "2 rows")] * 2,
        ("every published object of raw in the plan", "1 of 1 object kept"),
    ]


def test_a_month_that_nobody_has_published_says_so(toy: Toy) -> None:
    toy.write(D1)
    checks = audit_month.fn(SUBJECT, toy.look(), toy.refine())
    assert checks
    assert [each.found for each in checks[:3]] == ["1 row", "1 row", "none published before"]


def test_other_rows_than_raws_fail(toy: Toy, look: Look) -> None:
    assert failed(look, toy.refine(values=[1])) == [f"{table}_has_the_sum" for table in TABLES]


def test_other_rows_than_the_outcome_says_fail(toy: Toy, look: Look) -> None:
    outcome = toy.refine()
    outputs = dict(outcome.months[MONTH])
    outputs[TABLES[1]] = Output(outputs[TABLES[1]].objects, 3)
    changed = replace(outcome, months={MONTH: outputs})
    assert failed(look, changed) == [f"{TABLES[1]}_has_its_rows"]


def test_a_table_of_several_objects_is_read_whole(toy: Toy, look: Look) -> None:
    outcome = toy.refine()
    outputs = dict(outcome.months[MONTH])
    (name,) = outputs[TABLES[0]].objects
    second = name.replace("part-0", "part-1")
    toy.put(name, parquet([1]))
    toy.put(second, parquet([2]))
    outputs[TABLES[0]] = Output({name: 1, second: 1}, 2)
    assert failed(look, replace(outcome, months={MONTH: outputs})) == []


def test_no_object_of_a_table_is_no_row(toy: Toy, look: Look) -> None:
    outcome = toy.refine()
    outputs = dict(outcome.months[MONTH]) | {TABLES[0]: Output({}, 2)}
    assert failed(look, replace(outcome, months={MONTH: outputs})) == [
        f"{TABLES[0]}_has_its_rows",
        f"{TABLES[0]}_has_the_sum",
    ]


def test_output_that_cannot_be_read_fails(toy: Toy, look: Look) -> None:
    outcome = toy.refine()
    (name,) = outcome.months[MONTH][TABLES[1]].objects
    toy.put(name, b"garbage")
    assert failed(look, outcome) == [f"{TABLES[1]}_can_be_read"]


def test_a_session_that_readers_see_must_stay(toy: Toy, look: Look) -> None:
    toy.delete(key(D1))
    without = toy.look()
    assert failed(without, toy.refine()) == ["published_sessions_stay"]


def test_output_that_is_gone_is_looked_at_again(toy: Toy, look: Look) -> None:
    outcome = toy.refine()
    toy.delete(*outcome.months[MONTH][TABLES[1]].objects)
    assert failed(look, outcome) is None


@pytest.mark.parametrize("is_gone", [False, True])
def test_raw_that_is_another_than_the_plans_is_looked_at_again(
    toy: Toy, look: Look, is_gone: bool
) -> None:
    outcome = toy.refine()
    if is_gone:
        toy.delete(key(D2))
    else:
        toy.write(D2, value=3)
    assert failed(look, outcome) is None


@pytest.mark.parametrize("keeps", [False, True])
def test_an_audit_is_given_every_raw_object_with_its_table_and_session(
    toy: Toy, keeps: bool
) -> None:
    toy.write(D1, D2, value=2)
    toy.write(D2, value=3, table=BESIDE)
    given: list[tuple[Table, dt.date, list[int]]] = []

    def audit(raw: Iterable[RawRows], _: object) -> list[Check]:
        given.extend((table, day, rows["value"].to_pylist()) for table, day, rows in raw)
        return []

    look, outcome = toy.look(keeps=keeps), toy.refine()
    audit_month.fn(subject(replace(TOY, audit=audit)), look, outcome)
    assert given == [(RAW, D1, [2]), (RAW, D2, [2]), (BESIDE, D2, [3])]


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("is_gone", [False, True])
def test_what_moves_beside_is_looked_at_again_too(toy: Toy, is_gone: bool, keeps: bool) -> None:
    toy.write(D1)
    toy.write(D1, table=BESIDE)
    look, outcome = toy.look(keeps=keeps), toy.refine()
    assert failed(look, outcome) == []
    if is_gone:
        toy.delete(beside(D1))
    else:
        toy.write(D1, value=3, table=BESIDE)
    assert failed(look, outcome) is None


def test_what_is_new_in_raw_is_nothing_to_an_audit(toy: Toy, look: Look) -> None:
    outcome = toy.refine()
    toy.write(D3)
    assert failed(look, outcome) == []


def test_a_month_that_somebody_has_published_meanwhile_is_looked_at_again(
    toy: Toy, look: Look
) -> None:
    outcome = toy.refine()
    toy.publish("rival")
    toy.calls.clear()
    assert failed(look, outcome) is None
    assert "raw/" not in "".join(toy.asked("GetObject"))


def test_the_first_publication_meanwhile_is_seen_too(toy: Toy) -> None:
    toy.write(D1)
    look, outcome = toy.look(), toy.refine()
    assert failed(look, outcome) == []
    toy.publish("rival")
    assert failed(look, outcome) is None


def test_what_the_look_kept_is_not_read_again(toy: Toy) -> None:
    toy.write(D1)
    toy.publish("before")
    toy.write(D2, value=2)
    look, outcome = toy.look(keeps=True), toy.refine()
    toy.calls.clear()
    assert failed(look, outcome) == []
    assert [about for about in toy.asked("GetObject") if about.startswith("raw/")] == [key(D1)]


def test_raw_that_cannot_be_read_is_no_fault_of_the_attempt(toy: Toy) -> None:
    toy.write(D1)
    outcome = toy.refine()
    body = toy.body(key(D1))
    toy.put(key(D1), body[:4] + b"\0" * (len(body) - 60) + body[-56:])
    with pytest.raises(UnreadableRawError) as error:
        audit_month.fn(SUBJECT, toy.look(), outcome)
    assert error.value.key == key(D1)
