"""What a person sees of a command: its steps and its outcome, in lines that fit."""

import re

import pytest

from infra.local.b3.sessions import SESSIONS
from tests.e2e.cloud import Cloud, Outcome

pytestmark = pytest.mark.e2e

SESSION = SESSIONS[-1]
# What Prefect says for itself, and nobody needs who does not ask for it.
OF_PREFECT = re.compile(
    r"Beginning flow run|Finished in state|Task run .* - |Flow run .* - |Encountered exception"
    r"|temporary server on|anonymous|INFO  "
)
STEP = re.compile(r"\d\d:\d\d:\d\d  \S")
RANGE = ["--start", "2025-08-01", "--end", "2025-08-05"]


def look_at(outcome: Outcome) -> list[str]:
    """The lines that a command has shown; each fits, and none is Prefect's."""
    lines = outcome.shown.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert OF_PREFECT.search(outcome.shown) is None, outcome.shown
    return lines


@pytest.mark.parametrize(
    "command",
    [
        ["portfolio"],
        ["levels"],
        ["backfill", "--dataset", "quotes", *RANGE],
        ["backfill", "--dataset", "quotes", *RANGE, "--dry-run"],
        ["freshness", "--dataset", "portfolio", "--trading-date", str(SESSION)],
        ["vacuum"],
    ],
    ids=" ".join,
)
def test_a_command_shows_its_steps_and_its_outcome_in_lines_that_fit(
    cloud: Cloud, command: list[str]
) -> None:
    outcome = cloud.run_flow(*command)
    assert outcome.code == 0, outcome.error
    is_one_line = len(outcome.last_line) > 80  # programs read it: it is not broken for width
    shown = outcome.shown.removesuffix(f"{outcome.last_line}\n") if is_one_line else outcome.shown
    lines = look_at(Outcome(0, "", outcome.error, shown))
    if command == ["portfolio"]:
        assert lines[-1].startswith(f"published IBOV {SESSION}, run ")
        assert len([line for line in lines if STEP.match(line)]) >= 3
    if command == ["backfill", "--dataset", "quotes", *RANGE]:
        assert any(re.search(r"  \d of 3 files asked for$", line) for line in lines)
        assert any(line.endswith("  1 of 1 month published, 3 of 3 sessions") for line in lines)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["portfolio", "--trading-date", "2025-07-01"], "Expected B3 to show IBOV of 2025-07-01"),
        (["portfolio", "--index", "SMAL"], "B3 publishes no portfolio for SMAL"),
        (["freshness", "--dataset", "quotes", "--trading-date", "2025-07-01"], "1 missing"),
        (["import_portfolio", "/no/such/file.csv"], "/no/such/file.csv"),
    ],
)
def test_the_reason_of_a_failure_stands_once_and_last(
    cloud: Cloud, command: list[str], reason: str
) -> None:
    outcome = cloud.run_flow(*command)
    assert outcome.code == 1
    look_at(outcome)
    whole = " ".join(outcome.error.split())
    assert whole.count(reason) == 1
    _, failed, told = whole.rpartition("failed: ")
    assert failed
    assert reason in told
    assert "Traceback" not in whole


def test_a_retry_is_told_in_short(cloud: Cloud) -> None:
    cloud.misbehave("http_520", times=1)
    outcome = cloud.run_portfolio("--trading-date", "2025-07-01", "--index", "IDIV")
    look_at(outcome)
    assert outcome.error.count(" IDIV: attempt 1 of 6 failed, again in ") == 1


def test_verbose_brings_prefects_log_in_place_of_the_steps(cloud: Cloud) -> None:
    outcome = cloud.run_portfolio("--index", "SMLL", "--verbose")
    assert outcome.code == 0
    assert "Beginning flow run 'SMLL latest' for flow 'daily-portfolio'" in outcome.error
    assert "Task run 'check SMLL' - SMLL 2025-" in outcome.error
    assert not any(STEP.match(line) for line in outcome.shown.splitlines())
