"""The judges of a verification: each finds what is wrong, and nothing where nothing is."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from tasks.core.attempt import Output
from tasks.core.commit import Commit
from tasks.core.findings import (
    KINDS,
    Finding,
    advise,
    keep_same,
    keep_unhealed,
    name_database,
    sort_findings,
    span_of,
    tabulate_findings,
    tell,
    tell_once,
    write_table,
)
from tasks.core.inventory import Facts, Held, MonthSeen, names_a_session
from tasks.core.landing import Kept, gather, was_answered, was_noted, was_shown
from tasks.core.leftovers import (
    AtWork,
    PlanSeen,
    find_candidates,
    gather_plans,
    is_past_its_time,
    is_unfinished,
    judge_left_over,
    judge_runs_at_work,
    judge_unfinished,
)
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.plan import RawObject, digest_statements
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.reconciliation import RECONCILIATION
from tasks.core.vacuum import StoredObject, Unit
from tasks.core.verify import judge_month, judge_partitions, judge_statements, leave_to_flows
from tasks.core.verify_raw import (
    find_unkept,
    judge_landing,
    judge_raw_partitions,
    judge_sessions,
    key_of,
    missing_sessions,
)

NOW = dt.datetime(2025, 8, 20, 6, tzinfo=dt.UTC)
OLD, YOUNG = NOW - dt.timedelta(days=3), NOW - dt.timedelta(minutes=5)
DAY = dt.date(2025, 8, 1)
FIRST, LAST = dt.date(2025, 8, 1), dt.date(2025, 8, 8)
TABLES = [table.name for table in PORTFOLIO.refined_tables]
FILES = {table: {f"refined/{table}/a.parquet": 10} for table in TABLES}


def raw(day: dt.date, name: str = "IBOV", at: dt.datetime = OLD, etag: str = "1") -> StoredObject:
    return StoredObject(RAW_PORTFOLIO.object_key(str(day), name), etag, 9, at)


def as_input(stored: StoredObject) -> RawObject:
    return RawObject(stored.key, stored.etag, stored.size)


def commit(*inputs: StoredObject, **changes: Any) -> Commit:
    made = Commit(
        number=3,
        month="2025-08",
        digest="d",
        statements=digest_statements(PORTFOLIO),
        inputs=tuple(map(as_input, inputs)),
        run_id="r",
        attempt="a",
        tables={table: Output(files, 7) for table, files in FILES.items()},
        published_at=OLD,
        flow_run="f",
    )
    return replace(made, **changes)


def facts(**changes: Facts) -> dict[str, Facts]:
    spans = {"trading_date": (FIRST, LAST)}
    ends = {"first_trading_date": (FIRST, FIRST), "last_trading_date": (FIRST, LAST)}
    sound = {
        table: Facts(7, ends if table == "portfolio_monthly" else spans)
        for table in TABLES
        if table.startswith(("portfolio_daily", "portfolio_monthly"))
    }
    return sound | changes


def seen(**changes: Any) -> MonthSeen:
    objects = (raw(FIRST), raw(LAST))
    made = MonthSeen("2025-08", NOW, objects, (), commit(*objects), None, FILES, facts())
    return replace(made, **changes)


def judged(month: MonthSeen) -> list[tuple[str, str]]:
    return [(each.kind, each.found) for each in judge_month(PORTFOLIO, month)]


def test_a_sound_month_has_no_finding() -> None:
    assert judged(seen()) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_SUCCESS",
        "empty/",
        "_temporary/0/part-0.parquet",
        "__magic_job-1/x.pending",
        "x_$folder$",
    ],
)
def test_what_a_job_left_beside_the_files_of_a_month_is_no_finding(name: str) -> None:
    key = f"refined/portfolio_daily/{name}"
    there = FILES | {"portfolio_daily": FILES["portfolio_daily"] | {key: 4}}
    assert judged(seen(files=there)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"trouble": ("commit missing", "it is gone")}, ("commit missing", "it is gone")),
        ({"raw": (raw(LAST),)}, ("raw lost", "gone, and commit 3 shows what was read from it")),
        (
            {"files": FILES | {"portfolio_daily": {}}},
            ("files gone", "1 file: refined/portfolio_daily/a.parquet"),
        ),
        (
            {"files": FILES | {"portfolio_daily": {"refined/portfolio_daily/a.parquet": 9}}},
            ("files differ", "1 file: refined/portfolio_daily/a.parquet"),
        ),
        (
            {"files": FILES | {"portfolio_daily": FILES["portfolio_daily"] | {"b": 1, "_c": 1}}},
            ("files too many", "1 file: b"),
        ),
        (
            {"facts": facts(portfolio_daily=Facts(6, {}))},
            ("tables disagree", "portfolio_daily has 6 rows, its commit says 7"),
        ),
        (
            {"facts": facts(portfolio_daily=Facts(0, {}, ("a",)))},
            ("tables disagree", "portfolio_daily cannot be read"),
        ),
        (
            {"raw": (raw(FIRST), raw(LAST), raw(dt.date(2025, 8, 4)))},
            (
                "raw moved on",
                f"1 raw object: {raw(dt.date(2025, 8, 4)).key} that commit 3 has not",
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_month_is_found(
    changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert judged(seen(**changes)) == [expected]


def test_tables_that_cover_other_sessions_disagree() -> None:
    short = Facts(7, {"trading_date": (FIRST, FIRST)})
    ((kind, found),) = judged(seen(facts=facts(portfolio_daily_summary=short)))
    assert kind == "tables disagree"
    assert "portfolio_daily_summary covers 2025-08-01 to 2025-08-01" in found
    assert "its commit covers 2025-08-01 to 2025-08-08" in found
    assert judged(seen(commit=commit(), raw=(), facts=facts())) == []


@pytest.mark.parametrize(
    ("first", "last", "fits"),
    [(4, 5, True), (1, 8, True), (1, 9, False), (31, 8, False)],
)
def test_a_table_that_may_skip_sessions_lies_within_those_of_its_commit(
    first: int, last: int, fits: bool
) -> None:
    ends = DAY.replace(month=7 if first > last else 8, day=first), DAY.replace(day=last)
    inputs = tuple(
        StoredObject(RECONCILIATION.raw.object_key(str(day), "IBOV"), "1", 9, OLD)
        for day in (FIRST, LAST)
    )
    names = ("index_reconciliation", "constituent_reconciliation")
    files = {name: {"a.parquet": 10} for name in names}
    made = commit(*inputs, tables={name: Output(files[name], 7) for name in names})
    spans = dict(zip(names, ((FIRST, LAST), ends), strict=True))
    facts = {name: Facts(7, {"trading_date": span}) for name, span in spans.items()}
    month = MonthSeen("2025-08", NOW, inputs, (), made, None, files, facts)
    found = [each.found for each in judge_month(RECONCILIATION, month)]
    said = f"constituent_reconciliation covers {ends[0]} to {ends[1]}"
    assert [said in each for each in found] == ([] if fits else [True])


def test_what_cannot_be_read_is_no_more_than_that() -> None:
    bad = raw(FIRST, etag="2")
    found = judged(seen(raw=(bad, raw(LAST)), unreadable=(bad.key,)))
    assert found == [("raw unreadable", "no file of its table")]


@pytest.mark.parametrize(
    "changes", [{"raw": (raw(FIRST, at=YOUNG),)}, {"raw": (raw(FIRST),), "is_at_work": True}, {}]
)
def test_what_a_flow_may_be_at_work_on_is_no_finding(changes: dict[str, Any]) -> None:
    assert judged(MonthSeen("2025-08", NOW, **changes)) == []


def test_raw_that_was_never_published_is_found() -> None:
    both = raw(FIRST), raw(LAST)
    said = f"2 raw objects: {both[0].key}, … and no commit"
    assert judged(MonthSeen("2025-08", NOW, both)) == [("raw moved on", said)]


def test_raw_that_moved_on_is_left_to_flows_while_one_of_them_writes() -> None:
    moved, lost = (
        Finding(kind, "portfolio", "2025-08", "x") for kind in ("raw moved on", "raw lost")
    )
    old, young = held(raw(FIRST)), held(raw(LAST, at=YOUNG))
    assert leave_to_flows([moved, lost], [old, Held()]) == [moved, lost]
    assert leave_to_flows([moved, lost], [old, young]) == [lost]


def test_months_of_other_statements_are_one_finding() -> None:
    old = {"2025-01": "x", "2025-02": "x", "2025-03": digest_statements(PORTFOLIO)}
    (found,) = judge_statements(PORTFOLIO, old, ())
    assert (found.kind, found.months) == ("old statements", ("2025-01", "2025-02"))
    assert "2 months, 2025-01 to 2025-02" in found.where
    assert judge_statements(PORTFOLIO, old, {"2025-01", "2025-02"}) == []


def test_partitions_that_do_not_follow_are_found() -> None:
    table = PORTFOLIO.refined_tables[0]
    wanted = {"2025-01": "a", "2025-02": "b", "2025-03": "c"}
    there = {"2025-01": "a", "2025-02": "x", "2019-01": "y", "2018-01": "z"}
    found = judge_partitions("portfolio", table, wanted, there, {"2018-01"})
    assert [(each.kind, each.months) for each in found] == [
        ("partition of nothing", ("2019-01",)),
        ("partition elsewhere", ("2025-02",)),
        ("partition missing", ("2025-03",)),
    ]
    assert {each.heals for each in found} == {"publish", "follow"}


def held(*objects: StoredObject) -> Held:
    made = Held()
    for each in objects:
        made.add(RAW_PORTFOLIO, each, NOW)
    return made


def test_raw_partitions_that_are_not_where_raw_is_are_found() -> None:
    there = held(raw(FIRST), raw(FIRST, "SMLL"), raw(LAST), raw(dt.date(2025, 8, 4), at=YOUNG))
    place = f"s3://lake/{RAW_PORTFOLIO.folder(str(LAST))}"
    found = judge_raw_partitions(
        "portfolio", RAW_PORTFOLIO, "lake", there, {str(LAST): "x", "2019-01-02": "y"}, NOW
    )
    assert [(each.kind, each.keys, each.heals) for each in found] == [
        ("partition missing", ("2025-08-01",), "register"),
        ("partition elsewhere", ("2025-08-08",), "register"),
        ("partition of nothing", (), ""),
    ]
    right = {str(LAST): place, str(FIRST): place.replace("08-08", "08-01")}
    assert judge_raw_partitions("portfolio", RAW_PORTFOLIO, "lake", there, right, NOW) == []


def test_sessions_between_those_held_are_missed_and_months_without_any_are_not() -> None:
    days = [dt.date(2025, 7, 30), dt.date(2025, 8, 1), dt.date(2025, 8, 5)]
    assert missing_sessions(days) == [dt.date(2025, 7, 31), dt.date(2025, 8, 4)]
    assert missing_sessions([dt.date(2025, 5, 30), dt.date(2025, 7, 1)]) == []
    assert missing_sessions([]) == []


def test_missing_sessions_are_told_by_month_with_what_makes_them_again() -> None:
    there = held(raw(dt.date(2025, 7, 30)), raw(FIRST), raw(dt.date(2025, 8, 5)))
    july, august = judge_sessions("portfolio", RAW_PORTFOLIO, there, ())
    assert july.where == "raw_portfolio IBOV 2025-07"
    assert august.keys == ("raw/portfolio/trading_date=2025-08-04/IBOV.parquet",)
    closed = {dt.date(2025, 7, 31), dt.date(2025, 8, 4)}
    assert judge_sessions("portfolio", RAW_PORTFOLIO, there, closed) == []
    filling = held(raw(dt.date(2025, 7, 30)), raw(FIRST, at=YOUNG), raw(dt.date(2025, 8, 5)))
    assert judge_sessions("portfolio", RAW_PORTFOLIO, filling, ()) == []


@pytest.mark.parametrize(("fresh", "missing"), [(14, 0), (15, 1)])
def test_a_gap_is_filled_by_who_writes_within_ten_days_of_it(fresh: int, missing: int) -> None:
    days = [dt.date(2025, 8, day) for day in (1, 5, 6, 7, 8, 11, 12, 13, 14, 15)]
    there = held(*(raw(day, at=YOUNG if day.day == fresh else OLD) for day in days))
    assert len(judge_sessions("portfolio", RAW_PORTFOLIO, there, ())) == missing


def test_a_year_is_the_object_of_its_sessions() -> None:
    assert key_of(INDEX_LEVELS, DAY, "IBOV") == "raw/index_levels/year=2025/IBOV.parquet"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("raw/portfolio/trading_date=2025-08-01/IBOV.parquet", True),
        ("raw/portfolio/trading_date=2025-08-01/IBOV.parquet.txt", False),
        ("raw/portfolio/trading_date=2025-08-01/deep/IBOV.parquet", False),
        ("raw/portfolio/trading_date=2025-08-99/IBOV.parquet", False),
        ("raw/portfolio/trading_date=1900-01-02/IBOV.parquet", False),
        ("raw/portfolio/trading_date=2030-01-02/IBOV.parquet", False),
        ("raw/portfolio/IBOV.parquet", False),
    ],
)
def test_a_key_names_a_session_or_not(key: str, expected: bool) -> None:
    assert names_a_session(RAW_PORTFOLIO, key, NOW.date()) is expected


def gather_keys(prefix: str, keys: list[str]) -> Kept:
    return gather(prefix, [StoredObject(key, "1", 9, OLD) for key in keys])


def test_landing_is_gathered_by_what_its_keys_say() -> None:
    kept = gather_keys(
        "landing/x/",
        [
            "landing/x/received=2025-08-01/IBOV/0.json.gz",
            "landing/x/received=2025-08-02/IBOV-2025/0.json.gz",
            "landing/x/received=2025-99-02/SMLL/0.json.gz",
            "landing/x/received=2025-08-01/IDIV/0.csv.gz",
            "landing/x/inbox=2025-08-01/IMOB/0.json.gz",
            "landing/x/received=2025-08-01/IFIX",
            "landing/x/session=2025-08-01/IBOV.json",
            "landing/x/COTAHIST_D01082025.ZIP/0.zip",
            "landing/x/COTAHIST_D04082025.ZIP/loaded.json",
            "landing/x/stray",
        ],
    )
    days = {DAY, OLD.date()}  # it may have been restored
    assert kept.answers == {"IBOV": days, "IBOV-2025": {dt.date(2025, 8, 2), OLD.date()}}
    assert kept.folders == {"COTAHIST_D01082025.ZIP"}
    assert was_shown(kept, dt.date(2025, 8, 4), "IBOV", DAY)
    assert not was_shown(kept, DAY, "IBOV", dt.date(2025, 8, 4))  # of another day alone
    assert was_shown(kept, dt.date(1999, 8, 5), "IDIV", LAST)  # a file, of whatever session
    assert not was_shown(kept, DAY, "SMLL", DAY)
    assert was_answered(kept, DAY, "IBOV", DAY)
    assert not was_answered(kept, DAY, "SMLL", DAY)


@pytest.mark.parametrize(
    ("lost", "is_kept"), [("", True), ("session=", False), ("received=", False)]
)
def test_what_is_noted_needs_its_note_and_the_answers(lost: str, is_kept: bool) -> None:
    keys = [
        "landing/x/received=2025-08-01/IBOV/0.json.gz",
        "landing/x/session=2025-08-01/IBOV.json",
    ]
    kept = gather_keys("landing/x/", [key for key in keys if not lost or lost not in key])
    assert was_noted(kept, DAY, "IBOV", DAY) is is_kept
    assert not was_noted(kept, LAST, "IBOV", DAY)
    assert not was_noted(kept, DAY, "SMLL", DAY)


def test_landing_of_one_day_is_missed_beside_that_of_its_neighbours() -> None:
    days = [dt.date(2025, 8, day) for day in (4, 5, 6)]
    noon = dt.time(15, tzinfo=dt.UTC)
    there = held(*(raw(day, at=dt.datetime.combine(day, noon)) for day in days))
    kept = gather_keys("x/", [f"x/received={day}/IBOV/0.json.gz" for day in days if day != days[1]])
    assert find_unkept(there, kept, was_shown) == [(days[1], "IBOV")]


def test_raw_without_landing_is_told_by_month() -> None:
    there = held(raw(FIRST), raw(LAST), raw(dt.date(2025, 7, 1), "SMLL"))
    unkept = find_unkept(there, Kept(), was_shown)
    july, august = judge_landing("portfolio", RAW_PORTFOLIO, unkept)
    assert (july.where, july.found) == ("raw_portfolio 2025-07", "1 session: SMLL 2025-07-01")
    assert len(august.keys) == 2
    assert find_unkept(there, Kept(), lambda *_: True) == []


PLAN = "s3://lake/runs/p/plan.json"


@pytest.mark.parametrize(
    ("started", "plan", "published", "said", "keys"),
    [
        (NOW - dt.timedelta(hours=2), PLAN, OLD, "past its timeout of 0:30:00", ("jr",)),
        (NOW - dt.timedelta(minutes=5), "gone", OLD, "and its plan is gone", ("jr",)),
        (
            NOW - dt.timedelta(minutes=39),
            PLAN,
            NOW - dt.timedelta(minutes=30),
            "",
            (),
        ),
        (NOW - dt.timedelta(minutes=5), PLAN, OLD, "", ()),
        (None, PLAN, OLD, "", ()),
    ],
)
def test_a_glue_run_is_left_at_work_or_waited_for(
    started: dt.datetime | None, plan: str, published: dt.datetime, said: str, keys: Any
) -> None:
    run = AtWork("jr", plan, started, dt.timedelta(minutes=30))
    at = {"2025-08": published}
    found = judge_runs_at_work("portfolio", [run], {PLAN: ["2025-08"]}, at, NOW)
    assert [each.found.endswith(said) for each in found] == [True] * bool(said)
    assert [each.keys for each in found] == [keys] * bool(said)
    for endless in (replace(run, timeout=None), replace(run, started_at=None)):
        assert not is_past_its_time(endless, NOW + dt.timedelta(days=9))
    stopping = replace(run, is_stopping=True)
    assert judge_runs_at_work("portfolio", [stopping], {}, at, NOW) == []


def test_a_glue_run_has_ten_minutes_after_its_timeout_to_end() -> None:
    run = AtWork("jr", PLAN, NOW, dt.timedelta(minutes=30))
    ended = NOW + dt.timedelta(minutes=40)
    assert is_past_its_time(run, ended) is False
    assert is_past_its_time(run, ended + dt.timedelta.resolution) is True


def test_a_long_glue_run_whose_months_were_published_meanwhile_is_for_a_person() -> None:
    run = AtWork("jr", PLAN, NOW - dt.timedelta(hours=5), dt.timedelta(hours=20))
    at = {"2025-08": NOW - dt.timedelta(hours=2)}
    (found,) = judge_runs_at_work("portfolio", [run], {PLAN: ["2025-08"]}, at, NOW)
    assert found.found.endswith("its months were published meanwhile")
    assert found.heals == ""


def test_plans_are_gathered_with_when_they_were_written_and_ended() -> None:
    found = gather_plans(
        [
            StoredObject("runs/p/a/outcome.json", "", 1, NOW),
            StoredObject("runs/p/b/outcome.json", "", 1, OLD),
            StoredObject("runs/p/plan.json", "", 1, OLD),
            StoredObject("runs/q/c/refused.json", "", 1, OLD),
        ]
    )
    assert found == [PlanSeen("p", OLD, NOW), PlanSeen("q", None, None)]


def test_a_plan_without_an_outcome_counts_from_a_day_to_three_weeks() -> None:
    plan = PlanSeen("p", OLD, None)
    assert is_unfinished(plan, (), NOW)
    assert not is_unfinished(plan, {"p"}, NOW)
    moment = dt.timedelta.resolution
    day, three_weeks = dt.timedelta(days=1), dt.timedelta(days=22)
    for age in (day + moment, three_weeks - moment):
        assert is_unfinished(PlanSeen("p", NOW - age, None), (), NOW)
    for age in (day, three_weeks):
        assert not is_unfinished(PlanSeen("p", NOW - age, None), (), NOW)
    assert not is_unfinished(PlanSeen("p", OLD, NOW), (), NOW)
    assert not is_unfinished(PlanSeen("p", None, None), (), NOW)


def test_a_plan_without_an_outcome_is_found_where_a_run_would_make_it_now() -> None:
    plan = PlanSeen("p" * 64, OLD, None)
    (found,) = judge_unfinished("portfolio", plan, {"2025-08": "d"}, {"2025-08": "d"})
    assert (found.where, found.months) == ("runs/pppppppppppp…", ("2025-08",))
    assert judge_unfinished("portfolio", plan, {"2025-08": "d"}, {"2025-08": "e"}) == []
    gone = PlanSeen("p", None, None)
    assert judge_unfinished("portfolio", gone, {"2025-08": "d"}, {"2025-08": "d"}) == []


def unit(folder: str, at: dt.datetime) -> Unit:
    stored = StoredObject(f"{folder}0.parquet", "", 5, at)
    return Unit("t", "2025-08", "r", "a", folder, (stored,), at)


def test_an_old_attempt_that_nobody_names_is_left_over() -> None:
    long_ago, at_last = NOW - dt.timedelta(days=23), NOW - dt.timedelta(days=22)
    units = [unit("a/", long_ago), unit("b/", long_ago), unit("c/", OLD), unit("d/", at_last)]
    found = find_candidates(units, {"b/"}, NOW)
    assert [each.folder for each in found] == ["a/"]
    (told,) = judge_left_over("portfolio", units[:2])
    assert told.found == "2 objects, 10 bytes, written at 2025-07-28"


GONE = Finding("table missing", "portfolio", "b3.t", "none in the catalog")
LOST = Finding("raw lost", "portfolio", "k", "gone", ("2025-08",), keys=("k",))


def test_only_what_two_looks_have_found_is_a_finding_in_order() -> None:
    assert keep_same([LOST, GONE, LOST], [GONE, LOST]) == [GONE, LOST]
    assert keep_same([LOST], [replace(LOST, found="another")]) == []
    assert sort_findings([LOST, GONE]) == [GONE, LOST]


def test_what_a_repair_has_failed_with_is_left_whatever_is_found_after_it() -> None:
    gap = Finding("session missing", "portfolio", "IBOV", "2 sessions", keys=("a", "b"))
    files = Finding("files gone", "portfolio", "x", "1 file", ("2025-07",))
    before = [LOST, gap, files]
    assert keep_unhealed(before, [], {}) == []
    assert keep_unhealed(before, [GONE], {"b": "no"}) == [GONE, gap]
    assert keep_unhealed(before, [], {"portfolio 2025-07": "no"}) == [files]
    part = replace(gap, found="1 session", keys=("b",))
    assert keep_unhealed(before, [part], {"b": "no"}) == [part]
    assert keep_unhealed(before, [part], {"a": "no"}) == [gap]


def test_a_month_that_is_made_again_and_not_published_has_a_finding() -> None:
    why_not = {"portfolio 2025-06": "Glue is busy"}
    (found,) = keep_unhealed([LOST], [], why_not)
    assert (found.kind, found.where) == ("raw moved on", "portfolio 2025-06")
    assert (found.dataset, found.months) == ("portfolio", ("2025-06",))
    assert advise(found, why_not).startswith("not healed: Glue is busy")


def test_partitions_of_two_tables_are_two_places() -> None:
    found = Finding("partition missing", "d", "t", "1", table="raw_t", keys=("2025",))
    assert found.places == ["raw_t 2025"]
    assert replace(LOST, keys=("k", "l")).places == ["k", "l", "portfolio 2025-08"]
    assert advise(found, {"2025": "of another table"}).startswith("python -m flows.verify")
    assert advise(found, {"raw_t 2025": "denied"}).startswith("not healed: denied")


def test_a_database_without_any_table_is_one_finding() -> None:
    both = [GONE, replace(GONE, where="b3.u"), LOST]
    assert [each.kind for each in name_database(both, "b3", 2)] == ["database missing", "raw lost"]
    assert name_database(both, "b3", 3) == both
    assert name_database([GONE], "b3", 1) == [GONE]


@pytest.mark.parametrize(("days", "expected"), [(31, True), (32, False)])
def test_a_key_names_no_session_that_lies_more_than_a_month_ahead(
    days: int, expected: bool
) -> None:
    key = RAW_PORTFOLIO.object_key(str(NOW.date() + dt.timedelta(days)), "IBOV")
    assert names_a_session(RAW_PORTFOLIO, key, NOW.date()) is expected


def test_a_long_reason_is_cut_in_what_can_be_done() -> None:
    said = advise(LOST, {"k": "x" * 301})
    assert said.startswith(f"not healed: {'x' * 300} Next: ")


def test_what_can_be_done_is_said_before_a_repair_and_after_one() -> None:
    assert advise(LOST, {}).startswith("python -m flows.verify --repair; else restore")
    after = advise(LOST, {"k": "landing holds\n none"})
    assert after.startswith("not healed: landing holds none Next: restore")
    assert advise(LOST, {"portfolio 2025-08": "no"}).startswith("not healed: no")
    assert advise(GONE, {}) == KINDS["table missing"].words


def test_findings_are_a_table_of_four_columns() -> None:
    (row,) = tabulate_findings([LOST], {})
    assert list(row) == ["kind", "where", "found", "do"]
    lines = write_table([LOST, LOST], {}, most=1)
    assert lines[0] == "  kind | where | what was found | what can be done"
    assert lines[1].startswith("  raw lost | k | gone | python -m flows.verify --repair; else ")
    assert lines[2] == "  and 1 more, in the artifact `verify`"
    assert len(write_table([LOST], {})) == 2


def test_a_table_shows_forty_findings_and_counts_the_others() -> None:
    assert len(write_table([LOST] * 40, {})) == 1 + 40
    shown = write_table([LOST] * 41, {})
    assert len(shown) == 1 + 40 + 1
    assert shown[-1] == "  and 1 more, in the artifact `verify`"


def test_names_and_months_are_told_in_few_words() -> None:
    assert tell(["a", "b", "c", "d"], "file") == "4 files: a, b, c, …"
    assert tell(["a"], "file") == "1 file: a"
    assert span_of(["2025-01"]) == "2025-01"


def test_only_what_a_repair_has_something_to_work_on_is_healed() -> None:
    assert replace(LOST, months=(), keys=()).heals == ""
    assert GONE.heals == ""
    partition = Finding("partition missing", "d", "t", "1", table="t", keys=("2025",))
    assert partition.heals == "register"


def test_what_all_datasets_say_of_glue_is_told_once() -> None:
    job = Finding("job missing", "portfolio", "b3-refine", "found none")
    run = Finding("Glue run left at work", "portfolio", "jr", "its plan is gone", keys=("jr",))
    files = [Finding("files gone", name, "2025-08", "1 file") for name in ("portfolio", "quotes")]
    again = [replace(each, dataset="quotes") for each in (job, run)]
    assert tell_once([job, run, *files, *again]) == [job, run, *files]
    assert len({each.identity for each in [job, run, *files, *again]}) == 6
