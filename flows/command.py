"""What the flows' command lines share: options, the way to run, outcome, exit codes.

Exit codes: 0 published or up to date, 1 the run failed, 2 wrong usage.
"""

import argparse
import datetime as dt
import logging
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from prefect.client.schemas.objects import State

from flows.settings import load_settings
from flows.temporary_server import start_temporary_server
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


def option(flag: str, **how: Any) -> Option:
    """Return an option of a command, as data: its flag, and what argparse is to know of it.

    Its name, or its `dest`, is that of the flow's parameter.
    """
    return flag, how


def parse(
    module: str,
    doc: str,
    options: Iterable[Option],
    argv: list[str] | None,
    *,
    check: Callable[[dict[str, Any]], object] = lambda _parameters: None,
) -> dict[str, Any]:
    """Read a command line into the parameters of a flow; wrong usage ends the program.

    Args:
        module: The module of the command, e.g. `flows.portfolio`.
        doc: Its docstring, which begins with what the command does.
        options: Its options.
        argv: The arguments; None for those of this program.
        check: Looks at all of the parameters together.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=doc.split("\n")[0])
    for flag, how in options:
        parser.add_argument(flag, **how)
    parameters = vars(parser.parse_args(argv))
    try:
        check(parameters)
    except InvalidInputError as error:
        parser.error(str(error))
    return parameters


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


class _WithoutTracebacks(logging.Filter):
    """Leaves the traceback out of errors that were raised on purpose: their message says it all."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, B3PipelineError):
            record.exc_info = record.exc_text = None
        return True


def run_command(
    run: Callable[[], State[Any]], *, check: Callable[[], object] = load_settings
) -> int:
    """Run a flow, print its outcome as the last line, and return the exit code.

    The terminal shows no traceback of an error that was raised on purpose; the dashboard does.

    Args:
        run: Calls the flow with `return_state=True`.
        check: Looks at what the flow will need, before a server is started for it.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(_WithoutTracebacks())
    try:
        check()
        start_temporary_server()
    except B3PipelineError as problem:
        print(f"failed: {problem}", file=sys.stderr)
        return 1
    state = run()
    if state.is_completed():
        print(state.message)
        return 0
    error = state.result(raise_on_failure=False)
    reason = error if isinstance(error, B3PipelineError) else state.message
    print(f"{(state.name or state.type.value).lower()}: {reason}", file=sys.stderr)
    return 1
