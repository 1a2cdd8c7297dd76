"""What the demo leaves behind, and lines to type next; each works as it stands."""

import shlex
import sys
from pathlib import Path

DEFAULT_STATE = Path(".local")


def next_steps(state: Path) -> list[tuple[str, list[str]]]:
    """Return what to try next: what it is, and the lines to type in the project's folder.

    Args:
        state: Of the demo; the lines know it where it is not the usual one.
    """
    is_usual = state == DEFAULT_STATE
    where = shlex.quote(str(state))
    make, option = ("", "") if is_usual else (f" STATE={where}", f" --state {where}")
    python = _python()
    return [
        ("the same again: each session is up to date", [f"make demo{make}"]),
        ("the session that B3 shows now, asked of B3 itself", [f"make demo LIVE=1{make}"]),
        ("Prefect's dashboard, with runs at the press of a button", [f"make local{make}"]),
        ("a cloud to keep", [f"{python} -m infra.local up{option}"]),
        (
            "and in another terminal, a flow in it",
            [f"set -a; . {where}/env; set +a", f"{python} -m flows.portfolio --index all"],
        ),
        ("there as well: lake.duckdb, a view a table", [f"{python} -m flows.views"]),
    ]


def describe_next_steps(state: Path) -> str:
    """Return the page that ends the demo."""
    steps = next_steps(state)
    lines = "\n".join(
        "\n".join([f"# {what}", *(f"  {line}" for line in typed)]) for what, typed in steps
    )
    lake = state / "lake" / "b3-lake"
    return f"""\
  the lake, plain Parquet   {lake}/
  what readers see of it    {lake / "published"}/
  logs of the Spark runs    {state / "glue"}/
  the queries, to copy      docs/ATHENA_QUERIES.md

{lines}"""


def find_report(state: Path, index_code: str = "IBOV") -> Path | None:
    """Return the page of the latest session of an index; None where there is none."""
    reports = state / "lake" / "b3-lake" / "reports" / "portfolio"
    return max(reports.glob(f"????-??-??/{index_code}.html"), default=None)


def _python() -> str:
    """Return this Python as one types it here."""
    found, here = Path(sys.executable), Path.cwd()
    return shlex.quote(str(found.relative_to(here) if found.is_relative_to(here) else found))
