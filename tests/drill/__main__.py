"""Run the drill and print its table; see `--help`."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from infra.local.prefect_server import prefect_server
from tests.drill import disk, of_aws, of_b3, of_glue, processes, real, together
from tests.drill.judge import Tally
from tests.drill.scene import quiet
from tests.drill.table import render
from tests.drill.trial import Drill, Trial
from tests.fuzz.__main__ import main as fuzz_all

SEED = 13
FUZZ_SECONDS = 120.0  # for each parser
PLACES = (of_b3, of_aws, of_glue, processes, disk, together)


def choose(times: random.Random, only: list[str], *, all_flows: bool = False) -> Iterator[Trial]:
    """Yield a trial of each kind, or of those whose names hold one of the words."""
    for place in PLACES:
        for trial in place.trials(times, all_flows=all_flows):
            if not only or any(word in trial.kind for word in only):
                yield trial


def run(seed: int, minutes: float, only: list[str], *, is_told: bool = False) -> dict[str, Tally]:
    """Try every kind once, and again with other draws until the time is over.

    Args:
        seed: Of everything that is drawn.
        minutes: How long to go on after each kind was tried once.
        only: Words of the kinds to try; of all, where there are none.
        is_told: Whether each trial is told on standard error.

    Returns:
        What came of each kind.
    """
    times = random.Random(seed)
    ends_at = time.monotonic() + 60 * minutes
    tallies: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory(prefix="b3-drill-") as name:
        drill = Drill(Path(name))
        is_first = True
        while is_first or time.monotonic() < ends_at:
            for trial in choose(times, only, all_flows=not is_first):
                if not is_first and time.monotonic() >= ends_at:
                    break
                began = time.monotonic()
                with quiet():
                    tally = drill.try_it(trial, random.Random(times.random()))
                tallies.setdefault(trial.kind, Tally()).add(tally)
                if is_told:
                    _tell(trial, tally, time.monotonic() - began)
            if is_first and not tallies:
                break
            is_first = False
    return tallies


def _tell(trial: Trial, tally: Tally, seconds: float) -> None:
    end = "survived" if tally.survived else "healed" if tally.is_good else "WRONG"
    print(f"{seconds:5.1f} s  {trial.kind}, {trial.flow}: {end}", file=sys.stderr, flush=True)
    for line in tally.said:
        print(f"         {line}", file=sys.stderr, flush=True)


def run_processes(folder: Path, seed: int) -> dict[str, Tally]:
    """Try with processes on the local cloud: in every way on the stand-in, in some on Spark."""
    times = random.Random(seed)
    tallies: dict[str, Tally] = {}
    with prefect_server(folder / "prefect") as environment:
        for name, kinds in (("stand-in", real.LONG), ("Spark", real.SHORT)):
            is_spark = name == "Spark"
            for kind, tally in real.try_all(
                folder / name, environment, kinds, times, on_spark=is_spark
            ):
                tallies[f"{kind}, {name}"] = tally
                print(f"{kind}, {name}: {'good' if tally.is_good else tally}", file=sys.stderr)
    return tallies


def main(arguments: list[str]) -> int:
    """Run the drill; return 1 if anything was lost, doubled, half-shown or failed untyped."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="of all that is drawn (%(default)s)")
    parser.add_argument(
        "--minutes",
        type=float,
        default=0.0,
        help="go on until they are over, with each fault for each flow; then with processes on the "
        "local cloud, on Spark too, and fuzz each parser for two minutes",
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="kinds whose names hold a word"
    )
    chosen = parser.parse_args(arguments)
    tallies = run(chosen.seed, chosen.minutes, chosen.only, is_told=True)
    is_long = chosen.minutes > 0 and not chosen.only
    if is_long:
        with tempfile.TemporaryDirectory(prefix="b3-drill-") as name:
            tallies |= run_processes(Path(name), chosen.seed)
    if not tallies:
        parser.error(f"no kind has {' or '.join(chosen.only)} in its name")
    print(render(tallies, chosen.seed), flush=True)
    is_foreign = fuzz_all(FUZZ_SECONDS, str(chosen.seed)) if is_long else 0
    return 0 if all(tally.is_good for tally in tallies.values()) and not is_foreign else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
