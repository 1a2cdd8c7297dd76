"""Plans and attempts as they lie in S3: `runs/<run_id>/`."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from botocore.exceptions import BotoCoreError, ClientError

from tasks.core.attempt import (
    UNREADABLE,
    Outcome,
    Output,
    attempt_key,
    has_every_table,
    is_whole,
    read_outcome,
)
from tasks.core.checks import Check
from tasks.core.errors import RetryableError
from tasks.core.plan import RUNS, Plan, Subject, plan_key
from tasks.core.vacuum import StoredObject
from tasks.objects import list_at, put_object, read_object
from tasks.retries import tried_again

OLDEST_USABLE = dt.timedelta(hours=12)


@dataclass(frozen=True)
class Attempt:
    """One start of Glue that has come to its end.

    Attributes:
        outcome: What it made.
        is_usable: Whether it may be used: nobody has refused or marked it, and it is young.
    """

    outcome: Outcome
    is_usable: bool

    @property
    def name(self) -> str:
        """Its name, which the job made itself."""
        return self.outcome.attempt


def list_attempts(bucket: str, run_id: str) -> list[Attempt]:
    """Return the attempts of a plan that have an outcome, the newest first."""
    found, at = list_at(bucket, f"{RUNS}{run_id}/")
    words: dict[str, dict[str, StoredObject]] = defaultdict(dict)
    for stored in found:
        attempt, _, word = stored.key.removeprefix(f"{RUNS}{run_id}/").rpartition("/")
        words[attempt][word] = stored
    ended = [each for each in words.values() if "outcome.json" in each]
    ended.sort(key=lambda each: each["outcome.json"].modified_at, reverse=True)
    attempts = []
    for each in ended:
        stored = each["outcome.json"]
        body = read_object(bucket, stored.key)
        is_young = stored.modified_at > at - OLDEST_USABLE
        is_clean = not each.keys() & {"refused.json", "removed.json"}
        try:
            outcome = read_outcome(body or b"")
        except UNREADABLE:
            continue  # what cannot be read is no outcome
        if stored.key == attempt_key(outcome.run_id, outcome.attempt, "outcome"):
            attempts.append(Attempt(outcome, is_young and is_clean))
    return attempts


def is_output_whole(subject: Subject, outcome: Outcome, month: str) -> bool:
    """Return whether an attempt made every table of a month, and all of it is there."""
    outputs = outcome.months.get(month, {})
    return has_every_table(outputs, subject.dataset) and are_whole(
        subject, outcome.run_id, outcome.attempt, month, outputs
    )


def are_whole(
    subject: Subject, run_id: str, attempt: str, month: str, outputs: Mapping[str, Output]
) -> bool:
    """Return whether exactly the objects named lie where an attempt put its tables."""
    for table in subject.dataset.refined_tables:
        if table.name in outputs:
            found, _ = list_at(subject.bucket, table.attempt_folder(run_id, attempt, month))
            if not is_whole(outputs[table.name], {each.key: each.size for each in found}):
                return False
    return True


def is_marked(bucket: str, run_id: str, attempt: str) -> bool:
    """Return whether the vacuum has marked an attempt."""
    return read_object(bucket, attempt_key(run_id, attempt, "removed")) is not None


@tried_again
def find_attempts(
    subject: Subject, plan: Plan, token: str
) -> tuple[str, list[Attempt], dict[str, Outcome]]:
    """Write a plan, and find what was made of it. Safe to repeat.

    Args:
        subject: What it is a plan of.
        plan: The plan.
        token: Only attempts whose token begins so are looked at; empty for any.

    Returns:
        Where the plan lies; its attempts, the newest first; and of each month that was made and
        may be used the attempt.
    """
    key, run_id = plan_key(plan.run_id), plan.run_id
    put_object(subject.bucket, key, plan.to_bytes())
    attempts = [
        each
        for each in list_attempts(subject.bucket, run_id)
        if each.outcome.token.startswith(token)
    ]
    usable: dict[str, Outcome] = {}
    for each in attempts:
        for month in each.outcome.months if each.is_usable else ():
            if month not in usable and is_output_whole(subject, each.outcome, month):
                usable[month] = each.outcome
    return f"s3://{subject.bucket}/{key}", attempts, usable


def describe_place(subject: Subject, run_id: str, months: Sequence[str], since: dt.datetime) -> str:
    """Say at which month Glue is, by the last table that it writes of each; it only reads.

    Args:
        subject: What it is a run of.
        run_id: The run.
        months: Its months.
        since: When Glue began; what is older is another attempt's.

    Returns:
        E.g. `at 2025-08, 3 of 12 months done`; empty where S3 does not say.
    """
    prefix = f"{subject.dataset.refined_tables[-1].prefix}run_id={run_id}/"
    try:
        found, _ = list_at(subject.bucket, prefix)
    except (ClientError, BotoCoreError, RetryableError):
        return ""
    began = since.replace(microsecond=0)  # S3 tells no more than seconds
    keys = [each.key.removeprefix(prefix) for each in found if each.modified_at >= began]
    made = {part for key in keys for part in key.split("/")[:-1]}  # beside it lie markers
    left = [month for month in sorted(months) if f"month={month}" not in made]
    at = f"at {left[0]}" if left else "at its end"
    done = f", {len(months) - len(left)} of {len(months)} months done" if len(months) > 1 else ""
    return at + done


@tried_again
def refuse_attempt(bucket: str, outcome: Outcome, month: str, checks: Sequence[Check]) -> None:
    """Say that an audit found an attempt wrong, so that nobody uses it again. Safe to repeat."""
    failed = [asdict(check) for check in checks if not check.has_passed]
    body = json.dumps({"month": month, "checks": failed}, indent=1).encode()
    put_object(bucket, attempt_key(outcome.run_id, outcome.attempt, "refused"), body)


def find_time_of(bucket: str, run_id: str, attempt: str) -> dt.datetime | None:
    """Return when an attempt ended, by S3's clock; None where its outcome is gone."""
    found, _ = list_at(bucket, attempt_key(run_id, attempt, "outcome"))
    return found[0].modified_at if found else None
