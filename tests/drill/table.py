"""The drill's table."""

from collections.abc import Mapping

from tests.drill.judge import Tally

_COLUMNS = (
    ("times", "times"),
    ("survived", "survived"),
    ("failed, healed", "healed"),
    ("untyped", "untyped"),
    ("lost", "lost"),
    ("doubled", "doubled"),
    ("half-shown", "half_shown"),
    ("Glue wasted", "wasted"),
)


def render(tallies: Mapping[str, Tally], seed: int) -> str:
    """Return the table: a line a kind of fault, their sum, and what was wrong."""
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    width = max(map(len, ["fault", *tallies]))
    head = "  ".join(title for title, _ in _COLUMNS)
    lines = [f"{'fault':{width}}  {head}"]
    lines += [_line(name, tally, width) for name, tally in tallies.items()]
    lines += [_line("all", total, width), *total.said]
    kinds = f"{len(tallies)} kinds, {total.times} trials, {total.looks} looks of readers"
    return "\n".join([*lines, f"{kinds}, seed {seed}"])


def _line(name: str, tally: Tally, width: int) -> str:
    cells = [f"{getattr(tally, field):>{len(title)}}" for title, field in _COLUMNS]
    return f"{name:{width}}  {'  '.join(cells)}"
