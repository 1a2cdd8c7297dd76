"""What the dashboard shows of a run: verdicts, pages, links, and how far it is."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from prefect import get_client, get_run_logger, runtime, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tasks.core.backfill import SessionOutcome, count_outcomes, tabulate_sessions
from tasks.core.checks import Check
from tasks.core.freshness import Gap, tabulate_gaps
from tasks.core.texts import shorten

Advance = Callable[[str], None]


@task(name="rename-flow-run")
def rename_flow_run(name: str) -> None:
    """Give the flow run the name of the session that it turned out to be about."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(str(runtime.flow_run.id)), name=name)


@task(name="report-checks")
def report_checks(subject: str, checks: Sequence[Check]) -> None:
    """Show the verdicts of checks as a table. Safe to repeat: each run has its own version."""
    create_table_artifact(
        key=f"audit-{subject.lower().replace(' ', '-')}",
        table=tabulate_checks(checks),
        description=describe_checks(subject, checks),
    )


@task(name="report-page")
def report_page(key: str, markdown: str, description: str) -> None:
    """Show a page of Markdown. Safe to repeat: each run has its own version."""
    create_markdown_artifact(key=key.lower(), markdown=markdown, description=description)


@task(name="report-links")
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


@task(name="report-gaps")
def report_gaps(gaps: Sequence[Gap], described: str) -> None:
    """Show what is missing as a table. Safe to repeat: each run has its own version."""
    create_table_artifact(key="freshness", table=tabulate_gaps(gaps), description=described)


@task(name="report-sessions")
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
    """Return verdicts as the rows of a table, what failed first; remarks where there are some."""
    checks = sorted(checks, key=lambda check: check.has_passed)
    has_remarks = any(check.remark for check in checks)
    return [
        {
            "verdict": "passed" if check.has_passed else "FAILED",
            "check": check.name,
            "found": check.found,
            "expected": check.expected,
            **({"remark": shorten(check.remark)} if has_remarks else {}),
        }
        for check in checks
    ]


def describe_checks(subject: str, checks: Sequence[Check]) -> str:
    """Return the verdict on all checks in a sentence, the verdict first."""
    failed = [check.name for check in checks if not check.has_passed]
    if failed:
        names = ", ".join(failed)
        return f"FAILED: {len(failed)} of {len(checks)} checks of {subject}: {names}."
    return f"Passed: {len(checks)} of {len(checks)} checks of {subject}."


@contextmanager
def show_progress(key: str, step_count: int) -> Iterator[Advance]:
    """Show how many of the steps are done while the block runs.

    Args:
        key: Key of the artifact.
        step_count: How many steps there are.

    Yields:
        To be called after each step, with what was done.
    """
    artifact = create_progress_artifact(progress=0.0, key=key, description="Starting")
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("", total=step_count)
        done = 0

        def advance(what: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, completed=done, description=what)
            share = min(100.0, 100.0 * done / max(1, step_count))
            update_progress_artifact(artifact, progress=share, description=what)  # type: ignore[arg-type]

        yield advance
