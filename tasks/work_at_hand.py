"""What is being worked on: Glue's runs, the months of their plans, and plans without an outcome."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from prefect import get_run_logger

from tasks.core.attempt import UNREADABLE
from tasks.core.errors import B3PipelineError, NotConfiguredError, RetryableError
from tasks.core.findings import Finding
from tasks.core.inventory import SETTLED
from tasks.core.leftovers import (
    AtWork,
    PlanSeen,
    gather_plans,
    is_past_its_time,
    is_unfinished,
    judge_runs_at_work,
    judge_unfinished,
)
from tasks.core.plan import RUNS, Subject, plan_key
from tasks.glue import list_at_work, stop
from tasks.objects import list_at, read_object
from tasks.retries import tried_again


@dataclass(frozen=True)
class Work:
    """What is being worked on in a dataset.

    Attributes:
        months: Months that Glue is at work on, or has ended with just now.
        at_work: The ids of the plans that it is at work on.
        runs: Its runs, and those whose plan is gone.
        plans: `{where a plan lies: {month: digest}}`.
        unfinished: Plans that should have an outcome by now, each with its months.
        problems: What keeps from asking Glue.
    """

    months: frozenset[str] = frozenset()
    at_work: frozenset[str] = frozenset()
    runs: tuple[AtWork, ...] = ()
    plans: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unfinished: tuple[tuple[PlanSeen, Mapping[str, str]], ...] = ()
    problems: tuple[Finding, ...] = ()

    def judge(
        self,
        dataset: str,
        published_at: Mapping[str, dt.datetime],
        behind: Mapping[str, str],
        now: dt.datetime,
    ) -> list[Finding]:
        """Return what is left at work, or was never ended; arguments as of the judges."""
        found = [*self.problems]
        found += judge_runs_at_work(dataset, self.runs, self.plans, published_at, now)
        for plan, digests in self.unfinished:
            found += judge_unfinished(dataset, plan, digests, behind)
        return found


def find_work(subject: Subject) -> Work:
    """Find what is being worked on in a dataset. It only reads."""
    objects, now = list_at(subject.bucket, RUNS)
    plans = gather_plans(objects)
    problems: list[Finding] = []
    runs: list[AtWork] = []
    try:
        runs = list_at_work(subject.glue_job)
    except NotConfiguredError as error:
        problems.append(Finding("job missing", str(subject), subject.glue_job, str(error)))
    prefix = f"s3://{subject.bucket}/"
    by_place = {f"{prefix}{plan_key(each.run_id)}": each for each in plans}
    ids = {
        by_place[run.plan].run_id
        for run in runs
        if run.plan in by_place and not is_past_its_time(run, now)
    }
    ended = {each.run_id for each in plans if each.ended_at and each.ended_at > now - SETTLED}
    late = {each.run_id: each for each in plans if is_unfinished(each, ids, now)}
    asked = {by_place[run.plan].run_id for run in runs if run.plan in by_place}
    wanted = asked | ended | late.keys()
    read = {run_id: _read_plan(subject.bucket, run_id) for run_id in wanted}
    ours = {run_id: months for run_id, (name, months) in read.items() if name == str(subject)}
    # Of another lake, or of nobody's plan, is none of ours: those runs are left alone.
    runs = [run for run in runs if run.plan.startswith(f"{prefix}{RUNS}")]
    gone = {run.plan for run in runs if run.plan not in by_place}
    return Work(
        months=frozenset(m for run_id in (ids | ended) & ours.keys() for m in ours[run_id]),
        at_work=frozenset(ids),
        runs=tuple(run for run in runs if run.plan in gone or by_place[run.plan].run_id in ours),
        plans={f"{prefix}{plan_key(run_id)}": months for run_id, months in ours.items()},
        unfinished=tuple((late[run_id], ours[run_id]) for run_id in sorted(late.keys() & ours)),
        problems=tuple(problems),
    )


def _read_plan(bucket: str, run_id: str) -> tuple[str, dict[str, str]]:
    """Return dataset and `{month: digest}` of a plan; of one that cannot be read none."""
    try:
        document = json.loads(read_object(bucket, plan_key(run_id)) or b"")
        months = document["months"].items()
        return str(document["dataset"]), {month: each["digest"] for month, each in months}
    except UNREADABLE:
        return "", {}


@tried_again
def stop_run(job_name: str, job_run_id: str) -> None:
    """Stop a Glue run that nobody waits for. Safe to repeat: one that has ended stays so.

    Raises:
        RetryableError: Glue does not stop it; the message says why.
    """
    refusal = stop(boto3.client("glue"), job_name, job_run_id)
    if refusal:
        raise RetryableError(f"Expected Glue to stop {job_run_id}, found: {refusal}.")


@contextmanager
def stopped_when_told_to_end(subject: Subject, plan: str, flow_run: str) -> Iterator[None]:
    """Have Glue stop what a flow run has at work on a plan, where it is told to end in the block.

    Who waits for a run stops it. This is for the moments before, and for a start that has not
    been answered.

    Args:
        subject: What is refined.
        plan: Where the plan lies.
        flow_run: The flow run.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):  # else it has failed, and Glue's run is found again
            _stop_own(subject, plan, flow_run)
        raise


def _stop_own(subject: Subject, plan: str, flow_run: str) -> None:
    logger = get_run_logger()
    try:
        for run in list_at_work(subject.glue_job):
            is_own = run.plan == plan and run.token.startswith(f"{flow_run}/")
            if is_own and not run.is_stopping:
                refusal = stop(boto3.client("glue"), subject.glue_job, run.job_run_id)
                said = f", and does not: {refusal}" if refusal else ""
                logger.warning("Glue is told to stop refining %s%s", subject, said)
    except (ClientError, BotoCoreError, B3PipelineError) as error:
        logger.warning("Glue may still be refining %s: %s", subject, error)
