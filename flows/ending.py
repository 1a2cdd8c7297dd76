"""How a flow run ends on the dashboard: its outcome or its reason, first and without more."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.advice import explain_failure
from flows.dashboard import OUTCOME, in_words, is_expected, tidy
from flows.leaving import END_SECONDS, GONE_SECONDS, end_within
from flows.orchestrator import api_is_gone
from tasks.core.errors import OrchestratorError
from tasks.report import report_page

P = ParamSpec("P")


def with_reason(run: Callable[P, State[Any]]) -> Callable[P, State[Any]]:
    """Have a flow end `Failed` by an error of ours or of AWS's, with its reason as the message.

    Prefect itself would put words before it, and a traceback into the log. The reason, and what to
    do, is a page of the run as well. Any other error is a mistake in the code, and stays as it is.
    """

    @functools.wraps(run)
    def run_to_the_end(*args: P.args, **parameters: P.kwargs) -> State[Any]:
        tidy()
        try:
            state = run(*args, **parameters)
        except Exception as raised:
            if not is_expected(raised):
                raise
            error = in_words(raised)
            if isinstance(error, OrchestratorError):  # nobody can be told: no more is tried
                end_within(GONE_SECONDS, error)
                raise error from raised
            end_within(END_SECONDS, api_is_gone("it was not told how the run ended"))
            get_run_logger().error("%s", error, extra=OUTCOME)
            explain(error)
            return Failed(message=str(error), data=error)
        end_within(END_SECONDS, api_is_gone("it was not told how the run ended"))
        get_run_logger().info("%s", state.message, extra=OUTCOME)
        return state

    return run_to_the_end


def explain(error: Exception) -> None:
    """Show why the run failed, and what to do."""
    page = explain_failure(str(runtime.flow_run.name), error)
    report_page("why-and-what-to-do", page, str(error).partition("\n")[0])
