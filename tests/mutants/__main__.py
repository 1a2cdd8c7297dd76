"""Make one small change to the code at a time, and see whether the tests notice; see `--help`."""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants import known, of_python
from tests.mutants.areas import AREAS, NAMES, tests_of
from tests.mutants.change import Change
from tests.mutants.table import Tally, render
from tests.mutants.trial import TreeFailsError, Trial, copy_tree

ROOT = Path(__file__).parents[2]
SEED = 13
COUNT = 50


def possible(root: Path, files: set[str], name: str, only: Sequence[str] = ()) -> list[Change]:
    """Return every change of an area, in the order of its files.

    Args:
        root: The tree.
        files: Its files.
        name: The area.
        only: Words; files are left out whose path holds none of them.
    """
    changes: list[Change] = []
    for area in AREAS:
        for path in sorted(filter(area.holds, files)):
            if area.name == name and (not only or any(word in path for word in only)):
                changes += area.changes(path, (root / path).read_bytes())
    return list(dict.fromkeys(changes))


def draw(changes: list[Change], root: Path, seed: str, count: int) -> list[Change]:
    """Draw changes: first the kind, then one of it, so that rare kinds are among them."""
    chance = random.Random(seed)
    kinds: dict[str, list[Change]] = {}
    for change in changes:
        kinds.setdefault(change.kind, []).append(change)
    drawn: list[Change] = []
    while kinds and len(drawn) < count:
        kind = chance.choice(sorted(kinds))
        change = kinds[kind].pop(chance.randrange(len(kinds[kind])))
        if not kinds[kind]:
            del kinds[kind]
        if _is_valid(change, root):
            drawn.append(change)
    return sorted(drawn, key=lambda change: (change.path, change.start))


def _is_valid(change: Change, root: Path) -> bool:
    if not change.path.endswith(".py"):
        return True
    return of_python.is_valid(change, (root / change.path).read_bytes())


def try_area(
    trial: Trial, name: str, drawn: list[Change], files: set[str], listed: list[known.Known]
) -> Tally:
    """Try an area's changes, one after another, and tell each on standard error."""
    tally = Tally()
    equivalent = {(each.path, each.line) for each in listed}
    for number, change in enumerate(drawn, 1):
        source = (trial.folder / change.path).read_bytes()
        if (change.path, change.new_line(source)) in equivalent:
            tally.equivalent += 1
            continue
        is_noticed = trial.is_noticed(change, tests_of(name, change.path, files))
        if is_noticed:
            tally.noticed += 1
        else:
            tally.survivors.append(change.tell(source))
        _tell(f"{name} {number}/{len(drawn)}", is_noticed, change.tell(source))
    return tally


def _tell(place: str, is_noticed: bool, change: str) -> None:
    word = "noticed" if is_noticed else "NOT NOTICED"
    print(f"{place}  {word}  {change}", file=sys.stderr, flush=True)


def run(root: Path, names: Sequence[str], seed: int, count: int, only: Sequence[str]) -> int:
    """Try changes of areas in a copy of the tree, and print the table.

    Returns:
        0 where nine of ten are noticed in every area that is held to it, else 1; 2 where the tests
        fail without any change, or there is nothing to change.
    """
    file = root / "tests" / "mutants" / known.FILE.name
    listed = known.read(file.read_text()) if file.exists() else []
    with tempfile.TemporaryDirectory(prefix="b3-mutants-") as place:
        folder = Path(place).resolve() / "tree"
        files = copy_tree(root, folder)
        found = {name: possible(folder, files, name, only) for name in names}
        drawn = {name: draw(each, folder, f"{seed}:{name}", count) for name, each in found.items()}
        if not any(drawn.values()):
            print("no file to change: see --area and --only", file=sys.stderr)
            return 2
        try:
            tallies = _try_all(folder, drawn, files, listed)
        except TreeFailsError as error:
            print(error, file=sys.stderr)
            return 2
        old = [f"{each.path}: {each.line}" for each in _outdated(folder, found, listed)]
    print(render(tallies, old, seed), flush=True)
    return 0 if all(tally.is_good for tally in tallies.values()) else 1


def _try_all(
    folder: Path, drawn: dict[str, list[Change]], files: set[str], listed: list[known.Known]
) -> dict[str, Tally]:
    with Trial(folder) as trial:
        for name, changes in drawn.items():
            for tests in dict.fromkeys(tests_of(name, each.path, files) for each in changes):
                trial.check(tests)
        return {
            name: try_area(trial, name, changes, files, listed) for name, changes in drawn.items()
        }


def _outdated(
    folder: Path, found: dict[str, list[Change]], listed: list[known.Known]
) -> Iterator[known.Known]:
    lines: dict[str, set[str]] = {}
    named = {each.path for each in listed}
    for change in (change for changes in found.values() for change in changes):
        if change.path in named:
            made = change.new_line((folder / change.path).read_bytes())
            lines.setdefault(change.path, set()).add(made)
    yield from known.outdated(listed, lines)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument(
        "--area",
        nargs="+",
        default=list(NAMES),
        choices=NAMES,
        metavar="NAME",
        help=f"of {', '.join(NAMES)} (all)",
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of what is drawn (%(default)s)")
    parser.add_argument(
        "--count", type=int, default=COUNT, help="changes of each area (%(default)s)"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="files whose paths hold a word"
    )
    chosen = parser.parse_args(arguments)
    return run(root, chosen.area, chosen.seed, chosen.count, chosen.only)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
