"""What raw of the reconciliation is to hold, of what the replay of B3 shows."""

import datetime as dt
import io
import zipfile
from decimal import Decimal
from functools import lru_cache
from typing import Any

from infra.local.b3.quotes import serve_quotes
from infra.local.b3.sessions import index_level, published_portfolio
from tasks.core.exchange import previous_session
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.reconciliation.session import (
    Close,
    Market,
    Member,
    Shown,
    closes_of,
    put_side_by_side,
)
from tests.cotahist_text import read_line

Rows = list[dict[str, Any]]


@lru_cache(maxsize=16)
def quoted(day: dt.date) -> dict[str, Close]:
    """The closes of the cash market in the replay's file of a day."""
    with zipfile.ZipFile(io.BytesIO(serve_quotes(QuotesPeriod.day(day)).body)) as archive:
        lines = archive.read(archive.namelist()[0]).splitlines()[1:-1]
    records = map(read_line, lines)
    names = ("preult", "voltot")
    return closes_of(
        record | {name: Decimal(str(record[name])) for name in names} for record in records
    )


def shown(index_code: str, day: dt.date) -> Shown:
    """Portfolio and level of an index, as the replay shows them."""
    portfolio = published_portfolio(index_code, day)
    assert portfolio
    members = tuple(
        Member(
            row.ticker,
            f"{row.share_class:<3} {row.corporate_event or '':<3} {row.listing_segment or ''}",
            row.theoretical_quantity,
            row.weight_pct,
        )
        for row in portfolio.constituents
    )
    return Shown(members, portfolio.index_divisor, index_level(index_code, day))


def replayed(index_code: str, day: dt.date) -> Rows:
    """The raw rows of an index on a session."""
    before = previous_session(day)
    market = Market(quoted(day), quoted(before))
    return put_side_by_side(index_code, shown(index_code, day), shown(index_code, before), market)
