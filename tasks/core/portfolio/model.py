"""The day's portfolio of an index, whatever it was read from.

The invariants that B3's own files hold, and that `check_portfolio` asks for: the weights sum to
exactly 100.000, the quantities sum to the header's total, no ticker stands twice, and every text
has its form, so that it is safe in a path, a statement, a page and a line of a log.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tasks.core.checks import Check, compare, none_of
from tasks.core.exchange import explains_as_swapped, is_session, next_session
from tasks.core.numbers import swap_day_and_month
from tasks.core.texts import PLAIN_FORM, TICKER_FORM, is_plain, is_ticker, show, show_ticker

WHOLE_PCT = Decimal("100.000")


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
        trading_date: The session that B3's header names.
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


def check_portfolio(
    portfolio: Portfolio, *, record_count: int | None = None, today: dt.date | None = None
) -> list[Check]:
    """Check a portfolio against its own header and the exchange's calendar.

    Args:
        portfolio: What was read.
        record_count: The count of constituents that the source states, where it states one.
        today: The day in São Paulo on which B3 answered; None for a file of any age.

    Returns:
        One verdict a check.
    """
    rows = portfolio.constituents
    expected_count = len(rows) if record_count is None else record_count
    weight_sum = sum((row.weight_pct for row in rows), Decimal("0.000"))
    counts = Counter(map(str, rows))
    checks = [
        compare("constituent_count", expected_count, len(rows)),
        compare("weights_sum_to_100", WHOLE_PCT, weight_sum),
        compare("header_weight_is_100", WHOLE_PCT, portfolio.total_weight_pct),
        compare(
            "quantities_sum_to_header",
            portfolio.total_theoretical_quantity,
            sum(row.theoretical_quantity for row in rows),
        ),
        none_of("tickers_are_unique", "no ticker twice", [t for t, n in counts.items() if n > 1]),
        *_check_texts(rows),
        none_of(
            # B3 rounds: a constituent of the broad indices may stand there with 0,000.
            "weights_are_not_negative",
            "no weight below zero",
            [f"{row} {row.weight_pct}" for row in rows if row.weight_pct < 0],
        ),
        none_of(
            "quantities_are_positive",
            "every quantity above zero",
            [f"{r} {r.theoretical_quantity}" for r in rows if r.theoretical_quantity <= 0],
        ),
        Check(
            "divisor_is_positive",
            "above zero",
            str(portfolio.index_divisor),
            portfolio.index_divisor > 0,
        ),
    ]
    return checks + _check_session(portfolio.trading_date, today)


def _check_texts(rows: Sequence[Constituent]) -> list[Check]:
    others = (
        (row, name, text)
        for row in rows
        for name, text in (("asset_name", row.asset_name), ("sector", row.sector))
        if text is not None and not is_plain(text)
    )
    return [
        none_of(
            "tickers_have_their_form",
            TICKER_FORM,
            [show(row.ticker) for row in rows if not is_ticker(row.ticker)],
        ),
        none_of(
            "names_and_sectors_are_plain",
            PLAIN_FORM,
            [f"{row} {name} {show(text)}" for row, name, text in others],
        ),
        none_of(
            "types_keep_their_columns",
            "class(3) event(3) listing segment(2), blanks between, in ASCII",
            [f"{row} {show(row.type)}" for row in rows if not row.has_readable_type],
        ),
    ]


def _check_session(day: dt.date, today: dt.date | None) -> list[Check]:
    checks = [Check("date_is_a_session", "a session of B3", f"{day:%Y-%m-%d, %A}", is_session(day))]
    if today:
        latest = next_session(today)
        swapped = swap_day_and_month(day)
        found = f"{day}, which is {swapped} with day and month swapped"
        checks += [
            Check("date_is_not_past_next_session", f"{latest} or before", str(day), day <= latest),
            Check(
                "day_and_month_are_not_swapped",
                f"a session that B3 shows about {today}",
                found,
                not explains_as_swapped(day, swapped, today),
            ),
        ]
    return checks


def to_raw_rows(portfolio: Portfolio, extracted_at: dt.datetime) -> list[dict[str, Any]]:
    """Return the rows of `tasks.core.portfolio.tables.RAW_PORTFOLIO`, by ticker."""
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
                sector=row["segment"],
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
