"""What runs have left behind: Glue at work for nobody, plans without an outcome, old attempts."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tasks.core.findings import Finding, tell
from tasks.core.inventory import SETTLED
from tasks.core.plan import RUNS, shorten
from tasks.core.vacuum import StoredObject, Unit

LEFT_FOR = dt.timedelta(days=22)
"""The vacuum's grace, a week until it marks, a week until it removes, and a day."""
WAITED_FOR = dt.timedelta(days=1)  # longer than any flow waits for a run
_SLACK = dt.timedelta(minutes=10)  # for a run to end after its timeout


@dataclass(frozen=True)
class AtWork:
    """A Glue run that has not ended.

    Attributes:
        job_run_id: Glue's id of it.
        plan: Where its plan lies.
        started_at: When it began, by Glue's clock; None where it has still to begin.
        timeout: How long it may take from then on; None where that is not known.
        is_stopping: Whether it was told to stop.
        token: Who asked for it: the flow run, a slash, and what tells its starts apart.
    """

    job_run_id: str
    plan: str
    started_at: dt.datetime | None
    timeout: dt.timedelta | None
    is_stopping: bool = False
    token: str = ""


@dataclass(frozen=True)
class PlanSeen:
    """A plan as a listing of `runs/` shows it.

    Attributes:
        run_id: Its name.
        written_at: When it was last written; None where it is gone.
        ended_at: When the last of its attempts ended; None where none has.
    """

    run_id: str
    written_at: dt.datetime | None
    ended_at: dt.datetime | None


def is_past_its_time(run: AtWork, now: dt.datetime) -> bool:
    """Return whether a run should have ended by now, so that nobody waits for it any more."""
    if run.started_at is None or run.timeout is None:
        return False
    return now > run.started_at + run.timeout + _SLACK


def gather_plans(objects: Iterable[StoredObject]) -> list[PlanSeen]:
    """Return the plans that objects under `runs/` belong to."""
    written: dict[str, dt.datetime | None] = {}
    ended: dict[str, dt.datetime] = {}
    for each in objects:
        run_id, _, rest = each.key.removeprefix(RUNS).partition("/")
        written.setdefault(run_id, None)
        if rest == "plan.json":
            written[run_id] = each.modified_at
        elif rest.endswith("/outcome.json"):
            ended[run_id] = max(each.modified_at, ended.get(run_id, each.modified_at))
    return [PlanSeen(run_id, at, ended.get(run_id)) for run_id, at in sorted(written.items())]


def judge_runs_at_work(
    dataset: str,
    runs: Iterable[AtWork],
    months: Mapping[str, Collection[str]],
    published_at: Mapping[str, dt.datetime],
    now: dt.datetime,
) -> list[Finding]:
    """Find the Glue runs that nobody waits for any more.

    Args:
        dataset: Its name.
        runs: Those at work on it, and those whose plan is gone.
        months: `{plan: its months}`; a plan that is not there is gone.
        published_at: `{month: when its latest commit was written}`.
        now: What time it is.
    """
    found = []
    for run in runs:
        if run.is_stopping or run.started_at is None:
            continue
        keys: tuple[str, ...] = (run.job_run_id,)
        since = f"at work since {run.started_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
        if is_past_its_time(run, now):
            said = f"{since}, past its timeout of {run.timeout}"
        elif run.plan not in months:
            said = f"{since}, and its plan is gone"
        elif all(
            month in published_at and run.started_at < published_at[month] < now - SETTLED
            for month in months[run.plan]
        ):
            said, keys = f"{since}, and its months were published meanwhile", ()
        else:
            continue
        found.append(Finding("Glue run left at work", dataset, run.job_run_id, said, keys=keys))
    return found


def is_unfinished(plan: PlanSeen, at_work: Collection[str], now: dt.datetime) -> bool:
    """Return whether a plan should have an outcome by now, and has none.

    Older ones are told by what became of their months.
    """
    return (
        plan.written_at is not None
        and plan.ended_at is None
        and plan.run_id not in at_work
        and now - LEFT_FOR < plan.written_at < now - WAITED_FOR
    )


def judge_unfinished(
    dataset: str, plan: PlanSeen, digests: Mapping[str, str], behind: Mapping[str, str]
) -> list[Finding]:
    """Find a plan without an outcome that is what a run would make now.

    Args:
        dataset: Its name.
        plan: The plan.
        digests: `{month: digest}` of what it makes.
        behind: `{month: digest}` of what a run would make of the months that are not up to date.
    """
    left = [month for month in sorted(digests) if behind.get(month) == digests[month]]
    if not left or plan.written_at is None:
        return []
    found = f"planned at {plan.written_at:%Y-%m-%d %H:%M} UTC, no outcome; {tell(left, 'month')}"
    where = f"{RUNS}{shorten(plan.run_id)}…"
    return [Finding("run without outcome", dataset, where, found, months=tuple(left))]


def find_candidates(units: Iterable[Unit], named: Collection[str], now: dt.datetime) -> list[Unit]:
    """Return the units that are old and that neither a latest commit nor a partition names."""
    return [
        each for each in units if each.folder not in named and each.youngest_at < now - LEFT_FOR
    ]


def judge_left_over(dataset: str, units: Iterable[Unit]) -> list[Finding]:
    """Find the attempts that the vacuum should have removed; arguments as it names them."""
    by_attempt: dict[tuple[str, str], list[Unit]] = {}
    for unit in units:
        by_attempt.setdefault((unit.run_id, unit.attempt), []).append(unit)
    return [
        Finding(
            "attempt left over",
            dataset,
            f"run_id={shorten(run_id)}…/attempt={attempt}",
            f"{sum(len(unit.objects) for unit in its)} objects, {sum(unit.size for unit in its)} "
            f"bytes, written at {max(unit.youngest_at for unit in its):%Y-%m-%d}",
        )
        for (run_id, attempt), its in sorted(by_attempt.items())
    ]
