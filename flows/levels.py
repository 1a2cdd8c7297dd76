"""The levels flow: B3's published levels of one index in one year, from B3 to Athena.

python -m flows.levels [--index IBOV] [--year YYYY]
"""

import sys
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import INDEX, levels_year, now_in_sao_paulo, option, parse, run_command
from flows.settings import load_settings
from tasks.catalog import register_partitions
from tasks.core.errors import UnreadableRawError
from tasks.core.exchange import check_index_code, latest_due_session
from tasks.core.levels.answer import IndexLevel, check_year, from_raw_rows, to_raw_rows
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.download import download_index_levels
from tasks.reading import read_levels
from tasks.report import rename_flow_run
from tasks.store import read_raw, write_raw


def name_flow_run() -> str:
    """Name a run by its index and year, as far as they are known at its start."""
    parameters = runtime.flow_run.parameters
    return f"{parameters['index_code']} levels {parameters['year'] or 'latest'}"


@flow(name="index-levels", flow_run_name=name_flow_run)
def index_levels(year: int | None = None, index_code: str = "IBOV") -> State[Any]:
    """Bring B3's published levels of one index in one year to Athena.

    Args:
        year: The year. Empty: that of the latest session that is over, which is the year it is in
            São Paulo once that has had a session.
        index_code: B3's code of the index: four to six upper-case letters and digits.
    """
    check_index_code(index_code)
    now = now_in_sao_paulo()
    year = check_year(year or latest_due_session(now).year, now.date())
    settings = load_settings()
    bucket = settings.lake_bucket
    rename_flow_run(f"{index_code} levels {year}")

    value = f"{year:04}"
    stored = load_levels(bucket, index_code, value)
    download = download_index_levels(settings.index_url, index_code, year, bucket)
    (answer,) = download.pages
    levels = read_levels(index_code, year, answer, stored, download.day_in_sao_paulo)
    if levels != stored:
        rows = to_raw_rows(index_code, levels, download.received_at)
        write_raw(bucket, INDEX_LEVELS, value, index_code, rows)

    register_partitions(settings.database, INDEX_LEVELS, bucket, [value])
    subject = f"{index_code} levels {year}, {len(levels)} sessions"
    if levels == stored:
        return Completed(message=f"up to date {subject}")
    return Completed(message=f"published {subject}")


def load_levels(bucket: str, index_code: str, year: str) -> tuple[IndexLevel, ...]:
    """Return the levels that raw holds; none where it does not, or cannot be read."""
    try:
        return from_raw_rows(read_raw(bucket, INDEX_LEVELS, year, index_code))
    except UnreadableRawError as error:
        get_run_logger().warning("%s It counts as not held.", error)
        return ()


OPTIONS = (
    INDEX,
    option(
        "--year",
        type=levels_year,
        metavar="YYYY",
        help="the year; without it, that of the latest session that is over",
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters = parse("flows.levels", __doc__, OPTIONS, argv)
    return run_command(lambda: index_levels(**parameters, return_state=True))


if __name__ == "__main__":
    sys.exit(main())
