"""What much at once costs: ten years of all indices, a year of quotes, fifty runs by hand.

On the local cloud. First, in one lake: a year of quotes of its real size and the months of a long
history of 40 indices, which raw holds, are published, and a session after them; the memory of each
flow's process and of Glue's is printed. Then the deployed pipeline: so many runs of sessions that
raw holds are triggered at once, must all complete, one after another, and every session is looked
for in what they published. Run by `make bench`.
"""

import argparse
import datetime as dt
import itertools
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bench.cotahist import YEAR, Bar, make_files
from bench.indices import PUBLISHED
from bench.lake import fill_raw, last_sessions
from bench.running import ROOT, local_cloud, run_flow
from bench.year import serve
from infra.local.prefect_server import prefect_server

LATEST = dt.date(2025, 8, 28)
ONE = "IBOV"
FLOW_BAR, GLUE_BAR, WORKER_BAR = 500, 4000, 400  # MB
_PROC = Path("/proc")
_SAMPLE_SECONDS, _LOOK_SECONDS, _PATIENCE_SECONDS = 0.25, 2.0, 3600.0
_KINDS = {
    "worker start": "Prefect's worker",
    "prefect.server": "Prefect's API",
    "flow-run execute": "flows, as ECS tasks",
    "launcher": "Glue",
    "org.apache.spark": "Glue",
}
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Ended(NamedTuple):
    """A flow run that has ended, by the type of its state, and when it was at work."""

    state: str
    started_at: dt.datetime
    ended_at: dt.datetime


class Peaks:
    """The most memory that each kind of process below another held at one moment, in bytes."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.found: dict[str, int] = {}

    def look(self) -> None:
        """Look once."""
        held: dict[str, int] = {}
        for pid in _below(self.root):
            try:
                command = (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
            except (OSError, IndexError):
                continue  # it has ended
            kind = next((kind for words, kind in _KINDS.items() if words in command), None)
            if kind is not None:
                held[kind] = held.get(kind, 0) + pages * os.sysconf("SC_PAGE_SIZE")
        for kind, size in held.items():
            self.found[kind] = max(size, self.found.get(kind, 0))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look again and again until the block ends."""
        has_ended = threading.Event()

        def watch() -> None:
            while not has_ended.wait(_SAMPLE_SECONDS):
                self.look()

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            has_ended.set()
            watcher.join()


def _below(root: int) -> Iterator[int]:
    """Yield the ids of the processes that a process has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has ended
            children.setdefault(parent, []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    yield from found


def measure_history(sessions: int, cache: Path) -> Iterator[Bar]:
    """Publish a long history and a year of quotes; yield what the flows' processes held."""
    days = last_sessions(LATEST, sessions)
    make_files(cache)
    most = 0
    with tempfile.TemporaryDirectory() as directory, serve(cache) as quotes_url:
        state = Path(directory)
        with local_cloud(state) as cloud, prefect_server(state) as prefect:
            lake = state / "lake" / cloud["B3_LAKE_BUCKET"]
            _fill(lake, PUBLISHED, days[1:])
            print(f"raw holds {len(days) - 1} sessions of {len(PUBLISHED)} indices", flush=True)
            steer = {"session": str(LATEST), "preview": False}
            requests.post(f"{cloud['B3_INDEX_URL']}/replay", json=steer, timeout=60)
            env = {**os.environ, **cloud, **prefect, "B3_QUOTES_URL": quotes_url}
            peaks = Peaks(os.getpid())
            quotes = ["--start", str(YEAR.first_date), "--end", str(YEAR.last_date)]
            history = ["--start", str(days[-1]), "--end", str(days[1]), "--index", ONE]
            commands = [
                ("flows.backfill", ["--dataset", "quotes", *quotes]),
                ("flows.backfill", ["--dataset", "portfolio", *history]),
                ("flows.portfolio", ["--index", "all"]),
                ("flows.portfolio", ["--index", "all"]),
                ("flows.vacuum", []),
            ]
            if days[-1] <= YEAR.first_date:  # else there is nothing to reconcile
                commands.append(("flows.reconcile", ["--index", "all", *quotes]))
            with peaks.watched():
                for module, arguments in commands:
                    name = " ".join([module, *arguments])
                    started = time.perf_counter()
                    usage = run_flow(module, arguments, env, state / "flow.log", [])
                    most = max(most, usage.ru_maxrss * 1024)
                    print(
                        f"  {time.perf_counter() - started:7.1f} s "
                        f"{usage.ru_maxrss * 1024 / 1e6:5.0f} MB  {name}",
                        flush=True,
                    )
    yield Bar("peak memory of a flow's process", most / 1e6, "MB", "≤", FLOW_BAR)
    yield Bar("peak memory of Glue's processes", peaks.found["Glue"] / 1e6, "MB", "≤", GLUE_BAR)


def measure_runs(count: int) -> Iterator[Bar]:
    """Trigger runs of as many sessions at once; yield how they went, and what the worker held."""
    days = last_sessions(LATEST, count)
    with tempfile.TemporaryDirectory() as directory, _deployed(Path(directory)) as (cloud, pid):
        _fill(Path(directory) / "lake" / cloud["B3_LAKE_BUCKET"], [ONE], days)
        api = cloud["PREFECT_API_URL"]
        path = f"{api}/deployments/name/daily-portfolio/daily-portfolio"
        deployment = requests.get(path, timeout=60).json()["id"]
        peaks, started = Peaks(pid), time.perf_counter()
        with peaks.watched():
            for day in days:
                asked = {"parameters": {"trading_date": str(day), "index_codes": [ONE]}}
                path = f"{api}/deployments/{deployment}/create_flow_run"
                requests.post(path, json=asked, timeout=60).raise_for_status()
            print(f"triggered {count} runs in {time.perf_counter() - started:.1f} s", flush=True)
            runs = _wait_until_all_have_ended(api, deployment, count)
        seconds = time.perf_counter() - started
        published = _published_sessions(cloud)
    print(f"  all have ended after {seconds:.0f} s, {seconds / count:.1f} s a run")
    for kind, held in sorted(peaks.found.items()):
        print(f"  {held / 1e6:5.0f} MB  {kind}")
    by_start = sorted(runs, key=lambda run: run.started_at)
    overlaps = sum(
        later.started_at < earlier.ended_at for earlier, later in itertools.pairwise(by_start)
    )
    completed = sum(run.state == "COMPLETED" for run in runs)
    lost = len({str(day) for day in days} - published)
    yield Bar(f"runs that completed, of {count} at once", completed, "", "≥", count)
    yield Bar("runs that began before the one before had ended", overlaps, "", "≤", 0)
    yield Bar("sessions that were lost", lost, "", "≤", 0)
    worker = peaks.found["Prefect's worker"] / 1e6
    yield Bar("peak memory of the worker", worker, "MB", "≤", WORKER_BAR)


@contextmanager
def _deployed(state: Path) -> Iterator[tuple[dict[str, str], int]]:
    """Run the deployed pipeline until the block ends; yield its settings and its process's id."""
    command = [sys.executable, "-m", "infra.local.local", "--state", str(state)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--prefect-port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = list(_until_ready(process))
        if not said[-1:] or not said[-1].startswith("ready"):
            raise RuntimeError(f"The platform did not come up:\n{''.join(said)}")
        env: dict[str, str] = {}
        for path in (state / "env", state / "prefect" / "env"):
            lines = path.read_text().splitlines()
            env |= {name: value for name, _, value in (line.partition("=") for line in lines)}
        yield env, process.pid
    finally:
        process.terminate()
        process.wait()


def _until_ready(process: "subprocess.Popen[str]") -> Iterator[str]:
    for line in process.stdout or ():
        yield line
        if line.startswith("ready"):
            return


def _wait_until_all_have_ended(api: str, deployment: str, count: int) -> list[Ended]:
    """Wait, and say now and then how many have ended.

    Raises:
        RuntimeError: They have not, after an hour.
    """
    asked = {"deployments": {"id": {"any_": [deployment]}}, "limit": 200}
    asked["flow_runs"] = {"expected_start_time": {"before_": _now()}}
    deadline, said = time.monotonic() + _PATIENCE_SECONDS, 0
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        answer = requests.post(f"{api}/flow_runs/filter", json=asked, timeout=60)
        if answer.status_code != requests.codes.ok:
            continue  # its database is busy
        runs = [run for run in answer.json() if not run["auto_scheduled"]]
        ended = [run for run in runs if run["state_type"] in _ENDED]
        if len(ended) >= said + 10:
            said = len(ended)
            print(f"  {said} of {count} have ended", flush=True)
        if len(ended) == count:
            return [_ended(run) for run in ended]
    raise RuntimeError(f"Of {count} runs, {said} have ended after {_PATIENCE_SECONDS:.0f} s.")


def _ended(run: dict[str, Any]) -> Ended:
    times = (dt.datetime.fromisoformat(run[name]) for name in ("start_time", "end_time"))
    return Ended(run["state_type"], *times)


def _now() -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)).isoformat()


def _published_sessions(cloud: dict[str, str]) -> set[str]:
    """Return the sessions that readers find through Athena."""
    import awswrangler

    os.environ |= cloud
    found = awswrangler.athena.read_sql_query(
        "SELECT DISTINCT trading_date FROM portfolio_daily",
        database="b3",
        workgroup="b3",
        ctas_approach=False,
    )
    return {str(day) for day in found["trading_date"]}


def _fill(lake: Path, index_codes: Sequence[str], days: Sequence[dt.date]) -> None:
    """Fill raw, in a process of its own: who starts a flow has to be small."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        pool.submit(fill_raw, lake, index_codes, days, is_repeated=True).result()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--sessions", type=int, default=2500, help="of the history (2500)")
    parser.add_argument("--runs", type=int, default=50, help="triggered at once (50)")
    options = parser.parse_args(arguments)
    cache = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    print(
        f"Much at once; {platform.platform()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    bars = [*measure_runs(options.runs), *measure_history(options.sessions, cache)]
    print(*bars, sep="\n")
    return 0 if all(bar.holds for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
