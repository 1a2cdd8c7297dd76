"""A lake to make reports from, made by rule: all indices on a session, and months before it.

Raw of the session, the levels of its year, and published months of portfolio, quotes and
reconciliation with their commits; the quotes in about as many records as B3's files have.
"""

import datetime as dt
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.lake import raw_bytes
from infra.local.aws.athena.tables import arrow_type
from infra.local.b3.constituents import LISTED_SHARES
from infra.local.b3.divisors import level_on
from infra.local.b3.period import preview_portfolio, preview_shown, theoretical_portfolio
from infra.local.b3.sessions import INDEX_SIZES, Portfolio, generate_portfolio
from infra.local.b3.shares import closing_price, index_shares
from tasks.core.attempt import Output
from tasks.core.commit import Commit, commit_key, write_commit
from tasks.core.dataset import Dataset, Table
from tasks.core.exchange import month_of, sessions_between
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.plan import RawObject, digest_month, digest_statements
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.period_tables import PORTFOLIO_PREVIEW, PORTFOLIO_THEORETICAL
from tasks.core.portfolio.tables import PORTFOLIO_DAILY, PORTFOLIO_DAILY_SUMMARY, RAW_PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.tables import QUOTES_DAILY, QUOTES_OBJECT
from tasks.core.reconciliation import RECONCILIATION
from tasks.core.reconciliation.tables import CONSTITUENT_RECONCILIATION, INDEX_RECONCILIATION

# The last of 22 sessions of its month, on which the last preview of the next period is shown.
SESSION = dt.date(2024, 4, 30)
RECORDS, CASH_RECORDS = 17_000, 2_500  # of a session's quotes
_ROW_GROUP_BYTES = 256 * 1024  # as the Glue job asks for
_READ_AT = dt.datetime(2024, 5, 1, 12)  # noqa: DTZ001 - the lake keeps UTC without a zone
_ETAG = hashlib.md5(b"raw", usedforsecurity=False).hexdigest()  # commits name what is not read
_SEED, _VALUES = 15, 128
_NOW = month_of(SESSION)
_DATASETS = (PORTFOLIO, QUOTES, RECONCILIATION)

Rows = Iterator[dict[str, Any]]
Days = Sequence[dt.date]


def fill(lake: Path, bucket: str) -> None:
    """Write a lake in which the session's month and the one before it are published.

    Args:
        lake: The bucket's folder; what is published is kept beside it.
        bucket: Its name.
    """
    for code, count in INDEX_SIZES.items():
        _write(lake, RAW_PORTFOLIO.object_key(str(SESSION), code), raw_bytes(_portfolio(code)))
        levels = _parquet(_table(INDEX_LEVELS, _levels(code, count)))
        _write(lake, INDEX_LEVELS.object_key(f"{SESSION.year}", code), levels)
    for dataset in _DATASETS:
        for month in (_NOW, _month_before(_NOW)):
            _write_files(_made_of(lake, dataset, month), dataset, _sessions(month))
            _publish(lake, bucket, dataset, month, _made_of(lake, dataset, month))


def lengthen(lake: Path, bucket: str, months: int) -> None:
    """Have so many months published before the session's, with the rows of the last of them.

    Nothing may read those rows.
    """
    before = _month_before(_NOW)
    for dataset in _DATASETS:
        month = before
        for _ in range(1, months):
            month = _month_before(month)
            _publish(lake, bucket, dataset, month, _made_of(lake, dataset, before))


def _month_before(month: str) -> str:
    return month_of(dt.date.fromisoformat(f"{month}-01") - dt.timedelta(days=1))


def _made_of(lake: Path, dataset: Dataset, month: str) -> Path:
    """Return where the files of a month are that commits name links to."""
    return lake.with_name(f"{dataset.name}-{month}")


def _sessions(month: str) -> list[dt.date]:
    """Return a month's sessions, in order."""
    first = dt.date.fromisoformat(f"{month}-01")
    days = sessions_between(first, first + dt.timedelta(days=30))
    return [day for day in days if month_of(day) == month]


def _publish(lake: Path, bucket: str, dataset: Dataset, month: str, made: Path) -> None:
    """Have a month's files at their places, and the commit that names them."""
    run_id = hashlib.sha256(f"{dataset.name} {month}".encode()).hexdigest()
    outputs = {}
    for table in dataset.refined_tables:
        file = made / table.name
        key = f"{table.attempt_folder(run_id, 'a', month)}part-00000.snappy.parquet"
        (lake / key).parent.mkdir(parents=True)
        os.link(file, lake / key)
        outputs[table.name] = Output({key: file.stat().st_size}, pq.read_metadata(file).num_rows)
    names = [QUOTES_OBJECT] if dataset is QUOTES else sorted(INDEX_SIZES)
    inputs = tuple(
        RawObject(table.object_key(str(day), name), _ETAG, 9_000)
        for table in dataset.raw_tables
        for day in _sessions(month)
        for name in names
    )
    commit = Commit(
        number=1,
        month=month,
        digest=digest_month(dataset, inputs),
        statements=digest_statements(dataset),
        inputs=inputs,
        run_id=run_id,
        attempt="a",
        tables=outputs,
        published_at=_READ_AT.replace(tzinfo=dt.UTC),
        flow_run="bench",
    )
    _write(lake, commit_key(dataset, month, 1), write_commit(commit, dataset, bucket))


def _write(lake: Path, key: str, body: bytes) -> None:
    path = lake / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _write_files(folder: Path, dataset: Dataset, days: Days) -> None:
    """Write a month's refined tables, each as a file of its name."""
    folder.mkdir()
    for table in dataset.refined_tables:
        if table == QUOTES_DAILY:
            rows = _quotes(days)
        else:
            rows = _table(table, _ROWS[table.name](days) if table.name in _ROWS else iter(()))
        (folder / table.name).write_bytes(_parquet(rows))


def _parquet(rows: pa.Table) -> bytes:
    """Return rows as Spark writes them."""
    body = io.BytesIO()
    size = max(1, _ROW_GROUP_BYTES * rows.num_rows // max(1, rows.nbytes))
    pq.write_table(
        *(rows, body, max(100, size)),
        use_deprecated_int96_timestamps=True,
        store_decimal_as_integer=True,
    )
    return body.getvalue()


def _table(table: Table, rows: Rows) -> pa.Table:
    """Return rows in the table's types; a column that a row has not is null."""
    schema = pa.schema([(name, arrow_type(kind)) for name, kind in table.types().items()])
    return pa.Table.from_pylist(list(rows), schema=schema)


@cache
def _portfolio(code: str, session: dt.date = SESSION) -> Portfolio:
    return generate_portfolio(code, session, INDEX_SIZES[code])


def _portfolios(days: Days) -> Iterator[Portfolio]:
    return (_portfolio(code, day) for code in sorted(INDEX_SIZES) for day in days)


def _levels(code: str, count: int) -> Rows:
    for day in sessions_between(SESSION.replace(month=1, day=1), SESSION):
        level = level_on(code, count, day)
        yield _named(code, day) | {"level": level, "extracted_at": _READ_AT}


def _named(code: str, day: dt.date) -> dict[str, Any]:
    return {"index_code": code, "trading_date": day}


def _daily(days: Days) -> Rows:
    for one in _portfolios(days):
        weights = sorted((each.weight_pct for each in one.constituents), reverse=True)
        for each in sorted(one.constituents, key=lambda row: row.ticker):
            yield {
                **_named(one.index_code, one.trading_date),
                **vars(each),
                "weight_rank": weights.index(each.weight_pct) + 1,
                "extracted_at": _READ_AT,
            }


def _summary(days: Days) -> Rows:
    for one in _portfolios(days):
        weights = sorted((each.weight_pct for each in one.constituents), reverse=True)
        yield {
            **_named(one.index_code, one.trading_date),
            "constituent_count": len(weights),
            "total_theoretical_quantity": one.total_theoretical_quantity,
            "total_weight_pct": one.total_weight_pct,
            "index_divisor": one.index_divisor,
            "top5_weight_pct": sum(weights[:5]),
            "extracted_at": _READ_AT,
        }


def _shown(portfolios: Iterator[Portfolio], first: dt.date, last: dt.date) -> Rows:
    for one in portfolios:
        for each in one.constituents:
            yield {
                "index_code": one.index_code,
                "ticker": each.ticker,
                "type": each.share_class,
                "asset_name": each.asset_name,
                "weight_pct": each.weight_pct,
                "theoretical_quantity": each.theoretical_quantity,
                "first_session": first,
                "last_session": last,
            }


def _theoretical(days: Days) -> Rows:
    sizes = sorted(INDEX_SIZES.items())
    shown = (theoretical_portfolio(code, days[-1], count) for code, count in sizes)
    return _shown(shown, days[0], days[-1])


def _previews(days: Days) -> Rows:
    """Yield the last preview of a month, which has one where a period ends."""
    last = preview_shown(days[-1])
    if last.made_on in days:
        sizes = sorted(INDEX_SIZES.items())
        shown = (preview_portfolio(code, last, count) for code, count in sizes)
        yield from _shown(shown, last.made_on, days[-1])


def _reconciled(days: Days) -> Rows:
    for one in _portfolios(days):
        level = level_on(one.index_code, len(one.constituents), one.trading_date)
        yield {
            **_named(one.index_code, one.trading_date),
            "constituent_count": len(one.constituents),
            "quoted_count": len(one.constituents),
            "computed_level": level,
            "published_level": level,
            "difference": Decimal(0),
            "verdict": "equal",
        }


def _reconciled_constituents(days: Days) -> Rows:
    for one in _portfolios(days):
        for each in one.constituents:
            yield {
                **_named(one.index_code, one.trading_date),
                "ticker": each.ticker,
                "corporate_event": each.corporate_event,
                "theoretical_quantity": each.theoretical_quantity,
                "weight_pct": each.weight_pct,
                **dict.fromkeys(("close_price", "previous_close_price"), each.weight_pct),
                **dict.fromkeys(("implied_price", "price_tolerance"), each.weight_pct),
                "difference": Decimal(0),
                "verdict": "within",
            }


_ROWS: Mapping[str, Callable[[Days], Rows]] = {
    PORTFOLIO_DAILY.name: _daily,
    PORTFOLIO_DAILY_SUMMARY.name: _summary,
    PORTFOLIO_THEORETICAL.name: _theoretical,
    PORTFOLIO_PREVIEW.name: _previews,
    INDEX_RECONCILIATION.name: _reconciled,
    CONSTITUENT_RECONCILIATION.name: _reconciled_constituents,
}
"""The rows of the tables that reports are made of, in the order of their files."""


def _quotes(days: Days) -> pa.Table:
    """Return quotes by ticker and session: the members of indices close where they should."""
    draws = np.random.default_rng(_SEED)
    members = {share.ticker: share for share in (*LISTED_SHARES, *index_shares())}
    others = CASH_RECORDS - len(members)
    cash = [*members, *(f"ZZ{number:04}" for number in range(others))]
    tickers = sorted([*cash, *(f"OP{number:06}" for number in range(RECORDS - len(cash)))])
    is_cash = set(cash)
    columns = {
        name: _draw(draws, kind, len(tickers), len(days))
        for name, kind in QUOTES_DAILY.types().items()
    }
    columns["ticker"] = pa.array(np.repeat(tickers, len(days)), pa.string())
    columns["trading_date"] = pa.array([*days] * len(tickers), pa.date32())
    markets = ["010" if ticker in is_cash else "070" for ticker in tickers]
    columns["market_type"] = pa.array(np.repeat(markets, len(days)), pa.string())
    closes = columns["close_price"].to_pylist()
    for place, ticker in enumerate(tickers):
        if ticker in members:
            start = place * len(days)
            prices = [Decimal(closing_price(members[ticker], day)).scaleb(-2) for day in days]
            closes[start : start + len(days)] = prices
    columns["close_price"] = pa.array(closes, columns["close_price"].type)
    return pa.table(columns)


def _draw(draws: np.random.Generator, kind: str, tickers: int, days: int) -> pa.Array:
    """Return values of a type: of a ticker one, or of figures another one each day."""
    made: Callable[[int], Any] = {
        "string": lambda number: f"{number:06}",
        "date": lambda number: SESSION + dt.timedelta(days=number % 500),
    }.get(kind, int if kind in ("int", "bigint") else lambda number: Decimal(number).scaleb(-2))
    is_figure = kind not in ("string", "date", "int")
    numbers = draws.integers(1, 1_000_000, _VALUES if is_figure else tickers).tolist()
    values = pa.array(list(map(made, numbers)), arrow_type(kind))
    if is_figure:
        return values.take(pa.array(draws.integers(0, _VALUES, tickers * days)))
    return values.take(pa.array(np.repeat(np.arange(tickers), days)))
