"""Flows that work at the same moment: one waits anywhere while the other does its work."""

import random
from collections.abc import Iterator
from functools import partial

from tests.drill.processes import nth
from tests.drill.scene import Scene
from tests.drill.trial import Trial

MOST_EVENTS = 100
# `{what the table says: (what the lake was prepared for, who begins, who comes in between)}`;
# whoever is first to bring the rows, in the end they are those that the prepared flow brings.
PAIRS: dict[str, tuple[str, str, str]] = {
    "two dailies": ("portfolio", "portfolio", "portfolio"),
    "two of quotes": ("quotes", "quotes", "quotes"),
    "daily and backfill": ("quotes", "quotes", "backfill"),
    "backfill and daily": ("backfill", "backfill", "quotes"),
    "forced and plain": ("portfolio", "revision", "portfolio"),
    "plain and forced": ("portfolio", "portfolio", "revision"),
    "vacuum and daily": ("marking", "portfolio", "removing"),
    "vacuum and forced": ("removing", "revision", "removing"),
    "vacuum and quotes": ("quotes", "quotes", "removing"),
    "vacuum and levels": ("levels", "levels", "removing"),
    "vacuum and import": ("import", "import", "removing"),
    "vacuum and backfill": ("backfill", "backfill", "removing"),
    "two reconciliations": ("reconcile", "reconcile", "reconcile"),
    "reconcile and quotes": ("reconcile", "reconcile", "quotes"),
    "vacuum and reconcile": ("reconcile", "reconcile", "removing"),
    "two vacuums": ("removing", "removing", "removing"),
    "repair and daily": ("portfolio", "portfolio", "repair"),
    "repair and quotes": ("quotes", "quotes", "repair"),
    "repair and backfill": ("backfill", "backfill", "repair"),
    "repair and levels": ("levels", "levels", "repair"),
    "repair and vacuum": ("removing", "removing", "repair"),
    "repair and forced": ("removing", "revision", "repair"),
    "repair and import": ("import", "import", "repair"),
    "repair and reconcile": ("reconcile", "reconcile", "repair"),
    "two repairs": ("marking", "repair", "repair"),
}


def meet(scene: Scene, _flow: str, times: random.Random, *, first: str, second: str) -> None:
    """Let one flow wait anywhere, the other too, and both go on to their ends."""
    held, between = scene.actor(first), scene.actor(second)
    if held.comes_to(nth(times.randrange(1, MOST_EVENTS))) and times.random() < 0.5:
        between.comes_to(nth(times.randrange(1, MOST_EVENTS)))
        held, between = between, held
    try:
        between.ends()
    finally:  # whoever came first goes on, whatever became of the other
        held.ends()


def trials(_times: random.Random, *, all_flows: bool) -> Iterator[Trial]:
    """Yield a trial for each pair, or three."""
    for kind, (flow, first, second) in PAIRS.items():
        for _ in range(3 if all_flows else 1):
            yield Trial(f"together: {kind}", flow, partial(meet, first=first, second=second))
