"""Ask B3 for one index after another, politely; what turns everybody away is waited out for all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from prefect import get_run_logger

from tasks.core.errors import (
    B3PipelineError,
    BlockedError,
    NotConfiguredError,
    RetryableError,
)
from tasks.refusals import in_our_words
from tasks.retries import is_aws_error, may_pass
from tasks.side_by_side import side_by_side
from tasks.turns import MOST_AT_ONCE, Budget

FETCH_SECONDS = 600.0  # for all requests of a run
WAITS_SECONDS = (30.0, 60.0, 120.0)  # where B3 turns everybody away, before all are asked again

Answer = TypeVar("Answer")


@dataclass
class Fetched(Generic[Answer]):
    """What came of asking for several indices.

    Attributes:
        answers: What B3 answered, by index.
        failures: Why there is no answer, by index.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    failures: dict[str, B3PipelineError] = field(default_factory=dict)


def fetch_each(
    index_codes: Sequence[str],
    fetch: Callable[[str], Answer],
    budget: Budget,
    blocked_by: BlockedError | None = None,
    waits_seconds: Sequence[float] = WAITS_SECONDS,
) -> Fetched[Answer]:
    """Fetch something of each index; one that fails does not stop the others.

    A challenge, a refusal or a maintenance page ends the attempt for all of them: nothing more is
    asked, and after a while all that are missing are asked for again.

    Args:
        index_codes: The indices.
        fetch: Fetches it of one index: a step.
        budget: How long all of it may take.
        blocked_by: What has turned us away just before, so that the first thing is to wait.
        waits_seconds: How long to wait where everybody is turned away, time after time.
    """
    fetched: Fetched[Answer] = Fetched()
    waiting, waits = list(index_codes), iter(waits_seconds)
    while waiting:
        if blocked_by:
            seconds = next(waits, None)
            if seconds is None or not budget.has(seconds):
                # The reason is long, and the same for all: the first one has it.
                others = BlockedError("B3 was not asked for it any more.")
                fetched.failures |= dict.fromkeys(waiting, others) | {waiting[0]: blocked_by}
                break
            get_run_logger().warning(
                "%s Nothing is asked for %.0f s; then %d indices are asked for again.",
                blocked_by,
                seconds,
                len(waiting),
            )
            time.sleep(seconds)
        blocked_by = _ask_for(waiting, fetch, fetched)
        waiting = [code for code in waiting if code not in fetched.answers | fetched.failures]
    return fetched


def _ask_for(
    index_codes: Sequence[str], fetch: Callable[[str], Answer], fetched: Fetched[Answer]
) -> BlockedError | None:
    """Ask until everybody is turned away; return what did so."""
    blocked_by: list[BlockedError] = []

    def ask(code: str) -> Answer | B3PipelineError:
        answer = blocked_by[0] if blocked_by else try_to(lambda: fetch(code), code)
        if isinstance(answer, BlockedError):
            blocked_by.append(answer)
        return answer

    answers = side_by_side(ask, index_codes, MOST_AT_ONCE, ahead=len(index_codes))
    for code, answer in zip(index_codes, answers, strict=True):
        if not isinstance(answer, B3PipelineError):
            fetched.answers[code] = answer
        elif not isinstance(answer, BlockedError):
            fetched.failures[code] = answer
    return blocked_by[0] if blocked_by else None


def try_to(fetch: Callable[[], Answer], subject: str) -> Answer | B3PipelineError:
    """Return what a step fetches, or the error of ours that it ends with.

    Args:
        fetch: The step.
        subject: What it fetches, for messages.
    """
    try:
        return fetch()
    except B3PipelineError as error:
        return error
    except Exception as error:
        if not is_aws_error(error):
            raise
        ours = in_our_words(error)
        kind: type[B3PipelineError] = RetryableError if may_pass(error) else NotConfiguredError
        kind = type(ours) if isinstance(ours, B3PipelineError) else kind
        return kind(f"What B3 answered for {subject} could not be kept: {ours}")
