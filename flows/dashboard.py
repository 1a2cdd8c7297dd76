"""What of Prefect's own the dashboard does not show, so that a run tells its story.

docs/adr/0011-story.md says why.
"""

import logging
from typing import Any

from prefect.context import FlowRunContext

from flows.orchestrator import find_gone_api
from tasks.core.errors import B3PipelineError
from tasks.refusals import in_our_words
from tasks.retries import is_aws_error

OUTCOME = {"is_outcome": True}  # of a record of the log: a command tells it at its own end
_FLOW_RUNS, _TASK_RUNS = "prefect.flow_runs", "prefect.task_runs"


def tidy() -> None:
    """Have the run's log hold its story, and its graph no guesses; safe to repeat."""
    for name in (_FLOW_RUNS, _TASK_RUNS):
        logging.getLogger(name).addFilter(_STORY)
    context = FlowRunContext.get()
    if context:
        context.run_results = _NoGuesses()


def in_words(error: Exception) -> Exception:
    """Return the error of ours that an error is, be it of AWS, the disk or Prefect's API."""
    return find_gone_api(error) or in_our_words(error)


def is_expected(error: BaseException | None) -> bool:
    """Return whether an error says by itself what there is to say: it is ours, or AWS's."""
    return isinstance(error, Exception) and (
        isinstance(in_words(error), B3PipelineError) or is_aws_error(error)
    )


class _Story(logging.Filter):
    """Lets through what tells of the run.

    Not how a step or a flow ended: the lines before and after say it. An expected error of a step
    is told without its traceback, and is no more than a warning: what comes of it is the flow's to
    say.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Finished in state "):
            return False
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Exception) and is_expected(error):
            if record.name.startswith(_FLOW_RUNS):
                return False
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args = str(in_words(error)), ()
            vars(record).update(OUTCOME)
        return True


_STORY = _Story()


class _NoGuesses(dict[int, Any]):
    """Prefect's memory of which step made which value, by the address in memory."""

    def __setitem__(self, address: int, made_by: Any) -> None:
        """Forget it: small values stand at the same address wherever they come from."""
