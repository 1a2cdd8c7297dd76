"""A portfolio of an index, of the day or of a period, whatever it was read from."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tasks.core.texts import is_plain, show_ticker

WHOLE_PCT = Decimal("100.000")
LEAST_OF_PERIOD_PCT, MOST_OF_PERIOD_PCT = Decimal("99.999"), Decimal("100.001")
"""What the weights of a period's portfolio sum to: B3 rounds them one by one."""


@dataclass(frozen=True, order=True)
class Constituent:
    """One constituent, in B3's fields.

    Attributes:
        ticker: B3's `cod`.
        asset_name: B3's `asset`, the issuer's short name.
        type: Share class (3), space, event (3), space, listing segment (2); trimmed at the end.
        sector: B3's `segment`; None where the source has none.
        weight_pct: B3's `part`, in percent, three decimals.
        theoretical_quantity: B3's `theoricalQty`, in shares.
    """

    ticker: str
    asset_name: str
    type: str
    sector: str | None
    weight_pct: Decimal
    theoretical_quantity: int

    def __str__(self) -> str:
        return show_ticker(self.ticker)

    @property
    def share_class(self) -> str:
        """Such as `ON`, `PN` or `UNT`."""
        return self.type[:3].strip()

    @property
    def corporate_event(self) -> str | None:
        """The event of the day, such as `EJ`; None if there is none."""
        return self.type[4:7].strip() or None

    @property
    def listing_segment(self) -> str | None:
        """B3's listing segment, such as `NM`; None if there is none."""
        return self.type[8:].strip() or None

    @property
    def has_readable_type(self) -> bool:
        """Whether `type` is plain ASCII and keeps to the fixed columns, so that it can be split."""
        padded = self.type.ljust(10)
        has_columns = len(padded) == 10 and padded[3] == padded[7] == " "
        return has_columns and padded.isascii() and is_plain(padded) and bool(self.share_class)


@dataclass(frozen=True)
class Portfolio:
    """The composition of one index on one session.

    Attributes:
        index_code: E.g. `IBOV`.
        trading_date: The session: the one that B3's header names, or on which B3 showed it.
        total_weight_pct: What the header states, in percent.
        total_theoretical_quantity: What the header states, in shares.
        index_divisor: The header's `redutor`, eight decimals.
        constituents: Sorted, so that two portfolios of the same content are equal.
    """

    index_code: str
    trading_date: dt.date
    total_weight_pct: Decimal
    total_theoretical_quantity: int
    index_divisor: Decimal
    constituents: tuple[Constituent, ...]

    @property
    def weight_sum(self) -> Decimal:
        """Sum of the constituents' weights, in percent."""
        return sum((row.weight_pct for row in self.constituents), Decimal("0.000"))

    def __str__(self) -> str:
        return f"{self.index_code} {self.trading_date}"


@dataclass(frozen=True)
class RawSession:
    """One session as raw keeps it.

    Attributes:
        portfolio: The composition.
        extracted_at: When it was read from its source (UTC, no zone attached).
    """

    portfolio: Portfolio
    extracted_at: dt.datetime


def to_raw_rows(portfolio: Portfolio, extracted_at: dt.datetime) -> list[dict[str, Any]]:
    """Return the rows of a raw table of portfolios, by ticker; some tables have no sectors."""
    return [
        {
            "index_code": portfolio.index_code,
            "cod": row.ticker,
            "asset": row.asset_name,
            "type": row.type,
            "segment": row.sector,
            "part": row.weight_pct,
            "theorical_qty": row.theoretical_quantity,
            "header_part": portfolio.total_weight_pct,
            "header_theorical_qty": portfolio.total_theoretical_quantity,
            "header_reductor": portfolio.index_divisor,
            "extracted_at": extracted_at,
        }
        for row in portfolio.constituents
    ]


def from_raw_rows(trading_date: dt.date, rows: Sequence[Mapping[str, Any]]) -> RawSession:
    """Return the session that the rows of one raw object hold: `to_raw_rows` backwards.

    Args:
        trading_date: The session, which stands in the object's key.
        rows: At least one.
    """
    header = rows[0]
    portfolio = Portfolio(
        index_code=header["index_code"],
        trading_date=trading_date,
        total_weight_pct=header["header_part"],
        total_theoretical_quantity=header["header_theorical_qty"],
        index_divisor=header["header_reductor"],
        constituents=sort_constituents(
            Constituent(
                ticker=row["cod"],
                asset_name=row["asset"],
                type=row["type"],
                sector=row.get("segment"),
                weight_pct=row["part"],
                theoretical_quantity=row["theorical_qty"],
            )
            for row in rows
        ),
    )
    return RawSession(portfolio, header["extracted_at"])


def sort_constituents(constituents: Iterable[Constituent]) -> tuple[Constituent, ...]:
    """Return the constituents in the order that a `Portfolio` keeps them: by ticker."""
    return tuple(sorted(constituents, key=lambda row: row.ticker))
