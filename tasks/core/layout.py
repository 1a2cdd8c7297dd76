"""Where things lie in the lake's bucket.

```
landing/portfolio/index_code=IBOV/trading_date=2025-08-01/<sha256>.json.gz   bytes as received
landing/quotes/COTAHIST_D01082025.ZIP/<sha256>.zip                           the same of quotes
landing/quotes/COTAHIST_D01082025.ZIP/loaded.json                            which one raw holds
raw/portfolio/index_code=IBOV/trading_date=2025-08-01/portfolio.parquet      typed, one a session
raw/quotes/trading_date=2025-08-01/quotes.parquet                            the same of quotes
landing/index_levels/index_code=IBOV/year=2025/<sha256>.json.gz              bytes as received
raw/index_levels/index_code=IBOV/year=2025/levels.parquet                    typed, one a year
refined/<table>/run_id=<id>/index_code=IBOV/month=2025-08/….parquet          what a run produced
jobs/<script>.py                                                             the Glue scripts
```

Keys are relative to the bucket and never start with a slash; prefixes end with one.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence

from tasks.core.dataset import Table
from tasks.core.exchange import check_index_code, month_of
from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.tables import RAW_QUOTES


def landing_portfolio_key(
    index_code: str, trading_date: dt.date | None, body: bytes, suffix: str = "json"
) -> str:
    """Return the key of an answer of B3, or of a saved file: the same bytes give the same key.

    Args:
        index_code: The index that was asked for.
        trading_date: The session that the answer names; None where it cannot be read.
        body: The answer, byte for byte.
        suffix: What the bytes are: `json` or `csv`.
    """
    session = trading_date.isoformat() if trading_date else "unknown"
    digest = hashlib.sha256(body).hexdigest()
    return (
        f"landing/portfolio/index_code={check_index_code(index_code)}"
        f"/trading_date={session}/{digest}.{suffix}.gz"
    )


def raw_portfolio_prefix(index_code: str, trading_date: dt.date) -> str:
    """Return the prefix of one session's raw object: the location of its partition."""
    return (
        f"{RAW_PORTFOLIO.prefix}index_code={check_index_code(index_code)}"
        f"/trading_date={trading_date.isoformat()}/"
    )


def raw_portfolio_key(index_code: str, trading_date: dt.date) -> str:
    """Return the key of one session's raw object."""
    return raw_portfolio_prefix(index_code, trading_date) + "portfolio.parquet"


def raw_portfolio_month_prefix(index_code: str, month: str) -> str:
    """Return the prefix that the raw objects of one month share, and no others."""
    return f"{RAW_PORTFOLIO.prefix}index_code={check_index_code(index_code)}/trading_date={month}-"


def landing_quotes_key(period: QuotesPeriod, sha256: str) -> str:
    """Return the key of a quotes file with these bytes."""
    return f"landing/quotes/{period.file_stem}.ZIP/{sha256}.zip"


def loaded_quotes_key(period: QuotesPeriod) -> str:
    """Return the key of the note that says which quotes file of a period raw was loaded from."""
    return f"landing/quotes/{period.file_stem}.ZIP/loaded.json"


def raw_quotes_key(trading_date: dt.date) -> str:
    """Return the key of one session's raw quotes."""
    return f"{raw_quotes_month_prefix(month_of(trading_date))}{trading_date:%d}/quotes.parquet"


def raw_quotes_month_prefix(month: str) -> str:
    """Return the prefix that the raw quotes of one month share, and no others."""
    return f"{RAW_QUOTES.prefix}trading_date={month}-"


def landing_levels_key(index_code: str, year: int, body: bytes) -> str:
    """Return the key of B3's answer about an index's levels in a year."""
    digest = hashlib.sha256(body).hexdigest()
    return f"landing/{_levels_of_year(index_code, year)}{digest}.json.gz"


def raw_levels_prefix(index_code: str, year: int) -> str:
    """Return the prefix of the raw object of a year's levels: the location of its partition."""
    return f"raw/{_levels_of_year(index_code, year)}"


def raw_levels_key(index_code: str, year: int) -> str:
    """Return the key of the raw object of a year's levels."""
    return raw_levels_prefix(index_code, year) + "levels.parquet"


def _levels_of_year(index_code: str, year: int) -> str:
    folder = INDEX_LEVELS.prefix.removeprefix("raw/")
    return f"{folder}index_code={check_index_code(index_code)}/year={year:04}/"


def trading_date_of_raw_key(key: str) -> dt.date:
    """Return the session whose raw object lies at `key`."""
    return dt.date.fromisoformat(key.split("/trading_date=")[1].split("/")[0])


def refined_partition_prefix(table: Table, run_id: str, values: Sequence[str]) -> str:
    """Return the prefix of what one run wrote of one partition of one table.

    Args:
        table: A refined table.
        run_id: The run.
        values: The partition's values, in the order of the table's partition keys.
    """
    pairs = zip(table.partition_keys, values, strict=True)
    path = "/".join(f"{key.name}={value}" for key, value in pairs)
    return f"{table.prefix}run_id={run_id}/{path}/"
