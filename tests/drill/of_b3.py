"""What goes wrong with B3: every fault of the replay, once or until the flow has ended."""

import random
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from infra.local.b3.faults import FAULTS, NO_FAULT
from tests.drill.scene import ATTEMPT_SECONDS, Scene
from tests.drill.trial import Trial

# What lasts longer than anybody waits, and is larger than anybody reads.
OPTIONS: dict[str, Any] = {
    "delay_seconds": 60.0,
    "pause_seconds": ATTEMPT_SECONDS / 2,
    "retry_after_seconds": 1,
    "size_bytes": 64 * 2**20,
}
# An answer that is whole, and wrong: readers see it until B3 shows another.
BELIEVED = "zero_weight"
# Of quotes, whose larger files bring other sessions too, in tests/tasks/test_download_quotes.py.
FLOWS = ("levels", "portfolio", "dated")


def misbehave(
    scene: Scene, flow: str, _times: random.Random, *, fault: str, often: int | None
) -> None:
    """Run a flow while B3 misbehaves."""
    scene.replay.misbehave(fault, often, **OPTIONS)
    if fault == BELIEVED:
        scene.expect()
        scene.run(flow)
        scene.replay.behave()
    scene.run(flow)


def trials(times: random.Random, *, all_flows: bool) -> Iterator[Trial]:
    """Yield a trial for each fault, of one flow or of all that ask B3."""
    for fault, made in FAULTS.items():
        if fault == BELIEVED:
            flows: Sequence[str] = FLOWS[1:2]
        elif made.content is NO_FAULT.content:  # it can happen to whatever is asked for
            flows = FLOWS if all_flows else FLOWS[:1]
        else:
            flows = FLOWS[2:]
        for flow in flows:
            often = times.choice((1, 1, None))
            yield Trial(f"B3 {fault}", flow, partial(misbehave, fault=fault, often=often))
