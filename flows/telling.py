"""What a command says of a record of the log, and of a defect."""

import logging
import re
import textwrap
import traceback
from pathlib import Path

import prefect

from flows.dashboard import is_expected

_STORY = ("prefect.flow_runs", "prefect.task_runs")  # what `get_run_logger` writes to
_PREFECT = str(Path(prefect.__file__).parent)
# That a run or a step failed is told at the end of the run, with the reason.
_TOLD_AT_THE_END = (
    "Task run failed with",
    "Encountered exception during execution",
    "Validation of flow parameters failed",
    "Crash detected!",
    "Task run was aborted",
    "Finished in state",
)
_RETRY = "Task run failed with %s: %r - Retry %s/%s will start %s"
_MOST_OF_A_RETRY = 136  # two lines: what failed, when again, and the first words of the reason


def tell(record: logging.LogRecord) -> str:
    """Return what a command says of a record; empty where it says nothing."""
    is_story = any(record.name == name or record.name.startswith(f"{name}.") for name in _STORY)
    is_outcome = getattr(record, "is_outcome", False)
    if is_outcome or record.levelno < (logging.INFO if is_story else logging.WARNING):
        return ""
    if is_story and record.pathname.startswith(_PREFECT):
        if record.msg == _RETRY:
            return _tell_of_retry(record)
        text = record.getMessage()
        is_ours_to_tell = record.levelno < logging.WARNING or text.startswith(_TOLD_AT_THE_END)
        return "" if is_ours_to_tell else text
    text = record.getMessage()
    error = record.exc_info[1] if record.exc_info else None
    if error is None or is_expected(error):
        return text
    return f"{text}\n{describe_defect(error)}"


def _tell_of_retry(record: logging.LogRecord) -> str:
    """Say in few words what failed and when it is tried again."""
    _, error, retry, retries, when = record.args  # type: ignore[misc]
    seconds = re.match(r"[\d.]+", str(when))
    again = f"again in {float(seconds[0]):.0f} s" if seconds else "again at once"
    name = getattr(record, "task_run_name", "A step")
    attempts = f"attempt {retry} of {int(str(retries)) + 1} failed, {again}"
    told = f"{name}: {attempts}: {str(error) or repr(error)}"
    return textwrap.shorten(told, _MOST_OF_A_RETRY, placeholder=" …")


def describe_defect(error: BaseException) -> str:
    """Return where an error came from, without the frames that are Prefect's."""
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list(
        [frame for frame in told.stack if not frame.filename.startswith(_PREFECT)]
    )
    return "".join(told.format()).rstrip()
