"""What the dashboard shows of a run: verdicts, pages, links, and how far it is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from prefect import get_client, get_run_logger, runtime
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.events import emit_event

from tasks.core.backfill import SessionOutcome, count_outcomes, tabulate_sessions
from tasks.core.checks import Check
from tasks.core.findings import Finding, tabulate_findings
from tasks.core.freshness import Gap, tabulate_gaps
from tasks.core.month import Ending, PublishedMonths
from tasks.core.outcome import LEVEL_DIFFERS
from tasks.core.progress import Progress
from tasks.core.texts import shorten


def rename_flow_run(name: str) -> None:
    """Give the flow run the name of the session that it turned out to be about."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(str(runtime.flow_run.id)), name=name)


def report_checks(subject: str, checks: Sequence[Check]) -> None:
    """Show the verdicts of checks as a table. Safe to repeat: each run has its own version."""
    create_table_artifact(
        key=f"audit-{subject.lower().replace(' ', '-')}",
        table=tabulate_checks(checks),
        description=describe_checks(subject, checks),
    )


def report_page(key: str, markdown: str, description: str) -> None:
    """Show a page of Markdown. Safe to repeat: each run has its own version."""
    create_markdown_artifact(key=key.lower(), markdown=markdown, description=description)


def report_links(subject: str, links: Mapping[str, str]) -> None:
    """Show where a run's Glue run and tables are. Safe to repeat: each run has its own version.

    Args:
        subject: What was refined.
        links: `{what is there: its page}`; what has no page is told without a link.
    """
    lines = [f"- [{name}]({url})" if url else f"- {name}." for name, url in links.items()]
    create_markdown_artifact(
        key=f"links-{subject.lower().replace(' ', '-')}",
        markdown="\n".join(lines),
        description=f"{subject}: where its Glue run and its tables are.",
    )


def report_gaps(gaps: Sequence[Gap], described: str) -> None:
    """Show what is missing as a table. Safe to repeat: each run has its own version."""
    create_table_artifact(key="freshness", table=tabulate_gaps(gaps), description=described)


def report_findings(
    findings: Sequence[Finding], why_not: Mapping[str, str], described: str
) -> None:
    """Show what does not fit together as a table. Safe to repeat: each run has its own version.

    Args:
        findings: What was found.
        why_not: What a repair has failed with, as of `tasks.core.findings.advise`.
        described: The same in a sentence.
    """
    table = tabulate_findings(findings, why_not)
    create_table_artifact(key="verify", table=table, description=described)


def report_differences(
    described: str,
    table: Sequence[Mapping[str, str]],
    has_difference: bool,  # noqa: FBT001
) -> None:
    """Show what does not reconcile as a table, and send an event where a level differs.

    Safe to repeat: each run has its own version, and its own event.
    """
    rows = [dict(row) for row in table]
    create_table_artifact(key="reconciliation", table=rows, description=f"{described}.")
    if has_difference:
        get_run_logger().warning("%s", described)
        resource = {"prefect.resource.id": f"b3-pipeline.reconciliation.{runtime.flow_run.id}"}
        emit_event(event=LEVEL_DIFFERS, resource=resource, payload={"message": described})


def report_sessions(key: str, subject: str, outcomes: Sequence[SessionOutcome]) -> None:
    """Show what came of each session as a table, and tell of days that the calendar has wrong.

    Safe to repeat: each run has its own version.
    """
    odd = [str(one.trading_date) for one in outcomes if one.is_odd]
    if odd:
        get_run_logger().warning(
            "B3's files say otherwise than the calendar of %d day(s), and are believed: %s",
            len(odd),
            ", ".join(odd),
        )
    create_table_artifact(
        key=key.lower(),
        table=tabulate_sessions(outcomes),
        description=f"{subject} {count_outcomes(outcomes)}.",
    )


def tabulate_checks(checks: Iterable[Check]) -> list[dict[str, str]]:
    """Return verdicts as the rows of a table; remarks where there are some.

    What failed comes first. An audit goes from form to content, its table from content to form: a
    page of it has ten rows.
    """
    checks = list(checks)
    failed = [check for check in checks if not check.has_passed]
    passed = [check for check in reversed(checks) if check.has_passed]
    has_remarks = any(check.remark for check in checks)
    return [
        {
            "verdict": "passed" if check.has_passed else "FAILED",
            "check": check.name,
            "found": check.found,
            "expected": check.expected,
            **({"remark": shorten(check.remark)} if has_remarks else {}),
        }
        for check in (*failed, *passed)
    ]


def describe_checks(subject: str, checks: Sequence[Check]) -> str:
    """Return the verdict on all checks in a sentence, the verdict first."""
    failed = [check.name for check in checks if not check.has_passed]
    if failed:
        names = ", ".join(failed)
        return f"FAILED: {len(failed)} of {len(checks)} checks of {subject}: {names}."
    return f"Passed: {len(checks)} of {len(checks)} checks of {subject}."


class ProgressReport:
    """How far a run is, on the dashboard, and wherever else it is drawn."""

    def __init__(self, key: str, progress: Progress, draw: Callable[[float, str], None]) -> None:
        """Show how far it is at the start.

        Args:
            key: Key of the artifact.
            progress: How far it is; whoever changes it shows it again.
            draw: Shows it elsewhere: the share that is done, and the same in words.
        """
        self._progress, self._draw = progress, draw
        self._artifact = create_progress_artifact(
            progress=100 * progress.share, key=key.lower(), description=str(progress)
        )
        draw(progress.share, str(progress))

    def show(self) -> None:
        """Show how far it is now."""
        share, text = self._progress.share, str(self._progress)
        update_progress_artifact(self._artifact, progress=100 * share, description=text)  # type: ignore[arg-type]
        self._draw(share, text)

    def add_file(self, _name: str) -> None:
        """Show that another file was asked for."""
        self._progress.files_done += 1
        self.show()

    def add_month(self, month: str, how: Ending) -> None:
        """Show that a month is done with, and how it ended."""
        self._progress.add_month(month, how)
        self.show()

    def conclude(self, result: PublishedMonths) -> None:
        """Show what came of all months in the end."""
        self._progress.conclude(result)
        self.show()
