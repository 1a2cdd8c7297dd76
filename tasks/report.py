"""What the dashboard shows of a run: verdicts, a summary, links."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from prefect import get_client, runtime, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.core.backfill import SessionOutcome, count_outcomes, tabulate_sessions
from tasks.core.checks import Check
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.summary import summarize_portfolio, tabulate_checks


@task(name="rename-flow-run")
def rename_flow_run(name: str) -> None:
    """Give the flow run the name of the session that it turned out to be about."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(str(runtime.flow_run.id)), name=name)


@task(name="report-checks")
def report_checks(subject: str, checks: Sequence[Check]) -> None:
    """Show the verdicts of checks as a table. Safe to repeat: each run has its own version."""
    failed = sum(not check.has_passed for check in checks)
    create_table_artifact(
        key=f"audit-{subject.lower().replace(' ', '-')}",
        table=tabulate_checks(checks),
        description=f"Audit of {subject}: {len(checks) - failed} checks passed, {failed} failed.",
    )


@task(name="report-portfolio")
def report_portfolio(portfolio: Portfolio, previous: Portfolio | None) -> None:
    """Show a session's heaviest constituents and moves. Safe to repeat, as above."""
    create_markdown_artifact(
        key=f"portfolio-{portfolio.index_code.lower()}",
        markdown=summarize_portfolio(portfolio, previous),
        description=f"{portfolio}: heaviest constituents and moves against the session before.",
    )


@task(name="report-links")
def report_links(subject: str, links: Mapping[str, str]) -> None:
    """Show where a run's Glue run and tables are. Safe to repeat, as above."""
    lines = [f"- [{name}]({url})" for name, url in links.items()]
    create_markdown_artifact(
        key=f"links-{subject.lower().replace(' ', '-')}",
        markdown="\n".join(lines),
        description=f"{subject}: the Glue run and the Athena tables.",
    )


@task(name="report-sessions")
def report_sessions(key: str, subject: str, outcomes: Sequence[SessionOutcome]) -> None:
    """Show what came of each session as a table. Safe to repeat, as above."""
    create_table_artifact(
        key=key.lower(),
        table=tabulate_sessions(outcomes),
        description=f"{subject} {count_outcomes(outcomes)}.",
    )
