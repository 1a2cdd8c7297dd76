"""What the report of a session says, in values; weights and moves are in percent and points."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from tasks.core.session_report.arithmetic import change_pct
from tasks.core.session_report.moves import Moves


@dataclass(frozen=True)
class Origin:
    """What readers see of the session, and who published it.

    Attributes:
        month: Of the session, `YYYY-MM`.
        commit: The number of its commit.
        run_id: The plan that it was made by.
        published_at: When, in UTC.
        extracted_at: When the session was read from its source, in UTC.
    """

    month: str
    commit: int
    run_id: str
    published_at: dt.datetime
    extracted_at: dt.datetime


@dataclass(frozen=True)
class Totals:
    """The totals of a portfolio.

    Attributes:
        constituent_count: Number of constituents; None where the source states none.
        theoretical_quantity: In shares.
        weight_pct: In percent.
        index_divisor: B3's `redutor`.
    """

    constituent_count: int | None
    theoretical_quantity: int
    weight_pct: Decimal
    index_divisor: Decimal


@dataclass(frozen=True)
class Constituent:
    """A constituent on the session, as `portfolio_daily` has it."""

    weight_rank: int
    ticker: str
    asset_name: str
    share_class: str
    corporate_event: str | None
    sector: str | None
    theoretical_quantity: int
    weight_pct: Decimal


@dataclass(frozen=True)
class Concentration:
    """How much of an index its heaviest constituents make up on a session.

    Attributes:
        trading_date: The session.
        constituent_count: Number of constituents.
        top5_weight_pct: The five heaviest.
        top10_weight_pct: The ten heaviest.
        herfindahl_hirschman_index: The sum of the squared weights, 10,000 for a single constituent.
        weights: All weights, the heaviest first.
    """

    trading_date: dt.date
    constituent_count: int
    top5_weight_pct: Decimal
    top10_weight_pct: Decimal
    herfindahl_hirschman_index: Decimal
    weights: tuple[Decimal, ...]


@dataclass(frozen=True)
class Return:
    """What a constituent returned on the session; prices in reais for one piece.

    Attributes:
        ticker: The constituent.
        corporate_event: Event of the day; on an ex-date the return lacks what went ex.
        weight_pct: Its weight, by the closes of the session before.
        previous_close_price: Close of the session before.
        close_price: Close of the session.
        return_pct: In percent, three decimals.
        contribution_pp: Weight times return, in percentage points of the index, four decimals.
    """

    ticker: str
    corporate_event: str | None
    weight_pct: Decimal
    previous_close_price: Decimal
    close_price: Decimal
    return_pct: Decimal
    contribution_pp: Decimal


@dataclass(frozen=True)
class Levels:
    """The index at the close of two sessions, in points, cut to two decimals.

    Attributes:
        previous: That of the session before; None where it is not known.
        level: That of the session; likewise.
    """

    previous: Decimal | None
    level: Decimal | None

    @property
    def move_pct(self) -> Decimal | None:
        """From one to the other in percent, three decimals; None where one is not known."""
        return change_pct(self.previous, self.level)


@dataclass(frozen=True)
class Market:
    """The session on the market.

    Attributes:
        previous_session: The session with quotes before this one; None where the lake holds none.
        quoted_count: How many constituents have a close on the session.
        returns: Of those with a close on both, the largest contribution first.
        implied: The levels that portfolios and closes give.
        published: B3's.
    """

    previous_session: dt.date | None
    quoted_count: int
    returns: tuple[Return, ...]
    implied: Levels
    published: Levels


@dataclass(frozen=True)
class Reconciliation:
    """A row of `index_reconciliation`, and how many constituents are off beyond the tolerance."""

    verdict: str
    computed_level: Decimal | None
    published_level: Decimal | None
    difference: Decimal | None
    reason: str | None
    outside_count: int


@dataclass(frozen=True)
class MonthSession:
    """A session of the month so far.

    Attributes:
        trading_date: The session.
        constituent_count: Number of constituents.
        index_divisor: B3's `redutor`.
        top5_weight_pct: The five heaviest.
        level: B3's level at the close, in points; None where the lake holds none.
    """

    trading_date: dt.date
    constituent_count: int
    index_divisor: Decimal
    top5_weight_pct: Decimal
    level: Decimal | None


@dataclass(frozen=True)
class SessionReport:
    """The report of a session of an index.

    Attributes:
        index_code: E.g. `IBOV`.
        trading_date: The session.
        origin: Who published what readers see of it.
        held: The totals of what the lake holds.
        stated: B3's own; None where raw cannot be read.
        constituents: The heaviest first.
        concentration: On the session.
        month_ago: The same a month ago; None where the lake holds no session of then.
        moves: Against the last session that the lake holds; None where there is none.
        market: None where the lake has no quotes of the session.
        reconciliation: None where it was not reconciled.
        month: The sessions of the month so far, this one last.
        rebalancing: From its portfolio to the preview that was in force, `since` when it was last
            shown; None where there was none.
    """

    index_code: str
    trading_date: dt.date
    origin: Origin
    held: Totals
    stated: Totals | None
    constituents: tuple[Constituent, ...]
    concentration: Concentration
    month_ago: Concentration | None
    moves: Moves | None
    market: Market | None
    reconciliation: Reconciliation | None
    month: tuple[MonthSession, ...]
    rebalancing: Moves | None

    def __str__(self) -> str:
        return f"{self.index_code} {self.trading_date}"
