"""What a flow does with what its steps say; the steps themselves are made up here."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tasks import refine, runs
from tasks.core.attempt import RAW_MOVED, Outcome, Output
from tasks.core.checks import Check
from tasks.core.commit import Commit
from tasks.core.dataset import Table
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    CommitError,
    PublishConflictError,
    RefinementError,
    SourceHasNoDataError,
    UnreadableRawError,
)
from tasks.core.month import Look, PublishedMonths, make_commit
from tasks.core.plan import Plan, RawObject
from tasks.glue import GlueRun
from tasks.refine import publish_months
from tasks.runs import Attempt
from tasks.shelf import Latest
from tests.tasks.toy import BESIDE, NOON, RAW, SUBJECT, TABLES, TOY

JULY, AUGUST, SEPTEMBER = "2025-07", "2025-08", "2025-09"
GOOD = Check("sum", "1", "1", has_passed=True)
BAD = Check("sum", "1", "2", has_passed=False)
MADE = {table: Output({}, 1) for table in TABLES}
Act = Callable[[], Any]


def no_mend(key: str) -> str:
    raise SourceHasNoDataError("landing knows nothing of it")


@dataclass
class World:
    """What the steps of a flow find.

    Attributes:
        inputs: `{month: {key: ETag}}` of raw.
        commits: `{month: the commit that readers see}`.
        unreadable: Keys of raw that cannot be read.
        attempts: The attempts of every plan, the newest first.
        jobs: What each start of Glue does, the last one for ever.
        glue_says: How a run ended, as Glue says.
        audits: What each audit finds, the last one for ever.
        shows: What comes of each commit, the last one for ever; None for its own commit.
        at_work: Whose run Glue is at work on when it is asked first.
        done: What was done, in order.
        keeps: Of each look, whether it was to keep what it reads.
        looks: Of each month the latest look.
    """

    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    jobs: list[dict[str, str]] = field(default_factory=lambda: [{}])
    glue_says: str = ""
    audits: list[Any] = field(default_factory=lambda: [[GOOD]])
    shows: list[Any] = field(default_factory=lambda: [None])
    at_work: str = ""
    done: list[tuple[Any, ...]] = field(default_factory=list)
    plan: Plan = field(default_factory=lambda: Plan(TOY, {}))
    now: dt.datetime = NOON
    keeps: list[bool] = field(default_factory=list)
    looks: dict[str, Look] = field(default_factory=dict)

    def steps(self, name: str) -> list[tuple[Any, ...]]:
        return [each[1:] for each in self.done if each[0] == name]

    def look_at_month(
        self,
        _subject: Any,
        month: str,
        left_out: tuple[str, ...] = (),
        *,
        keeps: bool = False,
        before: Look | None = None,
    ) -> Look:
        assert before is None or before is self.looks[month]  # a flow's first, or the one before
        self.done.append(("look", month, left_out))
        self.keeps.append(keeps)
        held = self.inputs.get(month, {})
        inputs = tuple(RawObject(k, etag, 1) for k, etag in held.items() if k not in left_out)
        bad = tuple(key for key in held if key in self.unreadable and key not in left_out)
        commit = self.commits.get(month)
        self.now += dt.timedelta(seconds=1)
        look = Look(TOY, month, commit, commit is not None, inputs, bad, self.now)
        self.looks[month] = look
        return look

    def find_attempts(self, _subject: Any, plan: Plan, token: str) -> Any:
        self.done.append(("find", sorted(plan.months), token))
        self.plan = plan
        found = [
            each
            for each in self.attempts
            if each.outcome.run_id == plan.run_id and each.outcome.token.startswith(token)
        ]
        usable: dict[str, Outcome] = {}
        for each in found:
            for month in each.outcome.months if each.is_usable else ():
                usable.setdefault(month, each.outcome)
        return "s3://plan", found, usable

    def find_or_start(self, job: str, url: str, token: str, **how: Any) -> GlueRun:
        self.done.append(("start", job, url, token, how))
        if self.at_work:
            token, self.at_work = self.at_work, ""
        self.refine(token)
        return GlueRun(job, "jr_1", token, "https://run", "us-east-1")

    def refine(self, token: str, plan: Plan | None = None) -> None:
        """Do what the next job does: `{month: why it fails}`, `*` for all without an outcome."""
        plan = plan or self.plan
        failures = self.jobs.pop(0) if len(self.jobs) > 1 else self.jobs[0]
        if "*" not in failures:
            made = {month: MADE for month in plan.months if month not in failures}
            name = f"attempt-{len(self.attempts)}"
            outcome = Outcome(plan.run_id, name, token, made, failures)
            self.attempts.insert(0, Attempt(outcome, is_usable=True))

    def wait_for(self, run: GlueRun, **how: Any) -> str:
        self.done.append(("wait", run.token, how))
        return self.glue_says

    def audit_month(self, _subject: Any, look: Look, outcome: Outcome) -> Any:
        self.done.append(("audit", look.month, outcome.attempt))
        return self._next(self.audits)

    def refuse_attempt(self, bucket: str, outcome: Outcome, month: str, checks: Any) -> None:
        self.done.append(("refuse", outcome.attempt, month))
        self.attempts = [
            Attempt(each.outcome, each.is_usable and each.outcome is not outcome)
            for each in self.attempts
        ]

    def show_month(self, _subject: Any, look: Look, outcome: Outcome, **how: Any) -> Any:
        self.done.append(("show", look.month, outcome.attempt, how))
        shown = self._next(self.shows)
        if shown is None:
            self.commits[look.month] = make_commit(look, outcome, how["flow_run"])
            return self.commits[look.month]
        return shown or None

    def read_latest(self, _subject: Any, month: str) -> Latest:
        return Latest(self.commits.get(month), self.now)

    def report_checks(self, subject: str, checks: Any) -> None:
        self.done.append(("report-checks", subject, checks))

    def report_links(self, subject: str, links: Any) -> None:
        self.done.append(("report-links", subject, links))

    @staticmethod
    def _next(answers: list[Any]) -> Any:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


LOSES = False  # a commit that another one was faster than


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, no_run_logger: None) -> World:
    world = World({AUGUST: {key(AUGUST): "1"}})
    for name in (
        "look_at_month",
        "find_attempts",
        "find_or_start",
        "wait_for",
        "audit_month",
        "refuse_attempt",
        "show_month",
        "read_latest",
        "report_checks",
        "report_links",
    ):
        monkeypatch.setattr(refine, name, getattr(world, name))
    monkeypatch.setattr(refine, "runtime", SimpleNamespace(flow_run=SimpleNamespace(id="flow")))
    return world


class Mender:
    """Makes raw again, which is no better then."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, broken: str) -> str:
        self.asked.append(broken)
        return "from landing"


class Told:
    """What was said of months, in order."""

    def __init__(self) -> None:
        self.months: list[tuple[str, str]] = []

    def __call__(self, month: str, how: str) -> None:
        self.months.append((month, how))


def key(month: str, day: int = 1) -> str:
    return RAW.object_key(f"{month}-{day:02}", "toy")


def run_of(month: str, *, force: bool = False) -> str:
    return publish(month, force=force).run_of(month)


def publish(
    *months: str, force: bool = False, mend: Callable[[str], str] = no_mend
) -> PublishedMonths:
    return publish_months(SUBJECT, months or (AUGUST,), force=force, mend=mend)


def fails(*months: str, **how: Any) -> B3PipelineError:
    """Why the last month was not published."""
    result = publish(*months, **how)
    month = (months or (AUGUST,))[-1]
    assert month not in result.published
    return result.failures[month]


def publish_by(world: World, flow_run: str, month: str = AUGUST) -> Commit:
    """Have readers see what raw holds, by another flow run."""
    look = world.look_at_month(SUBJECT, month)
    plan = Plan(TOY, {month: look.inputs})
    outcome = Outcome(plan.run_id, "others", f"{flow_run}/1", {month: MADE}, {})
    world.commits[month] = make_commit(look, outcome, flow_run)
    world.done.clear()
    return world.commits[month]


def test_a_month_is_looked_at_refined_audited_and_shown(world: World) -> None:
    result = publish()
    assert result == PublishedMonths({AUGUST: world.plan.run_id})
    assert [each[0] for each in world.done] == [
        *("look", "find", "start", "report-links", "wait"),
        *("look", "find", "audit", "report-checks", "show"),
    ]
    ((job, url, token, how),) = world.steps("start")
    assert (job, url) == (SUBJECT.glue_job, "s3://plan")
    assert token.startswith("flow/")
    assert len(token) > len("flow/") + 16
    assert how == {"about": "toy 2025-08", "takes_others": True, "timeout_seconds": 1800}
    ((waited, how),) = world.steps("wait")
    find_place = how.pop("find_place")
    assert (find_place.func, find_place.args) == (
        runs.describe_place,
        (SUBJECT, world.plan.run_id, [AUGUST]),
    )
    assert waited == token
    assert how == {"about": "toy 2025-08", "timeout_seconds": 1800, "is_ours": True}
    assert world.steps("find") == [([AUGUST], "")] * 2
    assert world.steps("show")[0][2] == {"flow_run": "flow", "forced_since": None}
    assert world.steps("report-checks") == [(f"toy {AUGUST}", [GOOD])]


def test_the_run_and_its_tables_are_linked(world: World) -> None:
    publish()
    ((subject, links),) = world.steps("report-links")
    assert subject == "toy"
    assert links[f"Log of the Glue run of {world.plan.run_id[:12]}"] == "https://run"
    assert f"Tables {', '.join(TABLES)} of database " in list(links)[1]


def test_a_month_that_is_up_to_date_is_left_as_it_is(world: World) -> None:
    publish_by(world, "before")
    assert publish() == PublishedMonths(up_to_date=[AUGUST])
    assert [each[0] for each in world.done] == ["look"]
    assert run_of(AUGUST) == ""


def test_what_the_flow_itself_has_published_is_told_with_its_run(world: World) -> None:
    commit = publish_by(world, "flow")
    assert run_of(AUGUST) == commit.run_id
    assert run_of(AUGUST, force=True) == commit.run_id
    assert world.steps("start") == []


def test_an_attempt_that_is_there_is_taken(world: World) -> None:
    world.refine("other/1", Plan(TOY, {AUGUST: world.look_at_month(SUBJECT, AUGUST).inputs}))
    assert list(publish().published) == [AUGUST]
    assert world.steps("start") == []


def test_several_months_are_one_run_and_each_is_published(world: World) -> None:
    for month in (JULY, SEPTEMBER):
        world.inputs[month] = {key(month): "1"}
    told = Told()
    result = publish_months(SUBJECT, [AUGUST, JULY, AUGUST, SEPTEMBER], mend=no_mend, on_month=told)
    assert list(result.published) == [JULY, AUGUST, SEPTEMBER]
    assert told.months == [(month, "published") for month in (JULY, AUGUST, SEPTEMBER)]
    ((_, _, _, how),) = world.steps("start")
    assert how["timeout_seconds"] == 30 * 60 + 2 * 30
    assert world.steps("wait")[0][1]["timeout_seconds"] == how["timeout_seconds"]


def test_the_longest_run_ends_before_the_shortest_grace(world: World) -> None:
    months = [f"{year}-{month:02}" for year in range(1900, 2100) for month in range(1, 13)]
    world.inputs = {month: {key(month): "1"} for month in months}
    publish(*months)
    ((_, _, _, how),) = world.steps("start")
    assert how["timeout_seconds"] == 20 * 3600


def test_each_month_is_told_when_it_is_done_with(world: World) -> None:
    world.inputs[SEPTEMBER] = {key(SEPTEMBER): "1"}
    publish_by(world, "before", AUGUST)
    told = Told()
    world.jobs = [{SEPTEMBER: "no"}]
    publish_months(SUBJECT, [AUGUST, SEPTEMBER], mend=no_mend, on_month=told)
    assert told.months == [(AUGUST, "up to date"), (SEPTEMBER, "failed")]


def test_a_month_that_raw_holds_nothing_of_is_an_error(world: World) -> None:
    assert isinstance(fails(JULY), SourceHasNoDataError)
    with pytest.raises(SourceHasNoDataError, match=f"Raw holds nothing of toy {JULY}"):
        run_of(JULY)


@pytest.mark.parametrize("count", [1, refine.MOST_KEPT, refine.MOST_KEPT + 1])
def test_what_looks_read_is_kept_where_months_are_few(world: World, count: int) -> None:
    months = [f"2025-{number:02}" for number in range(1, count + 1)]
    world.inputs = {month: {key(month): "1"} for month in months}
    publish(*months)
    assert set(world.keeps) == {count <= refine.MOST_KEPT}


def test_a_month_that_cannot_be_looked_at_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(_subject: Any, month: str, left_out: tuple[str, ...], **how: Any) -> Look:
        if month == JULY:
            raise CommitError("a commit is gone")
        return world.look_at_month(SUBJECT, month, left_out, **how)

    monkeypatch.setattr(refine, "look_at_month", look)
    result = publish(JULY, AUGUST)
    assert isinstance(result.failures[JULY], CommitError)
    assert list(result.published) == [AUGUST]


# Raw that cannot be read


def test_raw_that_cannot_be_read_is_made_again(world: World) -> None:
    world.unreadable.add(key(AUGUST))
    mended: list[str] = []

    def mend(broken: str) -> str:
        mended.append(broken)
        world.unreadable.clear()
        return "from landing"

    result = publish(mend=mend)
    assert mended == [key(AUGUST)]
    assert (list(result.published), result.failures) == ([AUGUST], {})


def test_raw_that_readers_see_and_that_is_gone_is_made_again(world: World) -> None:
    world.inputs[AUGUST][key(AUGUST, 4)] = "2"
    publish_by(world, "before")
    lost = world.inputs[AUGUST].pop(key(AUGUST, 4))

    def mend(broken: str) -> str:
        world.inputs[AUGUST][broken] = lost
        return "from landing"

    assert publish(mend=mend) == PublishedMonths(up_to_date=[AUGUST])


@pytest.mark.parametrize("table", TOY.raw_tables, ids=lambda table: table.name)
def test_raw_that_cannot_be_made_again_is_left_out_and_told(world: World, table: Table) -> None:
    bad = table.object_key(f"{AUGUST}-04", "toy")
    world.inputs[AUGUST][bad] = "2"
    world.unreadable.add(bad)
    result = publish()
    assert list(result.published) == [AUGUST]
    assert [each.key for each in world.commits[AUGUST].inputs] == [key(AUGUST)]
    said = str(result.failures[AUGUST])
    assert "is published without" in said
    assert f"{bad}: landing knows nothing of it" in said
    with pytest.raises(BadDataError, match="is published without"):
        run_of(AUGUST)


def test_raw_that_is_no_better_made_again_is_left_out(world: World) -> None:
    world.inputs[AUGUST][key(AUGUST, 4)] = "2"
    world.unreadable.add(key(AUGUST, 4))
    mend = Mender()
    result = publish(mend=mend)
    assert mend.asked == [key(AUGUST, 4)]
    assert "it was made again, and is no better" in str(result.failures[AUGUST])


def test_a_month_of_what_lies_beside_alone_is_refined_and_shown(world: World) -> None:
    beside = BESIDE.object_key(f"{AUGUST}-04", "toy")
    world.inputs = {AUGUST: {beside: "2"}}
    assert publish() == PublishedMonths({AUGUST: world.plan.run_id})
    assert [each.key for each in world.commits[AUGUST].inputs] == [beside]


def test_nothing_is_published_without_what_readers_see(world: World) -> None:
    world.inputs[AUGUST][key(AUGUST, 4)] = "2"
    publish_by(world, "before")
    world.unreadable.add(key(AUGUST, 4))
    error = fails()
    assert isinstance(error, BadDataError)
    assert f"cannot give any more: {key(AUGUST, 4)}. Nothing was published." in str(error)
    assert "landing knows nothing of it" in str(error)
    assert world.steps("find") == []


def test_raw_that_the_audit_cannot_read_is_made_again(world: World) -> None:
    world.audits = [UnreadableRawError("b3-lake", key(AUGUST)), [GOOD]]
    mend = Mender()
    result = publish(mend=mend)
    assert mend.asked == [key(AUGUST)]
    assert list(result.published) == [AUGUST]
    assert len(world.steps("look")) == 3


def test_raw_that_the_audit_cannot_read_and_nobody_make_again_is_left_out(world: World) -> None:
    world.inputs[AUGUST][key(AUGUST, 4)] = "2"
    world.audits = [UnreadableRawError("b3-lake", key(AUGUST, 4)), [GOOD]]
    result = publish()
    assert [each.key for each in world.commits[AUGUST].inputs] == [key(AUGUST)]
    assert "is published without" in str(result.failures[AUGUST])


# Glue


def test_a_job_that_fails_without_an_outcome_is_started_twice(world: World) -> None:
    world.jobs, world.glue_says = [{"*": ""}], "Glue run jr_1 ended FAILED: the disk is full"
    error = fails()
    assert isinstance(error, RefinementError)
    assert str(error) == f"Glue was started 2 times: {world.glue_says}"
    assert len(world.steps("start")) == 2
    tokens = {step[2] for step in world.steps("start")}
    assert len(tokens) == 2  # each start is told from the other


def test_a_job_that_fails_once_is_started_again(world: World) -> None:
    world.jobs = [{"*": ""}, {}]
    assert list(publish().published) == [AUGUST]
    assert len(world.steps("start")) == 2


def test_a_month_that_failed_ends_with_its_reason(world: World) -> None:
    world.jobs = [{AUGUST: "an overflow"}]
    error = fails()
    assert isinstance(error, RefinementError)
    assert str(error) == f"toy {AUGUST}: an overflow"
    assert len(world.steps("start")) == 1


def test_a_month_that_failed_beside_others_ends_with_its_reason_too(world: World) -> None:
    world.inputs[JULY] = {key(JULY): "1"}
    world.jobs = [{AUGUST: "an overflow"}]
    result = publish(JULY, AUGUST)
    assert list(result.published) == [JULY]
    assert str(result.failures[AUGUST]) == f"toy {AUGUST}: an overflow"
    assert len(world.steps("start")) == 1


def test_a_month_that_failed_before_this_flow_is_started(world: World) -> None:
    world.jobs = [{AUGUST: "an overflow"}, {}]
    world.refine("other/1", Plan(TOY, {AUGUST: world.look_at_month(SUBJECT, AUGUST).inputs}))
    assert list(publish().published) == [AUGUST]
    assert len(world.steps("start")) == 1


def test_raw_that_moved_while_the_job_read_it_is_planned_again(world: World) -> None:
    world.jobs = [{AUGUST: RAW_MOVED}, {}]
    assert list(publish().published) == [AUGUST]
    assert len(world.steps("start")) == 2


def test_raw_that_moves_each_time_ends_it(world: World) -> None:
    world.jobs = [{AUGUST: RAW_MOVED}]
    assert str(fails()) == "Glue was started 2 times: raw was written to each time"
    assert len(world.steps("start")) == 2


def test_a_run_that_another_flow_has_started_is_none_of_this_flows_starts(world: World) -> None:
    world.jobs, world.at_work = [{"*": ""}, {"*": ""}, {}], "other/1"
    assert list(publish().published) == [AUGUST]
    assert len(world.steps("start")) == 3
    assert [how["is_ours"] for _, how in world.steps("wait")] == [False, True, True]


def test_a_flow_whose_name_begins_like_this_ones_is_another(world: World) -> None:
    world.at_work = "flow-2/1"
    publish()
    assert world.steps("wait")[0][1]["is_ours"] is False


def test_a_glue_that_cannot_be_had_ends_every_month(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.inputs[JULY] = {key(JULY): "1"}

    def refuse(*_: Any, **__: Any) -> Any:
        raise RefinementError("no slot")

    monkeypatch.setattr(refine, "find_or_start", refuse)
    result = publish(JULY, AUGUST)
    assert {month: str(error) for month, error in result.failures.items()} == dict.fromkeys(
        (JULY, AUGUST), "no slot"
    )


def test_after_a_wait_everything_is_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job(run: GlueRun, **_: Any) -> str:
        world.inputs[AUGUST][key(AUGUST, 4)] = "2"  # while Glue was at work
        return ""

    monkeypatch.setattr(refine, "wait_for", job)
    publish()
    assert len(world.commits[AUGUST].inputs) == 2


# Audits


def test_an_attempt_that_fails_its_audit_is_refused_and_ends_the_month(world: World) -> None:
    world.audits = [[GOOD, BAD]]
    error = fails()
    assert isinstance(error, BadDataError)
    assert f"The audit of toy {AUGUST}, run {world.plan.run_id[:12]}, failed 1 check" in str(error)
    assert "Nothing was published." in str(error)
    assert world.steps("refuse") == [("attempt-0", AUGUST)]
    assert world.steps("show") == []
    assert len(world.steps("start")) == 1


def test_one_that_lay_there_before_is_refused_and_another_one_made(world: World) -> None:
    world.refine("other/1", Plan(TOY, {AUGUST: world.look_at_month(SUBJECT, AUGUST).inputs}))
    world.audits = [[BAD], [GOOD]]
    assert list(publish().published) == [AUGUST]
    assert world.steps("refuse") == [("attempt-0", AUGUST)]
    assert world.steps("show")[0][1] == "attempt-1"


def test_a_month_whose_audit_fails_stops_no_other(world: World) -> None:
    world.inputs[JULY] = {key(JULY): "1"}
    world.audits = [[BAD], [GOOD]]
    result = publish(JULY, AUGUST)
    assert (list(result.published), list(result.failures)) == ([AUGUST], [JULY])


def test_what_moved_before_the_audit_is_looked_at_again_and_nothing_refused(world: World) -> None:
    world.audits = [None, [GOOD]]
    assert list(publish().published) == [AUGUST]
    assert world.steps("refuse") == []
    assert len(world.steps("audit")) == 2
    assert len(world.steps("report-checks")) == 1


# Others


def test_a_month_that_lost_is_looked_at_again(world: World) -> None:
    world.shows = [LOSES, None]
    assert list(publish().published) == [AUGUST]
    assert [each[0] for each in world.done][-8:] == [
        *("audit", "report-checks", "show"),
        *("look", "find", "audit", "report-checks", "show"),
    ]


@pytest.mark.parametrize("step", ["audit", "show"])
def test_five_rounds_end_it_with_the_name_of_who_publishes(world: World, step: str) -> None:
    publish_by(world, "rival")
    world.inputs[AUGUST][key(AUGUST, 4)] = "2"
    if step == "audit":
        world.audits = [None]
    else:
        world.shows = [LOSES]
    error = fails()
    assert isinstance(error, PublishConflictError)
    assert f"toy {AUGUST} changed in each of 5 rounds" in str(error)
    assert "flow run rival published commit 1" in str(error)
    assert len(world.steps(step)) == 5


def test_the_fifth_round_may_be_the_right_one(world: World) -> None:
    world.shows = [*[LOSES] * 4, None]
    assert list(publish().published) == [AUGUST]


def test_of_several_months_only_the_one_that_lost_is_planned_again(world: World) -> None:
    world.inputs[JULY] = {key(JULY): "1"}
    world.shows = [None, LOSES, None]
    assert list(publish(JULY, AUGUST).published) == [JULY, AUGUST]
    assert [step[0] for step in world.steps("find")] == [
        [JULY, AUGUST],
        [JULY, AUGUST],
        [AUGUST],
        [AUGUST],
    ]


def test_what_another_flow_has_published_meanwhile_is_told_as_it_is(world: World) -> None:
    """The same or more: this month is published, by the other's run."""
    other = publish_by(world, "rival")
    del world.commits[AUGUST]
    world.shows = [lambda: other]
    assert publish().published == {AUGUST: other.run_id}


# Forced


def test_a_forced_flow_takes_nothing_but_its_own(world: World) -> None:
    publish_by(world, "before")
    world.refine("other/1", Plan(TOY, {AUGUST: world.look_at_month(SUBJECT, AUGUST).inputs}))
    world.done.clear()
    assert list(publish(force=True).published) == [AUGUST]
    assert {step[1] for step in world.steps("find")} == {"flow/"}
    assert world.steps("start")[0][3]["takes_others"] is False
    assert world.commits[AUGUST].attempt == "attempt-1"


def test_a_forced_flow_says_when_it_began(world: World) -> None:
    publish(force=True)
    first_look = NOON + dt.timedelta(seconds=1)
    assert world.steps("show")[0][2]["forced_since"] == first_look


def test_the_retry_of_a_forced_flow_takes_its_own_attempt(world: World) -> None:
    publish_by(world, "before")
    world.refine("flow/1", Plan(TOY, {AUGUST: world.look_at_month(SUBJECT, AUGUST).inputs}))
    assert list(publish(force=True).published) == [AUGUST]
    assert world.steps("start") == []


def test_the_limits_are_those_of_the_protocol() -> None:
    assert (refine.MOST_STARTS, refine.MOST_ROUNDS) == (2, 5)
