"""The drill's short form: every kind of fault once, with a fixed seed."""

import pytest

from tests.drill.__main__ import SEED, run
from tests.drill.table import render


@pytest.mark.timeout(900)
def test_nothing_is_lost_doubled_or_half_shown() -> None:
    tallies = run(SEED, 0, [])
    print(render(tallies, SEED))
    assert len(tallies) >= 60
    assert {kind: tally.said for kind, tally in tallies.items() if not tally.is_good} == {}
