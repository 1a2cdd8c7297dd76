import argparse
import datetime as dt
import io
import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Crashed, Failed

import flows.command
from flows import leaving, portfolio
from flows.command import option, parse, run_command
from tasks.core.errors import BadDataError, InvalidInputError, NotConfiguredError
from tests.portfolios import FRIDAY

Exit = Callable[..., tuple[int, str]]
TODAY = flows.command.today_in_sao_paulo


@pytest.fixture(autouse=True)
def on_a_friday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.command, "today_in_sao_paulo", lambda: FRIDAY)


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("B3_LAKE_BUCKET", "B3_DATABASE", "B3_GLUE_JOB"):
        monkeypatch.setenv(name, "b3-lake" if name == "B3_LAKE_BUCKET" else "b3")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        yield


@pytest.fixture
def refuse(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Call the command, expect wrong usage before any connection, and return what it said."""

    def connect(*arguments: Any) -> None:
        raise AssertionError(f"nothing may be connected to before usage is checked: {arguments}")

    def call(*arguments: str) -> str:
        monkeypatch.setattr(socket.socket, "connect", connect)
        monkeypatch.setattr(portfolio, "daily_portfolio", connect)
        with pytest.raises(SystemExit) as ended:
            portfolio.main([*arguments])
        assert ended.value.code == 2
        return " ".join(capsys.readouterr().err.split())

    return call


@pytest.mark.parametrize(
    ("date", "said"),
    [
        pytest.param(
            "2025-07-26",
            "2025-07-26 (Saturday) is no session of B3. "
            "The nearest sessions are 2025-07-25 and 2025-07-28.",
            id="a-saturday",
        ),
        pytest.param(
            "2024-11-20",
            "The nearest sessions are 2024-11-19 and 2024-11-21.",
            id="a-holiday",
        ),
        pytest.param(
            "2025-08-05",
            "2025-08-05 lies past the next session. "
            "On 2025-08-01 the nearest sessions are 2025-08-01 and 2025-08-04.",
            id="too-late",
        ),
        pytest.param(
            "9999-12-31", "the nearest sessions are 2025-08-01 and 2025-08-04", id="far-too-late"
        ),
        pytest.param(
            "1986-01-01", "The nearest sessions are 1985-12-30 and 1986-01-02", id="first-day"
        ),
        pytest.param("1980-01-02", "B3's data starts in 1986; found 1980-01-02", id="too-early"),
        pytest.param("2025-02-30", "2025-02-30 is no day of the calendar", id="impossible"),
        pytest.param("2025-13-01", "2025-13-01 is no day of the calendar", id="month-13"),
        pytest.param("0000-01-01", "0000-01-01 is no day of the calendar", id="year-0"),
        pytest.param("01/08/2025", "expected a date YYYY-MM-DD, found '01/08/2025'", id="slashes"),
        pytest.param("20250801", "expected a date YYYY-MM-DD, found '20250801'", id="no-dashes"),
        pytest.param("2025-8-1", "expected a date YYYY-MM-DD, found '2025-8-1'", id="short"),
        pytest.param("today", "expected a date YYYY-MM-DD, found 'today'", id="a-word"),
        pytest.param("", "expected a date YYYY-MM-DD, found ''", id="empty"),
    ],
)
def test_a_date_that_cannot_be_is_wrong_usage(
    refuse: Callable[..., str], date: str, said: str
) -> None:
    message = refuse("--trading-date", date)
    assert "argument --trading-date: " in message
    assert said in message


@pytest.mark.parametrize("code", ["IB-V", "IBO", "IBOVESP", "../IBOV", "IB OV", "\u0131bov", ""])
@pytest.mark.parametrize("before", [[], ["IBXX"]], ids=["alone", "beside-another"])
def test_a_bad_index_code_is_wrong_usage(
    refuse: Callable[..., str], before: list[str], code: str
) -> None:
    message = refuse("--index", *before, code)
    said = "An index code is 4 to 6 letters and digits, such as IBOV"
    assert f"argument --index: {said}; found {code!r}" in message


@pytest.mark.parametrize("codes", [["IBOV", "all"], ["all", "IBOV"]])
def test_all_indices_and_one_are_wrong_usage(refuse: Callable[..., str], codes: list[str]) -> None:
    said = f"Expected index codes or 'all', found both: {', '.join(codes)}."
    assert said in refuse("--index", *codes)


def test_no_index_is_wrong_usage(refuse: Callable[..., str]) -> None:
    assert "argument --index: expected at least one argument" in refuse("--index")


def test_an_unknown_option_is_wrong_usage(refuse: Callable[..., str]) -> None:
    assert "unrecognized arguments: --wrong" in refuse("--wrong")


def test_parameters_that_do_not_go_together_are_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = [option("--first", type=int, default=1), option("--last", type=int, default=2)]

    def check(given: dict[str, Any]) -> None:
        if given["first"] > given["last"]:
            raise InvalidInputError(f"Expected a range, found {given['first']} to {given['last']}.")

    doc = "What it does.\n\nAnd more."
    given = parse("flows.x", doc, options, [], ["--last", "3", "--verbose"], check=check)
    assert given == ({"first": 1, "last": 3}, True)
    given = parse("flows.x", doc, options, [], [], check=check, is_flow=False)
    assert given == ({"first": 1, "last": 2}, False)
    with pytest.raises(SystemExit) as ended:
        parse("flows.x", doc, options, [], ["--first", "3"], check=check)
    assert ended.value.code == 2
    assert "flows.x: error: Expected a range, found 3 to 2." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"trading_date": None, "index_codes": ["IBOV"], "force": False}),
        (
            ["--trading-date", "2025-08-01", "--index", "IBXX", "--force"],
            {"trading_date": FRIDAY, "index_codes": ["IBXX"], "force": True},
        ),
        (
            ["--index", "smll", "IBXL50"],
            {"trading_date": None, "index_codes": ["SMLL", "IBXL50"], "force": False},
        ),
        (
            ["--index", "All"],
            {"trading_date": None, "index_codes": ["all"], "force": False},
        ),
    ],
)
def test_options_become_the_parameters_of_the_flow(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: dict[str, Any]
) -> None:
    asked: list[dict[str, Any]] = []

    def run(**parameters: Any) -> Any:
        asked.append(parameters)
        return Completed(message="published IBOV 2025-08-01")

    monkeypatch.setattr(portfolio, "daily_portfolio", run)
    assert portfolio.main(arguments) == 0
    assert asked == [expected | {"return_state": True}]


@pytest.mark.parametrize(
    ("read", "text", "found"),
    [
        (flows.command.traded_date, "2025-08-01", FRIDAY),
        (
            flows.command.traded_date,
            "1992-06-14",
            dt.date(1992, 6, 14),
        ),  # a Sunday may have been one
        (flows.command.levels_year, "2025", 2025),
        (flows.command.levels_year, "1986", 1986),
        (flows.command.index_code, "ibov", "IBOV"),
        (flows.command.index_code_or_all, "ALL", "all"),
        (flows.command.session_date, "2025-08-04", dt.date(2025, 8, 4)),
    ],
)
def test_what_is_given_is_read(read: Callable[[str], Any], text: str, found: object) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (flows.command.traded_date, "2025-08-04", "2025-08-04"),
        (flows.command.traded_date, "1985-12-30", "1985-12-30"),
        (flows.command.levels_year, "25", "expected a year YYYY, found '25'"),
        (flows.command.levels_year, "20255", "expected a year YYYY, found '20255'"),
        (flows.command.levels_year, "\u0662\u0660\u0662\u0665", "expected a year YYYY"),
        (flows.command.levels_year, "0", "expected a year YYYY, found '0'"),
        (flows.command.levels_year, "0000", "from 1986 to 2025, found 0"),
        (flows.command.levels_year, "1985", "1985"),
        (flows.command.levels_year, "2026", "2026"),
    ],
)
def test_what_cannot_be_is_named(read: Callable[[str], Any], text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(said)):
        read(text)


def test_the_day_is_that_of_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> "Clock":
            return cls(2025, 8, 2, 2, 59, tzinfo=dt.UTC).astimezone(tz)

    monkeypatch.setattr(flows.command, "dt", SimpleNamespace(datetime=Clock, date=dt.date))
    assert flows.command.now_in_sao_paulo().isoformat() == "2025-08-01T23:59:00-03:00"
    assert TODAY() == FRIDAY


@pytest.mark.parametrize("message", ["published IBOV 2025-08-01", "up to date IBOV 2025-08-01"])
def test_the_outcome_is_the_last_line_on_standard_output(
    capsys: pytest.CaptureFixture[str], message: str
) -> None:
    assert run_command(lambda: Completed(message=message)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == message


def test_a_run_that_failed_on_purpose_says_why_and_exits_with_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = BadDataError("IBOV failed 1 check.\n  sum: expected 1; found 2")
    assert run_command(lambda: Failed(data=error, message="Flow run …")) == 1
    told = capsys.readouterr()
    assert told.err == f"failed: {error}\n"
    assert told.out == ""


@pytest.mark.parametrize(
    "state",
    [
        Failed(data=RuntimeError("boom"), message="Flow run encountered an exception: boom"),
        Crashed(data=RuntimeError("boom"), message="Execution was interrupted: boom"),
    ],
)
def test_any_other_failure_is_told_by_its_state_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], state: Any
) -> None:
    assert run_command(lambda: state) == 1
    reason = state.message.removeprefix("Flow run encountered an exception: ")
    assert capsys.readouterr().err.splitlines()[-1] == f"{state.name.lower()}: {reason}"


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error):
        return error


@pytest.mark.parametrize(
    ("error", "is_shown"), [(BadDataError("wrong"), False), (RuntimeError("boom"), True)]
)
def test_the_terminal_shows_where_a_defect_was_and_no_more(
    capsys: pytest.CaptureFixture[str], error: Exception, is_shown: bool
) -> None:
    message = f"Flow run encountered an exception: {type(error).__name__}: {error}"
    assert run_command(lambda: Failed(data=raised(error), message=message)) == 1
    told = capsys.readouterr().err
    assert ("test_command.py" in told) == is_shown
    assert told.splitlines()[-1] == f"failed: {'RuntimeError: ' if is_shown else ''}{error}"


def test_a_reason_without_an_error_is_that_of_the_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command(lambda: Failed(message="B3 shows\n  another session")) == 1
    assert capsys.readouterr().err == "failed: B3 shows\n  another session\n"


def test_a_long_reason_is_broken_and_nothing_of_it_is_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = BadDataError(f"{'word ' * 40}end\n  first: {'more ' * 40}end")
    assert run_command(lambda: Failed(data=error, message="")) == 1
    told = capsys.readouterr().err
    assert max(map(len, told.splitlines())) <= 80
    assert told.split() == f"failed: {error}".split()


@pytest.mark.parametrize("is_verbose", [None, False, True])
def test_the_steps_stand_in_place_of_prefects_log_unless_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_verbose: bool | None
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", log)
    console = logging.StreamHandler(log)
    monkeypatch.setattr(logging.getLogger(), "handlers", [console])

    def run() -> Any:
        logging.getLogger("steps").warning("a step")
        return Completed(message="published")

    how: dict[str, Any] = {} if is_verbose is None else {"is_verbose": is_verbose}
    assert run_command(run, **how) == 0
    assert ("a step" in log.getvalue()) == bool(is_verbose)
    assert ("warning: a step" in capsys.readouterr().err) != bool(is_verbose)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_says_so_in_one_line_and_exits_with_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    patience: list[float] = []
    monkeypatch.setattr(leaving, "leave_after", lambda seconds, *_: patience.append(seconds))
    before = signal.getsignal(number)

    def run() -> Any:
        signal.raise_signal(number)

    assert run_command(run) == 130
    told = capsys.readouterr()
    assert told.err == "interrupted: run the command again; it goes on from there\n"
    assert told.out == ""
    assert signal.getsignal(number) is before
    assert patience == [10]


def test_an_interrupted_run_that_does_not_end_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[object] = []
    has_left = threading.Event()

    def leave(code: int) -> None:
        left.append(code)
        has_left.set()

    monkeypatch.setattr(leaving, "INTERRUPTED_SECONDS", 0.01)
    monkeypatch.setattr(leaving, "stop_temporary_server", lambda: left.append("server"))
    monkeypatch.setattr(os, "_exit", leave)

    def run() -> Any:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            assert has_left.wait(60)  # as a step in another thread may take
            raise

    assert run_command(run) == 130
    assert left == ["server", 130]
    assert capsys.readouterr().err.count("interrupted") == 1


def test_a_run_whose_api_is_gone_says_so_and_has_a_minute_to_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[tuple[object, ...]] = []
    monkeypatch.setattr(leaving, "leave_after", lambda *how: left.append(how))

    def run() -> Any:
        raise httpx.ConnectError("refused")

    assert run_command(run) == 1
    assert left == [(60.0, 1, "")]
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith("failed: Expected Prefect's API at http://127.0.0.1:9/api to take")


def test_a_mistake_in_the_code_goes_through() -> None:
    def run() -> Any:
        raise KeyError("a mistake")

    with pytest.raises(KeyError, match="a mistake"):
        run_command(run)


def test_nothing_that_has_ended_waits_for_being_left() -> None:
    timer = leaving.leave_after(600.0, 1, "")
    timer.cancel()
    assert timer.daemon


class Full(io.StringIO):
    """Standard output on a disk that is full: what is written is refused when it is to go there."""

    def flush(self) -> None:
        raise OSError("No space left on device")


def test_an_outcome_that_cannot_be_written_is_told_on_the_other_side(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    assert run_command(lambda: Completed(message="published IBOV")) == 0
    assert sys.stdout is None
    assert capsys.readouterr().err == "published IBOV\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_an_outcome_is_broken_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", out)
    message = "published " + "IBOV " * 30 + "end"
    assert run_command(lambda: Completed(message=message)) == 0
    lines = out.getvalue().splitlines()
    assert len(lines) == (3 if is_terminal else 1)
    assert " ".join(out.getvalue().split()) == message


@pytest.mark.parametrize("error", [NotConfiguredError("no bucket"), BadDataError("bad")])
def test_a_run_that_cannot_begin_says_why_and_begins_nothing(
    capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def check() -> None:
        raise error

    assert run_command(lambda: pytest.fail("it ran"), check=check) == 1
    assert capsys.readouterr().err == f"failed: {error}\n"
