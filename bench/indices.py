"""What a session of all indices costs in one run, against one index and a short history.

`python -m flows.portfolio --index all`, on the local cloud with the 40 indices of B3's replay: its
requests, time, memory, calls to AWS and objects, each with its bar. Run by `make bench`.
"""

import datetime as dt
import json
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path, PurePath
from typing import NamedTuple

import requests

from bench.lake import fill_raw, last_sessions
from bench.running import (
    TaskRun,
    covered_seconds,
    local_cloud,
    read_glue_seconds,
    read_task_runs,
    run_flow,
)
from infra.local.b3.sessions import INDEX_SIZES, WITHOUT_PORTFOLIO
from infra.local.prefect_server import prefect_server
from tasks.core.indices import ALL
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.paging import PAGE_SIZE

ONE = "IBOV"
PUBLISHED = sorted(INDEX_SIZES.keys() - WITHOUT_PORTFOLIO)
FULL_MONTH, FULL_COUNT = dt.date(2025, 7, 31), 22  # the last 22 sessions of a month with 23
LATEST, SHORT, LONG = dt.date(2025, 8, 28), 20, 2500  # the twentieth session of its month
ROUNDS = 2
GLUE_BAR, HISTORY_BAR, PUTS_BAR, GETS_BAR, OBJECTS_BAR = 3, 1.5, 7, 1, 400
# What each of the flow's tasks is part of; the rest is what is not in them.
PARTS = {
    "fetch and land": ("download-indices", "download-portfolio"),
    "beside": ("download-theoretical", "download-preview", "read-period"),
    "raw": ("read-portfolios", "read-raw", "write-raw", "register-partitions"),
    "Glue": ("start-glue-run", "wait-for-glue-run"),
    "audit": ("audit-month",),
    "look, plan, commit": ("find-published", "look-at-month", "find-attempts", "publish-month"),
}
_PRINCIPAL = "flow"  # the trail tells the flow from its Glue job by this


class Call(NamedTuple):
    """A call to AWS: its action, and of S3's the object."""

    action: str
    key: str


class Run(NamedTuple):
    """What one run took.

    Attributes:
        seconds: On the clock, from the command's start to its end.
        glue_seconds: Of its Glue run, as Glue says.
        peak_bytes: The most memory that the flow's process ever held.
        asked: How often B3 was asked, by the name of the request.
        calls: The flow's own calls to AWS, without the looks at the Glue run, of which there are
            as many as it takes time.
    """

    seconds: float
    glue_seconds: float
    peak_bytes: int
    asked: Counter[str]
    calls: list[Call]


class Rounds(NamedTuple):
    """Runs of one session that raw holds nothing of, each with the same history before it.

    Attributes:
        runs: The runs; the first one finds nothing published.
        tasks: Tasks of the first.
        months: Months of the sessions that are stored.
        objects: Objects of the refined tables that the first run made, all of one month.
    """

    runs: list[Run]
    tasks: list[TaskRun]
    months: int
    objects: int

    def __str__(self) -> str:
        return "; ".join(
            f"{run.seconds:.1f} s, of it Glue {run.glue_seconds:.1f} s" for run in self.runs
        )

    @property
    def first(self) -> Run:
        """The first run."""
        return self.runs[0]

    @property
    def seconds(self) -> float:
        """The least time of a run."""
        return min(run.seconds for run in self.runs)

    @property
    def glue_seconds(self) -> float:
        """The least time of a Glue run."""
        return min(run.glue_seconds for run in self.runs)

    @property
    def peak_bytes(self) -> int:
        """The most memory of any run."""
        return max(run.peak_bytes for run in self.runs)


def fill_before(
    lake: Path, index_codes: Sequence[str], latest: dt.date, count: int, *, is_repeated: bool
) -> int:
    """Fill raw with the sessions before the latest; return how many months all lie in."""
    sessions = last_sessions(latest, count)
    fill_raw(lake, index_codes, sessions[1:], is_repeated=is_repeated)
    return len({(session.year, session.month) for session in sessions})


def measure(index: str, latest: dt.date, count: int, *, is_repeated: bool = False) -> Rounds:
    """Run the latest session of an index, or of all, after a history of so many with it."""
    codes = PUBLISHED if index == ALL else [index]
    name = f"{len(codes)} {'indices' if len(codes) > 1 else 'index'}, {count} sessions"
    print(f"{name} up to {latest}:", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        with local_cloud(state) as cloud, prefect_server(state) as prefect:
            lake = state / "lake" / cloud["B3_LAKE_BUCKET"]
            # In a process of its own: who starts the flow has to be small.
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=spawn) as pool:
                filled = pool.submit(
                    fill_before, lake, codes, latest, count, is_repeated=is_repeated
                )
                months = filled.result()
            steer = {"session": str(latest), "preview": False}
            requests.post(f"{cloud['B3_INDEX_URL']}/replay", json=steer, timeout=60)
            runs = [run_once(index, cloud, prefect, state)]
            tasks = read_task_runs(prefect["PREFECT_API_URL"])
            folders = [lake / table.prefix for table in PORTFOLIO.refined_tables]
            objects = sum(len(list(folder.rglob("*.parquet"))) for folder in folders)
            for _ in range(1, ROUNDS):
                shutil.rmtree(lake / PORTFOLIO.raw.folder(str(latest)))  # an empty day again
                runs.append(run_once(index, cloud, prefect, state))
    rounds = Rounds(runs, tasks, months, objects)
    print(f"  {rounds}", flush=True)
    return rounds


def run_once(index: str, cloud: dict[str, str], prefect: dict[str, str], state: Path) -> Run:
    """Run the flow for the session that B3 shows."""
    trail = state / "trail.jsonl"
    before, asked = len(trail.read_text().splitlines()), read_requests(cloud)
    env = {**os.environ, **cloud, **prefect, "AWS_ACCESS_KEY_ID": _PRINCIPAL}
    started = time.perf_counter()
    usage = run_flow("flows.portfolio", ["--index", index], env, state / "flow.log", [])
    seconds = time.perf_counter() - started
    return Run(
        seconds,
        read_glue_seconds(cloud)[0],
        usage.ru_maxrss * 1024,
        read_requests(cloud) - asked,
        list(read_calls(trail.read_text().splitlines()[before:])),
    )


def read_requests(cloud: dict[str, str]) -> Counter[str]:
    """Return how often B3 was asked so far, by the name of the request."""
    answer = requests.get(f"{cloud['B3_INDEX_URL']}/replay", timeout=60)
    return Counter(answer.json()["requests"])


def read_calls(lines: Iterable[str]) -> Iterator[Call]:
    """Yield the flow's calls of a trail, without its looks at the Glue run."""
    for line in map(json.loads, lines):
        if line["principal"] == _PRINCIPAL and line["action"] != "glue:GetJobRun":
            yield Call(line["action"], line["parameters"].get("key", ""))


def count_actions(run: Run) -> Counter[str]:
    """Return how often a run called AWS for what."""
    return Counter(call.action for call in run.calls)


def count_puts(run: Run, index_count: int) -> int:
    """Return how many objects of an index a run wrote: those with its code in their key.

    Further pages of an answer are not counted, and no list, plan or commit.
    """
    codes = [
        {PurePath(part).stem for part in call.key.split("/")} & INDEX_SIZES.keys()
        for call in run.calls
        if call.action == "s3:PutObject"
    ]
    further_pages = run.asked["GetPortfolioDay"] - index_count
    return sum(map(bool, codes)) - further_pages


def split(rounds: Rounds) -> Iterator[tuple[str, float]]:
    """Yield the first run's parts, each with how long one of its tasks at least was at work."""
    rest = rounds.first.seconds
    for part, names in PARTS.items():
        seconds = covered_seconds(task for task in rounds.tasks if task.name in names)
        rest -= seconds
        yield part, seconds
    yield "rest", rest


def judge(what: str, *, is_met: bool) -> bool:
    """Print what was measured, and whether it keeps its bar."""
    print(f"{what}: {'ok' if is_met else 'MISSED'}", flush=True)
    return is_met


def judge_requests(run: Run) -> bool:
    """Judge how often B3 is asked for all indices."""
    pages = sum(-(-INDEX_SIZES[code] // PAGE_SIZE) - 1 for code in PUBLISHED)
    # The list, the portfolios of the day; and beside each the period's, its session, whether there
    # is a preview.
    bar = 1 + len(INDEX_SIZES) + pages + 3 * len(PUBLISHED) + pages
    asked = ", ".join(f"{count} {name}" for name, count in sorted(run.asked.items()))
    said = f"requests on an empty day: {run.asked.total()}, {asked} (bar {bar})"
    return judge(said, is_met=run.asked.total() == bar)


def judge_month(many: Rounds, one: Rounds) -> Iterator[bool]:
    """Judge a whole month of all indices against one index."""
    ratio = many.glue_seconds / one.glue_seconds
    yield judge(
        f"Glue, all indices / one: {many.glue_seconds:.1f} s / {one.glue_seconds:.1f} s = "
        f"{ratio:.2f} (bar {GLUE_BAR})",
        is_met=ratio <= GLUE_BAR,
    )
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in split(many))
    print(f"the whole run: {many.first.seconds:.1f} s: {parts}")
    print(
        f"peak memory of the flow's process: {many.peak_bytes / 1e6:.0f} MB, of one index "
        f"{one.peak_bytes / 1e6:.0f} MB"
    )
    more = len(INDEX_SIZES) - 1
    puts = count_puts(many.first, len(INDEX_SIZES)) - count_puts(one.first, 1)
    yield judge(
        f"s3:PutObject more than for one index: {puts} for {more} indices, without list, further "
        f"pages, plan and commit (bar {PUTS_BAR * more})",
        is_met=puts <= PUTS_BAR * more,
    )
    counts = [count_actions(each.first) for each in (many, one)]
    gets = counts[0]["s3:GetObject"] - counts[1]["s3:GetObject"]
    objects = (len(PUBLISHED) - 1) * FULL_COUNT
    yield judge(
        f"s3:GetObject more than for one index: {gets} for {objects} raw objects of the month "
        f"(bar {GETS_BAR * objects})",
        is_met=gets <= GETS_BAR * objects,
    )
    for action in sorted(counts[0] | counts[1]):
        print(f"  {action}: {counts[0][action]}, of one index {counts[1][action]}")


def judge_history(long: Rounds, short: Rounds) -> Iterator[bool]:
    """Judge a long history of all indices against a short one."""
    ratio = long.seconds / short.seconds
    yield judge(
        f"{LONG} sessions stored / {SHORT}: {long.seconds:.1f} s / {short.seconds:.1f} s = "
        f"{ratio:.2f} (bar {HISTORY_BAR})",
        is_met=ratio <= HISTORY_BAR,
    )
    counts = [count_actions(each.first) for each in (long, short)]
    more = ", ".join(
        f"{count} {action}" for action, count in sorted((counts[0] - counts[1]).items())
    )
    yield judge(
        f"AWS calls: {counts[0].total()} / {counts[1].total()}, more are {more or 'none'} "
        f"(bar none)",
        is_met=not more,
    )
    objects = long.objects * long.months
    yield judge(
        f"objects of the refined tables: {long.objects} a month in {long.months} months = "
        f"{objects} (bar {OBJECTS_BAR})",
        is_met=objects <= OBJECTS_BAR,
    )


def main() -> int:
    """Measure and print; return 1 when a bar is missed."""
    print(
        f"All indices in one run; {platform.platform()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    many, one = (measure(index, FULL_MONTH, FULL_COUNT) for index in (ALL, ONE))
    are_met = [judge_requests(many.first), *judge_month(many, one)]
    short, long = (measure(ALL, LATEST, count, is_repeated=True) for count in (SHORT, LONG))
    are_met += judge_history(long, short)
    return 0 if all(are_met) else 1


if __name__ == "__main__":
    sys.exit(main())
