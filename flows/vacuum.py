"""Remove what runs have refined and nobody is sent to any more.

    python -m flows.vacuum [--grace-days 7] [--delete]

Without `--delete` it only says what it would remove.
"""

import datetime as dt
import sys
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import option, parse, run_command
from flows.settings import load_settings
from tasks.core.datasets import DATASETS
from tasks.core.errors import InvalidInputError
from tasks.core.vacuum import find_unpublished
from tasks.shelf import list_published_prefixes
from tasks.store import list_objects, remove_objects

SHORTEST_GRACE_DAYS = 1


@flow(name="vacuum")
def vacuum(
    grace_days: int = 7,
    delete: bool = False,  # noqa: FBT001, FBT002 - the dashboard fills parameters by name
) -> State[Any]:
    """Remove refined partitions that no table points to.

    Args:
        grace_days: What was written within so many days stays: a run may be about to publish it,
            and somebody may want to go back to it.
        delete: Remove. Otherwise it only says what it would remove.
    """
    if grace_days < SHORTEST_GRACE_DAYS:
        raise InvalidInputError(
            f"Expected at least {SHORTEST_GRACE_DAYS} grace day, found {grace_days}."
        )
    settings = load_settings()
    bucket, logger = settings.lake_bucket, get_run_logger()
    written_before = dt.datetime.now(dt.UTC) - dt.timedelta(days=grace_days)

    keys: list[str] = []
    size_bytes = 0
    for table in (table for dataset in DATASETS for table in dataset.refined):
        # Listed before the catalog is read: what is published in between is in the catalog.
        objects = list_objects(bucket, table.prefix)
        published = list_published_prefixes(bucket, settings.database, table.name)
        for prefix, found in find_unpublished(objects, published, written_before).items():
            logger.info("%s s3://%s/%s", "Removing" if delete else "Would remove", bucket, prefix)
            keys += [stored.key for stored in found]
            size_bytes += sum(stored.size_bytes for stored in found)
    what = f"{len(keys)} objects, {size_bytes} bytes"
    if not delete:
        return Completed(message=f"would remove {what}; run with --delete to remove them")
    remove_objects(bucket, keys)
    return Completed(message=f"removed {what}")


OPTIONS = (
    option("--grace-days", type=int, default=7, help="keep what is younger (default: %(default)s)"),
    option("--delete", action="store_true", help="remove; without it, only say what"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters = parse("flows.vacuum", __doc__, OPTIONS, argv)
    return run_command(lambda: vacuum(**parameters, return_state=True))


if __name__ == "__main__":
    sys.exit(main())
