"""`make demo`: the whole pipeline here, from a replay of B3 to answers in SQL."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from infra.local.answers import print_answer
from infra.local.b3.sessions import SESSIONS
from infra.local.commands import Run, imported_commands
from infra.local.next_steps import DEFAULT_STATE, describe_next_steps, find_report
from infra.local.prefect_server import PrefectServerError, starting_prefect_server
from infra.local.up import StateInUseError, local_cloud
from infra.queries import Query, documented_queries

_INDICES = ("IBOV", "SMLL", "IDIV")
_MODULES = ["flows.portfolio", "flows.backfill", "flows.levels", "flows.quotes", "flows.reconcile"]
_QUERIES_AT_ONCE = 3

console = Console(highlight=False)


@dataclass(frozen=True)
class _Demo:
    """The demo on its way: the cloud that it runs in, and the number of its next heading."""

    run: Run
    environment: dict[str, str]
    is_live: bool
    _numbers: Iterator[int] = field(default_factory=lambda: count(2))

    def head(self, title: str) -> None:
        console.print()
        _head(next(self._numbers), title)

    def run_flow(self, title: str, flow: str, *arguments: str) -> bool:
        """Run a flow's command, as it stands in the line that is printed."""
        self.head(title)
        console.print(f"[bold cyan]$ python -m flows.{flow} {' '.join(arguments)}".rstrip())
        code = self.run(f"flows.{flow}", list(arguments), self.environment)
        if code != 0:
            console.print("[red]The flow failed. Nothing was half-published.")
        return code == 0


def main(argv: list[str] | None = None) -> int:
    """Run the demo; return 0 when every session is published and every query has answered."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument(
        "--state",
        type=Path,
        default=DEFAULT_STATE,
        metavar="DIR",
        help="where the local cloud keeps everything (default: %(default)s)",
    )
    parser.add_argument("--live", action="store_true", help="ask B3 itself, not the replay of it")
    options = parser.parse_args(argv)
    started = time.monotonic()
    try:
        with _cloud(options.state, is_live=options.live) as demo:
            if not (_run_live(demo) if options.live else _run_replay(demo)):
                return 1
            _run_queries(demo)
            console.print()
    except (StateInUseError, PrefectServerError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is stopped. Run it again: it goes on from there.")
        return 1
    demo.head("What is where, and what to try next")
    seconds = time.monotonic() - started
    console.print(f"Done in {seconds:.0f} s; everything is stopped.", end="\n\n")
    console.print(describe_next_steps(options.state), soft_wrap=True, markup=False)
    if report := find_report(options.state):
        console.print(f"\nOpen in a browser: {report.resolve()}", soft_wrap=True, markup=False)
    return 0


def _head(number: int, title: str) -> None:
    console.rule(f"[bold]{number}. {title}", align="left")


@contextmanager
def _cloud(state: Path, *, is_live: bool) -> Iterator[_Demo]:
    """Start all of it side by side, and run it until the block ends."""
    _head(1, "The cloud, on this machine")
    source = "B3 itself" if is_live else "a replay of B3"
    console.print(f"Starting S3, Glue, Athena, a Prefect server, and {source} …")
    # The lock of the state is the cloud's: it comes first.
    with local_cloud(state, is_live=is_live) as cloud, starting_prefect_server(state) as prefect:
        environment = dict(os.environ) | cloud.env | prefect.env
        with imported_commands(_MODULES, environment) as run:
            import awswrangler  # noqa: F401 - takes a second, while the server takes its own

            prefect.wait()
            url = prefect.env["PREFECT_API_URL"].removesuffix("/api")
            console.print(f"Until the end, Prefect shows each run: {url}/runs")
            yield _Demo(run, environment, is_live)


def _run_live(demo: _Demo) -> bool:
    return (
        demo.run_flow("The session that B3 shows now", "portfolio")
        and demo.run_flow("The quotes of the latest session", "quotes")
        and demo.run_flow("The levels of the year", "levels")
    )


def _run_replay(demo: _Demo) -> bool:
    for session in SESSIONS:
        shown = {"session": session.isoformat()}
        requests.post(
            f"{demo.environment['B3_INDEX_URL']}/replay", json=shown, timeout=10
        ).raise_for_status()
        day = ["--trading-date", session.isoformat()]
        title = f"B3 shows {session}: collect three indices"
        if not demo.run_flow(title, "portfolio", *day, "--index", *_INDICES):
            return False
    span = ["--start", SESSIONS[0].isoformat(), "--end", SESSIONS[-1].isoformat()]
    year = ["--year", str(SESSIONS[-1].year)]
    return (
        demo.run_flow("The quotes of those sessions", "backfill", "--dataset", "quotes", *span)
        and demo.run_flow("The levels that B3 published", "levels", *year, "--index", *_INDICES)
        and demo.run_flow("Those levels, held against portfolios and quotes", "reconcile", *span)
    )


def _run_queries(demo: _Demo) -> None:
    import awswrangler as wr
    import boto3

    os.environ |= {k: v for k, v in demo.environment.items() if k.startswith(("AWS_", "B3_"))}
    wr.config.athena_query_wait_polling_delay = 0.05
    session = boto3.Session()  # of one session, clients are made quickly
    demo.head("Questions in SQL, answered by Athena")
    queries = documented_queries()
    with ThreadPoolExecutor(_QUERIES_AT_ONCE) as pool:
        answers = pool.map(lambda query: _ask(query, demo.environment, session), queries)
        for query, answer in zip(queries, answers, strict=True):
            print_answer(console, query, answer)


def _ask(query: Query, environment: dict[str, str], session: Any) -> dict[str, list[object]]:
    import awswrangler as wr

    frame = wr.athena.read_sql_query(
        query.sql,
        database=environment["B3_DATABASE"],
        workgroup=environment["B3_WORKGROUP"],
        ctas_approach=False,
        boto3_session=session,
    )
    frame = frame.astype(object).where(frame.notna(), "")
    return {name: list(frame[name]) for name in frame.columns}


if __name__ == "__main__":
    sys.exit(main())
