"""What goes wrong with B3: every fault of the replay, once or until the flow has ended."""

import random
from collections.abc import Iterator
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
# Answers that are whole, and wrong: what B3 shows is what readers see until it shows another.
BELIEVED = ("swapped_date", "zero_weight")
FLOWS = ("portfolio", "levels", "quotes")


def misbehave(
    scene: Scene, flow: str, _times: random.Random, *, fault: str, often: int | None
) -> None:
    """Run a flow while B3 misbehaves."""
    if fault in BELIEVED:
        scene.expect()
    scene.replay.misbehave(fault, often, **OPTIONS)
    scene.run(flow)


def trials(times: random.Random, *, all_flows: bool) -> Iterator[Trial]:
    """Yield a trial for each fault, of one flow or of all that ask B3."""
    for fault, made in FAULTS.items():
        # What changes a portfolio is nothing to other answers.
        flows = FLOWS[:2] if made.content is NO_FAULT.content else FLOWS[:1]
        for flow in FLOWS if all_flows else flows[-1:]:
            often = times.choice((1, 1, None)) if all_flows else 1
            go = partial(misbehave, fault=fault, often=often)
            yield Trial(f"B3 {fault}", flow, go)
