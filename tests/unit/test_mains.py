"""What each command hands to its flow: where nothing is said, both do the same."""

import importlib
import inspect
from typing import Any

import pytest

from tests.deployments.test_prefect_yaml import PROJECT

ENTRYPOINTS = [each["entrypoint"].partition(".py:") for each in PROJECT["deployments"]]
FLOWS = {path.removeprefix("flows/"): function for path, _, function in ENTRYPOINTS}
# What a command cannot do without, and what it becomes.
NEEDED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "import_portfolio": (["a.csv"], {"files": ["a.csv"]}),
    "backfill": (["--stale"], {"stale": True}),
}


def in_order(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("is_verbose", [False, True])
@pytest.mark.parametrize("command", FLOWS)
def test_a_command_without_options_runs_its_flow_as_the_dashboard_would_and_ends_as_it_ends(
    command: str, is_verbose: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"flows.{command}")
    signature = inspect.signature(getattr(module, FLOWS[command]).fn)
    arguments, needed = NEEDED.get(command, ([], {}))
    usual = {name: each.default for name, each in signature.parameters.items()} | needed
    asked: list[dict[str, Any]] = []

    def run_flow(**parameters: Any) -> str:
        asked.append({name: in_order(value) for name, value in parameters.items()})
        return "its state"

    def run_command(run: Any, **how: Any) -> int:
        assert run() == "its state"
        assert how["is_verbose"] is is_verbose
        return 7

    monkeypatch.setattr(module, FLOWS[command], run_flow)
    monkeypatch.setattr(module, "run_command", run_command)
    assert module.main([*arguments, *["--verbose"] * is_verbose]) == 7
    expected = {name: in_order(value) for name, value in usual.items()}
    assert asked == [expected | {"return_state": True}]
