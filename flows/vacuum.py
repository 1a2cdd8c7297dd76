"""Remove what runs have refined and nobody is sent to any more.

    python -m flows.vacuum [--grace-days 7] [--delete]

Without `--delete` it only says what it would remove. With it, it marks what nobody needs, and
removes what has borne its mark for an hour or more: so it takes two runs to remove something.
"""

import datetime as dt
import sys
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import option, parse, run_command
from flows.ending import with_reason
from flows.forms import LONGEST_GRACE_DAYS, SHORTEST_GRACE_DAYS, Delete, GraceDays
from flows.settings import load_settings, subject_of
from tasks.core.datasets import DATASETS
from tasks.core.errors import IncompleteError, InvalidInputError
from tasks.core.plan import Subject
from tasks.core.vacuum import Unit
from tasks.sweep import Sweep, mark, remove, survey


def name_flow_run() -> str:
    """Name a run by whether it deletes, and by its grace."""
    given = runtime.flow_run.parameters
    days = given["grace_days"]
    what = "delete" if given["delete"] else "dry run"
    return f"vacuum {what}, {days} day{'' if days == 1 else 's'} of grace"


@flow(name="vacuum", flow_run_name=name_flow_run)
@with_reason
def vacuum(
    grace_days: GraceDays = 7,
    delete: Delete = False,  # noqa: FBT002 - the dashboard fills parameters by name
) -> State[Any]:
    """Remove refined objects that no commit and no partition names.

    Args:
        grace_days: What was written, or was what readers saw, within so many days stays, 1 to
            3,650: a flow may be about to publish it, and somebody may want to go back to it.
        delete: Mark what nobody needs, and remove what was marked an hour ago or before. Left off,
            the run is dry: it says what it would remove, and changes nothing.
    """
    check_grace(grace_days)
    settings, grace = load_settings(), dt.timedelta(days=grace_days)
    marked, removed, unneeded = 0, list[Unit](), list[Unit]()
    problems: list[str] = []
    for subject in (subject_of(settings, dataset) for dataset in DATASETS):
        found = survey(subject, grace, mends=delete)
        log_unneeded(subject, found)
        unneeded += found.unneeded
        problems += [f"{subject} {month}: {why}" for month, why in found.problems.items()]
        if delete:
            marked += mark(subject, found.unneeded)
            removed += remove(subject, found.ripe, grace)
    message = (
        f"removed {describe(removed)}; marked {marked} attempt(s) for a later run"
        if delete
        else f"would remove {describe(unneeded)}; run with delete set (--delete) to mark "
        f"them, and again after an hour to remove them"
    )
    if problems:
        raise IncompleteError("\n".join([f"{message}. Months left alone:", *problems]))
    return Completed(message=message)


def log_unneeded(subject: Subject, found: Sweep) -> None:
    """Name what nobody needs of a dataset, a line each."""
    for unit in found.unneeded:
        ripe = "ripe" if unit in found.ripe else "not marked for an hour yet"
        get_run_logger().info("Nobody needs s3://%s/%s (%s)", subject.bucket, unit.folder, ripe)


def describe(units: list[Unit]) -> str:
    """Say how much some units are."""
    count = sum(len(unit.objects) for unit in units)
    return f"{count} objects, {sum(unit.size for unit in units)} bytes"


def check_grace(grace_days: int) -> None:
    """Check that the grace leaves flows and readers time.

    Raises:
        InvalidInputError: It is shorter than a day, or longer than ten years.
    """
    if not SHORTEST_GRACE_DAYS <= grace_days <= LONGEST_GRACE_DAYS:
        raise InvalidInputError(
            f"Expected at least {SHORTEST_GRACE_DAYS} grace day and at most {LONGEST_GRACE_DAYS}, "
            f"found {grace_days}."
        )


OPTIONS = (
    option(
        "--grace-days",
        type=int,
        default=7,
        metavar="DAYS",
        help="keep what is younger (default: %(default)s)",
    ),
    option("--delete", action="store_true", help="mark and remove; without it, only say what"),
)
EXAMPLES = (
    ("", "what would be removed; nothing is"),
    ("--grace-days 30 --delete", "mark what is older than 30 days; an hour later, remove it"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse(
        "flows.vacuum",
        __doc__,
        OPTIONS,
        EXAMPLES,
        argv,
        check=lambda given: check_grace(given["grace_days"]),
    )
    return run_command(lambda: vacuum(**parameters, return_state=True), is_verbose=is_verbose)


if __name__ == "__main__":
    sys.exit(main())
