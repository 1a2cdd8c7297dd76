"""The drill with processes, in short: a flow is asked to end, readers ask all the while."""

import random
import subprocess
from pathlib import Path

import pytest

from tests.drill import real

# tests/e2e/test_killed.py has the others.
KINDS = {"process SIGTERM": real.SHORT["process SIGTERM"]}
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_a_flow_is_asked_to_end_and_nothing_is_lost_doubled_or_half_shown(
    tmp_path: Path, prefect_environment: dict[str, str], flow_processes: "subprocess.Popen[str]"
) -> None:
    found = dict(
        real.try_all(
            tmp_path / "state",
            prefect_environment,
            KINDS,
            random.Random(13),
            on_spark=False,
            flows=flow_processes,
        )
    )
    assert found.keys() == KINDS.keys()
    assert {kind: tally for kind, tally in found.items() if not tally.is_good} == {}
    assert all(tally.looks > 0 for tally in found.values())
