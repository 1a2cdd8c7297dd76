"""Whether landing keeps what a raw object was read from, as far as its keys tell.

```
landing/portfolio/received=2025-08-04/IBOV/<sha256>.json.gz    an answer, by the day it came
landing/portfolio/received=2025-09-01/IBOV/<sha256>.csv.gz     a saved file: of any session
landing/portfolio_preview/session=2025-08-04/IBOV.json         which answers raw was read from
landing/quotes/COTAHIST_D04082025.ZIP/<sha256>.zip             B3's file, by its name
```
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tasks.core.exchange import day_in_sao_paulo
from tasks.core.vacuum import StoredObject

_RECEIVED, _SESSION = "received=", "session="


@dataclass
class Kept:
    """What landing keeps of a raw table; no object itself is held.

    Attributes:
        answers: `{what was asked for: the days on which an answer came}`: by its folder, and by
            when it was written, which is another day where it was restored.
        files: What saved files were of.
        notes: `(session, name)` of the notes on what raw was read from.
        folders: B3's files that are there, by their names.
    """

    answers: dict[str, set[dt.date]] = field(default_factory=lambda: defaultdict(set))
    files: set[str] = field(default_factory=set)
    notes: set[tuple[str, str]] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


IsKept = Callable[[Kept, dt.date, str, dt.date], bool]
"""Says of a session and the name of a raw object, and of the day in São Paulo on which that came
which it was read from, whether landing keeps it."""


def gather(prefix: str, objects: Iterable[StoredObject]) -> Kept:
    """Return what landing keeps of a raw table.

    Args:
        prefix: The table's prefix in landing.
        objects: What lies there. A key of no known form counts for nothing.
    """
    kept = Kept()
    for each in objects:
        folder, _, rest = each.key.removeprefix(prefix).partition("/")
        name, _, file = rest.partition("/")
        if folder.startswith(_RECEIVED) and file.endswith(".csv.gz"):
            kept.files.add(name)
        elif file and (day := _day_of(folder)):
            kept.answers[name] |= {day, day_in_sao_paulo(each.modified_at)}
        elif folder.startswith(_SESSION):
            kept.notes.add((folder.removeprefix(_SESSION), name.removesuffix(".json")))
        elif name.endswith(".zip"):
            kept.folders.add(folder)
    return kept


def _day_of(folder: str) -> dt.date | None:
    """Return on which day the answers in a folder came; None where it is for other things."""
    if not folder.startswith(_RECEIVED):
        return None
    try:
        return dt.date.fromisoformat(folder.removeprefix(_RECEIVED))
    except ValueError:
        return None


def was_shown(kept: Kept, _trading_date: dt.date, name: str, came_on: dt.date) -> bool:
    """Return whether an answer of that day is there, or a file of whatever session."""
    return name in kept.files or came_on in kept.answers.get(name, ())


def was_noted(kept: Kept, trading_date: dt.date, name: str, came_on: dt.date) -> bool:
    """Return whether it is noted what raw was read from, and that is there as far as days tell."""
    is_noted = (str(trading_date), name) in kept.notes
    return is_noted and was_shown(kept, trading_date, name, came_on)


def was_answered(kept: Kept, trading_date: dt.date, name: str, _came_on: dt.date) -> bool:
    """Return whether an answer about the whole year came."""
    return f"{name}-{trading_date.year:04}" in kept.answers
