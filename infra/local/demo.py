"""`make demo`: the whole pipeline here, from a replay of B3 to answers in SQL."""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import requests
import rich.box
from rich.console import Console
from rich.table import Table

from infra.local.b3.sessions import SESSIONS
from infra.local.prefect_server import PrefectServerError, prefect_server
from infra.local.up import StateInUseError, local_cloud
from infra.queries import Query, documented_queries

_DEFAULT_STATE = Path(".local")
_INDICES = ("IBOV", "SMLL", "IDIV")
_ROWS_SHOWN = 8
_LONGEST_CELL = 15
_FEW_PLACES = 3
_FIGURES = re.compile(r"[\d.-]+")  # numbers and dates

console = Console(highlight=False)


def main(argv: list[str] | None = None) -> int:
    """Run the demo; return 0 when every session is published and every query has answered."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument(
        "--state",
        type=Path,
        default=_DEFAULT_STATE,
        metavar="DIR",
        help="where the local cloud keeps everything (default: %(default)s)",
    )
    parser.add_argument("--live", action="store_true", help="ask B3 itself, not the replay of it")
    options = parser.parse_args(argv)
    started = time.monotonic()
    try:
        with _cloud(options.state, is_live=options.live) as environment:
            if not _run_flows(environment, is_live=options.live):
                return 1
            _run_queries(environment)
    except (StateInUseError, PrefectServerError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything is stopped. Run it again: it goes on from there.")
        return 1
    _say_what_next(options.state, time.monotonic() - started)
    return 0


@contextmanager
def _cloud(state: Path, *, is_live: bool) -> Iterator[dict[str, str]]:
    source = "B3 itself" if is_live else "a replay of B3"
    console.rule("[bold]1. The cloud, on this machine", align="left")
    console.print(f"Starting S3, Glue, Athena, a Prefect server, and {source} …")
    with local_cloud(state, is_live=is_live) as cloud, prefect_server(state) as prefect:
        for name, value in [*cloud.env.items(), *prefect.items()]:
            console.print(f"  {name}={value}", style="dim", soft_wrap=True)
        yield dict(os.environ) | cloud.env | prefect


def _run_flows(environment: dict[str, str], *, is_live: bool) -> bool:
    console.rule("[bold]2. The flows", align="left")
    if is_live:
        return all(_run_flow(environment, flow) for flow in ("portfolio", "quotes", "levels"))
    for session in SESSIONS:
        shown = {"session": session.isoformat()}
        requests.post(
            f"{environment['B3_INDEX_URL']}/replay", json=shown, timeout=10
        ).raise_for_status()
        day = ["--trading-date", session.isoformat()]
        if not _run_flow(environment, "portfolio", *day, "--index", *_INDICES):
            return False
    span = ["--start", SESSIONS[0].isoformat(), "--end", SESSIONS[-1].isoformat()]
    year = ["--year", str(SESSIONS[-1].year)]
    return _run_flow(environment, "backfill", "--dataset", "quotes", *span) and _run_flow(
        environment, "levels", *year, "--index", *_INDICES
    )


def _run_flow(environment: dict[str, str], flow: str, *arguments: str) -> bool:
    console.print(f"\n[bold cyan]$ {' '.join(['python -m', f'flows.{flow}', *arguments])}")
    command = [sys.executable, "-m", f"flows.{flow}", *arguments]
    succeeded = subprocess.run(command, env=environment, check=False).returncode == 0
    if not succeeded:
        console.print("[red]The flow failed: its reason stands above. Nothing was half-published.")
    return succeeded


def _run_queries(environment: dict[str, str]) -> None:
    # Imported here: it takes a second, which a failing flow need not wait for.
    import awswrangler as wr
    import boto3

    os.environ |= {k: v for k, v in environment.items() if k.startswith(("AWS_", "B3_"))}
    wr.config.athena_query_wait_polling_delay = 0.05
    console.print()
    console.rule("[bold]3. Questions in SQL, answered by Athena", align="left")
    for query in documented_queries():
        frame = wr.athena.read_sql_query(
            query.sql,
            database=environment["B3_DATABASE"],
            workgroup=environment["B3_WORKGROUP"],
            ctas_approach=False,
            boto3_session=boto3.Session(),
        )
        frame = frame.astype(object).where(frame.notna(), "")
        _print_answer(query, {name: _show(list(frame[name])) for name in frame.columns})


def _show(values: list[object]) -> list[str]:
    """Write a column; decimals alike, with the places they need and up to three that are zero."""
    places = max((_places(value) for value in values if isinstance(value, Decimal)), default=0)

    def write(value: object) -> str:
        text = f"{value:.{places}f}" if isinstance(value, Decimal) else str(value)
        return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"

    return list(map(write, values))


def _places(value: Decimal) -> int:
    written = -int(value.as_tuple().exponent)
    needed = -int(value.normalize().as_tuple().exponent)
    return max(needed, min(written, _FEW_PLACES))


def _print_answer(query: Query, columns: dict[str, list[str]]) -> None:
    console.print(f"\n[bold]{query.title}[/]. {query.about}")
    row_count = max(map(len, columns.values()))
    # One row of many columns is read from top to bottom.
    console.print(_record(columns) if row_count == 1 else _grid(columns))
    more = f", the first {_ROWS_SHOWN} shown" if row_count > _ROWS_SHOWN else ""
    console.print(f"{row_count} row{'' if row_count == 1 else 's'}{more}", style="dim")


def _record(columns: dict[str, list[str]]) -> Table:
    table = Table(show_header=False, box=rich.box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name, (value,) in columns.items():
        table.add_row(name, value)
    return table


def _grid(columns: dict[str, list[str]]) -> Table:
    table = Table(header_style="bold", box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for name, cells in columns.items():
        has_figures = bool(cells) and all(map(_FIGURES.fullmatch, cells))
        header = name.replace("_", "_\n")  # names are long, and figures short
        table.add_column(header, justify="right" if has_figures else "left", no_wrap=True)
    for row in list(zip(*columns.values(), strict=True))[:_ROWS_SHOWN]:
        table.add_row(*row)
    return table


def _say_what_next(state: Path, seconds: float) -> None:
    console.print()
    console.rule("[bold]4. What is where, and what to try next", align="left")
    up = "" if state == _DEFAULT_STATE else f" --state {state}"
    make = "" if state == _DEFAULT_STATE else f" STATE={state}"
    console.print(
        f"""\
Done in {seconds:.0f} s; everything is stopped.

  the lake, plain Parquet     {state}/lake/b3-lake/
  what readers see of it      {state}/lake/b3-lake/published/
  the catalog, plain JSON     {state}/catalog/
  logs of the Spark runs      {state}/glue/

Try next:
  make demo{make}
      again: each session is up to date, nothing is done twice
  make demo LIVE=1{make}
      the session that B3 shows now, on this machine
  python -m infra.local up{up}
      the cloud to keep; then: set -a; . {state}/env; set +a
      and python -m flows.portfolio --index all, or python -m flows.backfill --help
  docs/ATHENA_QUERIES.md
      the queries above, to copy""",
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
