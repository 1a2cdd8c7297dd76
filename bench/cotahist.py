"""Measures reading COTAHIST against its bars, side by side in one run: `python -m bench.cotahist`.

A generated year, month and day of real size are made in the cache directory on first use, and
so are the environments of the public parsers. Every measurement runs in a process of its own;
times are the best of some rounds, in which the things compared take turns.
"""

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple

from bench.public_parsers import PARSERS, CannotInstallError, install
from tasks.core.quotes.files import QuotesPeriod

DAY = QuotesPeriod.day(dt.date(2024, 11, 8))
MONTH = QuotesPeriod.month(2024, 11)
YEAR = QuotesPeriod.year(2024)
_DAY_REPEATS = 30
_ROOT = Path(__file__).parents[1]


class Measured(NamedTuple):
    """Best times on the clock and of the processors, in seconds, and peak memory in bytes."""

    seconds: float
    cpu_seconds: float
    peak_bytes: float

    def __str__(self) -> str:
        """Return a row of the table."""
        peak = f"{self.peak_bytes / 1e6:6.0f} MB"
        return f"{self.seconds:8.3f} s  {self.cpu_seconds:8.3f} s  {peak}"


class Bar(NamedTuple):
    """A value and what it has to be: at most the limit, or at least."""

    name: str
    value: float
    unit: str
    sign: Literal["≤", "≥"]
    limit: float

    @property
    def holds(self) -> bool:
        """Whether the value is on the right side of the limit."""
        return self.value >= self.limit if self.sign == "≥" else self.value <= self.limit

    def __str__(self) -> str:
        """Return a row of the table."""
        mark = "pass" if self.holds else "FAIL"
        bar = f"{self.sign} {self.limit:g}"
        return f"{mark}  {self.value:8.2f} {self.unit:<2}  {bar:<6} {self.name}"


def make_files(cache: Path) -> dict[QuotesPeriod, Path]:
    """Return the generated files, made where they do not exist yet."""
    paths = {period: cache / period.file_name for period in (DAY, MONTH, YEAR)}
    missing = [str(period) for period, path in paths.items() if not path.exists()]
    if missing:
        print(f"Generating {', '.join(missing)} in {cache} ...", flush=True)
        _run([sys.executable, "-m", "infra.local.b3.cotahist_files", str(cache), *missing])
    return paths


def measure_ours(paths: dict[QuotesPeriod, Path], rounds: int) -> dict[str, Measured]:
    """Measure draining and converting, in turns."""
    found: dict[str, list[Measured]] = defaultdict(list)
    for _ in range(rounds):
        for task in ("drain", "convert3", "convert1"):
            found[f"year {task}"].append(_measure_task(task, paths, YEAR, 1))
        found["month convert3"].append(_measure_task("convert3", paths, MONTH, 1))
        for task in ("drain", "convert1"):
            found[f"day {task}"].append(_measure_task(task, paths, DAY, _DAY_REPEATS))
    return {name: _combine(several) for name, several in found.items()}


def measure_public(path: Path, cache: Path, rounds: int) -> dict[str, Measured]:
    """Measure the public parsers on one file; say which are left out, and why."""
    found = {}
    for parser in PARSERS:
        try:
            python = install(parser, cache)
            command = [str(python), "-c", parser.script(), str(path)]
            several = [_parse_output(_run(command)) for _ in range(rounds)]
        except (CannotInstallError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", None) or str(error)
            print(f"Left out {parser.name}: {reason.strip().splitlines()[-1]}")
        else:
            found[parser.name] = _combine(several)
    return found


def list_bars(ours: dict[str, Measured], public: dict[str, Measured]) -> Iterator[Bar]:
    """Compare what was measured with the bars."""
    drain, year, single = (ours[f"year {task}"] for task in ("drain", "convert3", "convert1"))
    day = ours["day convert1"].seconds / ours["day drain"].seconds
    growth = year.peak_bytes / ours["month convert3"].peak_bytes
    yield Bar("year to Parquet / draining it", year.seconds / drain.seconds, "x", "≤", 2.5)
    yield Bar("the same on one thread", single.seconds / drain.seconds, "x", "≤", 4)
    yield Bar("peak memory of the year", year.peak_bytes / 1e6, "MB", "≤", 300)
    yield Bar("peak memory, year / month", growth, "x", "≤", 1.1)
    yield Bar("day to Parquet, warm / draining it", day, "x", "≤", 6)
    if public:
        name = min(public, key=lambda one: public[one].seconds)
        fastest = public[name]
        yield Bar(f"time of {name} / ours", fastest.seconds / year.seconds, "x", "≥", 2)
        yield Bar(f"memory of {name} / ours", fastest.peak_bytes / year.peak_bytes, "x", "≥", 10)


def _measure_task(
    task: str, paths: dict[QuotesPeriod, Path], period: QuotesPeriod, repeats: int
) -> Measured:
    arguments = [task, str(paths[period]), str(period), str(repeats)]
    return _parse_output(_run([sys.executable, "-m", "bench.cotahist_task", *arguments]))


def _parse_output(text: str) -> Measured:
    answer = json.loads(text)
    return Measured(answer["seconds"], answer["cpu_seconds"], answer["peak_bytes"])


def _combine(several: Sequence[Measured]) -> Measured:
    return Measured(
        min(one.seconds for one in several),
        min(one.cpu_seconds for one in several),
        max(one.peak_bytes for one in several),
    )


def _run(command: Sequence[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=_ROOT)
    return result.stdout


def _describe_machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    processor = ", ".join(names) or platform.processor() or platform.machine()
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pyarrow"))
    return (
        f"{processor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"{platform.platform()}\n"
        f"Python {platform.python_version()}, {packages}, zlib {zlib.ZLIB_RUNTIME_VERSION}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.cotahist", description=__doc__)
    parser.add_argument("--cache", type=Path, default=_ROOT / "build" / "bench")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default: 3)")
    options = parser.parse_args(arguments)
    cache = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    paths = make_files(cache)
    print(_describe_machine())
    ours = measure_ours(paths, options.rounds)
    public = measure_public(paths[YEAR], cache, options.rounds)
    print("on the clock   processors     peak")
    for name, measured in (ours | public).items():
        print(f"{measured}  {name}")
    print()
    bars = list(list_bars(ours, public))
    print(*bars, sep="\n")
    return 0 if all(bar.holds for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
