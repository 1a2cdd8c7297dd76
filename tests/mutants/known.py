"""Changes that no test can notice, because nothing is different then: `survivors.txt`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("survivors.txt")
_PARTS = 3


@dataclass(frozen=True)
class Known:
    """A change that makes no difference.

    Attributes:
        path: The file.
        line: The new line, without the spaces around it.
        reason: Why nothing is different.
    """

    path: str
    line: str
    reason: str


def read(text: str) -> list[Known]:
    """Read the list: of each three lines, the file, the new line and the reason; `#` is a remark.

    Raises:
        ValueError: An entry has not all three.
    """
    found = []
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for block in filter(None, (block.strip() for block in kept.split("\n\n"))):
        parts = [part.strip() for part in block.splitlines()]
        if len(parts) != _PARTS:
            raise ValueError(
                f"survivors.txt: expected a file, its new line and a reason on three lines, found "
                f"{len(parts)}: {parts}"
            )
        found.append(Known(*parts))
    return found


def outdated(known: Iterable[Known], lines: Mapping[str, set[str]]) -> list[Known]:
    """Return the entries that fit no change any more.

    Args:
        known: The entries.
        lines: `{file: the new lines that its changes make}`; of other files nothing is said.
    """
    return [each for each in known if each.path in lines and each.line not in lines[each.path]]
