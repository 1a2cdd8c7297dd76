"""From raw to readers: plan whole months, have Glue refine them, audit, publish; for any dataset.

The steps and why they hold are those of docs/adr/0006-commit.md. Every flow ends here.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from prefect import get_run_logger, runtime

from tasks.core.attempt import RAW_MOVED, Outcome
from tasks.core.checks import require
from tasks.core.commit import describe_origin
from tasks.core.console import list_places
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    PublishConflictError,
    RefinementError,
    SourceHasNoDataError,
    UnreadableRawError,
)
from tasks.core.month import Ending, Look, PublishedMonths, Work
from tasks.core.plan import Plan, Subject, shorten
from tasks.core.wording import name_span
from tasks.glue import find_or_start, wait_for
from tasks.month import audit_month, look_at_month
from tasks.report import report_checks, report_links
from tasks.runs import describe_place, find_attempts, refuse_attempt
from tasks.shelf import read_latest, show_month
from tasks.work_at_hand import stopped_when_told_to_end

GLUE_TIMEOUT_SECONDS = 30 * 60
GLUE_TIMEOUT_SECONDS_A_MONTH = 30
LONGEST_GLUE_TIMEOUT_SECONDS = 20 * 3600  # below the shortest grace of the vacuum
MOST_STARTS = 2  # of Glue, a month and flow
MOST_ROUNDS = 5
MOST_KEPT = 2  # months of which raw's objects stay in memory from the look to the audit

Mend = Callable[[str], str]
"""Makes a raw object again, by its key, and says how; raises where it cannot."""
OnMonth = Callable[[str, Ending], None]


def publish_months(
    subject: Subject,
    months: Sequence[str],
    *,
    force: bool = False,
    mend: Mend,
    on_month: OnMonth = lambda _month, _how: None,
) -> PublishedMonths:
    """Bring months to readers: refined in one run, published each by itself.

    Args:
        subject: What they are months of.
        months: Months that raw holds something of.
        force: Refine and publish again, even where nothing has changed.
        mend: Makes a raw object again that is gone or cannot be read.
        on_month: Called with each month when it is done with, and how it ended.

    Returns:
        What came of each month: one that fails stops no other.
    """
    return _Publishing(subject, force, mend, on_month).run(months)


@dataclass
class _Publishing:
    """One flow's way with some months."""

    subject: Subject
    force: bool
    mend: Mend
    on_month: OnMonth
    flow_run: str = field(default_factory=lambda: str(runtime.flow_run.id))
    pending: dict[str, Work] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)
    usable: dict[str, Outcome] = field(default_factory=dict)
    result: PublishedMonths = field(default_factory=PublishedMonths)
    began_at: dt.datetime | None = None
    # Of a plan: its attempts before this flow waited, and what its last Glue run ended with.
    known: dict[str, set[str]] = field(default_factory=dict)
    glue_errors: dict[str, str] = field(default_factory=dict)

    def run(self, months: Sequence[str]) -> PublishedMonths:
        self.pending = {month: Work() for month in sorted(set(months))}
        while self.pending:
            for month in list(self.pending):
                self._guard(month, self._look)
            if self.pending:
                self._work()
        return self.result

    def _guard(self, month: str, step: Callable[[str], None]) -> None:
        """Take a step with a month; where it fails, it ends this month alone."""
        try:
            step(month)
        except B3PipelineError as error:
            self._fail(month, error)

    def _fail(self, month: str, error: B3PipelineError) -> None:
        del self.pending[month]
        self.result.failures[month] = error
        self.on_month(month, "failed")

    def _settle(self, month: str, run_id: str) -> None:
        """A month is as it should be: by a run, or because it was already."""
        work = self.pending.pop(month)
        if run_id:
            self.result.published[month] = run_id
        else:
            self.result.up_to_date.append(month)
        if work.left_out:
            self.result.failures[month] = BadDataError(
                f"{self.subject} {month} is published without what cannot be read in raw:\n"
                f"{work.describe_left_out()}"
            )
        self.on_month(month, "published" if run_id else "up to date")

    def _look(self, month: str) -> None:
        """Step 1, again and again until raw can be read or is done without."""
        work, before = self.pending[month], self.looks.get(month)
        while True:
            keeps, left_out = len(self.pending) <= MOST_KEPT, tuple(work.left_out)
            before = look = look_at_month(self.subject, month, left_out, keeps=keeps, before=before)
            self.began_at = self.began_at or look.at
            bad = [key for key in (*look.unreadable, *look.lost) if key not in work.left_out]
            if not bad:
                break
            for key in bad:
                self._mend(work, key)
        if look.lost:
            raise BadDataError(
                f"Readers see what raw of {self.subject} {month} cannot give any more: "
                f"{', '.join(look.lost)}. Nothing was published.\n{work.describe_left_out()}"
            )
        if not look.inputs:
            raise SourceHasNoDataError(f"Raw holds nothing of {self.subject} {month} to refine.")
        self.looks[month] = look
        own = look.commit if look.commit and look.commit.flow_run == self.flow_run else None
        if look.is_up_to_date and (own or not self.force):
            self._settle(month, own.run_id if own else "")

    def _mend(self, work: Work, key: str) -> None:
        logger, place = get_run_logger(), f"s3://{self.subject.bucket}/{key}"
        logger.warning("%s is gone or cannot be read", place)
        try:
            if key in work.mended:
                raise BadDataError("it was made again, and is no better")
            work.mended.add(key)
            logger.warning("%s: %s", place, self.mend(key))
        except B3PipelineError as error:
            work.left_out[key] = str(error)

    def _work(self) -> None:
        """Steps 2 to 6 with what is pending, as far as they go before another look."""
        plan = Plan(self.subject.dataset, {m: self.looks[m].inputs for m in self.pending})
        run_id, own = plan.run_id, f"{self.flow_run}/" if self.force else ""
        url, attempts, self.usable = find_attempts(self.subject, plan, own)
        known = self.known.setdefault(run_id, {each.name for each in attempts})
        # What this flow has waited for, and what failed in it for good, is not tried again.
        new = [each.outcome for each in attempts if each.name not in known]
        for month in sorted(self.pending.keys() - self.usable.keys()):
            reasons = [each.failures.get(month, RAW_MOVED) for each in new]
            reasons = [reason for reason in reasons if reason != RAW_MOVED]
            if reasons:
                self._fail(month, RefinementError(f"{self.subject} {month}: {reasons[0]}"))
        for month in self.usable:
            self._guard(month, self._publish)
        if self.usable:
            return
        for month in list(self.pending):
            if self.pending[month].starts >= MOST_STARTS:
                said = self.glue_errors.get(run_id) or "raw was written to each time"
                self._fail(month, RefinementError(f"Glue was started {MOST_STARTS} times: {said}"))
        if self.pending.keys() == plan.months.keys():  # else what is left is another plan
            with stopped_when_told_to_end(self.subject, url, self.flow_run):
                self._have_refined(run_id, url)

    def _have_refined(self, run_id: str, url: str) -> None:
        """Step 3: wait for a Glue run at work on a plan, or start one and wait for it."""
        subject, about = self.subject, f"{self.subject} {name_span(self.pending)}"
        seconds = min(
            GLUE_TIMEOUT_SECONDS + GLUE_TIMEOUT_SECONDS_A_MONTH * (len(self.pending) - 1),
            LONGEST_GLUE_TIMEOUT_SECONDS,
        )
        token = f"{self.flow_run}/{uuid.uuid4().hex}"
        try:
            run = find_or_start(
                subject.glue_job,
                url,
                token,
                about=about,
                takes_others=not self.force,
                timeout_seconds=seconds,
            )
            is_ours = run.token.startswith(f"{self.flow_run}/")
            for work in self.pending.values():
                work.starts += is_ours
            tables = [table.name for table in subject.dataset.refined_tables]
            where = (run.region, subject.database, tables)
            report_links(str(subject), list_places(shorten(run_id), run.url, *where))
            self.glue_errors[run_id] = wait_for(
                run,
                about=about,
                timeout_seconds=seconds,
                is_ours=is_ours,
                find_place=partial(describe_place, subject, run_id, list(self.pending)),
            )
        except B3PipelineError as error:
            for month in list(self.pending):
                self._fail(month, error)

    def _publish(self, month: str) -> None:
        """Steps 4 to 6 with a month of a usable attempt."""
        look, work, outcome = self.looks[month], self.pending[month], self.usable[month]
        try:
            checks = audit_month(self.subject, look, outcome)
        except UnreadableRawError as error:
            self._mend(work, error.key)
            return
        if checks is not None:
            report_checks(f"{self.subject} {month}", checks)
            if any(not check.has_passed for check in checks):
                refuse_attempt(self.subject.bucket, outcome, month, checks)
                if outcome.attempt in self.known[outcome.run_id]:
                    return  # it lay there before this flow: another one is made
            name = f"The audit of {self.subject} {month}, run {shorten(outcome.run_id)},"
            require(checks, name, "Nothing was published.")
            commit = show_month(
                self.subject,
                look,
                outcome,
                flow_run=self.flow_run,
                forced_since=self.began_at if self.force else None,
            )
            if commit:
                self._settle(month, commit.run_id)
                return
        work.rounds += 1
        if work.rounds >= MOST_ROUNDS:
            raise PublishConflictError(
                f"{self.subject} {month} changed in each of {MOST_ROUNDS} rounds; of what readers "
                f"see, {describe_origin(read_latest(self.subject, month).commit)}. Run again when "
                f"it has ended."
            )
