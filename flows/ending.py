"""How a flow run ends on the dashboard: its outcome or its reason, once and first."""

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Failed

from tasks.core.advice import explain_failure
from tasks.core.errors import B3PipelineError
from tasks.report import report_page
from tasks.retries import is_aws_error

P = ParamSpec("P")
OUTCOME = {"is_outcome": True}  # of a record of the log: a command tells it at its own end
_SAID_ELSEWHERE = "Finished in state "


def with_reason(run: Callable[P, State[Any]]) -> Callable[P, State[Any]]:
    """Have a flow end `Failed` by an error of ours or of AWS's, with its reason as the message.

    Prefect itself would put words before it, and a traceback into the log. The reason, and what to
    do, is a page of the run as well. Any other error is a mistake in the code, and stays as it is.
    """

    @functools.wraps(run)
    def run_to_the_end(*args: P.args, **parameters: P.kwargs) -> State[Any]:
        quieten_prefect()
        _draw_no_lines()
        try:
            state = run(*args, **parameters)
        except Exception as error:
            if not is_expected(error):
                raise
            state = Failed(message=str(error), data=error)
            get_run_logger().error("%s", state.message, extra=OUTCOME)
            explain(error)
        else:
            get_run_logger().info("%s", state.message, extra=OUTCOME)
        return state

    return run_to_the_end


class _NoGuesses(dict[int, Any]):
    """Prefect's memory of which step made which value, by the address in memory."""

    def __setitem__(self, address: int, made_by: Any) -> None:
        """Forget it: small values stand at the same address wherever they come from."""


def _draw_no_lines() -> None:
    """Have the graph show the steps one after the other, as they are, without guessed lines."""
    context = FlowRunContext.get()
    if context:
        context.run_results = _NoGuesses()


def is_expected(error: BaseException) -> bool:
    """Return whether an error says by itself what there is to say."""
    return isinstance(error, B3PipelineError) or is_aws_error(error)


def explain(error: Exception) -> None:
    """Show why the run failed, and what to do."""
    name = str(runtime.flow_run.name)
    page = explain_failure(name, error)
    report_page("why", page, f"{name} failed: why, and what to do.")


class _Story(logging.Filter):
    """Lets through what tells of the run.

    Not that a step is done, which its next line shows, nor how a flow ended, which it says itself.
    An expected error of a step is told without its traceback, and is no more than a warning: what
    comes of it is the flow's to say.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if text.startswith(_SAID_ELSEWHERE) and ("Completed(" in text or "Failed(" in text):
            return False
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and is_expected(error):
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args = str(error), ()
            vars(record).update(OUTCOME)
        return True


_STORY = _Story()


def quieten_prefect() -> None:
    """Have the log of runs hold the story; safe to repeat."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_STORY)
