"""How much of a refined month a reader of one index, or of one ticker, has to read: `make bench`.

Months of real size are generated and refined by Spark as Glue does it: the portfolios of 40
indices, all quotes of a month today, and those of a month of 1995. Within a file the rows lie in
order, so whoever asks for one value needs the groups of rows whose statistics may hold it, and the
footer that holds the statistics. Ten years are 120 such months.
"""

import datetime as dt
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from awswrangler._data_types import athena2pyarrow

from infra.glue.refine import Spark
from infra.local.aws.glue.spark_home import prepare
from infra.local.b3.cotahist_files import list_sessions, write_quotes_zip
from infra.local.b3.sessions import Portfolio, generate_portfolio
from tasks.core.dataset import Dataset
from tasks.core.plan import describe_tables
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.convert import convert_quotes
from tasks.core.quotes.files import QuotesPeriod

INDICES, PORTFOLIO_BAR, QUOTES_BAR = 40, 0.20, 0.15
MONTH, INSTRUMENTS = QuotesPeriod.month(2024, 10), 10_550
OLD_MONTH, OLD_INSTRUMENTS = QuotesPeriod.month(1995, 8), 740


class Share(NamedTuple):
    """Which share of a file is read for one value: on the mean of all values, and at most."""

    mean: float
    worst: float
    file_bytes: int
    row_groups: int


def share_read(path: Path, column: str) -> Share:
    """Return which share of a file is read for one value of a column.

    Args:
        path: A Parquet file.
        column: Text. A row group without statistics of it may hold any value.
    """
    metadata = pq.read_metadata(path)
    size = path.stat().st_size
    place = metadata.schema.names.index(column)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    ranges = []
    for group in groups:
        found = group.column(place).statistics
        has_range = found is not None and found.has_min_max
        chunks = [group.column(number) for number in range(group.num_columns)]
        weight = sum(chunk.total_compressed_size for chunk in chunks)
        ranges.append(
            (found.min if has_range else "", found.max if has_range else "\uffff", weight)
        )
    footer = metadata.serialized_size + 8
    values = pq.read_table(path, columns=[column])[column].unique().to_pylist()
    read = [
        footer + sum(weight for least, greatest, weight in ranges if least <= value <= greatest)
        for value in values
    ]
    return Share(sum(read) / len(read) / size, max(read) / size, size, len(groups))


def make_portfolios(raw: Path) -> Path:
    """Write a month of the portfolios of all indices, of 30 to 90 constituents; return where."""
    kinds = {name: athena2pyarrow(kind) for name, kind in PORTFOLIO.raw.types().items()}
    schema = pa.schema(kinds | {"extracted_at": pa.timestamp("us", tz="UTC")})
    for number in range(INDICES):
        index_code = f"I{number:02}B"
        for session in list_sessions(MONTH):
            portfolio = generate_portfolio(index_code, session, 30 + number * 60 // (INDICES - 1))
            path = raw / PORTFOLIO.raw.object_key(str(session), index_code)
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(raw_rows(portfolio), schema=schema), path)
    return raw / PORTFOLIO.raw.prefix


def raw_rows(portfolio: Portfolio) -> list[dict[str, Any]]:
    """Return a generated session as the rows of its raw object."""
    at = dt.datetime.combine(portfolio.trading_date, dt.time(20, 1, 2, 345000))
    return [
        {
            "index_code": portfolio.index_code,
            "cod": row.ticker,
            "asset": row.asset_name,
            "type": f"{row.share_class:<3} {row.corporate_event or '':<3} "
            f"{row.listing_segment or ''}",
            "segment": row.sector,
            "part": row.weight_pct,
            "theorical_qty": row.theoretical_quantity,
            "header_part": portfolio.total_weight_pct,
            "header_theorical_qty": portfolio.total_theoretical_quantity,
            "header_reductor": portfolio.index_divisor,
            "extracted_at": at,
        }
        for row in portfolio.constituents
    ]


def make_quotes(raw: Path, period: QuotesPeriod, instruments: int) -> Path:
    """Write a month of quotes; return where."""
    with tempfile.TemporaryDirectory() as scratch:
        path = write_quotes_zip(Path(scratch), period, instrument_count=instruments)
        for session in convert_quotes(path, Path(scratch) / "sessions", period).sessions:
            target = raw / QUOTES.raw.object_key(str(session.trading_date), "quotes")
            target.parent.mkdir(parents=True)
            shutil.move(session.path, target)
    return raw / QUOTES.raw.prefix


def refine(engine: Spark, dataset: Dataset, raw: Path, out: Path) -> Path:
    """Have a month's daily rows made of raw by Spark as Glue's job does; return their file."""
    paths = sorted(f"file://{path}" for path in raw.rglob("*.parquet"))
    engine.read(dataset.raw.name, f"file://{raw}", paths)
    engine.write(describe_tables(dataset)[0], f"file://{out}")
    (path,) = out.glob("*.parquet")
    return path


def measure(engine: Spark, folder: Path) -> bool:
    """Measure and print; return whether every ratio keeps its bar."""
    months = (
        ("index", MONTH, PORTFOLIO, make_portfolios(folder / "a"), PORTFOLIO_BAR),
        ("ticker", MONTH, QUOTES, make_quotes(folder / "b", MONTH, INSTRUMENTS), QUOTES_BAR),
        (
            "ticker",
            OLD_MONTH,
            QUOTES,
            make_quotes(folder / "c", OLD_MONTH, OLD_INSTRUMENTS),
            QUOTES_BAR,
        ),
    )
    are_met = True
    for number, (what, month, dataset, raw, bar) in enumerate(months):
        path = refine(engine, dataset, raw, folder / f"out-{number}")
        share = share_read(path, dataset.refined[0].order[0])
        are_met &= share.mean <= bar
        print(
            f"one {what} of {dataset.name} in {month}: {share.mean:.1%} of "
            f"{share.file_bytes / 1e6:.2f} MB in {share.row_groups} row groups, at most "
            f"{share.worst:.1%} (bar {bar:.0%}): {'ok' if share.mean <= bar else 'MISSED'}",
            flush=True,
        )
    return are_met


def main() -> int:
    """Measure and print the ratios; return 1 when one misses its bar."""
    print(f"Reading one value; {platform.platform()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        os.environ.update(prepare(folder, {}))
        engine = Spark("bench")
        are_met = measure(engine, folder)
        engine.session.stop()
    return 0 if are_met else 1


if __name__ == "__main__":
    sys.exit(main())
