"""What goes wrong with AWS: each kind of call that a flow makes, each kind of fault."""

import itertools
import random
from collections.abc import Iterator
from functools import partial

from tests.drill.scene import BEFORE_FLOW, Scene
from tests.drill.trial import Trial
from tests.drill.wire import BATCHES, CODES
from tests.protocol.test_faults import CALLS
from tests.protocol.wire import KINDS, Fault

LONG = 300  # calls: more than anybody tries, but for who waits for Glue
# A single one is fatal: nobody asks again who was told that he may not.
FAULTS = (
    *(kind for kind in CODES if kind not in ("busy for ever", "vanished")),
    *(kind for kind in KINDS if kind not in CODES),
    "corrupted",
)
FLOWS = {flow: actions for flow, actions in CALLS.items() if flow in BEFORE_FLOW} | {
    # Readers see their month already.
    **dict.fromkeys(("portfolio", "import"), CALLS["revision"]),
    "reconcile": CALLS["quotes"],
    "repair": [*CALLS["removing"][:-1], "glue:CreatePartition", "glue:UpdatePartition"],
}
COSTLY = ("portfolio", "revision")  # they ask B3 and Glue for more than others
CALLS_A_FAULT = 1
REFUSED = "a part refused"
ACTIONS = sorted({action for actions in FLOWS.values() for action in actions})

CELLS = [
    *((kind, action) for action in ACTIONS for kind in FAULTS),
    *((REFUSED, action) for action in BATCHES),
]


def fail(scene: Scene, flow: str, _times: random.Random, *, fault: Fault) -> None:
    """Run a flow with a fault on the wire.

    Raises:
        LookupError: The flow has ended well, and has never asked for that: nothing was tried.
    """
    met = Fault(fault.action, fault.kind, fault.times)
    scene.wire.faults.append(met)
    scene.run(flow)
    if met.times == fault.times:
        raise LookupError(f"{flow} asks for no {fault.action}")


def trials(times: random.Random, *, all_flows: bool) -> Iterator[Trial]:
    """Yield a trial for each fault and some kinds of call, of one flow; or for all, of all flows.

    Each fault happens once, or lasts longer than any step tries.
    """
    for kind, action in CELLS if all_flows else _some(times):
        flows = [flow for flow, actions in FLOWS.items() if action in actions]
        cheap = [flow for flow in flows if flow not in COSTLY] or flows
        for flow in flows if all_flows else [times.choice(cheap)]:
            fault = Fault(action, kind, times.choice((1, 1, LONG)))
            yield Trial(f"{action} {kind}", flow, partial(fail, fault=fault))


def _some(times: random.Random) -> Iterator[tuple[str, str]]:
    """Yield each fault with some kinds of call, so that each kind of call has its share."""
    actions = itertools.chain.from_iterable(
        times.sample(ACTIONS, len(ACTIONS)) for _ in itertools.count()
    )
    for kind in FAULTS:
        yield from ((kind, next(actions)) for _ in range(CALLS_A_FAULT))
    yield from ((REFUSED, action) for action in BATCHES)
