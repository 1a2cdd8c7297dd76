"""Who runs a flow dies, or is asked to end: at each kind of call, and at random."""

import itertools
import random
import signal
from collections.abc import Iterator
from functools import partial

from prefect.exceptions import TerminationSignal

from tests.drill.of_aws import ACTIONS, COSTLY, FLOWS
from tests.drill.scene import Scene
from tests.drill.trial import Trial
from tests.protocol.stage import Event, KilledError, Point, after, before

MOST_EVENTS = 300
AT_RANDOM = 3


def nth(number: int) -> Point:
    """The moment of so many calls and steps."""
    events = itertools.count(1)

    def is_there(_event: Event) -> bool:
        return next(events) == number

    return is_there


def die(scene: Scene, flow: str, _times: random.Random, *, at: Point, sure: bool = True) -> None:
    """Kill a flow at a point; one that ends before has survived.

    Raises:
        LookupError: It has ended before, though it is sure to come there: nothing was tried.
    """
    actor = scene.actor(flow)
    if actor.comes_to(at):
        actor.is_killed()
        raise KilledError
    actor.ends()
    if sure:
        raise LookupError(f"{flow} never comes to where it is to be killed")


def be_asked_to_end(scene: Scene, flow: str, _times: random.Random, *, at: Point) -> None:
    """Have a flow get SIGTERM at a point, as Prefect hands it on; it may still clean up."""
    actor = scene.actor(flow)
    actor.loses(at, lambda: TerminationSignal(signal=signal.SIGTERM))
    try:
        actor.ends()
    except TerminationSignal:
        raise KilledError from None


def die_at_random(scene: Scene, flow: str, times: random.Random) -> None:
    """Kill a flow anywhere."""
    die(scene, flow, times, at=nth(times.randrange(1, MOST_EVENTS)), sure=False)


def trials(times: random.Random, *, all_flows: bool) -> Iterator[Trial]:
    """Yield a trial for each side of each kind of call, and some at random.

    To be asked to end at some kinds of call is enough, or at all, before and after.
    """
    asked = set(ACTIONS if all_flows else times.sample(ACTIONS, AT_RANDOM))
    for action in ACTIONS:
        flows = [flow for flow, actions in FLOWS.items() if action in actions]
        sides = (("before", before), ("after", after))
        for side, point in sides if all_flows else [times.choice(sides)]:
            cheap = [flow for flow in flows if flow not in COSTLY] or flows
            for flow in flows if all_flows else [times.choice(cheap)]:
                go = partial(die, at=point(action))
                yield Trial(f"killed {side} {action}", flow, go)
                if action in asked:
                    go = partial(be_asked_to_end, at=point(action))
                    yield Trial(f"SIGTERM {side} {action}", flow, go)
    for flow in FLOWS if all_flows else times.sample(sorted(FLOWS), AT_RANDOM):
        yield Trial("killed at random", flow, die_at_random)
