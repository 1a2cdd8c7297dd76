"""`docs/OPERATIONS.md` has an entry for every error, alarm, automation and finding."""

import inspect
import re
from collections.abc import Iterable
from uuid import UUID

import pytest

from deployments.automations import TAG, automations
from tasks.core import errors
from tasks.core.errors import B3PipelineError
from tasks.core.findings import KINDS
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
TERRAFORM = "\n".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "infra" / "terraform").rglob("*.tf")
)
# The rule on failed Glue runs is no alarm of CloudWatch's, and tells in the same way.
GLUE_FAILURES = "glue failures"


def entries(text: str = PAGE) -> set[str]:
    """What stands in the first cell of a row of any table: as it is, and what it has in quotes."""
    cells = re.findall(r"^\| ([^|]+) \|", text, re.M)
    quoted = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    return quoted | {cell.lower() for cell in cells}


def error_classes() -> set[str]:
    return {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, B3PipelineError) and kind is not B3PipelineError
    }


def alarms() -> set[str]:
    named = re.findall(r'resource "aws_cloudwatch_metric_alarm" "(\w+)"', TERRAFORM)
    return {name.replace("_", " ") for name in named} | {GLUE_FAILURES}


def automation_names() -> set[str]:
    return {each.name.removeprefix(f"{TAG}: ") for each in automations(UUID(int=1))}


def without_entry(names: Iterable[str], text: str = PAGE) -> list[str]:
    return sorted(set(names) - entries(text))


@pytest.mark.parametrize(
    "names",
    [error_classes(), alarms(), automation_names(), set(KINDS)],
    ids=["errors", "alarms", "automations", "findings"],
)
def test_each_has_an_entry(names: set[str]) -> None:
    assert len(names) >= 3
    assert without_entry(names) == []


def test_the_rule_on_failed_glue_runs_is_there() -> None:
    assert re.search(r'resource "aws_cloudwatch_event_rule" "\w*glue\w*"', TERRAFORM)


def test_what_has_no_entry_is_found() -> None:
    assert without_entry({"BadDataError", "DrownedError"}) == ["DrownedError"]
    page = PAGE.replace("| `raw lost` |", "| |")
    assert without_entry(KINDS, page) == ["raw lost"]
