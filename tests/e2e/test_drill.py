"""The drill with processes, in short: flows and the whole cloud die, readers ask all the while."""

import random
from pathlib import Path

import pytest

from tests.drill import real

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_processes_and_the_cloud_die_and_nothing_is_lost_doubled_or_half_shown(
    tmp_path: Path, prefect_environment: dict[str, str]
) -> None:
    found = dict(
        real.try_all(
            tmp_path / "state", prefect_environment, real.SHORT, random.Random(13), on_spark=False
        )
    )
    assert found.keys() == {"process SIGKILL", "process SIGTERM", real.CLOUD}
    assert {kind: tally for kind, tally in found.items() if not tally.is_good} == {}
    assert all(tally.looks > 0 for tally in found.values())
