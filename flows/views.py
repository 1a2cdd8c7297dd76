"""Write a DuckDB file with one view a table, over what readers see now, or saw at a moment.

    python -m flows.views [--to lake.duckdb] [--as-of 2025-08-01T12:00] [--without-gone]

It only reads the lake, and is no flow: no server is started, and nothing is deployed. All tables of
a month come from one commit. See docs/ANALYSTS.md.
"""

import argparse
import datetime as dt
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prefect.states import Completed

from flows.command import option, parse, run_command
from flows.settings import Settings, load_settings
from flows.terminal import say
from tasks.core.datasets import DATASETS, TABLES
from tasks.core.errors import (
    B3PipelineError,
    IncompleteError,
    InvalidInputError,
    NotConfiguredError,
    RetryableError,
)
from tasks.core.views import (
    ABOUT_COMMITS,
    ABOUT_FILE,
    Part,
    Shown,
    create_about,
    create_view,
    describe_moment,
    read_moment,
)
from tasks.core.wording import count
from tasks.duckdb_file import check_target, import_duckdb, write_file
from tasks.refusals import in_our_words
from tasks.retries import is_aws_error
from tasks.views import Gone, find_parts, find_raw, find_shown

Months = dict[str, list[Shown]]


def make_views(to: Path, as_of: dt.datetime | None, *, without_gone: bool) -> str:
    """Write the file; return the outcome.

    Args:
        to: Where.
        as_of: What readers saw then is shown; None for what they see now.
        without_gone: Leave out months whose files are gone; else they are an error.

    Raises:
        B3PipelineError: It was not written; the message says why.
    """
    made_at = dt.datetime.now(dt.UTC)
    settings = load_settings()
    import_duckdb()
    check_target(to)
    folder = settings.lake_folder
    base = f"{folder}/" if folder else f"s3://{settings.lake_bucket}/"
    try:
        months, gone = _find_months(settings, as_of, without_gone=without_gone)
        parts = _find_refined(settings, base, months)
        if as_of is None:
            parts |= _find_raw(settings, base)
    except B3PipelineError:
        raise
    except Exception as error:
        ours = in_our_words(error)
        if isinstance(ours, B3PipelineError):
            raise ours from error
        if not is_aws_error(error):
            raise
        raise RetryableError(
            f"Expected S3 to show what lies in s3://{settings.lake_bucket}, found: {error}. "
            f"Nothing was written: see to the credentials and the network, and run it again."
        ) from error
    if folder:
        _check_folder(folder, parts.values())
    tables = [table for table in TABLES if table.name in parts]
    statements = create_about()
    for table in tables:
        statements += create_view(table, parts[table.name])
    names = [table.name for table in tables]
    about = (_utc(made_at), as_of and _utc(as_of), base.rstrip("/"), len(gone), names)
    commits = [_about_commit(name, each) for name, shown in months.items() for each in shown]
    rows = {ABOUT_FILE: [about], ABOUT_COMMITS: commits}
    write_file(to, statements, rows, from_s3=not folder)
    return _describe(to, len(tables), months, gone, as_of)


def _find_months(
    settings: Settings, as_of: dt.datetime | None, *, without_gone: bool
) -> tuple[Months, list[str]]:
    """Return what is shown of each dataset, and in words which months of it are gone."""
    months: Months = {}
    named, told = list[str](), list[str]()
    for dataset in DATASETS:
        shown, gone = find_shown(settings.lake_bucket, dataset, as_of)
        months[dataset.name] = shown
        _tell(f"{dataset.name}: {count(len(shown), 'month')}")
        named += [f"{dataset.name} {each.shown.commit.month}" for each in gone]
        told += [f"{dataset.name} {_describe_gone(each)}" for each in gone]
    if told and not without_gone:
        raise IncompleteError(
            "\n".join(
                [
                    f"Files of {count(len(told), 'month')} are gone; nothing was written:",
                    *(f"  {each}" for each in told),
                    "With --without-gone those months are left out.",
                ]
            )
        )
    for each in told:
        _tell(f"left out: {each}")
    return months, named


def _find_refined(settings: Settings, base: str, months: Months) -> dict[str, tuple[Part, ...]]:
    parts: dict[str, tuple[Part, ...]] = {}
    for dataset in DATASETS:
        commits = [each.commit for each in months[dataset.name] if not each.is_gone]
        parts |= find_parts(settings.lake_bucket, base, dataset, commits)
    return parts


def _find_raw(settings: Settings, base: str) -> dict[str, tuple[Part, ...]]:
    parts: dict[str, tuple[Part, ...]] = {}
    for table in (table for table in TABLES if not table.is_refined):
        raw = find_raw(settings.lake_bucket, table)
        _tell(f"{table.name}: {count(len(raw.keys), 'object')}")
        for key in raw.others:
            _tell(f"left out: {key} is no Parquet file in a {table.partition_key.name} of its own")
        urls = tuple(f"{base}{key}" for key in raw.keys)
        parts[table.name] = (Part(tuple(table.types().items()), urls),) if urls else ()
    return parts


def _check_folder(folder: Path, parts: Iterable[tuple[Part, ...]]) -> None:
    for path in (Path(url) for each in parts for part in each for url in part.urls):
        if not path.is_file():
            raise NotConfiguredError(
                f"Expected the lake's files in B3_LAKE_FOLDER, {folder}; found no {path}. Load "
                f"the settings of the local cloud that runs, or unset it: views are over s3:// "
                f"then. Nothing was written."
            )


def _about_commit(dataset: str, shown: Shown) -> tuple[Any, ...]:
    commit = shown.commit
    return (
        *(dataset, commit.month, commit.number, commit.run_id, commit.attempt),
        *(_utc(commit.published_at), _utc(shown.seen_since), commit.flow_run, shown.is_gone),
    )


def _utc(moment: dt.datetime) -> dt.datetime:
    """Return a moment as a DuckDB timestamp holds it."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def _describe_gone(gone: Gone) -> str:
    commit, later = gone.shown.commit, gone.earliest
    said = f"{commit.month}: files of commit {commit.number} are gone"
    if later:
        since = describe_moment(later.seen_since)
        return f"{said}; the earliest that can be shown is {later.commit.number}, of {since}"
    return f"{said}, and of every later one: run the flow again for a session of that month"


def _describe(
    to: Path, view_count: int, months: Months, gone: list[str], as_of: dt.datetime | None
) -> str:
    shown = [
        f"{name} {count(sum(not each.is_gone for each in of_it), 'month')}"
        for name, of_it in months.items()
    ]
    said = f"wrote {to}: {', '.join([count(view_count, 'view'), *shown])}"
    if as_of:
        said += (
            f", as of {describe_moment(as_of)}, without the tables that keep no history (raw_ "
            f"tables, index_levels)"
        )
    return said + (f"; left out, files are gone: {', '.join(gone)}" if gone else "")


def _tell(text: str) -> None:
    say(text, at=time.time())


def past_moment(text: str) -> dt.datetime:
    """Read a moment from the command line."""
    try:
        return read_moment(text, dt.datetime.now(dt.UTC))
    except InvalidInputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


OPTIONS = (
    option(
        "--to",
        type=Path,
        default=Path("lake.duckdb"),
        metavar="FILE",
        help="where to write it (default: %(default)s); an older one of its own is replaced",
    ),
    option(
        "--as-of",
        type=past_moment,
        metavar="YYYY-MM-DDTHH:MM",
        help="what readers saw then: in UTC, or with an offset such as -03:00 (default: now)",
    ),
    option(
        "--without-gone",
        action="store_true",
        help="leave out months whose files are gone, which else are an error",
    ),
)
EXAMPLES = (
    ("", "what readers see now, in lake.duckdb"),
    ("--to then.duckdb --as-of 2025-08-01T12:00", "what readers saw at noon UTC on that day"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    given, _ = parse("flows.views", __doc__, OPTIONS, EXAMPLES, argv, is_flow=False)
    to, as_of, without_gone = given["to"], given["as_of"], given["without_gone"]
    return run_command(
        lambda: Completed(message=make_views(to, as_of, without_gone=without_gone)),
        is_flow=False,
    )


if __name__ == "__main__":
    sys.exit(main())
