"""The quotes flow: one session of B3's daily quotes, from B3 to Athena.

python -m flows.quotes [--trading-date YYYY-MM-DD] [--force]
"""

import sys
from functools import partial
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import FORCE, now_in_sao_paulo, option, parse, run_command, traded_date
from flows.ending import with_reason
from flows.forms import Force, TradingDate
from flows.quotes_loading import load_session
from flows.quotes_mending import mend_quotes_session
from flows.reporting import report_last
from flows.settings import load_settings, subject_of
from tasks.core.exchange import check_traded_session, latest_due_session, month_of
from tasks.core.plan import shorten
from tasks.core.quotes import QUOTES
from tasks.refine import publish_months
from tasks.report import rename_flow_run


def name_flow_run() -> str:
    """Name a run by its session, as far as it is known at its start."""
    return f"quotes {runtime.flow_run.parameters['trading_date'] or 'latest'}"


@flow(name="daily-quotes", flow_run_name=name_flow_run)
@with_reason
def daily_quotes(
    trading_date: TradingDate = None,
    force: Force = False,  # noqa: FBT002 - the dashboard fills parameters by name
) -> State[Any]:
    """Bring the quotes of one session from B3 to Athena.

    Args:
        trading_date: The session. Leave it empty for the latest one whose quotes should be
            published: today's from 21:00 in São Paulo on, before that the one before.
        force: Refine and publish again, even where nothing has changed.
    """
    now = now_in_sao_paulo()
    if trading_date:
        check_traded_session(trading_date, now.date())
    settings = load_settings()
    session = trading_date or latest_due_session(now)
    rename_flow_run(f"quotes {session}")
    load_session(settings, session, now)

    result = publish_months(
        subject_of(settings, QUOTES),
        [month_of(session)],
        force=force,
        mend=partial(mend_quotes_session, settings, now),
    )
    run_id = result.run_of(month_of(session))
    reports = report_last(settings, {session: None})
    if not run_id:
        return Completed(message=f"up to date quotes {session}{reports}")
    return Completed(message=f"published quotes {session}, run {shorten(run_id)}{reports}")


OPTIONS = (
    option(
        "--trading-date",
        type=traded_date,
        metavar="YYYY-MM-DD",
        help="the session; without it, the latest one that should be published",
    ),
    FORCE,
)
EXAMPLES = (
    ("", "the latest session whose quotes should be published"),
    ("--trading-date 2025-08-01 --force", "a session, refined again though nothing has changed"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse("flows.quotes", __doc__, OPTIONS, EXAMPLES, argv)
    return run_command(lambda: daily_quotes(**parameters, return_state=True), is_verbose=is_verbose)


if __name__ == "__main__":
    sys.exit(main())
