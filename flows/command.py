"""What the flows' command lines share: options, help, the way to run, outcome, exit codes."""

import argparse
import datetime as dt
import re
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal

from flows import leaving
from flows.dashboard import is_expected
from flows.leaving import INTERRUPTED
from flows.orchestrator import find_gone_api
from flows.settings import load_settings
from flows.telling import describe_defect
from flows.temporary_server import start_temporary_server
from flows.terminal import columns, say, show_story, wrap
from flows.usage import Example, Parser
from tasks.core.errors import B3PipelineError, InvalidInputError
from tasks.core.exchange import (
    SAO_PAULO,
    check_requested_session,
    check_traded_session,
)
from tasks.core.indices import ALL, read_index_code, read_index_codes
from tasks.core.levels.answer import check_year

T = TypeVar("T")
Option = tuple[str, dict[str, Any]]
_ENDED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_INTERRUPTED = "interrupted: run the command again; it goes on from there"
_OF_PREFECT = "Flow run encountered an exception: "


def option(flag: str, **how: Any) -> Option:
    """Return an option of a command, as data: its flag, and what argparse is to know of it.

    Its name, or its `dest`, is that of the flow's parameter.
    """
    return flag, how


def parse(
    module: str,
    doc: str,
    options: Iterable[Option],
    examples: Iterable[Example],
    argv: list[str] | None,
    *,
    check: Callable[[dict[str, Any]], object] = lambda _parameters: None,
    is_flow: bool = True,
) -> tuple[dict[str, Any], bool]:
    """Read a command line into the parameters of a flow; wrong usage ends the program.

    Args:
        module: The module of the command, e.g. `flows.portfolio`.
        doc: Its docstring, which begins with what the command does.
        options: Its options.
        examples: For its help.
        argv: The arguments; None for those of this program.
        check: Looks at all of the parameters together.
        is_flow: Whether it runs a flow, whose log may be shown.

    Returns:
        The parameters, and whether Prefect's log is to be shown.
    """
    parser = Parser(f"python -m {module}", doc.split("\n")[0], examples)
    for flag, how in (*options, *([VERBOSE] if is_flow else [])):
        parser.add_argument(flag, **how)
    parameters = vars(parser.parse_args(argv))
    is_verbose = parameters.pop("verbose", False)
    try:
        check(parameters)
    except InvalidInputError as error:
        parser.error(str(error))
    return parameters, is_verbose


def now_in_sao_paulo() -> dt.datetime:
    """Return the date and time it is where the exchange is."""
    return dt.datetime.now(SAO_PAULO)


def today_in_sao_paulo() -> dt.date:
    """Return the day it is where the exchange is."""
    return now_in_sao_paulo().date()


def index_code(text: str) -> str:
    """Read an index code from the command line."""
    return _usage(lambda: read_index_code(text))


def index_code_or_all(text: str) -> str:
    """Read an index code, or `all`, from the command line."""
    return ALL if text.lower() == ALL else index_code(text)


def calendar_date(text: str) -> dt.date:
    """Read a date from the command line: `YYYY-MM-DD`."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected a date YYYY-MM-DD, found {text!r}")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no day of the calendar: {error}") from error


def traded_date(text: str) -> dt.date:
    """Read a session that has quotes, or will have this evening."""
    day = calendar_date(text)
    return _usage(lambda: check_traded_session(day, today_in_sao_paulo()))


def session_date(text: str) -> dt.date:
    """Read a session from the command line: `YYYY-MM-DD`, a session, not past the next one."""
    day = calendar_date(text)
    return _usage(lambda: check_requested_session(day, today_in_sao_paulo()))


def levels_year(text: str) -> int:
    """Read a year whose levels can be asked for: `YYYY`."""
    if not re.fullmatch(r"\d{4}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected a year YYYY, found {text!r}")
    return _usage(lambda: check_year(int(text), today_in_sao_paulo()))


def _usage(check: Callable[[], T]) -> T:
    try:
        return check()
    except InvalidInputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


INDEX = option(
    "--index",
    dest="index_code",
    type=index_code,
    default="IBOV",
    metavar="CODE",
    help="default: %(default)s",
)


def check_indices(parameters: dict[str, Any]) -> None:
    """See that the indices are codes, or all of them.

    Raises:
        InvalidInputError: Both.
    """
    read_index_codes(parameters["index_codes"])


INDICES = option(
    "--index",
    dest="index_codes",
    nargs="+",
    type=index_code_or_all,
    default=["IBOV"],
    metavar="CODE",
    help="index codes, or all: what B3 lists now, and what it has published lately (default: IBOV)",
)
FORCE = option(
    "--force", action="store_true", help="refine and publish again, though nothing changed"
)
VERBOSE = option("--verbose", action="store_true", help="show Prefect's log, in place of the steps")


def run_command(
    run: Callable[[], State[Any]],
    *,
    check: Callable[[], object] = load_settings,
    is_verbose: bool = False,
    is_flow: bool = True,
) -> int:
    """Run a flow, print its outcome as the last line, and return the exit code.

    Where the run failed, the reason stands once, at the end of standard error; where a defect was,
    before it.

    Args:
        run: Calls the flow with `return_state=True`.
        check: Looks at what the flow will need, before a server is started for it.
        is_verbose: Whether Prefect's log is shown in place of the story.
        is_flow: Whether it is a flow, which needs a server.
    """
    if not is_verbose:
        show_story()
    leaving.begin()
    before = {each: signal.signal(each, _interrupt) for each in _ENDED_BY}
    try:
        check()
        if is_flow:
            start_temporary_server()
        return _conclude(run())
    except B3PipelineError as problem:
        leaving.say_once(f"failed: {problem}")
        return 1
    except (KeyboardInterrupt, TerminationSignal):
        leaving.say_once(_INTERRUPTED)
        return INTERRUPTED
    except Exception as error:
        gone = find_gone_api(error)
        if gone is None:
            raise
        leaving.say_once(f"failed: {gone}")
        leaving.leave_after(leaving.GONE_SECONDS, 1, "")  # what Prefect has to say waits for it
        return 1
    finally:
        leaving.stay()
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt(_number: int, _frame: object) -> None:
    """End in order, so that nothing is left behind; and for good where that takes too long."""
    leaving.leave_after(leaving.INTERRUPTED_SECONDS, INTERRUPTED, _INTERRUPTED)
    raise KeyboardInterrupt


def _conclude(state: State[Any]) -> int:
    """Print how a run ended, and return the exit code."""
    if state.is_completed():
        # A program gets it in one line; on a terminal it is broken between words.
        message = str(state.message)
        is_terminal = sys.stdout.isatty()
        text = "\n".join(wrap(message, columns(sys.stdout))) if is_terminal else message
        try:
            print(text, flush=True)
        except OSError:  # nobody reads it, or the disk is full: the work is done all the same
            say(message)
            sys.stdout = None  # else Python would try once more as it ends
        return 0
    error = state.result(raise_on_failure=False)
    reason = str(error) if is_expected(error) else str(state.message)
    if isinstance(error, Exception) and error.__traceback__ and not is_expected(error):
        say(describe_defect(error))
    say(f"{(state.name or state.type.value).lower()}: {reason.removeprefix(_OF_PREFECT)}")
    return 1
